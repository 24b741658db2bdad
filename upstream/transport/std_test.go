package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fairlead"
)

// pemFiles writes the test certificate and its key.
func pemFiles(t *testing.T) (cert, key string) {
	t.Helper()
	pair, _ := identity()
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", pair.Certificate[0]), write("key.pem", "PRIVATE KEY", der)
}

func newConfigured(t *testing.T, c fairlead.TransportConfig) Transport {
	t.Helper()
	tr, err := New(Options{}, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tr.Close() })
	return tr
}

// New picks by configuration, and refuses one that cannot work without quoting a password.
func TestNew(t *testing.T) {
	cert, key := pemFiles(t)
	cases := []struct {
		name   string
		config fairlead.TransportConfig
		own    bool
		err    string
	}{
		{"nothing set", fairlead.TransportConfig{}, true, ""},
		{"http2", fairlead.TransportConfig{HTTP2: true}, false, ""},
		{"proxy", fairlead.TransportConfig{Proxy: "socks5://u:hunter2@127.0.0.1:1"}, false, ""},
		{"environment", fairlead.TransportConfig{Proxy: "environment"}, false, ""},
		{"ca", fairlead.TransportConfig{CA: cert}, false, ""},
		{"pair", fairlead.TransportConfig{Cert: cert, Key: key}, false, ""},
		{"no such ca", fairlead.TransportConfig{CA: cert + "x"}, false, "transport.ca"},
		{"ca without certificate", fairlead.TransportConfig{CA: key}, false, "no PEM certificate"},
		{"cert alone", fairlead.TransportConfig{Cert: cert}, false, "go together"},
		{"key for cert", fairlead.TransportConfig{Cert: key, Key: key}, false, "transport.cert"},
		{"bad proxy", fairlead.TransportConfig{Proxy: "http://u:hunter2@[::1"}, false, "not a URL"},
		{"proxy without host", fairlead.TransportConfig{Proxy: "u:hunter2"}, false, "not a URL"},
		{"proxy of another kind", fairlead.TransportConfig{Proxy: "ftp://u:hunter2@a"}, false, "scheme"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			tr, err := New(Options{}, c.config)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "hunter2") {
					t.Fatalf("err = %v, want %q", err, c.err)
				}
				return
			}
			if _, own := tr.(*h1); err != nil || own != c.own {
				t.Fatalf("got %T, %v", tr, err)
			}
		})
	}
}

// A call through a proxy: in clear by absolute address, over TLS by CONNECT, the password sent.
func TestProxy(t *testing.T) {
	for _, secure := range []bool{false, true} {
		e := &env{t: t, tls: secure}
		s := echo(e, nil)
		var seen atomic.Int32
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, password, ok := basic(r.Header.Get("Proxy-Authorization")); !ok || password != "hunter2" {
				w.WriteHeader(http.StatusProxyAuthRequired)
				return
			}
			seen.Add(1)
			if r.Method != http.MethodConnect {
				body, _ := io.ReadAll(r.Body)
				_, _ = w.Write(body)
				return
			}
			tunnel(t, w, r.Host)
		}))
		cert, _ := pemFiles(t)
		address := strings.Replace(proxy.URL, "//", "//u:hunter2@", 1)
		tr := newConfigured(t, fairlead.TransportConfig{Proxy: address, CA: cert})
		for i := range 3 {
			mustAnswer(t, tr, s.call("call "+itoa(i)), "call "+itoa(i))
		}
		if n := seen.Load(); (secure && n != 1) || (!secure && n != 3) {
			t.Errorf("TLS %v: the proxy saw %d requests", secure, n)
		}
		refused := newConfigured(t, fairlead.TransportConfig{Proxy: strings.Replace(proxy.URL, "//", "//u:secret@", 1)})
		h, _, err := exchange(t.Context(), refused, s.call("a"))
		if secure && (!isTransportError(err, StageConnect) || strings.Contains(err.Error(), "secret")) {
			t.Errorf("refused by the proxy: %v", err)
		}
		if !secure && (err != nil || h.Status != 407) {
			t.Errorf("refused by the proxy: %+v, %v", h, err)
		}
		_ = tr.Close()
		_ = refused.Close()
		proxy.Close()
	}
}

func basic(header string) (user, password string, ok bool) {
	r := http.Request{Header: http.Header{"Authorization": {header}}}
	return r.BasicAuth()
}

func tunnel(t *testing.T, w http.ResponseWriter, host string) {
	there, err := net.Dial("tcp", host)
	if err != nil {
		t.Error(err)
		return
	}
	here, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
	go func() { _, _ = io.Copy(there, buffered); _ = there.Close() }()
	go func() { _, _ = io.Copy(here, there); _ = here.Close() }()
}

// Own authorities are trusted instead of the system's, and a client certificate is shown.
func TestAuthorityAndCertificate(t *testing.T) {
	cert, key := pemFiles(t)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, itoa(len(r.TLS.PeerCertificates)))
	}))
	s.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	s.StartTLS()
	defer s.Close()
	s.Config.ErrorLog = nil
	u, _ := url.Parse(s.URL)
	call := &Call{URL: u, Method: "GET", Again: true}
	mustAnswer(t, newConfigured(t, fairlead.TransportConfig{CA: cert}), call, "0")
	mustAnswer(t, newConfigured(t, fairlead.TransportConfig{CA: cert, Cert: cert, Key: key}), call, "1")
	for _, c := range []fairlead.TransportConfig{{}, {HTTP2: true}} {
		_, _, err := exchange(t.Context(), newConfigured(t, c), call)
		var unknown x509.UnknownAuthorityError
		if !isTransportError(err, StageConnect) || !errors.As(err, &unknown) {
			t.Errorf("%+v: err = %v", c, err)
		}
	}
}

// HTTP/2 keeps the contract: one connection, waits that can be taken up again, cancelling, and a
// stream that breaks off is no clean end.
func TestHTTP2(t *testing.T) {
	cert, _ := pemFiles(t)
	step := make(chan string)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if string(body) != "play" || r.ProtoMajor != 2 {
			_, _ = w.Write(body)
			return
		}
		for s := range step {
			if s == "break" {
				panic(http.ErrAbortHandler)
			}
			_, _ = io.WriteString(w, s)
			_ = http.NewResponseController(w).Flush()
			if s == "end" {
				return
			}
		}
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	tr := newConfigured(t, fairlead.TransportConfig{HTTP2: true, CA: cert})
	u, _ := url.Parse(s.URL)
	call := func(body string) *Call {
		return &Call{URL: u, Method: "POST", Body: []byte(body), Again: true}
	}
	many(t, 20, 20, func(who, n int) error {
		want := itoa(who) + "/" + itoa(n)
		if _, got, err := exchange(t.Context(), tr, call(want)); err != nil || got != want {
			return errors.New("got " + got)
		}
		return nil
	})
	r := send(t, tr, call("play"))
	silent(t, r, "before the header")
	step <- "hello"
	if h, err := r.Head(soon()); err != nil || h.Status != 200 || !h.Framed {
		t.Fatalf("Head = %+v, %v", h, err)
	}
	reads(t, r, "hello")
	silent(t, r, "within the body")
	step <- "end"
	reads(t, r, "end")
	if _, err := r.Read(make([]byte, 1)); err != io.EOF {
		t.Fatalf("Read = %v", err)
	}
	r = send(t, tr, call("play"))
	step <- "hello"
	if _, err := r.Head(soon()); err != nil {
		t.Fatal(err)
	}
	reads(t, r, "hello")
	step <- "break"
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("Read of a broken stream = %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), blink)
	defer cancel()
	if _, _, err := exchange(ctx, tr, call("play")); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("cancelled: %v", err)
	}
	close(step)
}

// What goes over the wire is the call and its framing, nothing else.
func TestWire(t *testing.T) {
	run(t, func(t *testing.T, e *env) {
		got := make(chan string, 1)
		s := e.serve(func(p *peer) {
			var text strings.Builder
			for {
				line, err := p.br.ReadString('\n')
				if text.WriteString(line); err != nil || line == "\r\n" {
					break
				}
			}
			got <- text.String()
			p.send(answer(""))
			p.hold()
		})
		s.url.Path, s.url.RawQuery = "/v1/ü", "a=b%20c"
		c := s.call("hello")
		c.Header = []Field{{Name: "X-B", Value: "1"}, {Name: "Accept", Value: "text/event-stream"}}
		mustAnswer(t, e.transport(Options{}), c, "")
		want := []string{
			"POST /v1/%C3%BC?a=b%20c HTTP/1.1", "Host: " + s.url.Host, "X-B: 1", "Accept: text/event-stream", "Content-Length: 5", "", "",
		}
		text := <-got
		if !e.std {
			if text != strings.Join(want, "\r\n") {
				t.Errorf("sent %q", text)
			}
			return
		}
		for _, line := range want {
			text = strings.Replace(text, line+"\r\n", "", 1)
		}
		if text != "" {
			t.Errorf("sent more: %q", text)
		}
	})
}

// Calls that would frame something else than they say are refused before anything is sent.
func TestInvalidCall(t *testing.T) {
	run(t, func(t *testing.T, e *env) {
		s := e.serve(func(p *peer) { p.hold() })
		tr := e.transport(Options{})
		cases := map[string]func(c *Call){
			"no URL":            func(c *Call) { c.URL = nil },
			"relative":          func(c *Call) { c.URL = &url.URL{Path: "/v1"} },
			"scheme":            func(c *Call) { c.URL = &url.URL{Scheme: "ftp", Host: "a"} },
			"host":              func(c *Call) { c.URL = &url.URL{Scheme: "http", Host: "a b"} },
			"query":             func(c *Call) { u := *c.URL; u.RawQuery = "a b\r\nX: secret"; c.URL = &u },
			"method":            func(c *Call) { c.Method = "GET / HTTP/1.1\r\n" },
			"no method":         func(c *Call) { c.Method = "" },
			"HEAD":              func(c *Call) { c.Method = "HEAD" },
			"CONNECT":           func(c *Call) { c.Method = "CONNECT" },
			"host field":        func(c *Call) { c.Header = []Field{{Name: "host", Value: "secret"}} },
			"length field":      func(c *Call) { c.Header = []Field{{Name: "content-length", Value: "secret"}} },
			"connection field":  func(c *Call) { c.Header = []Field{{Name: "Connection", Value: "secret"}} },
			"encoding field":    func(c *Call) { c.Header = []Field{{Name: "Transfer-Encoding", Value: "secret"}} },
			"name with a colon": func(c *Call) { c.Header = []Field{{Name: "X:", Value: "secret"}} },
			"no name":           func(c *Call) { c.Header = []Field{{Name: "", Value: "secret"}} },
			"value with a line": func(c *Call) { c.Header = []Field{{Name: "X", Value: "secret\r\nY: 1"}} },
			"value with a zero": func(c *Call) { c.Header = []Field{{Name: "X", Value: "secret\x00"}} },
		}
		for name, spoil := range cases {
			c := s.call("a")
			spoil(c)
			_, _, err := exchange(t.Context(), tr, c)
			if !errors.Is(err, ErrInvalidCall) || !isTransportError(err, StageConnect) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// A closed transport goes on sending, and keeps no connection.
func TestSendAfterClose(t *testing.T) {
	run(t, func(t *testing.T, e *env) {
		s := echo(e, nil)
		tr := e.transport(Options{})
		open := send(t, tr, s.call("open"))
		_ = tr.Close()
		for i := range 3 {
			mustAnswer(t, tr, s.call("call "+itoa(i)), "call "+itoa(i))
		}
		if _, err := open.Head(soon()); err != nil {
			t.Fatal(err)
		}
		reads(t, open, "open")
		_ = open.Close()
		for _, p := range s.all() {
			within(t, p.gone)
		}
		if s.conns() != 4 {
			t.Errorf("%d connections, want 4", s.conns())
		}
	})
}

func (s *server) all() []*peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*peer(nil), s.peers...)
}

// A connection without a file descriptor is looked at by reading.
func TestNoDescriptor(t *testing.T) {
	tr := newH1(Options{Dial: func(context.Context, string, string) (net.Conn, error) {
		a, b := net.Pipe()
		go func() {
			p := &peer{Conn: b}
			buf := make([]byte, 4096)
			for {
				n, err := b.Read(buf)
				if err != nil {
					return
				}
				i := strings.LastIndex(string(buf[:n]), "\n")
				p.send(answer(string(buf[i+1 : n])))
			}
		}()
		return a, nil
	}})
	defer tr.Close()
	u, _ := url.Parse("http://a/")
	for i := range 5 {
		body := "call " + itoa(i)
		mustAnswer(t, tr, &Call{URL: u, Method: "POST", Body: []byte(body), Again: true}, body)
	}
	key := hostKey{host: "a"}
	c, other := pipeConn(key)
	defer c.close()
	if !c.untouched() {
		t.Fatal("an idle connection is touched")
	}
	go func() { _, _ = io.WriteString(other, "HT") }()
	for end := soon(); c.wire.peek() == quiet; {
		if time.Now().After(end) {
			t.Fatal("nothing seen")
		}
	}
	if c.untouched() {
		t.Fatal("bytes arrived unseen")
	}
	if b, err := c.br.Peek(2); err != nil || string(b) != "HT" {
		t.Fatalf("Peek = %q, %v", b, err)
	}
}
