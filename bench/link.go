package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// link is a TCP way to a target that can be cut and healed.
type link struct {
	addr, target string
	listener     net.Listener
	flows        sync.WaitGroup

	mu    sync.Mutex
	cut   bool
	conns map[net.Conn]struct{}
}

// openLink opens a link; the target need not be there yet.
func openLink(target string) (*link, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open link: %w", err)
	}
	k := &link{addr: l.Addr().String(), target: target, listener: l, conns: map[net.Conn]struct{}{}}
	k.flows.Go(k.accept)
	return k, nil
}

func (k *link) close() {
	_ = k.listener.Close()
	k.set(true)
	k.flows.Wait()
}

// set cuts the link, with a reset of all that is on it, or heals it.
func (k *link) set(cut bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.cut = cut
	if cut {
		for c := range k.conns {
			abort(c)
		}
		clear(k.conns)
	}
}

// abort closes a connection with a reset.
func abort(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

func (k *link) accept() {
	for {
		c, err := k.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			k.flows.Go(func() { k.join(c) })
		}
	}
}

// join carries one connection.
func (k *link) join(in net.Conn) {
	defer abort(in)
	if !k.hold(in) {
		return
	}
	var d net.Dialer
	out, err := d.DialContext(context.Background(), "tcp", k.target)
	if err != nil {
		return
	}
	defer abort(out)
	if !k.hold(out) {
		return
	}
	var ways sync.WaitGroup
	for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
		ways.Go(func() {
			_, _ = io.Copy(way[0], way[1]) // ended by either side, or by a cut
			_ = way[0].Close()
		})
	}
	ways.Wait()
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.conns, in)
	delete(k.conns, out)
}

// hold takes a connection down so that a cut ends it; false where the link is cut.
func (k *link) hold(c net.Conn) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.cut {
		k.conns[c] = struct{}{}
	}
	return !k.cut
}
