package gateway

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"fairlead"
	"fairlead/internal/jsonscan"
)

const (
	// bodyWindow is how often a body must have brought bodyProgress bytes more, or 1/bodyPart of what is
	// reserved for it where that is more: who holds much of what others could use must hurry.
	bodyWindow   = 15 * time.Second
	bodyProgress = 8 << 10
	bodyPart     = 64
	firstBody    = 4 << 10 // allocated for a body of unknown length, and the most that is kept for another one
)

// body is a request's body while it is read and held.
type body struct {
	data  []byte
	room  []byte // of a small body before; BenchmarkExchange shows what that spares
	held  int64  // bytes reserved with the gate
	gate  *bodies
	limit fairlead.Settings
}

// release gives the memory back; data must not be used afterwards.
func (b *body) release() {
	b.gate.give(b.held)
	b.gate.grown(-int64(cap(b.data)))
	if size := cap(b.data); size <= firstBody {
		clear(b.data) // the next one finds nothing in it
		if size > cap(b.room) {
			b.room = b.data[:0]
		}
	}
	b.held, b.data = 0, nil
}

// read takes the whole body in, within max_body, max_bodies and a least speed. Memory grows with what
// arrives; what is counted of max_bodies is the stated length from the beginning, so that a body that
// was let in is not broken off half way: under pressure none would be whole.
func (b *body) read(control *http.ResponseController, r *http.Request, patience time.Duration) error {
	if err := checkHeaders(r, int64(b.limit.MaxBody)); err != nil {
		return err
	}
	first := int64(firstBody)
	if r.ContentLength >= 0 {
		first = min(r.ContentLength, smallBody) + 1 // one more, so that the end is seen without growing
		if err := b.reserve(r.ContentLength + 1); err != nil {
			return err
		}
	}
	if err := b.grow(first); err != nil {
		return err
	}
	window := int(b.progress()) // the server's own time for a request's beginning bounds the first read
	for {
		if len(b.data) == cap(b.data) {
			if err := b.grow(min(int64(cap(b.data))*2, b.most(r))); err != nil {
				return err
			}
		}
		n, err := r.Body.Read(b.data[len(b.data):cap(b.data)])
		b.data = b.data[:len(b.data)+n]
		window += n
		switch {
		case int64(len(b.data)) > int64(b.limit.MaxBody):
			return tooLarge(b.limit.MaxBody)
		case err == io.EOF:
			return inTime(control, time.Time{}) // over HTTP/2 more is read while the answer is on its way
		case err != nil:
			return unread(err)
		case int64(window) >= b.progress():
			if err := inTime(control, time.Now().Add(patience)); err != nil {
				return err
			}
			window = 0
		}
	}
}

// most is the largest buffer that the body can need: one byte more than it may have, to see its end.
func (b *body) most(r *http.Request) int64 {
	if r.ContentLength >= 0 {
		return r.ContentLength + 1
	}
	return int64(b.limit.MaxBody) + 1
}

// progress is how many bytes each window must bring.
func (b *body) progress() int64 { return max(bodyProgress, b.held/copies/bodyPart) }

// grow makes room for size bytes in all. Where that is more than was reserved, old and new memory are
// both counted until the old is free.
func (b *body) grow(size int64) error {
	before, old := b.held, cap(b.data)
	if copies*size > before {
		if err := b.reserve(size); err != nil {
			return err
		}
	}
	if room := int64(cap(b.room)); old == 0 && size <= room && size >= room/2 { // else more is held than is counted
		b.data = b.room[:0:size]
	} else {
		grown := make([]byte, len(b.data), size)
		copy(grown, b.data)
		b.data = grown
	}
	b.gate.grown(size - int64(old))
	if b.held != before {
		b.gate.give(before)
	}
	return nil
}

// reserve counts a body of size bytes with the gate, beside what was held before.
func (b *body) reserve(size int64) error {
	if b.gate.take(copies*size, size, int64(b.limit.MaxBodies)) {
		b.held = copies * size
		return nil
	}
	return &fairlead.Error{
		Code:       fairlead.CodeOverloaded,
		Message:    "too many large request bodies are being received; try again shortly",
		RetryAfter: 2 * time.Second,
		Hint:       "settings.max_bodies is reached",
	}
}

func inTime(control *http.ResponseController, until time.Time) error {
	if err := control.SetReadDeadline(until); err != nil {
		return unread(err)
	}
	return nil
}

func checkHeaders(r *http.Request, maxBody int64) error {
	if r.ContentLength > maxBody {
		return tooLarge(fairlead.Bytes(maxBody))
	}
	for _, enc := range r.Header["Content-Encoding"] {
		if enc != "" && !strings.EqualFold(enc, "identity") {
			return fairlead.Errorf(fairlead.CodeUnsupportedMedia, "a compressed body (Content-Encoding) is not taken here")
		}
	}
	if strings.HasPrefix(strings.ToLower(r.Header.Get("Content-Type")), "multipart/") {
		return fairlead.Errorf(fairlead.CodeUnsupportedMedia, "a multipart body is not taken here; send application/json")
	}
	return nil
}

func tooLarge(limit fairlead.Bytes) error {
	return fairlead.Errorf(fairlead.CodeBodyTooLarge, "the body is larger than "+limit.String())
}

// errFraming stands for what a library says of a body, which may quote it.
var errFraming = errors.New("the framing of the body is broken")

func unread(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &fairlead.Error{Code: fairlead.CodeBodyTimeout, Message: "the body arrived too slowly", Err: os.ErrDeadlineExceeded}
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = io.ErrUnexpectedEOF
	default:
		err = errFraming
	}
	return &fairlead.Error{Code: fairlead.CodeBodyIncomplete, Message: "the body ended before its stated length or its framing is broken", Err: err}
}

// routed are the names at the top level that fairlead reads; another spelling of one would be read by
// some upstreams and not by others.
var routed = []string{"model", "stream", "stream_options", "max_tokens", "max_completion_tokens", "messages"}

// scan checks that a body is one JSON object that every reader understands alike.
func scan(top *jsonscan.Object, data []byte) error {
	if err := top.Scan(data); err != nil {
		var e *jsonscan.Error
		if errors.As(err, &e) {
			return badJSON(e)
		}
		return &fairlead.Error{Code: fairlead.CodeInvalidJSON, Message: "the body is not a JSON object", Err: err}
	}
	if name, ok := top.CaseVariant(routed...); ok {
		return &fairlead.Error{Code: fairlead.CodeDuplicateField, Param: name, Message: "the field \"" + name + "\" must be written in lower case"}
	}
	return nil
}

func badJSON(e *jsonscan.Error) error {
	switch e.Kind {
	case jsonscan.Duplicate:
		return &fairlead.Error{Code: fairlead.CodeDuplicateField, Param: e.Name, Message: "the body is ambiguous: " + e.Error()}
	case jsonscan.Names:
		return fairlead.Errorf(fairlead.CodeInvalidRequest, "the body has too many names: "+e.Error())
	case jsonscan.Depth:
		return fairlead.Errorf(fairlead.CodeTooDeep, "the body nests too deep: "+e.Error())
	}
	return fairlead.Errorf(fairlead.CodeInvalidJSON, "the body is not a JSON object: "+e.Error())
}
