package front

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"testing"

	"fairlead/test/harness"
)

// TestProtocols holds that each protocol reaches the handler over the same listener.
func TestProtocols(t *testing.T) {
	cert := harness.NewCertificate(t)
	o := options(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Secure", map[bool]string{true: "yes", false: "no"}[r.TLS != nil])
		echo(w, r)
	})
	_, plain := serve(t, o, "", "")
	_, secure := serve(t, o, cert.File, cert.KeyFile)
	for _, c := range []struct {
		name, url string
		major     int
		set       func(*http.Protocols)
	}{
		{"h1", "http://" + plain, 1, func(p *http.Protocols) { p.SetHTTP1(true) }},
		{"h2c", "http://" + plain, 2, func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }},
		{"h1 over TLS", "https://" + secure, 1, func(p *http.Protocols) { p.SetHTTP1(true) }},
		{"h2 over TLS", "https://" + secure, 2, func(p *http.Protocols) { p.SetHTTP2(true) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr := &http.Transport{Protocols: new(http.Protocols), TLSClientConfig: cert.Client.Clone()}
			defer tr.CloseIdleConnections()
			c.set(tr.Protocols)
			for range 3 {
				resp, err := (&http.Client{Transport: tr, Timeout: patience}).Post(c.url+"/a", "text/plain", io.LimitReader(zeros{}, 9000))
				check(t, err)
				body, err := io.ReadAll(resp.Body)
				check(t, errors.Join(err, resp.Body.Close()))
				if len(body) != len("/a:")+9000 || resp.ProtoMajor != c.major || (resp.Header.Get("X-Secure") == "yes") != (resp.TLS != nil) {
					t.Errorf("%d bytes over HTTP/%d, headers %v", len(body), resp.ProtoMajor, resp.Header)
				}
			}
		})
	}
	t.Run("no TLS where it is spoken", func(t *testing.T) {
		caller := dial(t, secure)
		caller.say(t, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if resp, body, _ := caller.hear(t, "GET"); resp.StatusCode != 400 || body == "" || !caller.over(t) {
			t.Errorf("status %d: %s", resp.StatusCode, body)
		}
	})
	t.Run("no handshake", func(t *testing.T) {
		caller := dial(t, secure)
		check(t, caller.Conn.(*net.TCPConn).CloseWrite())
		if !caller.over(t) {
			t.Error("the connection was kept")
		}
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestShutdown holds that idle connections end at once and those in use with their answer, and that who
// does not end in time is broken off by Close.
func TestShutdown(t *testing.T) {
	entered, leave := make(chan struct{}, 1), make(chan struct{})
	s, addr := serve(t, options(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			entered <- struct{}{}
			<-leave
		}
		echo(w, r)
	}), "", "")
	fresh, kept, used := dial(t, addr), dial(t, addr), dial(t, addr)
	kept.say(t, post("/a", "1"))
	_, _, _ = kept.hear(t, "POST")
	used.say(t, post("/slow", "2"))
	<-entered

	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Shutdown(impatient); !errors.Is(err, context.Canceled) {
		t.Errorf("shutdown with an exchange under way: %v", err)
	}
	if !fresh.over(t) || !kept.over(t) {
		t.Error("an idle connection was kept")
	}
	if c, err := net.Dial("tcp", addr); err == nil {
		t.Error("a connection was taken", c.Close())
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Shutdown(t.Context()) }()
	close(leave)
	resp, body, _ := used.hear(t, "POST")
	if body != "/slow:2" || !resp.Close || !used.over(t) {
		t.Errorf("%q, closes %v", body, resp.Close)
	}
	check(t, <-ended)
	if err := s.Serve(&brokenListener{}, "", ""); !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("serve after shutdown: %v", err)
	}
}

// TestListenerBreaks holds that a listener that ends by itself is an error, and one that only has no room
// for the moment is not.
func TestListenerBreaks(t *testing.T) {
	s := New(options(echo))
	if err := s.Serve(&brokenListener{short: 3}, "", ""); !errors.Is(err, net.ErrClosed) || errors.Is(err, http.ErrServerClosed) {
		t.Errorf("serve: %v", err)
	}
	if err := New(options(echo)).Serve(&brokenListener{}, "no such file", "none"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("serve: %v", err)
	}
}

// brokenListener fails short times for want of something, then for good.
type brokenListener struct{ short int }

func (l *brokenListener) Close() error   { return nil }
func (l *brokenListener) Addr() net.Addr { return &net.UnixAddr{} }
func (l *brokenListener) Accept() (net.Conn, error) {
	if l.short > 0 {
		l.short--
		return nil, errors.New("too many open files")
	}
	return nil, net.ErrClosed
}
