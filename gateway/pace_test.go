package gateway

import "testing"

func TestPercent(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		name         string
		live, bodies int64
		want         int
	}{
		{"a small heap grows by the most", 10 * mib, 0, 400},
		{"64 MiB", 64 * mib, 0, 100},
		{"a heap of streams grows by half", 250 * mib, 0, 50},
		{"a gigabyte of bodies grows by 64 MiB", 1100 * mib, 1024 * mib, 5},
		{"bodies that the last collection has not seen", 20 * mib, 1024 * mib, 6},
		{"never less than the least", 8192 * mib, 8000 * mib, 3},
		{"nothing known", 0, 0, 400},
	} {
		if got := percent(c.live, c.bodies); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestBodiesAreBounded(t *testing.T) {
	const limit = 16 << 20
	var b bodies
	if !b.take(2*limit, 2*limit, limit) {
		t.Fatal("a body that is alone is not let in")
	}
	b.give(2 * limit)
	if !b.take(limit-limit/reserve, limit, limit) {
		t.Fatal("a large body does not get what is free")
	}
	if b.take(smallBody+1, smallBody+1, limit) {
		t.Error("a large body took what is kept for small ones")
	}
	taken := 0
	for b.take(smallBody, smallBody, limit) {
		taken++
	}
	if taken != limit/reserve/smallBody {
		t.Errorf("%d small bodies were let in", taken)
	}
	b.give(limit)
	if got := b.used.Load(); got != 0 {
		t.Errorf("%d bytes are held by nobody", got)
	}
}
