//go:build unix

package transport

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The benchmarks measure CPU of the whole process (cpu-ns/op), the server's part included: it is the
// same few system calls for each client, which "bare" shows alone. ns/op is what a lone caller waits.

var (
	benchPlain  = answer(strings.Repeat("x", 1700))
	benchStream = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
	benchChunk  = "96\r\ndata: " + strings.Repeat("y", 142) + "\n\n\r\n"
)

const benchChunks = 64

// benchServer answers every request without looking at it: a plain answer, or a stream whose chunks
// each wait for the client's nod, so that none are read together.
func benchServer(tb testing.TB, stream bool) (u *url.URL, nod chan struct{}) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = ln.Close() })
	nod = make(chan struct{})
	serve := func(c net.Conn) {
		defer c.Close()
		br := bufio.NewReaderSize(c, 8<<10)
		plain, head, chunk, end := []byte(benchPlain), []byte(benchStream), []byte(benchChunk), []byte("0\r\n\r\n")
		for {
			if !skipRequest(br) {
				return
			}
			if !stream {
				_, _ = c.Write(plain)
				continue
			}
			_, _ = c.Write(head)
			for range benchChunks {
				_, _ = c.Write(chunk)
				<-nod
			}
			_, _ = c.Write(end)
		}
	}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	u = &url.URL{Scheme: "http", Host: ln.Addr().String(), Path: "/v1/chat/completions"}
	return u, nod
}

func skipRequest(br *bufio.Reader) bool {
	for {
		line, err := br.ReadSlice('\n')
		if err != nil {
			return false
		}
		if len(line) == 2 {
			_, err = br.Discard(len(benchBody))
			return err == nil
		}
	}
}

var benchBody = bytes.Repeat([]byte("z"), 1024)

func benchCall(u *url.URL) *Call {
	return &Call{URL: u, Method: "POST", Body: benchBody, Again: true, Header: []Field{
		{Name: "Content-Type", Value: "application/json"}, {Name: "Authorization", Value: "Bearer sk-0123456789abcdef"}, {Name: "Accept", Value: "*/*"},
	}}
}

// A client makes one exchange; it calls read for the answer's body.
type benchClient func(ctx context.Context, read func(io.Reader)) error

func viaTransport(tr Transport, u *url.URL) benchClient {
	call := benchCall(u)
	return func(ctx context.Context, read func(io.Reader)) error {
		r, err := tr.Send(ctx, call)
		if err != nil {
			return err
		}
		until := time.Now().Add(time.Minute)
		if _, err := r.Head(until); err != nil {
			return err
		}
		r.SetDeadline(until)
		read(r)
		return r.Close()
	}
}

func viaHTTP(tb testing.TB, u *url.URL) benchClient {
	tr := &http.Transport{DisableCompression: true}
	tb.Cleanup(tr.CloseIdleConnections)
	return func(ctx context.Context, read func(io.Reader)) error {
		req, err := http.NewRequestWithContext(ctx, "POST", u.String(), bytes.NewReader(benchBody))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer sk-0123456789abcdef")
		req.Header.Set("Accept", "*/*")
		resp, err := tr.RoundTrip(req)
		if err != nil {
			return err
		}
		read(resp.Body)
		return resp.Body.Close()
	}
}

// viaBare writes the same bytes and reads the answer's without any HTTP.
func viaBare(tb testing.TB, u *url.URL) benchClient {
	c, err := net.Dial("tcp", u.Host)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = c.Close() })
	head, err := benchCall(u).appendHead(nil)
	if err != nil {
		tb.Fatal(err)
	}
	req := append(head, benchBody...)
	buf := make([]byte, len(benchPlain))
	return func(context.Context, func(io.Reader)) error {
		if _, err := c.Write(req); err != nil {
			return err
		}
		_, err := io.ReadFull(c, buf)
		return err
	}
}

func cpuTime(tb testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func measure(b *testing.B, client benchClient, read func(io.Reader)) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	b.ReportAllocs()
	start := cpuTime(b)
	for b.Loop() {
		if err := client(ctx, read); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(cpuTime(b)-start)/float64(b.N), "cpu-ns/op")
}

func drain(buf []byte) func(io.Reader) {
	return func(r io.Reader) {
		for {
			if _, err := r.Read(buf); err != nil {
				return
			}
		}
	}
}

// BenchmarkPlain is an exchange of 1 KiB in and 1.7 KB out.
func BenchmarkPlain(b *testing.B) {
	u, _ := benchServer(b, false)
	own, std := makeOwn(Options{}), makeStd(Options{})
	read := drain(make([]byte, 4<<10))
	b.Run("bare", func(b *testing.B) { measure(b, viaBare(b, u), read) })
	b.Run("own", func(b *testing.B) { measure(b, viaTransport(own, u), read) })
	b.Run("std", func(b *testing.B) { measure(b, viaTransport(std, u), read) })
	b.Run("http.Transport", func(b *testing.B) { measure(b, viaHTTP(b, u), read) })
	_, _ = own.Close(), std.Close()
}

// BenchmarkStream is a stream of 64 chunks, each read before the next is sent.
func BenchmarkStream(b *testing.B) {
	u, nod := benchServer(b, true)
	own, std := makeOwn(Options{}), makeStd(Options{})
	buf := make([]byte, 4<<10)
	read := func(r io.Reader) {
		for {
			n, err := r.Read(buf)
			if n > 0 {
				nod <- struct{}{}
			}
			if err != nil {
				return
			}
		}
	}
	b.Run("own", func(b *testing.B) { measure(b, viaTransport(own, u), read) })
	b.Run("std", func(b *testing.B) { measure(b, viaTransport(std, u), read) })
	b.Run("http.Transport", func(b *testing.B) { measure(b, viaHTTP(b, u), read) })
	_, _ = own.Close(), std.Close()
}

const maxAllocations = 14

// The own client's garbage for a plain exchange is bounded; most of it is the parsed header.
func TestAllocations(t *testing.T) {
	u, _ := benchServer(t, false)
	tr := makeOwn(Options{})
	defer tr.Close()
	client, read := viaTransport(tr, u), drain(make([]byte, 4<<10))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	got := testing.AllocsPerRun(200, func() {
		if err := client(ctx, read); err != nil {
			t.Fatal(err)
		}
	})
	t.Logf("%v allocations for an exchange", got)
	if got > maxAllocations {
		t.Errorf("%v allocations for an exchange, want at most %v", got, maxAllocations)
	}
}
