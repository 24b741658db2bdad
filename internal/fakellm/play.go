package fakellm

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"
)

// errLeft ends a play whose client is gone.
var errLeft = errors.New("client left")

// play performs a script on a connection.
func (s *Server) play(w http.ResponseWriter, r *http.Request, sc *script, n *note) {
	p := &player{w: w, r: r, ctl: http.NewResponseController(w), script: sc, note: n, due: time.Now()}
	if sc.act != actAnswer {
		p.act()
		return
	}
	p.head()
	if err := p.steps(); err != nil {
		n.left(sc, p.chunks)
		return
	}
	switch sc.end {
	case endClean:
	case endStall:
		p.stall()
		n.left(sc, p.chunks)
	case endAbort:
		n.done(sc, p.chunks)
		panic(http.ErrAbortHandler) // closes the connection without the end of the body
	case endReset:
		n.done(sc, p.chunks)
		p.reset()
	}
}

// stall says nothing more until the client leaves, but for what keeps a connection alive.
func (p *player) stall() {
	alive := p.script.alive
	for alive.wait > 0 {
		if p.sleep(p.r.Context(), alive.wait) != nil || p.send(alive.data, true) != nil {
			return
		}
	}
	<-p.r.Context().Done()
}

// player is one performance.
type player struct {
	w      http.ResponseWriter
	r      *http.Request
	ctl    *http.ResponseController
	script *script
	note   *note
	due    time.Time // when the next step is
	timer  *time.Timer
	chunks int
	split  int
}

// head sets the headers and tells the connection what will become of it. The status line goes out
// with the first step, behind its pause.
func (p *player) head() {
	sc, h := p.script, p.w.Header()
	h["Content-Type"] = sc.kind
	if !sc.noID {
		h["X-Request-Id"] = requestID
		h["Request-Id"] = requestID
	}
	for _, kv := range sc.header {
		h[kv[0]] = []string{kv[1]}
	}
	if !sc.chunked {
		length := sc.length
		if length == 0 {
			length = sc.size()
		}
		h["Content-Length"] = []string{strconv.Itoa(length)}
	}
	if sc.closing == nil {
		return
	}
	p.split = sc.closing.split
	for range sc.closing.hints {
		h["Link"] = []string{"</style.css>; rel=preload; as=style"}
		p.w.WriteHeader(http.StatusEarlyHints)
	}
	p.closing(sc.closing, h)
}

var requestID = []string{"req_fake"}

// closing prepares how the connection ends behind the answer.
func (p *player) closing(b *Behaviour, h http.Header) {
	switch b.closing {
	case "":
	case "delimited":
		h["Transfer-Encoding"] = []string{"identity"} // net/http then ends the body by closing
		delete(h, "Content-Length")
	case "silent", "idle":
		if c := connOf(p.r.Context()); c != nil && p.r.ProtoMajor == 1 {
			c.closeIn(b.closeAfter)
			return
		}
		h["Connection"] = []string{"close"}
	default:
		h["Connection"] = []string{"close"}
	}
}

// steps sends the steps in their time, then what repeats.
func (p *player) steps() error {
	sc := p.script
	last := len(sc.steps) - 1
	for i, st := range sc.steps {
		if err := p.wait(st.wait); err != nil {
			return err
		}
		if i == 0 {
			p.w.WriteHeader(sc.status)
		}
		p.chunks += st.chunks
		ends := i == last && sc.repeat == nil && sc.end == endClean
		if ends {
			p.note.done(sc, p.chunks)
		}
		if err := p.send(st.data, !ends || sc.chunked); err != nil {
			p.chunks -= st.chunks
			return err
		}
	}
	for left := sc.bytes; sc.repeat != nil && left > 0; left -= int64(len(sc.repeat)) {
		if p.r.Context().Err() != nil {
			return errLeft
		}
		if err := p.send(sc.repeat[:min(left, int64(len(sc.repeat)))], true); err != nil {
			return err
		}
	}
	if sc.repeat != nil {
		p.note.done(sc, p.chunks)
	}
	return nil
}

// send writes bytes, in pieces where the behaviour splits them. An answer of known length needs no
// flush behind its last byte.
func (p *player) send(data []byte, flush bool) error {
	for p.split > 0 && len(data) > p.split {
		if _, err := p.w.Write(data[:p.split]); err != nil {
			return err
		}
		if err := p.ctl.Flush(); err != nil {
			return err
		}
		data = data[p.split:]
	}
	if len(data) > 0 {
		if _, err := p.w.Write(data); err != nil {
			return err
		}
	}
	if !flush {
		return nil
	}
	return p.ctl.Flush()
}

// wait pauses until the next step is due. Steps are due by the clock, so that a slow write does not
// move those behind it.
func (p *player) wait(pause time.Duration) error {
	if pause <= 0 {
		return nil
	}
	p.due = p.due.Add(pause)
	d := time.Until(p.due)
	if d <= 0 {
		return nil
	}
	return p.sleep(p.r.Context(), d)
}

func (p *player) sleep(ctx context.Context, d time.Duration) error {
	if p.timer == nil {
		p.timer = time.NewTimer(d)
	} else {
		p.timer.Reset(d)
	}
	select {
	case <-p.timer.C:
		return nil
	case <-ctx.Done():
		p.timer.Stop()
		return errLeft
	}
}
