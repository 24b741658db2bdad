package transport

import (
	"context"
	"crypto/tls"
	"os"
	"sync"
	"time"
)

// h1 is fairlead's own HTTP/1.1 client. The caller's goroutine does all the work: it writes, waits
// in the network poller and parses. Cancelling closes the connection.
type h1 struct {
	o    Options
	pool pool
	out  sync.Pool // *[]byte: requests being written
}

func newH1(o Options) *h1 {
	o = o.withDefaults()
	o.TLS = o.TLS.Clone()
	if o.TLS == nil {
		o.TLS = &tls.Config{}
	}
	o.TLS.NextProtos = []string{"http/1.1"}
	if o.TLS.ClientSessionCache == nil {
		o.TLS.ClientSessionCache = tls.NewLRUClientSessionCache(64)
	}
	h := &h1{o: o, pool: pool{maxIdle: o.MaxIdle, idleFor: o.IdleFor, maxAge: o.MaxAge, idle: map[hostKey][]*conn{}}}
	h.out.New = func() any { b := make([]byte, 0, 2<<10); return &b }
	return h
}

// Close is Transport's.
func (h *h1) Close() error {
	h.pool.close()
	return nil
}

// Send is Transport's.
func (h *h1) Send(ctx context.Context, call *Call) (Reply, error) {
	if ctx.Err() != nil {
		return nil, &Error{StageConnect, context.Cause(ctx)}
	}
	if err := call.check(); err != nil {
		return nil, &Error{StageConnect, err}
	}
	r := &reply{h: h, ctx: ctx, call: call}
	if call.Again {
		r.c = h.pool.get(r.key())
	}
	if err := r.start(); err != nil {
		return nil, err
	}
	return r, nil
}

// together is how long a body may be to be written in one piece with its header.
const together = 16 << 10

// piece is how much of a longer body is written before we look again whether to go on.
const piece = 64 << 10

// write sends the request. early tells that the answer began before the request was all written, or
// that writing failed: the rest is not sent, and there may be an answer to read all the same. err
// means that the call cannot be written, or not in time.
func (h *h1) write(c *conn, call *Call) (early bool, err error) {
	buf := h.out.Get().(*[]byte)
	defer h.out.Put(buf)
	head, err := call.appendHead((*buf)[:0])
	if err != nil {
		return false, err
	}
	if cap(head) <= together {
		*buf = head
	}
	if len(head)+len(call.Body) > together {
		return h.writeLong(c, head, call)
	}
	head = append(head, call.Body...)
	*buf = head
	_, err = c.stream.Write(head)
	return err != nil, nil
}

// writeLong writes header and body with an eye on the other side, who may answer and stop reading:
// waiting on it for ever would lose the answer.
func (h *h1) writeLong(c *conn, head []byte, call *Call) (early bool, err error) {
	body := call.Body
	c.wire.setPatient(true)
	if _, err := c.stream.Write(head); err != nil {
		return true, nil
	}
	for len(body) > 0 {
		n := min(len(body), piece)
		if _, err := c.stream.Write(body[:n]); err != nil {
			return true, nil
		}
		body = body[n:]
		for len(c.wire.backlog) > 0 {
			if c.answered() {
				return true, nil
			}
			if err := c.wire.flush(); err != nil {
				return true, nil
			}
			if !call.Until.IsZero() && !time.Now().Before(call.Until) {
				return false, os.ErrDeadlineExceeded
			}
		}
	}
	c.wire.setPatient(false)
	return false, nil
}
