package fakellm

import (
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// downModes are what an outage looks like: the port refuses, connections are reset, or 503.
var downModes = []string{"refuse", "reset", "503"}

// outage is a time in which the provider is down.
type outage struct {
	until time.Time
	mode  string
}

// Down makes the provider fail for a time: "refuse" closes its listeners and every connection, the
// control interface with them; "reset" resets the connection of every request; "503" answers so.
func (s *Server) Down(d time.Duration, mode string) {
	s.outage.Store(&outage{until: time.Now().Add(d), mode: mode})
	if mode == "refuse" {
		s.gates.shut(d)
	}
}

// Up ends an outage.
func (s *Server) Up() {
	s.outage.Store(nil)
	s.gates.open()
}

// answerDown answers a request during an outage and reports whether there is one.
func (s *Server) answerDown(w http.ResponseWriter, r *http.Request, n *note) bool {
	o := s.outage.Load()
	if o == nil || time.Now().After(o.until) {
		return false
	}
	op, _ := findOperation(r)
	sc := problemScript(op.shape, ofStatus(http.StatusServiceUnavailable, op.shape))
	if o.mode != "503" {
		sc = &script{act: actReset, steps: []step{{}}}
	}
	sc.outcome = "down"
	s.play(w, r, sc, n)
	return true
}

// gates are the listeners that a server runs on.
type gates struct {
	mu   sync.Mutex
	list []*gate
}

func (gs *gates) add(l net.Listener) *gate {
	g := &gate{addr: l.Addr(), inner: l, conns: map[*conn]struct{}{}, wake: make(chan struct{})}
	gs.mu.Lock()
	defer gs.mu.Unlock()
	gs.list = append(gs.list, g)
	return g
}

func (gs *gates) remove(g *gate) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	gs.list = slices.DeleteFunc(gs.list, func(x *gate) bool { return x == g })
}

func (gs *gates) shut(d time.Duration) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	for _, g := range gs.list {
		g.shut(d)
	}
}

func (gs *gates) open() {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	for _, g := range gs.list {
		g.reopen()
	}
}

// gate is a listener that can be shut for a time: its port refuses, then takes connections again.
type gate struct {
	addr net.Addr

	mu     sync.Mutex
	inner  net.Listener  // nil while shut
	wake   chan struct{} // closed when inner or closed change
	closed bool
	conns  map[*conn]struct{}
	timer  *time.Timer
	free   func() // gives the port back that is kept while shut; nil = none is
}

// Accept waits for a connection, through any outage.
func (g *gate) Accept() (net.Conn, error) {
	for {
		g.mu.Lock()
		inner, wake, closed := g.inner, g.wake, g.closed
		g.mu.Unlock()
		switch {
		case closed:
			return nil, net.ErrClosed
		case inner == nil:
			<-wake
			continue
		}
		c, err := inner.Accept()
		if err != nil && g.changed(inner) {
			continue
		}
		if err != nil {
			return nil, err
		}
		own := &conn{Conn: c, gate: g}
		own.after.Store(never)
		if g.remember(own) {
			return own, nil
		}
		abort(c)
	}
}

// changed reports whether a listener is no longer the gate's own.
func (g *gate) changed(inner net.Listener) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.inner != inner || g.closed
}

// remember keeps a connection for an outage; it reports false where one has begun.
func (g *gate) remember(c *conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inner == nil || g.closed {
		return false
	}
	g.conns[c] = struct{}{}
	return true
}

func (g *gate) forget(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.conns, c)
}

// shut closes the port and resets every connection.
func (g *gate) shut(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return
	}
	if g.inner != nil {
		_ = g.inner.Close()
		g.inner = nil
		defer func() { g.free = reserve(g.addr) }()
	}
	for c := range g.conns {
		abort(c.Conn)
	}
	clear(g.conns)
	if g.timer != nil {
		g.timer.Stop()
	}
	g.timer = time.AfterFunc(d, g.reopen)
}

// reopenPause is between two tries at a port that another process holds.
const reopenPause = 20 * time.Millisecond

// reopen listens at the same port again.
func (g *gate) reopen() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || g.inner != nil {
		return
	}
	if g.timer != nil {
		g.timer.Stop()
	}
	g.release()
	l, err := net.Listen(g.addr.Network(), g.addr.String())
	if err != nil {
		g.timer = time.AfterFunc(reopenPause, g.reopen)
		return
	}
	g.inner = l
	close(g.wake)
	g.wake = make(chan struct{})
}

// release gives back the port that is kept.
func (g *gate) release() {
	if g.free != nil {
		g.free()
		g.free = nil
	}
}

// Close ends the gate.
func (g *gate) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	g.closed = true
	g.release()
	if g.timer != nil {
		g.timer.Stop()
	}
	close(g.wake)
	if g.inner == nil {
		return nil
	}
	return g.inner.Close()
}

// Addr is where the gate listens, also while it is shut.
func (g *gate) Addr() net.Addr { return g.addr }
