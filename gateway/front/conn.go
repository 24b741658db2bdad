package front

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// readSize is the size of a connection's read buffer: the headers of common callers and a small body.
const readSize = 4 << 10

// What a connection is doing. Only an idle one is closed by Shutdown.
const (
	idle int32 = iota
	busy
	closed
)

// conn is a caller's connection of HTTP/1. It is its own buffer's source.
type conn struct {
	s      *Server
	raw    net.Conn
	stream net.Conn // raw, or TLS over it
	secure *tls.ConnectionState
	remote string
	br     *bufio.Reader
	state  atomic.Int32
	ctx    context.Context // of every exchange: it ends when the caller leaves
	cancel context.CancelFunc

	posted     bool  // the last request was a POST
	room       int   // bytes that may still be read of a request's headers; -1: no bound
	fail       error // what ended the reading, for good
	first      bool  // it is the connection's first request
	late       bool  // a read met its deadline since the request began
	readUntil  time.Time
	writeUntil time.Time

	body  body
	watch watch
}

func newConn(s *Server, raw net.Conn) *conn {
	c := &conn{s: s, raw: raw, stream: raw, remote: raw.RemoteAddr().String(), room: -1}
	c.br = bufio.NewReaderSize(c, readSize)
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.body.c = c
	c.watch.c = c
	return c
}

// serve serves requests until the connection ends.
func (c *conn) serve() {
	defer c.s.forget(c)
	defer c.cancel()
	defer func() {
		if v := recover(); v != nil { // a defect of ours must not end the process
			c.broken(v)
			_ = c.raw.Close()
		}
	}()
	if c.begin() {
		c.requests()
	}
}

// begin brings a connection to where requests can be read from it; false where it ended before that, or
// speaks HTTP/2 and was handed over. All of it, and the first request's headers, have HeaderTime.
func (c *conn) begin() bool {
	c.readBy(time.Now().Add(c.s.HeaderTime))
	if tc, ok := c.stream.(*tls.Conn); ok {
		return c.handshake(tc)
	}
	return !c.handedOver()
}

// requests serves one request after another.
func (c *conn) requests() {
	defer c.stream.Close()
	for c.first = true; c.await(); c.first = false {
		r, e := c.request()
		if r == nil {
			return
		}
		if !c.exchange(r, e) {
			return
		}
	}
}

// handshake does that of TLS, and hands the connection over where it is to speak HTTP/2.
func (c *conn) handshake(tc *tls.Conn) bool {
	ctx, cancel := context.WithTimeout(c.ctx, c.s.HeaderTime)
	defer cancel()
	if err := tc.HandshakeContext(ctx); err != nil {
		c.s.Log.Debug("TLS handshake failed", "remote", c.remote, "error", err)
		var plain tls.RecordHeaderError
		if errors.As(err, &plain) && plain.Conn != nil && 'A' <= plain.RecordHeader[0] && plain.RecordHeader[0] <= 'Z' {
			_, _ = io.WriteString(plain.Conn, "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\n\r\nthis address speaks TLS: use https://\n")
		}
		_ = c.raw.Close()
		return false
	}
	state := tc.ConnectionState()
	c.secure = &state
	if state.NegotiatedProtocol != "h2" {
		return true
	}
	if c.state.CompareAndSwap(idle, busy) {
		c.readBy(time.Time{})
		c.s.hand.give(tc)
	}
	return false
}

// handedOver hands a connection over that begins with HTTP/2's preface.
func (c *conn) handedOver() bool {
	for n := 1; n <= len(preface); n++ {
		b, err := c.br.Peek(n)
		if err != nil || b[n-1] != preface[n-1] {
			return false
		}
	}
	if !c.state.CompareAndSwap(idle, busy) {
		return false
	}
	first, _ := c.br.Peek(c.br.Buffered())
	c.readBy(time.Time{})
	c.s.hand.give(&begun{c.raw, first})
	return true
}

// emptyMost is how many line breaks behind a POST belong to no request: old clients send one (RFC 9112,
// section 2.2).
const emptyMost = 4

// await waits for the first byte of a request.
func (c *conn) await() bool {
	c.state.CompareAndSwap(busy, idle)
	if c.s.closing.Load() && c.br.Buffered() == 0 {
		return false
	}
	if !c.first {
		c.idleUntil(time.Now())
	}
	for range 1 + emptyMost {
		b, err := c.br.Peek(1)
		if err != nil {
			return false
		}
		if !c.posted || b[0] != '\r' && b[0] != '\n' {
			break
		}
		_, _ = c.br.Discard(1)
	}
	return c.state.CompareAndSwap(idle, busy)
}

// exchange has one request served and reports whether another can follow. e says what is wrong with a
// request that is refused.
func (c *conn) exchange(r *http.Request, e *malformed) (more bool) {
	c.writable(time.Now())
	w := c.s.replies.Get().(*reply)
	w.begin(c, r)
	defer func() {
		w.reset()
		c.s.replies.Put(w)
	}()
	c.watch.begin()
	whole := c.handle(w, r, e)
	kept := whole && w.finish()
	c.watch.end()
	if whole && !kept {
		c.linger()
	}
	return kept && c.ctx.Err() == nil
}

// handle calls the handler and reports whether it returned.
func (c *conn) handle(w *reply, r *http.Request, e *malformed) (whole bool) {
	defer func() {
		if v := recover(); v != nil {
			c.broken(v)
		}
	}()
	if e != nil {
		w.close = true
		c.s.Malformed(w, r, e.Error)
	} else {
		c.s.Handler.ServeHTTP(w, r)
	}
	return true
}

// broken tells of a handler that did not return: it may have meant to break the connection off.
func (c *conn) broken(v any) {
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		return
	}
	c.s.Log.Error("defect", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
}

// Read gives the buffer its bytes: first those that came while the caller was watched. A deadline leaves
// the connection usable; any other error is kept.
func (c *conn) Read(p []byte) (int, error) {
	switch {
	case len(c.watch.early) > 0:
		n := copy(p, c.watch.early)
		c.watch.early = c.watch.early[n:]
		return n, nil
	case c.fail != nil:
		return 0, c.fail
	case c.room == 0:
		return 0, errTooLarge
	case c.room > 0 && len(p) > c.room:
		p = p[:c.room]
	}
	n, err := c.stream.Read(p)
	if c.room > 0 {
		c.room -= n
	}
	switch {
	case timedOut(err):
		c.late = true
	case err != nil:
		c.fail = err
	}
	return n, err
}

// idleUntil bounds the wait for a request. Moving a deadline costs as much as a small read does, so one
// that leaves most of the time is let be.
func (c *conn) idleUntil(now time.Time) {
	if left := c.readUntil.Sub(now); left < c.s.IdleTime*7/8 || left > c.s.IdleTime {
		c.readBy(now.Add(c.s.IdleTime))
	}
}

// writable gives an exchange time to be answered: the deadline in force may be an earlier one's.
func (c *conn) writable(now time.Time) {
	if left := c.writeUntil.Sub(now); left < c.s.WriteTime*7/8 || left > c.s.WriteTime {
		c.writeBy(now.Add(c.s.WriteTime))
	}
}

// writeBy bounds the writes that follow.
func (c *conn) writeBy(t time.Time) {
	c.writeUntil = t
	_ = c.raw.SetWriteDeadline(t) // fails only where the writes will
}

// readBy bounds the reads that follow.
func (c *conn) readBy(t time.Time) {
	if !t.Equal(c.readUntil) {
		c.readUntil = t
		_ = c.raw.SetReadDeadline(t) // fails only where the reads will
	}
}

// A caller who is still sending may go on for lingerTime and lingerMost bytes, so that it can read its
// answer: a connection closed with bytes unread is reset, and the answer may be lost with it.
const (
	lingerTime = time.Second
	lingerMost = 4 << 20
)

// linger ends a connection of which bytes may not have been read.
func (c *conn) linger() {
	if c.body.over && c.br.Buffered() == 0 || c.fail != nil {
		return
	}
	if half, ok := c.stream.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil {
		return
	}
	_ = c.raw.SetReadDeadline(time.Now().Add(lingerTime))
	_, _ = io.CopyN(io.Discard, c.stream, lingerMost)
}
