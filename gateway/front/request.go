package front

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"fairlead"
)

// errTooLarge says that a request's headers are larger than MaxHeader.
var errTooLarge = errors.New("the request's headers are too large")

// errUnasked says that a caller who waits to be asked for its body does not take the asking.
var errUnasked = errors.New("the caller does not take what is sent to it")

// malformed is what is wrong with a request that is refused.
type malformed struct{ *fairlead.Error }

func bad(status int, message string) *malformed {
	return &malformed{&fairlead.Error{Code: fairlead.CodeMalformed, Status: status, Message: message}}
}

// request reads a request's line and headers. Where it must be refused, e says why and r is what was
// understood of it; where there is nobody to answer, r is nil.
func (c *conn) request() (r *http.Request, e *malformed) {
	seen, _ := c.br.Peek(c.br.Buffered())
	if !whole(seen) {
		seen = bytes.Clone(seen) // the buffer is going to be used again
		if !c.first {
			c.readBy(time.Now().Add(c.s.HeaderTime))
		}
		c.room = max(1, c.s.MaxHeader-len(seen))
	}
	c.late = false
	r, err := http.ReadRequest(c.br)
	c.room = -1
	if err != nil {
		if e = c.unread(err); e == nil {
			return nil, nil
		}
		r = understood(seen)
	} else if e = judge(r); e != nil {
		r.Body = http.NoBody
	}
	c.posted = r.Method == http.MethodPost
	r.RemoteAddr, r.TLS = c.remote, c.secure
	c.body.begin(r, e != nil)
	return r.WithContext(c.ctx), e
}

// whole reports whether a request's headers end within b.
func whole(b []byte) bool {
	return bytes.Contains(b, []byte("\r\n\r\n")) || bytes.Contains(b, []byte("\n\n"))
}

// unread says what to answer to a request that could not be read; nil where nobody listens.
func (c *conn) unread(err error) *malformed {
	switch {
	case errors.Is(err, errTooLarge):
		return &malformed{fairlead.Errorf(fairlead.CodeHeadersTooLarge, "the request's headers and address are too large")}
	case c.late: // err may be of a line cut short
		return &malformed{fairlead.Errorf(fairlead.CodeBodyTimeout, "the request's headers arrived too slowly")}
	case c.fail != nil:
		return nil
	case strings.Contains(err.Error(), "transfer encoding"): // the errors have no type to ask
		return bad(0, "the request has a Transfer-Encoding other than chunked, or several")
	}
	return bad(0, "the request is not valid HTTP") // err may quote the request
}

// judge refuses what http.ReadRequest lets pass and would be read otherwise elsewhere, or not at all.
func judge(r *http.Request) *malformed {
	switch {
	case r.ProtoMajor != 1:
		return bad(0, "the request's version of HTTP is not spoken here")
	case r.Host == "" && r.ProtoMinor > 0:
		return bad(0, "the request names no host")
	case strings.ContainsFunc(r.Host, notOfHost):
		return bad(0, "the request's host is not the name of one")
	}
	for name := range r.Header {
		if strings.IndexByte(name, ' ') >= 0 { // "Content-Length : 5" frames nothing here and something elsewhere
			return bad(0, "the name of a header has a space in it")
		}
	}
	if expect := r.Header["Expect"]; expect != nil && (len(expect) > 1 || !strings.EqualFold(expect[0], "100-continue")) {
		return bad(http.StatusExpectationFailed, "the request expects what is not known here")
	}
	return nil
}

// notOfHost tells what no host and port has in it (RFC 3986, section 3.2.2).
func notOfHost(c rune) bool {
	return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("!$%&'()*+,-.:;=@[]_~", c))
}

// understood makes a request of what can be told of one that is none: whose dialect it may be in.
func understood(seen []byte) *http.Request {
	r := &http.Request{
		Method: http.MethodPost, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		URL: &url.URL{}, Header: http.Header{}, Body: http.NoBody,
	}
	line, rest, _ := bytes.Cut(seen, []byte("\n"))
	if words := bytes.Fields(line); len(words) > 1 {
		path, _, _ := bytes.Cut(words[1], []byte("?"))
		r.URL.Path = string(path)
	}
	for len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("Anthropic-Version")) {
			r.Header.Set("Anthropic-Version", string(bytes.TrimSpace(value)))
		}
	}
	return r
}

func timedOut(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// body is a request's body. It knows its end, asks for leave where the caller waits for it, and has the
// caller watched once nothing more of it can come.
type body struct {
	c      *conn
	src    io.ReadCloser
	left   int64 // bytes, by its stated length
	over   bool
	expect bool // the caller waits for a "100 Continue"
}

func (b *body) begin(r *http.Request, refused bool) {
	b.src, b.left, b.expect = r.Body, r.ContentLength, false
	if b.over = r.Body == http.NoBody; b.over {
		b.over = !refused // of what could not be read, nobody knows where it ends
		return
	}
	b.expect = r.ProtoMinor > 0 && r.Header.Get("Expect") != ""
	r.Body = b
	if b.left < 0 || b.left > int64(b.c.br.Buffered()) {
		b.c.readBy(time.Now().Add(b.c.s.HeaderTime))
	}
}

// Read is io.Reader's.
func (b *body) Read(p []byte) (int, error) {
	if b.expect {
		b.expect = false
		if _, err := io.WriteString(b.c.stream, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
			return 0, errUnasked
		}
	}
	n, err := b.src.Read(p)
	b.left -= int64(n)
	if err == io.EOF && !b.over {
		b.over = true
		b.c.watch.quiet()
	}
	return n, err
}

// Close is io.Closer's. What is left of the body is dealt with when the answer is written.
func (b *body) Close() error { return nil }

// skip reads past what is left of a body, where that waits for nobody, and reports whether it is over.
func (b *body) skip() bool {
	if !b.over && !b.expect && b.left >= 0 && b.left <= int64(b.c.br.Buffered()) {
		_, err := io.Copy(io.Discard, b)
		b.over = err == nil
	}
	return b.over
}
