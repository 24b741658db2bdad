package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"testing"
	"time"

	"fairlead"
)

// canned is a connection whose other side sends fixed bytes, in pieces of a size, and then closes or
// falls silent.
type canned struct {
	net.Conn // only for what is not called
	in       *bytes.Reader
	piece    int
	silent   bool
}

func (c *canned) Read(p []byte) (int, error) {
	n, err := c.in.Read(p[:min(len(p), c.piece)])
	if err == io.EOF && c.silent {
		return 0, os.ErrDeadlineExceeded
	}
	return n, err
}

func (c *canned) Write(p []byte) (int, error)      { return len(p), nil }
func (c *canned) Close() error                     { return nil }
func (c *canned) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *canned) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *canned) SetDeadline(time.Time) error      { return nil }
func (c *canned) SetReadDeadline(time.Time) error  { return nil }
func (c *canned) SetWriteDeadline(time.Time) error { return nil }

// outcome is what a caller sees of an answer.
type outcome struct {
	status int
	body   string
	err    error
}

// outcomeOf sends a call to a canned server and takes what comes, at most 1 MiB.
func outcomeOf(t *testing.T, make func(Options) Transport, server canned, in []byte) outcome {
	t.Helper()
	tr := make(Options{MaxHeader: 64 << 10, Dial: func(context.Context, string, string) (net.Conn, error) {
		c := server
		c.in = bytes.NewReader(in)
		return &c, nil
	}})
	defer tr.Close()
	u, _ := url.Parse("http://a/")
	r, err := tr.Send(t.Context(), &Call{URL: u, Method: "POST", Body: []byte("x")})
	if err != nil {
		return outcome{err: err}
	}
	defer r.Close()
	until := soon()
	if server.silent {
		until = time.Now().Add(time.Millisecond)
	}
	h, err := r.Head(until)
	if err != nil {
		return outcome{err: err}
	}
	b, err := readReady(t, r, until)
	return outcome{h.Status, string(b), err}
}

// readReady reads a body and holds that Ready keeps its word: a Read after it never waits.
func readReady(t *testing.T, r Reply, until time.Time) (body []byte, err error) {
	t.Helper()
	r.SetDeadline(time.Now().Add(-time.Second))
	for p := make([]byte, 1000); len(body) < 1<<20; {
		if err := r.Ready(until); err != nil {
			return body, err
		}
		n, err := r.Read(p)
		body = append(body, p[:n]...)
		switch {
		case err == io.EOF:
			return body, nil
		case err == os.ErrDeadlineExceeded:
			t.Fatal("Read waits after Ready")
		case err != nil:
			return body, err
		}
	}
	return body, nil
}

func makeOwn(o Options) Transport { return newH1(o) }

func makeStd(o Options) Transport {
	t, err := newStd(o, fairlead.TransportConfig{})
	if err != nil {
		panic(err)
	}
	return t
}

// FuzzAnswer: any bytes as an answer end in bounded time without a panic; the size of the pieces
// they come in does not matter; and where both transports take an answer, they take it for the same.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		answer("hello"), answer("hello") + answer("stray"),
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
		"HTTP/1.0 200 OK\n\nhello", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "HTTP/1.1 101 X\r\nUpgrade: y\r\n\r\n",
	} {
		f.Add([]byte(s), 1)
		f.Add([]byte(s), 7)
	}
	f.Fuzz(func(t *testing.T, in []byte, piece int) {
		piece = max(1, piece&0xfff)
		whole := outcomeOf(t, makeOwn, canned{piece: 1 << 20}, in)
		parts := outcomeOf(t, makeOwn, canned{piece: piece}, in)
		if whole.status != parts.status || whole.body != parts.body || (whole.err == nil) != (parts.err == nil) {
			t.Fatalf("%q whole: %+v; in pieces of %d: %+v", in, whole, piece, parts)
		}
		silent := outcomeOf(t, makeOwn, canned{piece: piece, silent: true}, in)
		if silent.err == nil && (silent.status != whole.status || silent.body != whole.body) {
			t.Fatalf("%q, then silence: %+v; then closed: %+v", in, silent, whole)
		}
		if errors.Is(silent.err, ErrMalformed) && !errors.Is(whole.err, ErrMalformed) {
			t.Fatalf("%q: silence makes it malformed: %+v; else %+v", in, silent, whole)
		}
		std := outcomeOf(t, makeStd, canned{piece: piece}, in)
		if whole.err == nil && std.err == nil && (whole.status != std.status || whole.body != std.body) {
			t.Fatalf("%q: own %+v, standard %+v", in, whole, std)
		}
	})
}
