package admit_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"fairlead/admit"
)

func TestAuthFailures(t *testing.T) {
	f := admit.NewAuthFailures(3, time.Minute, 100)
	addr := netip.MustParseAddr
	for i := range 3 {
		if _, refused := f.Refused(addr("10.0.0.1"), time.Duration(i)*time.Second); refused {
			t.Errorf("refused after %d failures", i)
		}
		f.Failed(addr("10.0.0.1"), time.Duration(i)*time.Second)
	}
	for _, c := range []struct {
		addr string
		now  time.Duration
		wait time.Duration
	}{
		{"10.0.0.1", 2 * time.Second, 58 * time.Second},
		{"::ffff:10.0.0.1", 2 * time.Second, 58 * time.Second},
		{"10.0.0.2", 2 * time.Second, 0},
		{"10.0.0.1", time.Minute - 1, 1},
		{"10.0.0.1", time.Minute, 0},
	} {
		if wait, refused := f.Refused(addr(c.addr), c.now); wait != c.wait || refused != (c.wait > 0) {
			t.Errorf("%s at %v: %v %v", c.addr, c.now, wait, refused)
		}
	}
	f.Failed(addr("10.0.0.1"), time.Minute) // the window slides: three within it again
	if wait, _ := f.Refused(addr("10.0.0.1"), time.Minute); wait != time.Second {
		t.Errorf("waits %v", wait)
	}
	for i := range 3 {
		f.Failed(addr(fmt.Sprint("2001:db8:1:2::", i+1)), time.Minute)
	}
	for a, want := range map[string]bool{"2001:db8:1:2:ffff::9%eth0": true, "2001:db8:1:3::1": false} {
		if _, refused := f.Refused(addr(a), time.Minute); refused != want {
			t.Errorf("%s: %v", a, refused)
		}
	}
}

// TestAuthFailuresModel compares with all failures ever, and holds that memory is bounded.
func TestAuthFailuresModel(t *testing.T) {
	const most, room = 4, 50
	f := admit.NewAuthFailures(most, time.Minute, room)
	rng := rand.New(rand.NewPCG(9, 9))
	var now time.Duration
	failed := map[netip.Addr][]time.Duration{}
	for range 20_000 {
		now += time.Duration(rng.Int64N(int64(time.Second)))
		addr := netip.AddrFrom4([4]byte{10, 0, 0, byte(rng.IntN(40))})
		in := 0
		for _, at := range failed[addr] {
			if at+time.Minute > now {
				in++
			}
		}
		if _, refused := f.Refused(addr, now); refused != (in >= most) {
			t.Fatalf("%v with %d failures: %v", addr, in, refused)
		} else if !refused {
			f.Failed(addr, now)
			failed[addr] = append(failed[addr], now)
		}
	}
	for i := range 100_000 {
		f.Failed(netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)}), now)
		if f.Len() > room {
			t.Fatalf("%d addresses are kept", f.Len())
		}
	}
	f.Failed(netip.MustParseAddr("12.0.0.1"), now+time.Hour)
	f.Failed(netip.MustParseAddr("12.0.0.1"), now+time.Hour)
	if f.Len() > room-3 {
		t.Errorf("%d addresses are kept an hour later", f.Len())
	}
}
