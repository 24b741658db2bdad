package transport

import (
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"time"
)

// A script hands a connection's server side to the test.
func script(e *env) (*server, <-chan *peer) {
	peers := make(chan *peer, 8)
	s := e.serve(func(p *peer) {
		if _, ok := p.request(); !ok {
			return
		}
		peers <- p
		p.hold()
	})
	return s, peers
}

func send(t testing.TB, tr Transport, c *Call) Reply {
	t.Helper()
	r, err := tr.Send(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func silent(t testing.TB, r Reply, where string) {
	t.Helper()
	for range 2 {
		if err := r.Ready(time.Now().Add(blink)); err != os.ErrDeadlineExceeded {
			t.Fatalf("%s: Ready = %v, want the deadline", where, err)
		}
	}
	if err := r.Ready(time.Now().Add(-time.Second)); err != os.ErrDeadlineExceeded {
		t.Fatalf("%s: Ready with a time past = %v, want the deadline", where, err)
	}
}

func ready(t testing.TB, r Reply, where string) {
	t.Helper()
	if err := r.Ready(soon()); err != nil {
		t.Fatalf("%s: Ready = %v", where, err)
	}
}

func reads(t testing.TB, r Reply, want string) {
	t.Helper()
	r.SetDeadline(soon())
	p := make([]byte, 100)
	for want != "" {
		n, err := r.Read(p)
		if err != nil || n == 0 || n > len(want) || string(p[:n]) != want[:n] {
			t.Fatalf("Read = %q, %v; want %q", p[:n], err, want)
		}
		want = want[n:]
	}
}

// Silence at each place: waiting ends at its time, loses nothing, and may be taken up again.
func TestSilence(t *testing.T) {
	run(t, func(t *testing.T, e *env) {
		s, peers := script(e)
		tr := e.transport(Options{})
		r := send(t, tr, s.call("a"))
		p := <-peers
		silent(t, r, "before the header")
		p.send("HTTP/1.1 103 Early Hints\r\n\r\n")
		silent(t, r, "after an interim answer")
		p.send("HTTP/1.1 200 OK\r\nTransfer-Enc")
		silent(t, r, "within the header")
		if _, err := r.Head(time.Now().Add(blink)); err != os.ErrDeadlineExceeded {
			t.Fatalf("Head = %v, want the deadline", err)
		}
		p.send("oding: chunked\r\n\r\n")
		ready(t, r, "after the header")
		if h, err := r.Head(soon()); err != nil || h.Status != 200 || h.Length != -1 {
			t.Fatalf("Head = %+v, %v", h, err)
		}
		silent(t, r, "before the body")
		p.send("5\r")
		silent(t, r, "within a chunk's size")
		p.send("\nhel")
		if e.std {
			silent(t, r, "within a chunk")
			p.send("lo")
			reads(t, r, "hello")
		} else {
			ready(t, r, "within a chunk")
			reads(t, r, "hel")
			silent(t, r, "within a chunk")
			p.send("lo")
			reads(t, r, "lo")
		}
		p.send("\r\n")
		silent(t, r, "between chunks")
		r.SetDeadline(time.Now().Add(blink))
		if n, err := r.Read(make([]byte, 10)); n != 0 || err != os.ErrDeadlineExceeded {
			t.Fatalf("Read = %d, %v; want the deadline", n, err)
		}
		if e.std {
			p.send("6\r\n!world\r\n")
			reads(t, r, "!world")
			p.send("0\r\n")
		} else {
			p.send("1\r\n!\r\n5\r\n")
			reads(t, r, "!") // and does not wait for the chunk that follows
			p.send("world\r\n0\r\n")
			reads(t, r, "worl")
		}
		silent(t, r, "within the end")
		p.send("\r\n")
		if !e.std {
			reads(t, r, "d")
		}
		ready(t, r, "at the end")
		if n, err := r.Read(make([]byte, 10)); n != 0 || err != io.EOF {
			t.Fatalf("Read = %d, %v; want the end", n, err)
		}
		ready(t, r, "after the end")
	})
}

// The same for bodies of a stated length and bodies that end with the connection.
func TestSilenceOtherFramings(t *testing.T) {
	for name, header := range map[string]string{"length": "Content-Length: 10\r\n", "closed": ""} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, e *env) {
				s, peers := script(e)
				r := send(t, e.transport(Options{}), s.call("a"))
				p := <-peers
				p.send("HTTP/1.1 200 OK\r\n" + header + "\r\n")
				ready(t, r, "header")
				if _, err := r.Head(soon()); err != nil {
					t.Fatal(err)
				}
				silent(t, r, "before the body")
				p.send("hello")
				reads(t, r, "hello")
				silent(t, r, "within the body")
				p.send("world")
				reads(t, r, "world")
				if header == "" {
					silent(t, r, "before the end")
					_ = p.raw.CloseWrite()
				}
				ready(t, r, "end")
				if n, err := r.Read(make([]byte, 10)); n != 0 || err != io.EOF {
					t.Fatalf("Read = %d, %v; want the end", n, err)
				}
			})
		})
	}
}

// What has arrived is given even if the time for it is over.
func TestReadyAfterItsTime(t *testing.T) {
	run(t, func(t *testing.T, e *env) {
		s, peers := script(e)
		r := send(t, e.transport(Options{}), s.call("a"))
		p := <-peers
		p.send(answer("hello"))
		for end := soon(); ; {
			err := r.Ready(time.Now())
			if err == nil {
				break
			}
			if err != os.ErrDeadlineExceeded || time.Now().After(end) {
				t.Fatal(err)
			}
		}
		if _, err := r.Head(time.Now().Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
		reads(t, r, "hello")
	})
}

// A reset within the body is an error that says so; what came before it is given.
func TestResetWithinBody(t *testing.T) {
	run(t, func(t *testing.T, e *env) {
		s, peers := script(e)
		r := send(t, e.transport(Options{}), s.call("a"))
		p := <-peers
		p.send("HTTP/1.1 200 OK\r\n\r\nhello")
		if _, err := r.Head(soon()); err != nil {
			t.Fatal(err)
		}
		reads(t, r, "hello")
		p.reset()
		for range 2 {
			n, err := r.Read(make([]byte, 10))
			if n != 0 || !errors.Is(err, io.ErrUnexpectedEOF) || !isTransportError(err, StageBody) {
				t.Fatalf("Read = %d, %v", n, err)
			}
		}
	})
}

// Cancelling ends every wait, with the context's cause, and leaves nothing behind.
func TestCancel(t *testing.T) {
	cause := errors.New("the caller left")
	stages := []struct {
		name string
		send string // what the server sends before it falls silent
		read string
		part bool // read is a part of a chunk
	}{
		{"before the header", "", "", false},
		{"within the header", "HTTP/1.1 200 OK\r\nContent-", "", false},
		{"before the body", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "", false},
		{"within a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello", "hello", true},
		{"within a chunk's size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1", "hello", false},
	}
	for _, c := range stages {
		t.Run(c.name, func(t *testing.T) {
			run(t, func(t *testing.T, e *env) {
				s, peers := script(e)
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				r, err := e.transport(Options{}).Send(ctx, s.call("a"))
				if err != nil {
					t.Fatal(err)
				}
				p := <-peers
				p.send(c.send)
				if c.read != "" && !(e.std && c.part) {
					if _, err := r.Head(soon()); err != nil {
						t.Fatal(err)
					}
					reads(t, r, c.read)
				}
				end := make(chan error, 1)
				go func() {
					_, err := r.Head(time.Time{})
					if err == nil {
						r.SetDeadline(time.Time{})
						_, err = io.Copy(io.Discard, struct{ io.Reader }{r})
					}
					end <- err
				}()
				cancel(cause)
				select {
				case err := <-end:
					if !errors.Is(err, cause) {
						t.Fatalf("err = %v, want the cause", err)
					}
				case <-time.After(bound):
					t.Fatal("cancelled and still waiting")
				}
				_ = r.Close()
				if _, err := r.Read(make([]byte, 1)); err == nil {
					t.Error("a closed reply gives bytes")
				}
				_ = r.Close()
				within(t, p.gone) // the other side sees the connection closed
			})
		})
	}
}

// A context that is over sends nothing.
func TestCancelledBefore(t *testing.T) {
	run(t, func(t *testing.T, e *env) {
		s := e.serve(func(p *peer) { p.hold() })
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, _, err := exchange(ctx, e.transport(Options{}), s.call("a"))
		if !errors.Is(err, context.Canceled) || !isTransportError(err, StageConnect) || s.conns() != 0 {
			t.Fatalf("err = %v after %d connections", err, s.conns())
		}
	})
}
