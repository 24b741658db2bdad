package transport

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"fairlead"

	"go.uber.org/goleak"
)

// bound is far longer than anything here takes; only a hang reaches it.
const bound = 20 * time.Second

// blink is how long a wait that must fail lasts.
const blink = 20 * time.Millisecond

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard) // http.Transport logs what arrives unasked
	goleak.VerifyTestMain(m)
}

// run runs one test of the contract on every transport: ours and the standard library's, each
// without and with TLS.
func run(t *testing.T, test func(*testing.T, *env)) {
	t.Helper()
	for _, c := range []struct {
		name     string
		std, tls bool
	}{{"own", false, false}, {"own-tls", false, true}, {"std", true, false}, {"std-tls", true, true}} {
		t.Run(c.name, func(t *testing.T) { test(t, &env{t: t, std: c.std, tls: c.tls}) })
	}
}

type env struct {
	t        testing.TB
	std, tls bool
}

// transport makes the transport under test; it is closed with the test.
func (e *env) transport(o Options) Transport {
	e.t.Helper()
	if e.tls {
		o.TLS = trust(e.t)
	}
	var tr Transport = newH1(o)
	if e.std {
		s, err := newStd(o, fairlead.TransportConfig{})
		if err != nil {
			e.t.Fatal(err)
		}
		tr = s
	}
	e.t.Cleanup(func() {
		if err := tr.Close(); err != nil {
			e.t.Error(err)
		}
	})
	return tr
}

var identity = sync.OnceValues(func() (tls.Certificate, *x509.Certificate) {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	return s.TLS.Certificates[0], s.Certificate()
})

func trust(testing.TB) *tls.Config {
	_, cert := identity()
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &tls.Config{RootCAs: pool}
}

// server is a provider that a test scripts byte by byte.
type server struct {
	t   testing.TB
	url *url.URL
	ln  net.Listener
	wg  sync.WaitGroup

	mu    sync.Mutex
	peers []*peer
	over  bool
}

// serve listens; play is the story of each connection, numbered from 0.
func (e *env) serve(play func(p *peer)) *server {
	e.t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		e.t.Fatal(err)
	}
	scheme := "http"
	if e.tls {
		scheme = "https"
	}
	s := &server{t: e.t, ln: ln, url: &url.URL{Scheme: scheme, Host: ln.Addr().String(), Path: "/v1/x"}}
	s.wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			if p := s.meet(c, e.tls); p != nil {
				s.wg.Go(func() { defer close(p.gone); defer p.Close(); play(p) })
			}
		}
	})
	e.t.Cleanup(s.stop)
	return s
}

func (s *server) meet(c net.Conn, secure bool) *peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		_ = c.Close()
		return nil
	}
	p := &peer{raw: c.(*net.TCPConn), n: len(s.peers), gone: make(chan struct{})}
	p.Conn = c
	if secure {
		cert, _ := identity()
		p.Conn = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}})
	}
	p.br = bufio.NewReader(p.Conn)
	s.peers = append(s.peers, p)
	return p
}

func (s *server) stop() {
	_ = s.ln.Close()
	s.mu.Lock()
	s.over = true
	for _, p := range s.peers {
		_ = p.raw.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

// conns tells how many connections were made.
func (s *server) conns() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.peers)
}

func (s *server) call(body string) *Call {
	return &Call{URL: s.url, Method: "POST", Header: []Field{{Name: "Content-Type", Value: "text/plain"}}, Body: []byte(body), Again: true}
}

// peer is the server's side of a connection.
type peer struct {
	net.Conn
	raw  *net.TCPConn
	br   *bufio.Reader
	n    int
	gone chan struct{} // closed when the story is over
}

// request reads a request and gives its body; false where there is none.
func (p *peer) request() (string, bool) {
	req, err := http.ReadRequest(p.br)
	if err != nil {
		return "", false
	}
	b, err := io.ReadAll(req.Body)
	return string(b), err == nil
}

// send writes pieces, each with a write of its own.
func (p *peer) send(pieces ...string) {
	for _, s := range pieces {
		_, _ = io.WriteString(p.Conn, s)
	}
}

// reset breaks the connection without notice.
func (p *peer) reset() {
	_ = p.raw.SetLinger(0)
	_ = p.raw.Close()
}

// answer is a plain answer with a body.
func answer(body string) string {
	return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " + itoa(len(body)) + "\r\n\r\n" + body
}

// hold keeps the connection open until the other side closes it.
func (p *peer) hold() { _, _ = io.Copy(io.Discard, p.br) }

func soon() time.Time { return time.Now().Add(bound) }

// exchange sends a call and reads its answer to the end.
func exchange(ctx context.Context, tr Transport, c *Call) (*Head, string, error) {
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	r, err := tr.Send(ctx, c)
	if err != nil {
		return nil, "", err
	}
	defer r.Close()
	h, err := r.Head(time.Time{})
	if err != nil {
		return nil, "", err
	}
	b, err := io.ReadAll(r)
	return h, string(b), err
}

// mustAnswer holds that a call gets exactly this body.
func mustAnswer(t testing.TB, tr Transport, c *Call, want string) {
	t.Helper()
	h, got, err := exchange(t.Context(), tr, c)
	if err != nil || h.Status != 200 || got != want {
		t.Fatalf("answer = %+v, %.80q, %v; want 200 with %.80q", h, got, err, want)
	}
}

// quotes reports whether an error's text holds something of an answer.
func quotes(err error, answer string) bool {
	for line := range strings.SplitSeq(answer, "\r\n") {
		if len(line) > 12 && strings.Contains(err.Error(), line) {
			return true
		}
	}
	return false
}

func isTransportError(err error, stage Stage) bool {
	var e *Error
	return errors.As(err, &e) && e.Stage == stage
}
