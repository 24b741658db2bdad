package fakellm

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// A connection of net/http that ended with bytes unread lingers half a second, so that they are no reset.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

func do(t *testing.T, req *http.Request) (int, string) {
	t.Helper()
	res, err := fresh.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, req)
}

// TestLeavesNothing asserts that Run ends with hanging answers open, and leaves no goroutine.
func TestLeavesNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := New(Options{})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, l) }()
	url := "http://" + l.Addr().String()
	for _, model := range []string{"x:fail=hang", "x:then=stall", "x:fail=slow_headers,pace=1h", "x:ttft=1h"} {
		dial(t, url).ask("/v1/chat/completions", chatBody(model, true), true)
	}
	eventually(t, "all four are in the log", func() bool {
		n := 0
		for _, a := range s.Log() {
			if a.Model != "" {
				n++
			}
		}
		return n == 4
	})
	stop()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(reach):
		t.Fatal("Run did not end")
	}
	for _, a := range s.Log() {
		if a.Outcome == "open" {
			t.Errorf("still open: %+v", a)
		}
	}
}

// TestGrace asserts that an open stream is finished within the grace, and no new request is taken.
func TestGrace(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := New(Options{Grace: reach})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, l) }()
	w := dial(t, "http://"+l.Addr().String())
	w.ask("/v1/chat/completions", chatBody("x:tokens=5,ttft=100ms", true), true)
	eventually(t, "it is in the log", func() bool { a := s.Log(); return len(a) == 1 && a[0].Model != "" })
	stop()
	raw, err := w.rest()
	if body, done := dechunk(t, raw); err != nil || !done || !strings.HasSuffix(body, "[DONE]\n\n") {
		t.Errorf("cut off: %v %s", err, raw)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", l.Addr().String()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("it still listens: %v", err)
	}
}

// TestPace asserts the clock of a stream: headers, first token, then a chunk a pace.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			model  string
			stream bool
			want   []time.Duration // of each flush
		}{
			{"x:tokens=3,headers=1s,ttft=5s,pace=2s", true, []time.Duration{1 * time.Second, 5 * time.Second, 7 * time.Second, 9 * time.Second}},
			{"x:tokens=3,ttft=5s,pace=2s", true, []time.Duration{0, 5 * time.Second, 7 * time.Second, 9 * time.Second}},
			{"x:tokens=3", true, []time.Duration{0}},
			{"x:tokens=1,ttft=5s,keepalive=2s", true, []time.Duration{0, 2 * time.Second, 4 * time.Second, 5 * time.Second}},
			{"x:tokens=3,ttft=5s,pace=2s", false, []time.Duration{9 * time.Second}},
			{"x:tokens=1,ttft=5s,keepalive=2s", false, []time.Duration{0, 2 * time.Second, 4 * time.Second, 5 * time.Second}},
			{"x:fail=overloaded,ttft=3s", false, []time.Duration{3 * time.Second}},
		} {
			w := &clocked{start: time.Now(), header: http.Header{}}
			r, err := http.NewRequest("POST", "/v1/chat/completions", strings.NewReader(chatBody(c.model, c.stream)))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			New(Options{}).ServeHTTP(w, r)
			if len(w.writes) != len(c.want) {
				t.Errorf("%s: wrote at %v, want %v", c.model, w.writes, c.want)
				continue
			}
			for i := range c.want {
				if w.writes[i] != c.want[i] {
					t.Errorf("%s: wrote at %v, want %v", c.model, w.writes, c.want)
				}
			}
		}
	})
}

// clocked notes when it is written to.
type clocked struct {
	start  time.Time
	header http.Header
	writes []time.Duration
}

func (w *clocked) Header() http.Header { return w.header }
func (w *clocked) WriteHeader(int)     {}
func (w *clocked) Flush()              {}
func (w *clocked) Write(b []byte) (int, error) {
	w.writes = append(w.writes, time.Since(w.start))
	return len(b), nil
}

// TestKeepalive asserts what is sent while the model is silent, in each wire.
func TestKeepalive(t *testing.T) {
	_, url := Start(t, Options{})
	_, body := post(t, url+"/v1/chat/completions", chatBody("x:keepalive=1ms,ttft=5ms", true))
	if !strings.HasPrefix(body, ": keep-alive\n\n: keep-alive\n\n") || !strings.HasSuffix(body, "[DONE]\n\n") {
		t.Errorf("stream: %q", body)
	}
	_, body = post(t, url+"/v1/chat/completions", chatBody("x:keepalive=1ms,ttft=5ms", false))
	if !strings.HasPrefix(body, "\n\n") || value(t, body, "object") != "chat.completion" {
		t.Errorf("plain: %q", body)
	}
	_, body = post(t, url+"/v1/messages", messageBody("x:keepalive=1ms,ttft=5ms", true))
	if !strings.HasPrefix(body, "event: ping\n") {
		t.Errorf("messages: %q", body)
	}
}

// TestTLS asserts both protocols over TLS, and failures there.
func TestTLS(t *testing.T) {
	server, client, err := TLSConfig()
	if err != nil {
		t.Fatal(err)
	}
	_, url := Start(t, Options{TLS: server})
	for _, two := range []bool{false, true} {
		tr := &http.Transport{TLSClientConfig: client.Clone(), ForceAttemptHTTP2: two}
		c := &http.Client{Transport: tr}
		res, err := send(c, url+"/v1/chat/completions", chatBody("x", true))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || !strings.HasSuffix(string(body), "[DONE]\n\n") || (res.ProtoMajor == 2) != two {
			t.Errorf("HTTP/2 %v: %s %v", two, res.Proto, err)
		}
		for _, spec := range []string{"fail=refused", "fail=reset"} {
			if res, err := send(c, url+"/v1/chat/completions", chatBody("x:"+spec, false)); err == nil {
				t.Errorf("HTTP/2 %v %s: %d", two, spec, res.StatusCode)
			}
		}
		res, err = send(c, url+"/v1/chat/completions", chatBody("x:then=abort", true))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(res.Body); err == nil {
			t.Errorf("HTTP/2 %v: abort was read as a clean end", two)
		}
		_ = res.Body.Close()
		tr.CloseIdleConnections()
	}
	nc, err := tls.Dial("tcp", strings.TrimPrefix(url, "https://"), client)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	w := &wire{Conn: nc, in: bufio.NewReader(nc), t: t}
	w.ask("/v1/chat/completions", chatBody("x:close=silent", false), true)
	res, err := http.ReadResponse(w.in, nil)
	if err != nil || res.Close {
		t.Fatalf("%v %v", res, err)
	}
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Fatal(err)
	}
	if b, err := w.rest(); b != "" || err != nil {
		t.Errorf("close=silent over TLS: %q, %v", b, err)
	}
}

// TestManyStreams holds hundreds of paced streams open at a time, for the race detector above all.
func TestManyStreams(t *testing.T) {
	s, url := Start(t, Options{})
	const n = 300
	tr := &http.Transport{MaxIdleConnsPerHost: n}
	defer tr.CloseIdleConnections()
	c := &http.Client{Transport: tr}
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			path := "/v1/chat/completions"
			if i%2 == 0 {
				path = "/v1/messages"
			}
			res, err := send(c, url+path, bodyFor(path, "x:tokens=5,pace=10ms,vary", true))
			if err != nil {
				t.Error(err)
				return
			}
			defer res.Body.Close()
			b, err := io.ReadAll(res.Body)
			if err != nil || !strings.Contains(string(b), "stop") {
				t.Errorf("stream %d: %v", i, err)
			}
			if i%10 == 0 {
				s.Log()
				if err := s.Set("other", "tokens=2"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := s.Attempts("x:tokens=5,pace=10ms,vary"); got != n {
		t.Errorf("%d attempts, want %d", got, n)
	}
}
