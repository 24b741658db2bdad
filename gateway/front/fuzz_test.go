package front

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// script is a connection whose other side says some bytes and leaves.
type script struct {
	in     io.Reader
	out    bytes.Buffer
	closed chan struct{}
	once   sync.Once
}

func newScript(say []byte) *script {
	return &script{in: bytes.NewReader(say), closed: make(chan struct{})}
}

func (s *script) Read(p []byte) (int, error)       { return s.in.Read(p) }
func (s *script) Write(p []byte) (int, error)      { return s.out.Write(p) }
func (s *script) Close() error                     { s.once.Do(func() { close(s.closed) }); return nil }
func (s *script) LocalAddr() net.Addr              { return &net.UnixAddr{} }
func (s *script) RemoteAddr() net.Addr             { return &net.UnixAddr{} }
func (s *script) SetDeadline(time.Time) error      { return nil }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }

// heard is what a handler heard: each request to its last byte.
type heard struct {
	mu       sync.Mutex
	requests []string
}

func (h *heard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	names := make([]string, 0, len(r.Header))
	for name, values := range r.Header {
		names = append(names, fmt.Sprintf("%s=%q", name, values))
	}
	slices.Sort(names)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.requests = append(h.requests, fmt.Sprintf("%s %s %s %q %s %q broken=%v", r.Method, r.RequestURI, r.Proto, r.Host, names, body, err != nil))
	if err != nil {
		w.Header().Set("Connection", "close")
	}
}

// viaNetHTTP has net/http's server hear what a caller says.
func viaNetHTTP(say []byte) []string {
	h, c := &heard{}, newScript(say)
	s := &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0), MaxHeaderBytes: 8 << 10, DisableGeneralOptionsHandler: true}
	hand := newHandOver()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.Serve(hand)
	}()
	hand.give(c)
	<-c.closed
	_ = s.Close()
	<-ended
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.requests
}

// viaFront has ours hear it, and gives what it answered.
func viaFront(say []byte) (requests []string, answers []byte) {
	h, c := &heard{}, newScript(say)
	o := options(h.ServeHTTP)
	s := New(o)
	s.take(c, nil)
	<-c.closed
	_ = s.Close()
	<-s.left
	return h.requests, c.out.Bytes()
}

// FuzzRequests says anything to net/http's server and to ours: ours never hears a request that the other
// does not hear, to the letter, in the same place. It may stop listening earlier, and then says so.
func FuzzRequests(f *testing.F) {
	for _, s := range []string{
		post("/a", "hi") + post("/b", "there"),
		"GET /a?b HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: y\r\n\r\n" + post("/b", "1"),
		"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n" + post("/b", "1"),
		"POST /a HTTP/1.1\nHost: a\nContent-Length: 2\nX: y\n z\n\nhi\r\n\r\nGET http://c/d HTTP/1.0\n\n",
		"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length : 2\r\n\r\nhi",
		"POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi" + post("/b", "1"),
		"HEAD /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + post("/b", "1"),
		"PRI * HTTP/1.1\r\nHost: a\r\n\r\n", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
		"0 * HTTP/1.1\nHost:0\nConneCtion:0 Close\n\n0 / HTTP/1.0\n00000:\n\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, say []byte) {
		if bytes.Contains(say, []byte("PRI * HTTP/2")) {
			return // handed over
		}
		ours, answers := viaFront(say)
		theirs := viaNetHTTP(say)
		if n := len(theirs); len(ours) > n && !strings.Contains(ours[n], " /") {
			return // its address names a host; the Host header then counts for nothing, and we do not see it
		}
		if len(ours) > len(theirs) {
			t.Fatalf("%q:\nours   %q\ntheirs %q", say, ours, theirs)
		}
		for i := range ours {
			if ours[i] != theirs[i] {
				t.Fatalf("%q:\nours   %s\ntheirs %s", say, ours[i], theirs[i])
			}
		}
		if len(ours) < len(theirs) && !strings.Contains(string(answers), "Connection: close\r\n") {
			t.Fatalf("%q: heard %d of %d requests, and answered %q", say, len(ours), len(theirs), answers)
		}
	})
}
