package front

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// together is how much of an answer is gathered before it is written; more in one piece is written as it is.
const together = 16 << 10

// reply is a request's answer on its way, an http.ResponseWriter. Its memory is used again.
type reply struct {
	c      *conn
	r      *http.Request
	header http.Header
	out    []byte // not written yet
	status int    // 0: no header yet
	length int64  // of the body, where stated; -1: chunked, or up to the connection's end
	sent   int64  // bytes of the body
	err    error

	chunked bool
	bare    bool // the answer can have no body
	close   bool // the connection ends with it
}

func (w *reply) begin(c *conn, r *http.Request) {
	w.c, w.r, w.length = c, r, -1
	w.close = r.Close || r.ProtoMinor == 0 || loose(r.Header["Connection"])
}

// reset forgets the exchange and keeps the memory, where it is not much.
func (w *reply) reset() {
	clear(w.header)
	*w = reply{header: w.header, out: w.out[:0]}
	if cap(w.out) > together {
		w.out = nil
	}
}

// Header is http.ResponseWriter's.
func (w *reply) Header() http.Header { return w.header }

// WriteHeader is http.ResponseWriter's; only final statuses can be sent, and only the first counts.
func (w *reply) WriteHeader(status int) {
	if w.status != 0 {
		return
	}
	w.status = status
	w.bare = w.r.Method == http.MethodHead || status == http.StatusNoContent || status == http.StatusNotModified
	w.close = w.close || !w.c.body.skip() || w.c.s.closing.Load() || tokens(w.header["Connection"], "close")
	w.frame()
	w.appendHead()
}

// frame decides how the caller learns of the body's end.
func (w *reply) frame() {
	if stated := w.header["Content-Length"]; len(stated) == 1 {
		n, err := strconv.ParseInt(stated[0], 10, 64)
		if err == nil && n >= 0 {
			w.length = n
			return
		}
	}
	delete(w.header, "Content-Length")
	switch {
	case w.bare:
	case w.r.ProtoMinor == 0:
		w.close = true
	default:
		w.chunked = true
	}
}

// appendHead appends the status line and the headers.
func (w *reply) appendHead() {
	b := w.out
	b = append(b, "HTTP/1.1 "...)
	if w.r.ProtoMinor == 0 {
		b[len(b)-2] = '0'
	}
	b = strconv.AppendInt(b, int64(w.status), 10)
	b = append(b, ' ')
	b = append(b, http.StatusText(w.status)...)
	b = append(b, "\r\n"...)
	for name, values := range w.header {
		if name == "Connection" || name == "Transfer-Encoding" || name == "Date" {
			continue // these are the connection's own
		}
		if strings.HasPrefix(name, http.TrailerPrefix) {
			continue
		}
		for _, v := range values {
			b = appendField(b, name, v)
		}
	}
	b = append(b, "Date: "...)
	b = append(b, w.c.s.now()...)
	b = append(b, "\r\n"...)
	if w.chunked {
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	}
	if w.close {
		b = append(b, "Connection: close\r\n"...)
	}
	w.out = append(b, "\r\n"...)
}

// appendField appends a header, unless it would be more than one line.
func appendField(b []byte, name, value string) []byte {
	if strings.IndexByte(value, '\n') >= 0 || strings.IndexByte(value, '\r') >= 0 {
		return b
	}
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, "\r\n"...)
}

// Write is http.ResponseWriter's. What is written waits for Flush, for the body's end, or for more.
func (w *reply) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	switch {
	case w.err != nil:
		return 0, w.err
	case w.r.Method == http.MethodHead:
		return len(p), nil
	case w.bare:
		return 0, http.ErrBodyNotAllowed
	case w.length >= 0 && w.sent+int64(len(p)) > w.length:
		return 0, http.ErrContentLength
	case len(p) == 0:
		return 0, nil
	}
	w.sent += int64(len(p))
	if w.chunked {
		w.out = strconv.AppendInt(w.out, int64(len(p)), 16)
		w.out = append(w.out, "\r\n"...)
	}
	if len(p) <= together {
		w.out = append(w.out, p...)
	} else if w.FlushError() == nil {
		_, w.err = w.c.stream.Write(p)
	}
	if w.chunked {
		w.out = append(w.out, "\r\n"...)
	}
	if len(w.out) > together || w.sent == w.length { // whole: what the handler still does keeps nobody waiting
		_ = w.FlushError()
	}
	if w.err != nil {
		return 0, w.err
	}
	return len(p), nil
}

// FlushError is what http.ResponseController flushes with.
func (w *reply) FlushError() error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.err == nil && len(w.out) > 0 {
		_, w.err = w.c.stream.Write(w.out)
		w.out = w.out[:0]
	}
	return w.err
}

// SetReadDeadline is http.ResponseController's: it bounds the reads of the request's body.
func (w *reply) SetReadDeadline(t time.Time) error {
	if w.c.body.over {
		return nil // nothing is read any more
	}
	w.c.readBy(t)
	return nil
}

// SetWriteDeadline is http.ResponseController's. The deadline stays when the exchange is over.
func (w *reply) SetWriteDeadline(t time.Time) error {
	w.c.writeBy(t)
	return nil
}

// WriteDeadline is the one in force. To know it spares setting another for each exchange.
func (w *reply) WriteDeadline() time.Time { return w.c.writeUntil }

// appendTrailers appends what the handler has set with http.TrailerPrefix since the head went out.
func (w *reply) appendTrailers() {
	for name, values := range w.header {
		if name, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			for _, v := range values {
				w.out = appendField(w.out, name, v)
			}
		}
	}
}

var errShort = errors.New("the answer is shorter than its stated length")

// finish ends the answer and reports whether the connection can be used on.
func (w *reply) finish() bool {
	if w.status == 0 {
		w.header["Content-Length"] = []string{"0"}
		w.WriteHeader(http.StatusOK)
	}
	switch {
	case w.chunked:
		w.out = append(w.out, "0\r\n"...)
		w.appendTrailers()
		w.out = append(w.out, "\r\n"...)
	case w.length > w.sent && !w.bare:
		w.err = errors.Join(w.err, w.FlushError(), errShort)
	}
	if len(w.out) > 0 {
		w.c.writable(time.Now())
	}
	return w.FlushError() == nil && !w.close
}

// loose reports whether a Connection header may mean "close" to somebody: then nothing behind the request
// is taken for another one.
func loose(values []string) bool {
	for _, v := range values {
		if len(v) >= len("close") && strings.Contains(strings.ToLower(v), "close") {
			return true
		}
	}
	return false
}

// tokens reports whether a header that lists tokens has this one.
func tokens(values []string, want string) bool {
	for _, v := range values {
		for token := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(token), want) {
				return true
			}
		}
	}
	return false
}

// stamp is a second and how the Date header spells it.
type stamp struct {
	second int64
	text   string
}

// now is the time of the Date header.
func (s *Server) now() string {
	t := time.Now()
	if d := s.date.Load(); d != nil && d.second == t.Unix() {
		return d.text
	}
	d := &stamp{t.Unix(), t.UTC().Format(http.TimeFormat)}
	s.date.Store(d)
	return d.text
}
