package bus

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"
)

// TestServerLog holds that a peer which stays away is complained of at once, then each minute with a count, and that its
// return is said once.
func TestServerLog(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(0, 0)
	l := newServerLog(slog.New(slog.NewTextHandler(&out, nil)))
	l.now = func() time.Time { return now }
	away := func(address string) {
		at, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		l.Errorf("Error trying to connect to route (attempt %v): %v", 1, &net.OpError{Op: "dial", Net: "tcp", Addr: at, Err: errors.New("refused")})
	}
	said := func(want ...string) {
		t.Helper()
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if out.Len() == 0 {
			lines = nil
		}
		out.Reset()
		if len(lines) != len(want) {
			t.Fatalf("said %q, want %q", lines, want)
		}
		for i, w := range want {
			if !strings.Contains(lines[i], w) {
				t.Errorf("said %q, want %q", lines[i], w)
			}
		}
	}
	for range 130 {
		away("127.0.0.1:1")
		now = now.Add(time.Second)
	}
	said("refused", "again=59", "again=59")
	away("127.0.0.1:2")
	said("127.0.0.1:2") // another one at once
	l.Noticef("127.0.0.1:1 - rid:7 - Route connection created")
	l.Noticef("127.0.0.1:1 - rid:8 - Route connection created")
	l.Noticef("Server is ready")
	said("address=127.0.0.1:1 failed=130")
	away("127.0.0.1:1")
	said("127.0.0.1:1")
	for n := range 3 {
		l.Errorf(fmt.Sprintf("127.0.0.1:%d - cid:%d - TLS handshake error: %%v", 50_000+n, n), "no certificate")
	}
	said("TLS handshake error: no certificate") // whichever connection it was
}
