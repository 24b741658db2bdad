package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
)

// watched is a connection of http.Transport. A reader goroutine of http.Transport waits on each idle
// one; between the end of an answer and its next wait a new request may take the connection, and a
// byte too many of the old answer, already read, would be taken for the new one. settle closes that
// gap: it lets a request go on only once the reader waits on the network, hence holds nothing, and
// nothing has arrived there. For that the reader waits without taking anything, and takes only under
// the lock.
type watched struct {
	net.Conn
	wire *wire  // for looks under the lock
	wait looker // for those of the waiting reader

	mu      sync.Mutex
	moved   *sync.Cond // broadcast when reading or closed changes
	reading bool
	closed  bool
	stale   bool // what is read from now on belongs to no exchange
}

// errStale ends a connection on which something unasked for arrived.
var errStale = errors.New("connection is stale")

func dialWatched(o Options) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		bound, cancel := context.WithTimeout(ctx, o.Connect)
		defer cancel()
		c, err := o.Dial(bound, network, addr)
		if err != nil && bound.Err() != nil && ctx.Err() == nil {
			return nil, fmt.Errorf("no connection within %s: %w", o.Connect, os.ErrDeadlineExceeded)
		}
		if err != nil {
			return nil, err
		}
		w := &watched{Conn: c, wire: newWire(c)}
		w.moved = sync.NewCond(&w.mu)
		w.wait.init()
		return w, nil
	}
}

// Read is net.Conn's. Without a descriptor (Options.Dial may give such a connection) it cannot wait
// without taking, and settle has only its word that it waits.
func (w *watched) Read(p []byte) (int, error) {
	for w.wire.raw != nil {
		if n, ok, err := w.take(p); ok {
			return n, err
		}
		if err := w.wait.await(w.wire.raw); err != nil {
			break // a deadline or a closed connection, as Read will say
		}
		if w.wait.err != nil {
			return 0, w.wait.err
		}
	}
	w.set(&w.reading, true)
	n, err := w.Conn.Read(p)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reading = false
	w.moved.Broadcast()
	if w.stale {
		return 0, errStale
	}
	return n, err
}

// take reads what is there; ok is false where nothing is, and the reader is then said to wait.
func (w *watched) take(p []byte) (n int, ok bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.moved.Broadcast()
	if w.stale {
		return 0, true, errStale
	}
	w.reading = w.wire.look.at(w.wire.raw) == quiet
	if w.reading {
		return 0, false, nil
	}
	if w.wire.look.err != nil {
		return 0, true, w.wire.look.err
	}
	n, err = w.Conn.Read(p)
	return n, true, err
}

// Write is net.Conn's. A provider may answer and close before it has read everything. That breaks
// the write, upon which http.Transport would drop the answer; so the break is left for the reader
// to find, behind the answer.
func (w *watched) Write(p []byte) (int, error) {
	n, err := w.Conn.Write(p)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		return len(p), nil
	}
	return n, err
}

// Close is net.Conn's.
func (w *watched) Close() error {
	w.set(&w.closed, true)
	return w.Conn.Close()
}

func (w *watched) set(state *bool, v bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*state = v
	w.moved.Broadcast()
}

// settle waits until a connection that http.Transport has taken from its idle ones is at rest. Its
// reader is on its way to the network or to closing the connection, so the wait is short.
func settle(c net.Conn) {
	for {
		switch t := c.(type) {
		case *watched:
			t.settle()
			return
		case interface{ NetConn() net.Conn }: // TLS, perhaps within TLS to a proxy
			if h2(c) {
				return // its streams are told apart by their numbers
			}
			c = t.NetConn()
		default:
			return
		}
	}
}

func (w *watched) settle() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for !w.reading && !w.closed {
		w.moved.Wait()
	}
	if w.reading && !w.closed && w.wire.raw != nil && w.wire.look.at(w.wire.raw) != quiet {
		w.stale = true
		w.closed = true
		_ = w.Conn.Close()
	}
}

func h2(c net.Conn) bool {
	t, ok := c.(interface{ ConnectionState() tls.ConnectionState })
	return ok && t.ConnectionState().NegotiatedProtocol == "h2"
}

// lent is a request's body while http.Transport may read it, which can go on after the answer.
// After recall it is the caller's again.
type lent struct {
	mu sync.Mutex
	b  []byte
}

func (l *lent) recall() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b = nil
}

func (l *lent) reader() io.ReadCloser {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &lentReader{l: l, size: len(l.b)}
}

type lentReader struct {
	l        *lent
	at, size int
}

// Read is io.Reader's.
func (r *lentReader) Read(p []byte) (int, error) {
	if r.at == r.size {
		return 0, io.EOF
	}
	r.l.mu.Lock()
	defer r.l.mu.Unlock()
	if r.l.b == nil {
		return 0, errClosed
	}
	n := copy(p, r.l.b[r.at:])
	r.at += n
	return n, nil
}

// Close is io.Closer's.
func (r *lentReader) Close() error { return nil }
