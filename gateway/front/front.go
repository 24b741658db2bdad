// Package front takes callers' connections and reads requests from them. HTTP/1.1 is served by a loop of
// its own around the standard library's http.ReadRequest: one goroutine a connection, one read and one
// write for a small exchange, and every refusal, of broken framing too, in the caller's dialect. HTTP/2
// goes to net/http. docs/adr/0010 says why.
package front

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"fairlead"
	"fairlead/internal/sock"
)

// Options is what a server is made of; each field must be set.
type Options struct {
	// Handler serves each request. Writer and request are its own until it returns, and no longer.
	Handler http.Handler
	// Malformed answers what cannot be read as a request: r is what could be understood of it, a path and
	// headers. The connection ends with this answer.
	Malformed func(w http.ResponseWriter, r *http.Request, e *fairlead.Error)

	HeaderTime time.Duration // for a TLS handshake, and for a request's headers and the first of its body to arrive
	IdleTime   time.Duration // of a kept connection between requests
	WriteTime  time.Duration // for what is written first to be taken; the handler may set other deadlines
	MaxHeader  int           // bytes of a request's line and headers; past it the rest is not read
	Log        *slog.Logger
}

// Server serves the connections of one listener.
type Server struct {
	Options
	over2   *http.Server // serves what speaks HTTP/2
	hand    *handOver
	replies sync.Pool // *reply: without it BenchmarkServe has 2 KB more garbage an exchange
	sweeper sweeper
	swept   chan struct{} // closed when the sweeper has ended; nil: it never began
	date    atomic.Pointer[stamp]
	closing atomic.Bool

	mu       sync.Mutex
	listener net.Listener
	conns    map[*conn]struct{}
	left     chan struct{} // closed when closing and the last connection is gone
}

// New makes a server that has no connection yet.
func New(o Options) *Server {
	s := &Server{Options: o, hand: newHandOver(), conns: map[*conn]struct{}{}, left: make(chan struct{})}
	s.replies.New = func() any { return &reply{header: http.Header{}} }
	s.sweeper.wake = make(chan struct{}, 1)
	s.over2 = newOver2(&o)
	return s
}

// Serve takes connections from l until Shutdown or Close, and then gives http.ErrServerClosed. Where the
// listener breaks, it breaks all connections off, too. With cert and key files it speaks TLS.
func (s *Server) Serve(l net.Listener, cert, key string) error {
	var secure *tls.Config
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return fmt.Errorf("read certificate: %w", err)
		}
		secure = &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"}}
	}
	if !s.listen(l) {
		return errors.Join(http.ErrServerClosed, l.Close())
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.over2.Serve(s.hand) // ends with http.ErrServerClosed
	}()
	err := s.accept(l, secure)
	if !s.closing.Load() {
		err = errors.Join(err, s.Close()) // nobody else will
	}
	<-ended
	return err
}

func (s *Server) listen(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Load() {
		return false
	}
	s.listener, s.swept = l, make(chan struct{})
	go func() {
		defer close(s.swept)
		s.sweeper.run(s.left) // callers are watched until the last has left, Serve's end or not
	}()
	return true
}

const (
	firstPause = 5 * time.Millisecond // before an accept that failed for want of something is tried again
	mostPause  = time.Second
)

func (s *Server) accept(l net.Listener, secure *tls.Config) error {
	pause := firstPause
	for {
		c, err := l.Accept()
		switch {
		case err == nil:
			pause = firstPause
			s.take(c, secure)
		case s.closing.Load():
			return http.ErrServerClosed
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept: %w", err)
		default: // the system is short of files or memory: connections that end give some back
			s.Log.Warn("a connection could not be taken", "error", err)
			time.Sleep(pause)
			pause = min(2*pause, mostPause)
		}
	}
}

// take begins to serve a connection.
func (s *Server) take(nc net.Conn, secure *tls.Config) {
	nc = sock.New(nc)
	c := newConn(s, nc)
	if secure != nil {
		c.stream = tls.Server(nc, secure)
	}
	s.mu.Lock()
	if s.closing.Load() {
		s.mu.Unlock()
		_ = nc.Close()
		return
	}
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	go c.serve()
}

// forget drops a connection that ended or was handed over.
func (s *Server) forget(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if s.closing.Load() && len(s.conns) == 0 {
		s.gone()
	}
}

// gone tells Shutdown that no connection is left. The caller holds mu.
func (s *Server) gone() {
	select {
	case <-s.left:
	default:
		close(s.left)
	}
}

// Shutdown takes no more connections, closes idle ones, and waits for those in use until ctx is done;
// its cause is then the error, and Close breaks off what is left.
func (s *Server) Shutdown(ctx context.Context) error {
	s.close(func(c *conn) {
		if c.state.CompareAndSwap(idle, closed) {
			_ = c.raw.Close()
		}
	})
	return errors.Join(s.over2.Shutdown(ctx), s.await(ctx))
}

// closeTime is how long Close waits for handlers whose connections it broke off.
const closeTime = 5 * time.Second

// Close breaks all connections off, and waits a moment until their handlers have returned.
func (s *Server) Close() error {
	s.close(func(c *conn) {
		_ = c.raw.Close()
		c.cancel()
	})
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	return errors.Join(s.over2.Close(), s.await(ctx))
}

// await waits until no connection is left, and nobody to look at them.
func (s *Server) await(ctx context.Context) error {
	select {
	case <-s.left:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	s.mu.Lock()
	swept := s.swept
	s.mu.Unlock()
	if swept != nil {
		<-swept
	}
	return nil
}

// close stops the listener and does end to each connection.
func (s *Server) close(end func(*conn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing.Store(true)
	if s.listener != nil {
		_ = s.listener.Close()
	}
	for c := range s.conns {
		end(c)
	}
	if len(s.conns) == 0 {
		s.gone()
	}
}
