package transport

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// pipeConn is a connection without a file descriptor, and its other side.
func pipeConn(key hostKey) (*conn, net.Conn) {
	a, b := net.Pipe()
	w := newWire(a)
	c := &conn{key: key, wire: w, stream: w, born: time.Now(), abort: w.abort}
	c.br = bufio.NewReaderSize(c, readSize)
	return c, b
}

// challenge sends a token that nobody else has and holds that the answer has it and no other. With
// faults an error is as good; a false answer never is.
func challenge(tr Transport, s *server, who, n int, faults bool) error {
	want := fmt.Sprintf("<%d.%d>", who, n)
	c := s.call(want)
	c.Again = n%5 != 0
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	if faults && n%7 == 3 {
		ctx, cancel = context.WithTimeout(ctx, time.Duration(rand.IntN(3000))*time.Microsecond)
		defer cancel()
	}
	h, got, err := exchange(ctx, tr, c)
	switch {
	case err != nil && !faults:
		return err
	case !strings.HasPrefix(strings.Repeat(want, len(got)/len(want)+1), got):
		return fmt.Errorf("answer = %.60q, %v; want %q", got, err, want)
	case err == nil && (h.Status != 200 || !strings.HasPrefix(got, want)):
		return fmt.Errorf("answer = %d, %.60q; want %q", h.Status, got, want)
	}
	return nil
}

// fault is one of the ways in which a server goes wrong after it has read a request. false: the
// connection ends.
func fault(p *peer, body string) bool {
	switch rand.IntN(12) {
	case 0: // closes without an answer
		return false
	case 1:
		p.reset()
		return false
	case 2: // breaks off within the answer
		p.send(answer(body)[:40])
		return false
	case 3: // more than it said
		p.send(answer(body) + answer(body))
	case 4: // the same behind chunks; strays that come later than this cannot be told from an answer
		p.send(fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body) + answer(body))
	case 5: // less than it said
		p.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + body)
		return false
	case 6:
		p.send(fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(body), body))
		return false
	case 7: // ends with the connection
		p.send("HTTP/1.1 200 OK\r\n\r\n" + body)
		return false
	case 8: // just used, and closed
		p.send(answer(body))
		return false
	case 9:
		p.send("HTTP/1.1 100 Continue\r\n\r\n", fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n", len(body), body), "\r\n")
	case 10: // larger than any buffer
		p.send(answer(strings.Repeat(body, 9000/len(body))))
	default:
		p.send(answer(body))
	}
	return true
}

// Two hundred callers with faults all around them: no answer ever reaches another's caller.
func TestNothingCrosses(t *testing.T) {
	run(t, func(t *testing.T, e *env) {
		s := e.serve(func(p *peer) {
			for {
				body, ok := p.request()
				if !ok || !fault(p, body) {
					return
				}
			}
		})
		tr := e.transport(Options{})
		rounds := 25
		if e.tls {
			rounds = 6
		}
		many(t, 200, rounds, func(who, n int) error { return challenge(tr, s, who, n, true) })
	})
}

// An answer that comes before the request was read is the answer, whether the server then closes,
// or waits without reading on.
func TestEarlyAnswer(t *testing.T) {
	for _, size := range []int{100, 12 << 10, 200 << 10, 16 << 20} {
		for _, closes := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d bytes, closes %v", size, closes), func(t *testing.T) {
				run(t, func(t *testing.T, e *env) {
					over := make(chan struct{})
					s := e.serve(func(p *peer) {
						if p.n > 0 {
							body, _ := p.request()
							p.send(answer(body))
							<-over
							return
						}
						if _, err := p.br.ReadString('\n'); err != nil {
							return
						}
						p.send("HTTP/1.1 102 Processing\r\n\r\n", "HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n\r\nlarge")
						if closes {
							_ = p.raw.CloseWrite()
						}
						<-over
					})
					defer close(over)
					tr := e.transport(Options{})
					h, body, err := exchange(t.Context(), tr, s.call(strings.Repeat("x", size)))
					if err != nil || h.Status != 413 || body != "large" {
						t.Fatalf("got %+v, %q, %v", h, body, err)
					}
					if size >= 16<<20 { // not written whole: the next request would be taken for its rest
						mustAnswer(t, tr, s.call("next"), "next")
					}
				})
			})
		}
	}
}

// A server that closes at once on a long request breaks the writing of it. TCP may destroy the
// answer then; what must not be is a wrong one, or none of both.
func TestEarlyAnswerAndReset(t *testing.T) {
	run(t, func(t *testing.T, e *env) {
		s := e.serve(func(p *peer) {
			_, _ = p.br.ReadString('\n')
			p.send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno")
		})
		tr := e.transport(Options{})
		answers := 0
		for range 20 {
			h, body, err := exchange(t.Context(), tr, s.call(strings.Repeat("x", 4<<20)))
			switch {
			case err == nil && h.Status == 401 && body == "no":
				answers++
			case err == nil || !errors.Is(err, io.ErrUnexpectedEOF):
				t.Fatalf("got %+v, %q, %v", h, body, err)
			}
		}
		if answers < 15 { // all of them, on systems that keep what was received before a reset
			t.Errorf("%d of 20 answers came through", answers)
		}
	})
}

// A long body that is read slowly arrives whole.
func TestSlowUpload(t *testing.T) {
	run(t, func(t *testing.T, e *env) {
		body := strings.Repeat("0123456789abcdef", 1<<19) // 8 MiB
		pause := make(chan struct{})
		s := e.serve(func(p *peer) {
			for range 2 {
				_, _ = p.br.Peek(1)
				<-pause // longer than a stall
				p.send("HTTP/1.1 102 Processing\r\n\r\n")
				got, ok := p.request()
				if !ok {
					return
				}
				p.send(answer(itoa(len(got)) + got[len(got)-16:]))
			}
		})
		tr := e.transport(Options{})
		for range 2 {
			go func() {
				timer := time.NewTimer(3 * stall)
				defer timer.Stop()
				<-timer.C
				pause <- struct{}{}
			}()
			mustAnswer(t, tr, s.call(body), itoa(len(body))+"0123456789abcdef")
		}
		if s.conns() != 1 {
			t.Errorf("%d connections, want 1", s.conns())
		}
	})
}

// Cancelling ends a write that the other side does not read.
func TestCancelWrite(t *testing.T) {
	run(t, func(t *testing.T, e *env) {
		over := make(chan struct{})
		defer close(over)
		s := e.serve(func(p *peer) { _, _ = p.br.ReadString('\n'); <-over })
		ctx, cancel := context.WithTimeout(t.Context(), 5*blink)
		defer cancel()
		_, _, err := exchange(ctx, e.transport(Options{}), s.call(strings.Repeat("x", 32<<20)))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("err = %v", err)
		}
	})
}

// Connections that cannot be made: in time, and without having sent anything.
func TestConnect(t *testing.T) {
	run(t, func(t *testing.T, e *env) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s := e.serve(func(p *peer) { p.hold() })
		refused := s.call("a")
		u := *s.url
		u.Host = ln.Addr().String()
		refused.URL = &u
		_ = ln.Close()
		_, _, err = exchange(t.Context(), e.transport(Options{}), refused)
		if !isTransportError(err, StageConnect) {
			t.Errorf("refused: %v", err)
		}
		never := func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		_, _, err = exchange(t.Context(), e.transport(Options{Connect: blink, Dial: never}), s.call("a"))
		if !isTransportError(err, StageConnect) || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("no answer to connecting: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), blink)
		defer cancel()
		_, _, err = exchange(ctx, e.transport(Options{Dial: never}), s.call("a"))
		if !isTransportError(err, StageConnect) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("cancelled while connecting: %v", err)
		}
	})
}
