package transport

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// echo answers every request with its body; after answer n it does what the story says.
func echo(e *env, after func(p *peer, n int) bool) *server {
	return e.serve(func(p *peer) {
		for n := 0; ; n++ {
			body, ok := p.request()
			if !ok {
				return
			}
			p.send(answer(body))
			if after != nil && !after(p, n) {
				return
			}
		}
	})
}

// A server that closes after each answer though it let the connection live: no call may fail of it.
// llama.cpp's server does so.
func TestClosedAfterUse(t *testing.T) {
	ends := map[string]func(p *peer){
		"closed": func(*peer) {},
		"reset":  func(p *peer) { p.reset() },
		"before TLS said so": func(p *peer) {
			_ = p.raw.Close()
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, e *env) {
				s := echo(e, func(p *peer, _ int) bool { end(p); return false })
				tr := e.transport(Options{})
				calls := 1000
				if e.tls {
					calls = 100
				}
				if name == "reset" {
					calls /= 10
				}
				for i := range calls {
					h, body, err := exchange(t.Context(), tr, s.call("call "+itoa(i)))
					if name == "reset" && err != nil {
						continue // the reset may overtake the answer that it follows
					}
					if err != nil || h.Status != 200 || body != "call "+itoa(i) {
						t.Fatalf("call %d: %+v, %q, %v", i, h, body, err)
					}
				}
				many(t, 64, calls/64, func(who, n int) error { return challenge(tr, s, who, n, name == "reset") })
			})
		})
	}
}

// many runs work in parallel, rounds times each.
func many(t *testing.T, workers, rounds int, work func(who, round int) error) {
	t.Helper()
	var wg sync.WaitGroup
	for who := range workers {
		wg.Go(func() {
			for n := range rounds + 1 {
				if err := work(who, n); err != nil {
					t.Errorf("worker %d, round %d: %v", who, n, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// An idle connection that is closed, with notice or without, is not used again.
func TestClosedWhileIdle(t *testing.T) {
	run(t, func(t *testing.T, e *env) {
		idle := make(chan *peer, 8)
		s := echo(e, func(p *peer, n int) bool { idle <- p; return true })
		tr := e.transport(Options{})
		for i := range 10 {
			mustAnswer(t, tr, s.call("call "+itoa(i)), "call "+itoa(i))
			p := <-idle
			if i%2 == 0 {
				_ = p.Close() // TLS says goodbye
			} else {
				p.reset()
			}
		}
	})
}

// The server closes upon the second request, before any byte of an answer: sent again where the call
// may be, on a fresh connection otherwise.
func TestClosedUponRequest(t *testing.T) {
	run(t, func(t *testing.T, e *env) {
		s := e.serve(func(p *peer) {
			if body, ok := p.request(); ok {
				p.send(answer(body))
				_, _ = p.br.Peek(1)
			}
		})
		tr := e.transport(Options{})
		for i := range 20 {
			c := s.call("call " + itoa(i))
			c.Again = i%3 != 2
			mustAnswer(t, tr, c, string(c.Body))
		}
	})
}

// A fresh connection that breaks is an error: the provider may have seen the call.
func TestFreshIsNotSentAgain(t *testing.T) {
	run(t, func(t *testing.T, e *env) {
		s := e.serve(func(p *peer) { _, _ = p.request() })
		tr := e.transport(Options{})
		for _, again := range []bool{true, false} {
			before := s.conns()
			c := s.call("a")
			c.Again = again
			_, _, err := exchange(t.Context(), tr, c)
			if !isTransportError(err, StageHeader) {
				t.Fatalf("again %v: err = %v", again, err)
			}
			if made := s.conns() - before; made != 1 {
				t.Errorf("again %v: %d connections, want 1", again, made)
			}
		}
	})
}

// Bytes that come with an answer, beyond its end, belong to nobody, wherever in the layers of
// buffers they lie.
func TestBytesBetweenAnswers(t *testing.T) {
	const stray = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen"
	full := readSize - len("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4096\r\n\r\n")
	stories := map[string]func(p *peer, body string){
		"with the answer": func(p *peer, body string) { p.send(answer(body) + stray) },
		"behind a chunk": func(p *peer, body string) {
			p.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n%s", len(body), body, stray))
		},
		"behind no content": func(p *peer, body string) {
			p.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Body: " + body + "\r\n\r\n" + stray)
		},
		"at a buffer's edge": func(p *peer, body string) { p.send(answer(body+strings.Repeat(" ", full-len(body))) + stray) },
		"a single byte":      func(p *peer, body string) { p.send(answer(body) + "H") },
	}
	for name, story := range stories {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, e *env) {
				s := e.serve(func(p *peer) {
					for {
						body, ok := p.request()
						if !ok {
							return
						}
						story(p, body)
					}
				})
				tr := e.transport(Options{})
				many(t, 8, 25, func(who, n int) error {
					want := fmt.Sprintf("%d/%d", who, n)
					h, got, err := exchange(t.Context(), tr, s.call(want))
					if err != nil {
						return err
					}
					if got == "" {
						got = h.Header.Get("X-Body")
					}
					if strings.TrimSpace(got) != want {
						return fmt.Errorf("got %.60q", got)
					}
					return nil
				})
			})
		})
	}
}

// Bytes that come while a connection is idle, long before the next call.
func TestUnsolicited(t *testing.T) {
	run(t, func(t *testing.T, e *env) {
		idle := make(chan struct{})
		s := echo(e, func(p *peer, _ int) bool {
			p.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen")
			idle <- struct{}{}
			return true
		})
		tr := e.transport(Options{})
		for i := range 10 {
			mustAnswer(t, tr, s.call("call "+itoa(i)), "call "+itoa(i))
			<-idle
		}
	})
}

// A stream whose reader stops at its last event still gives its connection back.
func TestCloseBeforeEnd(t *testing.T) {
	s, peers := script(&env{t: t})
	tr := (&env{t: t}).transport(Options{})
	for range 3 {
		r := send(t, tr, s.call("a"))
		var p *peer
		select {
		case p = <-peers:
		case <-time.After(bound):
			t.Fatal("no request")
		}
		p.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n4\r\nlast\r\n0\r\n\r\n")
		if _, err := r.Head(soon()); err != nil {
			t.Fatal(err)
		}
		var five [5]byte
		if _, err := io.ReadFull(r, five[:]); err != nil || string(five[:]) != "hello" {
			t.Fatal(err)
		}
		_ = r.Close()
		h := tr.(*h1)
		if got := h.pool.count; got != 1 {
			t.Fatalf("%d idle connections, want 1", got)
		}
		c := h.pool.get(r.(*reply).c.key)
		if c == nil {
			t.Fatal("the connection is not at rest")
		}
		c.close()
	}
}

// What is not fit to be used again is closed at once, not kept until somebody looks.
func TestNotGivenBack(t *testing.T) {
	cases := map[string]struct {
		send string
		end  func(r Reply, cancel func())
		idle int
	}{
		"fit":            {answer("hello"), func(Reply, func()) {}, 1},
		"bytes too many": {answer("hello") + "H", func(Reply, func()) {}, 0},
		"cancelled":      {answer("hello"), func(_ Reply, cancel func()) { cancel() }, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s, peers := script(&env{t: t})
			tr := (&env{t: t}).transport(Options{})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r, err := tr.Send(ctx, s.call("a"))
			if err != nil {
				t.Fatal(err)
			}
			(<-peers).send(c.send)
			if _, err := r.Head(soon()); err != nil {
				t.Fatal(err)
			}
			if b, err := io.ReadAll(r); err != nil || string(b) != "hello" {
				t.Fatal(string(b), err)
			}
			c.end(r, cancel)
			_ = r.Close()
			if got := tr.(*h1).pool.count; got != c.idle {
				t.Errorf("%d idle connections, want %d", got, c.idle)
			}
		})
	}
}

// Idle connections grow old and are closed, and the janitor with them.
func TestPoolBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pool{maxIdle: 3, idleFor: time.Minute, maxAge: time.Hour, idle: map[hostKey][]*conn{}}
		key := hostKey{host: "a"}
		var list []*conn
		for range 5 {
			c, _ := pipeConn(key)
			list = append(list, c)
			p.put(c)
		}
		if p.count != 3 || !list[4].wire.aborted.Load() || list[2].wire.aborted.Load() {
			t.Fatalf("%d idle, want 3", p.count)
		}
		if c := p.get(key); c != list[2] {
			t.Fatal("the last one back does not come first")
		}
		time.Sleep(50 * time.Second) // the bubble's clock
		p.put(list[2])
		time.Sleep(11 * time.Second)
		synctest.Wait()
		if p.count != 1 || !list[0].wire.aborted.Load() || list[2].wire.aborted.Load() {
			t.Fatalf("%d idle after a minute, want 1", p.count)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if p.count != 0 || p.janitor != nil || len(p.idle) != 0 {
			t.Fatalf("%d idle, janitor %v after two minutes", p.count, p.janitor != nil)
		}
		old, _ := pipeConn(key)
		time.Sleep(61 * time.Minute)
		if p.put(old); p.count != 0 || !old.wire.aborted.Load() {
			t.Error("a connection past its age was kept")
		}
		last, _ := pipeConn(key)
		p.close()
		if p.put(last); p.count != 0 || !last.wire.aborted.Load() {
			t.Error("a closed pool keeps a connection")
		}
	})
}
