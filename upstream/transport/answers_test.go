package transport

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"
)

func itoa(n int) string { return strconv.Itoa(n) }

// Whole answers: what is given, and whether the connection may serve the next call.
func TestAnswers(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 4<<10)
	cases := []struct {
		name   string
		send   []string
		close  bool // the server closes after it
		status int
		body   string
		framed bool
		reuse  bool
	}{
		{"length", []string{answer("hello")}, false, 200, "hello", true, true},
		{"length, in pieces", strings.SplitAfter(answer("hello"), ""), false, 200, "hello", true, true},
		{"long", []string{answer(long)}, false, 200, long, true, true},
		{"empty", []string{answer("")}, false, 200, "", true, true},
		{"chunked", []string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"}, false, 200, "hello!", true, true},
		{"chunked, in pieces", strings.SplitAfter("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n05;a=b\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", ""), false, 200, "hello!", true, true},
		{"chunked, long", []string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000\r\n" + long + "\r\n10000\r\n" + long + "\r\n0\r\n\r\n"}, false, 200, long + long, true, true},
		{"trailers", []string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\nX-U: 2\r\n\r\n"}, false, 200, "hello", true, true},
		{"closed at the end", []string{"HTTP/1.1 200 OK\r\n\r\n", "hel", "lo"}, true, 200, "hello", false, false},
		{"HTTP/1.0", []string{"HTTP/1.0 200 OK\r\n\r\nhello"}, true, 200, "hello", false, false},
		{"HTTP/1.0, length", []string{"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"}, true, 200, "hello", true, false},
		{"connection: close", []string{"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"}, false, 200, "hello", true, false},
		{"interim first", []string{"HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + answer("hello")}, false, 200, "hello", true, true},
		{"no content", []string{"HTTP/1.1 204 No Content\r\n\r\n"}, false, 204, "", true, true},
		{"redirect", []string{"HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 2\r\n\r\nno"}, false, 307, "no", true, true},
		{"gzip stays", []string{"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nzz"}, false, 200, "zz", true, true},
		{"same length twice", []string{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello"}, false, 200, "hello", true, false},
		{"bare line feeds", []string{"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"}, false, 200, "hello", true, true},
		{"long header", []string{"HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Pad: "+long[:1000]+"\r\n", 100) + "Content-Length: 5\r\n\r\nhello"}, false, 200, "hello", true, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			run(t, func(t *testing.T, e *env) {
				s := e.serve(func(p *peer) {
					if _, ok := p.request(); !ok {
						return
					}
					if p.n > 0 {
						p.send(answer("second"))
						p.hold()
						return
					}
					p.send(c.send...)
					if c.close {
						return
					}
					if _, ok := p.request(); ok {
						p.send(answer("second"))
						p.hold()
					}
				})
				tr := e.transport(Options{})
				h, body, err := exchange(t.Context(), tr, s.call("a"))
				if err != nil {
					t.Fatal(err)
				}
				if h.Status != c.status || body != c.body || h.Framed != c.framed {
					t.Fatalf("got %d, %.40q, framed %v; want %d, %.40q, %v", h.Status, body, h.Framed, c.status, c.body, c.framed)
				}
				mustAnswer(t, tr, s.call("b"), "second")
				if reused := s.conns() == 1; !e.std && reused != c.reuse {
					t.Errorf("connection reused: %v, want %v", reused, c.reuse)
				}
			})
		})
	}
}

// Answers that are none: an error, bounded in time, whose text quotes nothing; and the next call gets
// its own answer.
func TestMalformed(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	const chunked = ok + "Transfer-Encoding: chunked\r\n\r\n"
	cases := []struct {
		name string
		send string
		kind error // nil: any *Error
		end  bool  // the server closes after it
	}{
		{"switching protocols", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", ErrMalformed, false},
		{"not HTTP", "SSH-2.0-OpenSSH_9.9 my secret answer\r\n\r\n", ErrMalformed, false},
		{"status with letters", "HTTP/1.1 2x0 my secret answer\r\n\r\n", ErrMalformed, false},
		{"status of four digits", "HTTP/1.1 2000 my secret answer\r\n\r\n", ErrMalformed, false},
		{"status below 100", "HTTP/1.1 099 my secret answer\r\n\r\n", ErrMalformed, false},
		{"negative status", "HTTP/1.1 -20 my secret answer\r\n\r\n", ErrMalformed, false},
		{"version", "HTTP/x.y 200 my secret answer\r\n\r\n", ErrMalformed, false},
		{"other version", "HTTP/2.0 200 my secret answer\r\nContent-Length: 5\r\n\r\nhello", ErrMalformed, false},
		{"empty line first", "\r\n" + ok + "\r\n", ErrMalformed, false},
		{"header without colon", ok + "my secret answer\r\n\r\n", ErrMalformed, false},
		{"header with space before colon", ok + "Content-Length : 5\r\n\r\nhello", ErrMalformed, false},
		{"first line folded", ok + " my secret answer\r\n\r\n", ErrMalformed, false},
		{"negative length", ok + "Content-Length: -5\r\n\r\nhello", ErrMalformed, false},
		{"length of letters", ok + "Content-Length: mysecretanswer\r\n\r\nhello", ErrMalformed, false},
		{"two lengths", ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", ErrMalformed, false},
		{"list of lengths", ok + "Content-Length: 5, 5\r\n\r\nhello", ErrMalformed, false},
		{"unknown encoding", ok + "Transfer-Encoding: mysecretanswer\r\n\r\nhello", ErrMalformed, false},
		{"two encodings", ok + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", ErrMalformed, false},
		{"endless header line", ok + "X: " + strings.Repeat("a", 400<<10), ErrHeaderTooLarge, false},
		{"endless header", ok + strings.Repeat("X: y\r\n", 80<<10), ErrHeaderTooLarge, false},
		{"endless interim answers", strings.Repeat("HTTP/1.1 100 Continue\r\nX: "+strings.Repeat("a", 2000)+"\r\n\r\n", 200), ErrHeaderTooLarge, false},
		{"closed before the header", "", io.ErrUnexpectedEOF, true},
		{"closed within the header", ok + "Content-Le", nil, true},
		{"closed within the body", ok + "Content-Length: 50\r\n\r\nhello", io.ErrUnexpectedEOF, true},
		{"closed within a chunk", chunked + "50\r\nhello", io.ErrUnexpectedEOF, true},
		{"closed between chunks", chunked + "5\r\nhello\r\n", io.ErrUnexpectedEOF, true},
		{"closed within the last chunk", chunked + "5\r\nhello\r\n0\r\n", io.ErrUnexpectedEOF, true},
		{"chunk size of letters", chunked + "mysecretanswer\r\nhello\r\n0\r\n\r\n", ErrMalformed, false},
		{"negative chunk size", chunked + "-5\r\nhello\r\n0\r\n\r\n", ErrMalformed, false},
		{"empty chunk size", chunked + "\r\nhello\r\n0\r\n\r\n", ErrMalformed, false},
		{"enormous chunk size", chunked + "fffffffffffffffff\r\nhello\r\n0\r\n\r\n", ErrMalformed, false},
		{"no break after chunk", chunked + "5\r\nhelloXX0\r\n\r\n", ErrMalformed, false},
		{"endless chunk size line", chunked + "5;" + strings.Repeat("x", 64<<10), ErrMalformed, false},
		{"flood of chunk extensions", chunked + strings.Repeat("1;"+strings.Repeat("x", 2000)+"\r\na\r\n", 100), ErrMalformed, false},
		{"endless trailer", chunked + "5\r\nhello\r\n0\r\n" + strings.Repeat("X-T: y\r\n", 8<<10), ErrMalformed, false},
		{"malformed trailer", chunked + "5\r\nhello\r\n0\r\nmy secret answer\r\n\r\n", ErrMalformed, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			run(t, func(t *testing.T, e *env) {
				s := e.serve(func(p *peer) {
					if _, ok := p.request(); !ok {
						return
					}
					if p.n > 0 {
						p.send(answer("second"))
						p.hold()
						return
					}
					p.send(c.send)
					if !c.end {
						p.hold()
					}
				})
				tr := e.transport(Options{})
				_, body, err := exchange(t.Context(), tr, s.call("a"))
				var te *Error
				if !errors.As(err, &te) || (c.kind != nil && !errors.Is(err, c.kind)) {
					t.Fatalf("got %.40q, %v; want %v", body, err, c.kind)
				}
				if quotes(err, c.send) {
					t.Errorf("error quotes the answer: %v", err)
				}
				mustAnswer(t, tr, s.call("b"), "second")
			})
		})
	}
}

// A folded line may be refused or, as RFC 9112 allows as well, be read as one with spaces.
func TestFoldedHeader(t *testing.T) {
	run(t, func(t *testing.T, e *env) {
		s := e.serve(func(p *peer) {
			for {
				if _, ok := p.request(); !ok {
					return
				}
				p.send("HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 5\r\n\r\nhello")
			}
		})
		h, body, err := exchange(t.Context(), e.transport(Options{}), s.call("a"))
		if !e.std {
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("err = %v", err)
			}
		} else if err != nil || body != "hello" || h.Header.Get("X-A") != "b c" {
			t.Fatalf("got %+v, %q, %v", h, body, err)
		}
	})
}

// Both a length and chunks: the parser believes the chunks; the connection must not be used again.
func TestLengthAndChunks(t *testing.T) {
	run(t, func(t *testing.T, e *env) {
		s := e.serve(func(p *peer) {
			for {
				if _, ok := p.request(); !ok {
					return
				}
				p.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
			}
		})
		tr := e.transport(Options{})
		mustAnswer(t, tr, s.call("a"), "hello")
		mustAnswer(t, tr, s.call("b"), "hello")
		if !e.std && s.conns() != 2 {
			t.Errorf("%d connections, want 2", s.conns())
		}
	})
}

// A body without end is the reader's to bound; closing the reply ends it.
func TestEndlessBody(t *testing.T) {
	run(t, func(t *testing.T, e *env) {
		ended := make(chan struct{})
		s := e.serve(func(p *peer) {
			defer close(ended)
			_, _ = p.request()
			p.send("HTTP/1.1 200 OK\r\n\r\n")
			for {
				if _, err := p.Write(make([]byte, 32<<10)); err != nil {
					return
				}
			}
		})
		r, err := e.transport(Options{}).Send(t.Context(), s.call("a"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Head(soon()); err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(io.Discard, r, 4<<20); err != nil {
			t.Fatal(err)
		}
		_ = r.Close()
		within(t, ended)
	})
}

func within(t testing.TB, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(bound):
		t.Fatal("still waiting")
	}
}
