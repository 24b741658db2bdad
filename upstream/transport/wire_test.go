package transport

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// deadlines counts how often a read deadline is set.
type deadlines struct {
	net.Conn
	set int
}

func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.set++
	return d.Conn.SetReadDeadline(t)
}

// A stream whose bound moves on with each piece sets a deadline for each bound that passes, not for
// each piece; and the bound holds to the instant.
func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		defer a.Close()
		d := &deadlines{Conn: a}
		w := newWire(d)
		const idle, pieces = time.Minute, 600
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range pieces {
				time.Sleep(time.Second) // the bubble's clock
				_, _ = b.Write([]byte("x"))
			}
		}()
		for range pieces {
			w.want = time.Now().Add(idle)
			if _, err := io.ReadFull(w, make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
		}
		<-done
		if most := pieces/60 + 1; d.set > most {
			t.Errorf("%d pieces set %d deadlines, want at most %d", pieces, d.set, most)
		}
		for _, bound := range []time.Duration{90 * time.Second, 10 * time.Second, 200 * time.Second} {
			start := time.Now()
			w.want = start.Add(bound)
			_, err := w.Read(make([]byte, 1))
			// A connection without a descriptor is asked once more, by reading for a millisecond.
			if over := time.Since(start) - bound; err == nil || over < 0 || over > 2*time.Millisecond {
				t.Errorf("bound of %v: %v after %v", bound, err, time.Since(start))
			}
		}
		w.want = time.Time{}
		go func() { time.Sleep(time.Hour); _, _ = b.Write([]byte("y")) }()
		if _, err := w.Read(make([]byte, 1)); err != nil {
			t.Errorf("without a bound: %v", err)
		}
		_ = b.Close()
	})
}

// A record of TLS that has come only in part is not nothing: the rest would be taken for an answer.
func TestPartOfRecord(t *testing.T) {
	a, b := net.Pipe()
	cert, _ := identity()
	config := trust(t)
	config.ServerName = "example.com"
	server := tls.Server(b, &tls.Config{Certificates: []tls.Certificate{cert}, SessionTicketsDisabled: true})
	shaken := make(chan error, 1)
	go func() { shaken <- server.Handshake() }()
	w := newWire(a)
	w.tls = true
	stream := tls.Client(w, config)
	if err := stream.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-shaken; err != nil {
		t.Fatal(err)
	}
	c, _ := pipeConn(hostKey{})
	c.close()
	c.wire, c.stream = w, stream
	if !c.untouched() {
		t.Fatal("a new connection is touched")
	}
	go func() { // a record's first half
		_, _ = b.Write([]byte{23, 3, 3, 0, 40, 1, 2, 3})
	}()
	w.want = time.Now().Add(blink)
	if _, err := stream.Read(make([]byte, 1)); err == nil {
		t.Fatal("read half a record")
	}
	if c.untouched() {
		t.Error("half a record counts as nothing")
	}
	_, _ = a.Close(), b.Close()
}

// A connection that broke says so each time, though its socket tells it only once.
func TestBrokenStaysBroken(t *testing.T) {
	for _, c := range []struct {
		name   string
		bound  time.Duration
		looked bool // something looked at the socket before
	}{{"in time", bound, true}, {"out of time", -time.Second, true}, {"out of time, unseen", -time.Second, false}} {
		t.Run(c.name, func(t *testing.T) {
			s, peers := script(&env{t: t})
			r := send(t, (&env{t: t}).transport(Options{}), s.call("a"))
			p := <-peers
			p.send("HTTP/1.1 200 OK\r\n\r\nhello")
			if _, err := r.Head(soon()); err != nil {
				t.Fatal(err)
			}
			reads(t, r, "hello")
			p.reset()
			if c.looked {
				arrived(t, r.(*reply).c.wire)
			}
			r.SetDeadline(time.Now().Add(c.bound))
			n, err := r.Read(make([]byte, 1))
			for end := soon(); err == os.ErrDeadlineExceeded && time.Now().Before(end); {
				n, err = r.Read(make([]byte, 1))
			}
			if n > 0 || !errors.Is(err, syscall.ECONNRESET) || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("Read = %d, %v: a broken answer ends cleanly", n, err)
			}
		})
	}
}

// arrived waits until something is there to be read.
func arrived(t *testing.T, w *wire) {
	t.Helper()
	for end := soon(); w.peek() == quiet; {
		if time.Now().After(end) {
			t.Fatal("nothing arrives")
		}
	}
}

// A connection of http.Transport on which something has arrived is refused, though its reader is
// still said to wait; one at rest is not.
func TestSettle(t *testing.T) {
	peers := make(chan *peer, 1)
	s := (&env{t: t}).serve(func(p *peer) { peers <- p; p.hold() })
	c, err := dialWatched(Options{}.withDefaults())(t.Context(), "tcp", s.url.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	w := c.(*watched)
	if _, ok, err := w.take(make([]byte, 1)); ok || err != nil {
		t.Fatalf("take = %v, %v of nothing", ok, err)
	}
	if settle(c); w.closed || w.stale {
		t.Fatal("a connection at rest is refused")
	}
	(<-peers).send("x")
	arrived(t, w.wire)
	if settle(c); !w.closed || !w.stale {
		t.Fatal("a connection on which something arrived is taken")
	}
	if n, err := w.Read(make([]byte, 1)); n > 0 || !errors.Is(err, errStale) {
		t.Fatalf("Read = %d, %v", n, err)
	}
}
