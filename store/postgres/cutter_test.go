package postgres_test

import (
	"bytes"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// cutter passes bytes to a server and back, until it is armed and sees a COMMIT: then that connection ends, before the server
// has it or before its answer comes back.
type cutter struct {
	address   string
	target    string
	delivered bool
	stays     bool // nobody gets through afterwards, until heal
	ready     atomic.Bool
	away      atomic.Bool
}

func newCutter(t *testing.T, target string, delivered bool) *cutter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	c := &cutter{address: l.Addr().String(), target: target, delivered: delivered}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { c.pass(client) })
		}
	})
	t.Cleanup(func() {
		check(t, l.Close())
		wg.Wait()
	})
	return c
}

func (c *cutter) arm()        { c.ready.Store(true) }
func (c *cutter) armed() bool { return c.ready.Load() }

func (c *cutter) heal() { c.away.Store(false) }

func (c *cutter) pass(client net.Conn) {
	defer client.Close()
	if c.away.Load() {
		return
	}
	srv, err := net.Dial("tcp", c.target)
	if err != nil {
		return
	}
	defer srv.Close()
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(client, srv)
		client.Close()
	})
	defer back.Wait()
	defer srv.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		if bytes.Contains(buf[:n], []byte("commit\x00")) && c.ready.CompareAndSwap(true, false) {
			c.away.Store(c.stays)
			client.Close() // its answer goes nowhere
			if c.delivered {
				_, _ = srv.Write(buf[:n])
				_ = srv.(*net.TCPConn).CloseWrite()
				back.Wait() // the server has done with it
			}
			return
		}
		if _, err := srv.Write(buf[:n]); err != nil {
			return
		}
	}
}
