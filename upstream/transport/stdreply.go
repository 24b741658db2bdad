package transport

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// stdReply is an answer through http.Transport, whose reads cannot be interrupted and taken up
// again. So a goroutine does them, one at a time and only when asked; the reply owns it and awaits
// its end in Close.
type stdReply struct {
	t      *std
	ctx    context.Context // the caller's
	cancel context.CancelFunc

	body *lent // the request's

	heads  chan stdAnswer // one, then nothing
	ask    chan struct{}  // closed by Close
	pieces chan stdPiece
	done   chan struct{}

	head     *Head
	deadline time.Time
	asked    bool
	rest     []byte // of the piece at hand
	last     error  // what comes after rest
	ended    bool
	closed   bool
	err      error // final
}

type stdAnswer struct {
	head *Head
	err  error
}

type stdPiece struct {
	b   []byte // the goroutine's buffer, lent until the next is asked for
	err error
}

func newStdReply(ctx context.Context, t *std, call *Call) *stdReply {
	r := &stdReply{
		t: t, ctx: ctx, body: &lent{b: call.Body},
		heads: make(chan stdAnswer, 1), ask: make(chan struct{}, 1), pieces: make(chan stdPiece, 1), done: make(chan struct{}),
	}
	own, cancel := context.WithCancel(ctx)
	r.cancel = cancel
	go r.run(own, call)
	return r
}

// run does the waiting. Each channel holds one value, and no more than one is asked for, so it never
// waits to hand one over.
func (r *stdReply) run(ctx context.Context, call *Call) {
	defer close(r.done)
	resp, stage, err := r.t.roundTrip(ctx, call, r.body)
	if err != nil {
		if stage > StageConnect || strings.Contains(err.Error(), "malformed") { // a proxy's answer
			err = scrub(err)
		}
		r.heads <- stdAnswer{err: &Error{stage, err}}
		return
	}
	defer resp.Body.Close()
	head, err := stdHead(resp)
	if err != nil {
		r.heads <- stdAnswer{err: &Error{StageHeader, err}}
		return
	}
	r.heads <- stdAnswer{head: head}
	r.pump(resp)
}

func (r *stdReply) pump(resp *http.Response) {
	buf := make([]byte, 2*readSize)
	for range r.ask {
		n, err := resp.Body.Read(buf)
		if err != nil && err != io.EOF {
			err = &Error{StageBody, scrub(err)}
		}
		r.pieces <- stdPiece{buf[:n], err}
		if err != nil {
			return
		}
	}
}

// Ready is Reply's.
func (r *stdReply) Ready(until time.Time) error {
	switch {
	case r.err != nil:
		return r.err
	case r.closed:
		return &Error{StageBody, errClosed}
	case r.head == nil:
		return r.await(until)
	}
	return r.fill(until)
}

func (r *stdReply) await(until time.Time) error {
	a, err := take(r.heads, until)
	if err != nil {
		return err
	}
	if a.err != nil {
		return r.failed(a.err)
	}
	r.head = a.head
	return nil
}

// Head is Reply's.
func (r *stdReply) Head(until time.Time) (*Head, error) {
	if r.head == nil {
		if err := r.Ready(until); err != nil {
			return nil, err
		}
	}
	return r.head, nil
}

// SetDeadline is Reply's.
func (r *stdReply) SetDeadline(t time.Time) { r.deadline = t }

// fill waits for a piece, or what comes after the last one.
func (r *stdReply) fill(until time.Time) error {
	for len(r.rest) == 0 && r.last == nil {
		if !r.asked {
			r.ask <- struct{}{}
			r.asked = true
		}
		p, err := take(r.pieces, until)
		if err != nil {
			return err
		}
		r.asked = false
		r.rest, r.last = p.b, p.err
	}
	return nil
}

// Read is Reply's.
func (r *stdReply) Read(p []byte) (int, error) {
	switch {
	case r.err != nil:
		return 0, r.err
	case r.closed:
		return 0, &Error{StageBody, errClosed}
	case r.head == nil:
		return 0, &Error{StageHeader, errNoHead}
	case r.ended:
		return 0, io.EOF
	case len(p) == 0:
		return 0, nil
	}
	if err := r.fill(r.deadline); err != nil {
		return 0, err
	}
	if len(r.rest) > 0 {
		n := copy(p, r.rest)
		r.rest = r.rest[n:]
		return n, nil
	}
	if r.last == io.EOF {
		r.ended = true
		return 0, io.EOF
	}
	return 0, r.failed(r.last)
}

func (r *stdReply) failed(err error) error {
	r.err = err
	var e *Error
	if errors.As(err, &e) && r.ctx.Err() != nil {
		r.err = &Error{e.Stage, context.Cause(r.ctx)}
	}
	return r.err
}

// Close is Reply's.
func (r *stdReply) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	if r.last != io.EOF { // else the connection may be idle again, and cancelling would close it
		r.cancel()
	}
	close(r.ask)
	<-r.done
	r.cancel()
	r.body.recall()
	if r.t.closed.Load() {
		r.t.again.CloseIdleConnections()
	}
	return nil
}

// take waits for a value, at most until a time.
func take[T any](from chan T, until time.Time) (T, error) {
	select {
	case v := <-from:
		return v, nil
	default:
	}
	var none T
	if until.IsZero() {
		return <-from, nil
	}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case v := <-from:
		return v, nil
	case <-timer.C:
		return none, os.ErrDeadlineExceeded
	}
}
