package transport

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"time"
)

// reply is an answer on a connection of the own client.
type reply struct {
	h    *h1
	ctx  context.Context
	call *Call // until the header is there
	c    *conn
	stop func() bool // ends the watch over ctx; false if that has closed the connection

	mark   int64 // conn.fed when the request was written
	resent bool
	early  bool // the request was not written whole

	head     *Head // &final; nil until it is there
	final    Head  // the one that is not interim
	interim  int   // bytes of 1xx headers
	body     io.ReadCloser
	deadline time.Time
	given    int64 // bytes of body given
	keep     bool  // framing lets the connection live on
	ended    bool  // the body ended as its framing said
	closed   bool
	err      error // final
}

func (r *reply) key() hostKey {
	return hostKey{host: r.call.URL.Host, tls: r.call.URL.Scheme == "https"}
}

// start writes the call, on a fresh connection where r has none.
func (r *reply) start() error {
	if r.c == nil {
		c, err := dial(r.ctx, &r.h.o, r.key(), address(r.call.URL))
		if err != nil {
			return err
		}
		r.c = c
	}
	r.stop = func() bool { return true }
	if r.ctx.Done() != nil {
		r.stop = context.AfterFunc(r.ctx, r.c.abort)
	}
	r.c.chunking = false
	r.mark = r.c.fed
	early, err := r.h.write(r.c, r.call)
	if err != nil {
		r.drop()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return &Error{StageHeader, err}
		}
		return &Error{StageConnect, err}
	}
	r.early = early
	return nil
}

// drop gives up the connection.
func (r *reply) drop() {
	r.stop()
	r.c.close()
}

// Ready is Reply's.
func (r *reply) Ready(until time.Time) error {
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

// Head is Reply's.
func (r *reply) Head(until time.Time) (*Head, error) {
	if r.head == nil {
		if err := r.Ready(until); err != nil {
			return nil, err
		}
	}
	return r.head, nil
}

// SetDeadline is Reply's.
func (r *reply) SetDeadline(t time.Time) { r.deadline = t }

// await reads headers until one is not interim.
func (r *reply) await(until time.Time) error {
	for {
		n, err := r.c.header(r.h.o.MaxHeader-r.interim, until)
		if err != nil {
			if err = r.excuse(err); err != nil {
				return err
			}
			continue
		}
		resp, clean, err := r.c.parse(n)
		if err != nil {
			return r.failed(StageHeader, err)
		}
		if resp.StatusCode < 200 {
			r.interim += n
			continue
		}
		r.begin(resp, clean)
		return nil
	}
}

// excuse decides what a failure to read the header means; nil: it does not, the call was sent again.
func (r *reply) excuse(err error) error {
	switch {
	case err == os.ErrDeadlineExceeded:
		return err
	case r.ctx.Err() != nil || errors.Is(err, ErrHeaderTooLarge) || errors.Is(err, ErrMalformed):
		return r.failed(StageHeader, err)
	case r.c.used && r.call.Again && !r.resent && r.c.fed == r.mark && closedUnderUs(err):
		return r.resend()
	}
	return r.failed(StageHeader, cut(err))
}

// resend writes the call once more, on a fresh connection.
func (r *reply) resend() error {
	r.drop()
	r.c, r.resent = nil, true
	if err := r.start(); err != nil {
		r.stop = func() bool { return true }
		// Not StageConnect: the first connection may have taken the call.
		return r.failed(StageHeader, errors.Unwrap(err))
	}
	return nil
}

func (r *reply) begin(resp *http.Response, clean bool) {
	chunked := len(resp.TransferEncoding) > 0
	none := resp.Body == http.NoBody
	r.final = Head{Status: resp.StatusCode, Header: resp.Header, Length: resp.ContentLength, Framed: none || chunked || resp.ContentLength >= 0}
	r.head = &r.final
	if none {
		r.head.Length = 0
	}
	r.body = resp.Body
	resp.Header = nil // the body holds on to resp for as long as it lasts; the header is Head's now
	r.keep = clean && r.head.Framed && !resp.Close && resp.ProtoAtLeast(1, 1) && !r.early
	r.ended = none
	r.c.startBody(chunked && !none)
	r.call = nil // its body may be large and is not needed again
}

// here tells, without waiting, how many bytes of the body Read can give, and whether it would meet
// the end or an error after them.
func (r *reply) here() (n int64, end bool) {
	c := r.c
	if c.chunking {
		n, end = c.chunks.data-r.given, c.chunks.over || c.fail != nil
		if !end && c.chunks.ending() && n > 0 {
			n-- // behind the last byte of data the decoder would go on to the end, and wait for it
		}
		return n, end
	}
	n = int64(c.br.Buffered())
	if left := r.head.Length - r.given; r.head.Length >= 0 && n >= left {
		return left, true
	}
	return n, c.fail != nil
}

// fill waits until Read can give something.
func (r *reply) fill(until time.Time) error {
	for !r.ended {
		if n, end := r.here(); n > 0 || end {
			return nil
		}
		if r.c.br.Buffered() == r.c.br.Size() { // the framing of one chunk, and no byte of data
			return r.failed(StageBody, ErrMalformed)
		}
		if err := r.c.more(until); err == os.ErrDeadlineExceeded {
			if r.ctx.Err() != nil {
				return r.failed(StageBody, err)
			}
			return err
		}
	}
	return nil
}

// Read is Reply's. It never lets the decoder of the body meet the network unprepared: what the
// decoder is asked for is already in the buffer.
func (r *reply) Read(p []byte) (int, error) {
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
	if n, _ := r.here(); n > 0 && n < int64(len(p)) {
		p = p[:n]
	}
	r.c.wire.want = r.deadline // should the decoder and we ever disagree
	n, err := r.body.Read(p)
	r.given += int64(n)
	switch {
	case err == io.EOF:
		r.ended = true
	case err != nil && r.c.fail != nil:
		err = r.failed(StageBody, cut(r.c.fail))
	case err != nil: // its text may quote a trailer
		err = r.failed(StageBody, ErrMalformed)
	}
	if n > 0 {
		return n, nil
	}
	return 0, err
}

func (r *reply) failed(stage Stage, err error) error {
	if r.ctx.Err() != nil {
		err = context.Cause(r.ctx)
	}
	r.err = &Error{stage, err}
	return r.err
}

// Close is Reply's.
func (r *reply) Close() error {
	if r.closed {
		return nil
	}
	r.finish()
	r.closed = true
	if r.c == nil {
		return nil
	}
	if watched := r.stop(); watched && r.ended && r.keep && r.err == nil && r.c.empty() {
		r.h.pool.put(r.c)
	} else {
		r.c.close()
	}
	return nil
}

// finish reads the rest of an answer that has arrived whole, such as the end of a stream whose
// reader stopped at its last event: the connection can then live on.
func (r *reply) finish() {
	if r.head == nil || !r.keep || r.ended {
		return
	}
	var scrap [512]byte
	r.deadline = time.Now() // nothing is waited for
	for range 2 * readSize / len(scrap) {
		if r.err != nil || r.ended {
			return
		}
		if _, end := r.here(); !end || r.c.fail != nil {
			return
		}
		if _, err := r.Read(scrap[:]); err == os.ErrDeadlineExceeded {
			return
		}
	}
}
