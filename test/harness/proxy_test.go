package harness_test

import (
	"io"
	"net"
	"testing"
	"time"

	"fairlead/test/harness"
)

// echo answers each byte with itself.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	return l.Addr().String()
}

// says sends a byte and reports whether it came back within a bound.
func says(c net.Conn, bound time.Duration) bool {
	_ = c.SetDeadline(time.Now().Add(bound))
	if _, err := c.Write([]byte{'x'}); err != nil {
		return false
	}
	_, err := io.ReadFull(c, make([]byte, 1))
	return err == nil
}

func dial(t *testing.T, p *harness.Proxy) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestProxy(t *testing.T) {
	p := harness.NewProxy(t, echo(t))
	c := dial(t, p)
	if !says(c, 10*time.Second) {
		t.Fatal("the link carries nothing")
	}
	p.Hole()
	if says(c, 50*time.Millisecond) {
		t.Error("a hole lets something pass")
	}
	p.Heal()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Errorf("what a hole held back is lost: %v", err)
	}
	p.Cut()
	if says(c, 10*time.Second) {
		t.Error("a cut link carries on")
	}
	if fresh, err := net.Dial("tcp", p.Addr); err == nil && says(fresh, 10*time.Second) {
		t.Error("a cut link takes new connections")
	}
	p.Heal()
	if !says(dial(t, p), 10*time.Second) {
		t.Error("a healed link carries nothing")
	}
}
