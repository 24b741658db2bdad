package bench

import (
	"bufio"
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// leakFree holds that the test leaves no goroutine, once what it started was closed.
func leakFree(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
}

// serve runs an Upstream in this process.
func serve(t *testing.T) (*Upstream, *contender) {
	t.Helper()
	u := &Upstream{}
	return u, &contender{name: "direct", addr: listen(t, u.Serve), key: "none"}
}

func listen(t *testing.T, serve func(net.Listener)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		serve(l)
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l.Addr().String()
}

func TestClosed(t *testing.T) {
	leakFree(t)
	t.Run("counts", func(t *testing.T) {
		u, to := serve(t)
		l, err := closed{to: to, conns: 4, request: to.request(chatPath, chatBody("m", "")), want: chatAnswer, span: 50 * time.Millisecond}.run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if l.exchanges <= 0 || l.exchanges > u.exchanges.Load() || l.rate() <= 0 {
			t.Errorf("%d exchanges counted, %d made", l.exchanges, u.exchanges.Load())
		}
	})
	t.Run("other answer", func(t *testing.T) {
		_, to := serve(t)
		_, err := closed{to: to, conns: 2, request: to.request(chatPath, chatBody("m", "")), want: messageAnswer, span: time.Minute}.run(t.Context())
		if err == nil || !strings.Contains(err.Error(), errOtherAnswer.Error()) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("nobody listens", func(t *testing.T) {
		addr, err := freeAddress()
		if err != nil {
			t.Fatal(err)
		}
		to := &contender{name: "nobody", addr: addr}
		if _, err := (closed{to: to, conns: 2, request: []byte("x"), span: time.Minute}).run(t.Context()); err == nil {
			t.Error("no error")
		}
	})
}

func TestOpen(t *testing.T) {
	leakFree(t)
	u, to := serve(t)
	took, err := open{to: to, rate: 1000, conns: 8, request: to.request(chatPath, chatBody("m", "")), span: 100 * time.Millisecond}.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(took) != 80 || u.exchanges.Load() != 100 {
		t.Errorf("%d times, %d exchanges; want 80 of 100", len(took), u.exchanges.Load())
	}
	for _, d := range took {
		if d <= 0 {
			t.Errorf("an exchange took %s", d)
		}
	}
}

// TestOpenCountsDelay holds that a stall is counted for every exchange that was due during it.
func TestOpenCountsDelay(t *testing.T) {
	leakFree(t)
	const stall = 50 * time.Millisecond
	addr := listen(t, func(l net.Listener) {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		r := bufio.NewReader(conn)
		for n := 0; ; n++ {
			_, length, err := readRequestHead(r)
			if err != nil {
				return
			}
			if _, err := r.Discard(length); err != nil {
				return
			}
			if n == 10 {
				<-time.After(stall)
			}
			if _, err := conn.Write(appendAnswer(nil, "{}")); err != nil {
				return
			}
		}
	})
	to := &contender{name: "stalling", addr: addr}
	took, err := open{to: to, rate: 1000, conns: 1, request: to.request(chatPath, "{}"), span: 50 * time.Millisecond}.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d := took[1]; d < stall-2*time.Millisecond { // it was due a millisecond after the stalled one
		t.Errorf("the exchange behind a stall of %s took %s", stall, d)
	}
}

func TestStreams(t *testing.T) {
	leakFree(t)
	u, to := serve(t)
	s := script{30, 2 * time.Millisecond}
	f, err := streams{to: to, n: 5, script: s, request: to.request(chatPath, chatBody("m", s.String())), window: 20 * time.Millisecond}.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if f.chunks != 150 || f.want != 150 || u.chunks.Load() != 150 || len(f.delays) != 150 {
		t.Errorf("%d chunks read, %d sent, %d delays; want 150", f.chunks, u.chunks.Load(), len(f.delays))
	}
	if f.counted <= 0 || f.counted > 150 {
		t.Errorf("%d chunks in the window", f.counted)
	}
}

func TestCallerRefuses(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
	for _, c := range []struct {
		name, answer string
		stream       bool
		want         string
	}{
		{"a refusal", "HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\nbusy", false, "status 503: busy"},
		{"another protocol", "SSH-2.0-OpenSSH\r\n", false, "not HTTP/1.1"},
		{"no length", "HTTP/1.1 200 OK\r\n\r\n", false, "length"},
		{"a broken length", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", false, "content length"},
		{"a cut answer", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", false, "EOF"},
		{"a stream that is none", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", true, "not chunked"},
		{"a cut stream", head + "5\r\ndata:", true, "EOF"},
		{"a stream without its end", head + "8\r\ndata: x\n\r\n0\r\n\r\n", true, "EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			addr := listen(t, func(l net.Listener) {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				defer conn.Close()
				r := bufio.NewReader(conn)
				if _, _, err := readRequestHead(r); err == nil {
					_, _ = conn.Write([]byte(c.answer))
				}
			})
			one, err := dialCaller(context.Background(), addr, 0, time.Now().Add(10*time.Second))
			if err != nil {
				t.Fatal(err)
			}
			defer one.close()
			request := []byte("GET / HTTP/1.1\r\n\r\n")
			if c.stream {
				err = one.follow(request, func(time.Duration) {})
			} else {
				_, err = one.do(request)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v; want one about %q", err, c.want)
			}
		})
	}
}
