package fakellm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Run serves on a listener until the context ends; then it stops taking requests, lets open answers
// go on for Options.Grace, ends the rest, and returns nil when none is left. It closes the listener.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	hard, cut := context.WithCancel(context.Background())
	defer cut()
	var open crowd
	hs := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			open.enter()
			defer open.leave()
			s.serveOn(connOf(r.Context()), w, r)
		}),
		BaseContext:       func(net.Listener) context.Context { return hard },
		ConnContext:       connContext,
		ConnState:         connState,
		ReadHeaderTimeout: 30 * time.Second,
		IdleTimeout:       10 * time.Minute,
		ErrorLog:          slog.NewLogLogger(s.opts.Logger.Handler(), slog.LevelDebug),
		TLSConfig:         s.opts.TLS.Clone(),
	}
	g := s.gates.add(l)
	defer s.gates.remove(g)
	served := make(chan error, 1)
	go func() {
		if s.opts.TLS != nil {
			served <- hs.ServeTLS(g, "", "")
			return
		}
		served <- hs.Serve(g)
	}()
	select {
	case err := <-served:
		return fmt.Errorf("serve fake provider: %w", err)
	case <-ctx.Done():
	}
	grace, release := context.WithTimeout(context.Background(), s.opts.Grace)
	defer release()
	_ = hs.Shutdown(grace) // an error says that answers are still open; they end now
	cut()
	_ = hs.Close()
	open.wait()
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve fake provider: %w", err)
	}
	return nil
}

// TB is the part of testing.TB that Start needs.
type TB interface {
	Helper()
	Cleanup(func())
	Fatal(args ...any)
}

// Start serves a fake provider on a free loopback port until the test ends, and gives the URL that
// it is at, without a path.
func Start(tb TB, o Options) (*Server, string) {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s := New(o)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, l) }()
	tb.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			tb.Fatal(err)
		}
	})
	if o.TLS != nil {
		return s, "https://" + l.Addr().String()
	}
	return s, "http://" + l.Addr().String()
}

// crowd counts the answers under way. Unlike a WaitGroup it may be entered while it is awaited.
type crowd struct {
	mu    sync.Mutex
	n     int
	empty chan struct{} // closed when the last one leaves; nil = nobody waits
}

func (c *crowd) enter() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
}

func (c *crowd) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n--; c.n == 0 && c.empty != nil {
		close(c.empty)
		c.empty = nil
	}
}

func (c *crowd) wait() {
	c.mu.Lock()
	if c.n == 0 {
		c.mu.Unlock()
		return
	}
	empty := make(chan struct{})
	c.empty = empty
	c.mu.Unlock()
	<-empty
}

// conn is an accepted connection that can be told to close behind an answer. A request that arrives
// when the time to close has come is too late, whichever goroutine is first to act on it: it is not
// read any further, not answered and not in the log, as if it had never reached the provider.
type conn struct {
	net.Conn
	gate  *gate
	after atomic.Int64 // nanoseconds from the end of an answer to the close; never = stays open

	// Touched by the connection's own goroutine only.
	timer *time.Timer
	late  bool // closed when a request arrived
}

const never = -1

func (c *conn) closeIn(d time.Duration) { c.after.Store(int64(d)) }

// Close closes the connection and forgets it.
func (c *conn) Close() error {
	c.gate.forget(c)
	return c.Conn.Close()
}

type connKey struct{}

func connContext(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, ours(c))
}

func connOf(ctx context.Context) *conn {
	c, _ := ctx.Value(connKey{}).(*conn)
	return c
}

// ours finds the accepted connection below TLS.
func ours(c net.Conn) *conn {
	if t, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = t.NetConn()
	}
	own, _ := c.(*conn)
	return own
}

// serveOn answers a request, unless its connection is closed already.
func (s *Server) serveOn(c *conn, w http.ResponseWriter, r *http.Request) {
	if c != nil && c.late {
		panic(http.ErrAbortHandler) // net/http's way to end a connection without an answer
	}
	s.ServeHTTP(w, r)
}

// connState closes connections that were told to, when net/http has sent the whole answer.
func connState(nc net.Conn, state http.ConnState) {
	c := ours(nc)
	if c == nil {
		return
	}
	if c.timer != nil && state == http.StateActive {
		if !c.timer.Stop() { // it fired: its close is on its way, and would cut an answer short
			c.late = true
			_ = c.Close()
		}
		c.timer = nil
	}
	if state != http.StateIdle {
		return
	}
	switch d := c.after.Swap(never); {
	case d == 0:
		_ = c.Close()
	case d > 0:
		c.timer = time.AfterFunc(time.Duration(d), func() { _ = c.Close() })
	}
}
