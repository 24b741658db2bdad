package bench

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Upstream is the server that all contenders forward to. It speaks just enough HTTP/1.1 to answer
// with fixed bytes, because whatever it costs is taken from the cores that the contenders share.
type Upstream struct {
	exchanges, chunks atomic.Int64
}

// Addresses is where an Upstream listens; its child process prints it as one line of JSON.
type Addresses struct {
	Plain string `json:"plain"`
	TLS   string `json:"tls"`
}

// sent is what an Upstream has sent since its start, told at GET /sent.
type sent struct {
	Exchanges int64 `json:"exchanges"`
	Chunks    int64 `json:"chunks"`
}

const (
	maxRequestBody = 1 << 20
	upstreamBuffer = 4 << 10
)

// ServeUpstream runs an Upstream as a process of its own: it listens on free loopback ports, one of
// them with TLS where a certificate is given, prints their Addresses to out, and serves until in
// ends, so that it never outlives whoever started it.
func ServeUpstream(ctx context.Context, in io.Reader, out io.Writer, certFile, keyFile string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("open upstream: %w", err)
	}
	at := Addresses{Plain: plain.Addr().String()}
	listeners := []net.Listener{plain}
	if certFile != "" {
		cert, err := tls.LoadX509KeyPair(certFile, keyFile)
		if err != nil {
			return errors.Join(fmt.Errorf("read upstream's certificate: %w", err), plain.Close())
		}
		secure, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
		if err != nil {
			return errors.Join(fmt.Errorf("open upstream with TLS: %w", err), plain.Close())
		}
		at.TLS = secure.Addr().String()
		listeners = append(listeners, secure)
	}
	var u Upstream
	for _, l := range listeners {
		go u.Serve(l)
	}
	go func() {
		_, _ = io.Copy(io.Discard, in) // its end, however it comes, is the sign to stop
		cancel()
	}()
	if err := json.NewEncoder(out).Encode(at); err != nil {
		return fmt.Errorf("tell upstream's addresses: %w", err)
	}
	<-ctx.Done()
	for _, l := range listeners {
		_ = l.Close() // the process ends
	}
	return nil
}

// Serve answers on every connection of l until l is closed.
func (u *Upstream) Serve(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			time.Sleep(10 * time.Millisecond) // out of files: some will be closed
			continue
		}
		go u.connection(c)
	}
}

// connection answers one request after another until the other side leaves.
func (u *Upstream) connection(c net.Conn) {
	defer c.Close()
	r := bufio.NewReaderSize(c, upstreamBuffer)
	var body, out []byte
	for {
		path, n, err := readRequestHead(r)
		if err != nil || n > maxRequestBody {
			return
		}
		if cap(body) < n {
			body = make([]byte, n)
		}
		body = body[:n]
		if _, err := io.ReadFull(r, body); err != nil {
			return
		}
		if s, ok := parseScript(body); ok {
			err = u.stream(c, s, bytes.Contains(body, []byte(`"include_usage":true`)))
		} else {
			out = u.whole(out[:0], path)
			_, err = c.Write(out)
		}
		if err != nil {
			return
		}
	}
}

// whole appends an unstreamed answer.
func (u *Upstream) whole(out []byte, path string) []byte {
	switch {
	case path == "/sent":
		b, _ := json.Marshal(sent{u.exchanges.Load(), u.chunks.Load()}) // of two numbers: cannot fail
		return appendAnswer(out, string(b))
	case strings.HasSuffix(path, "/messages"):
		u.exchanges.Add(1)
		return appendAnswer(out, messageAnswer)
	}
	u.exchanges.Add(1)
	return appendAnswer(out, chatAnswer)
}

func appendAnswer(out []byte, body string) []byte {
	out = append(out, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nx-request-id: req_bench\r\nContent-Length: "...)
	out = strconv.AppendInt(out, int64(len(body)), 10)
	out = append(out, "\r\n\r\n"...)
	return append(out, body...)
}

// stream sends the chunks of a script, each at its time after the first and in a write of its own.
func (u *Upstream) stream(c net.Conn, s script, usage bool) error {
	out := []byte("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\nx-request-id: req_bench\r\nTransfer-Encoding: chunked\r\n\r\n")
	out = appendPiece(out, roleChunk)
	var chunk []byte
	start := time.Now()
	for i := range s.chunks {
		time.Sleep(time.Until(start.Add(time.Duration(i) * s.pace)))
		chunk = appendChunk(chunk[:0], time.Now())
		out = appendPiece(out, chunk)
		if _, err := c.Write(out); err != nil {
			return err
		}
		u.chunks.Add(1)
		out = out[:0]
	}
	out = appendPiece(out, stopChunk)
	if usage {
		out = appendPiece(out, usageChunk)
	}
	out = appendPiece(out, doneChunk)
	out = append(out, "0\r\n\r\n"...)
	_, err := c.Write(out)
	return err
}

// appendPiece appends p as one chunk of HTTP's chunked framing.
func appendPiece[T string | []byte](out []byte, p T) []byte {
	out = strconv.AppendInt(out, int64(len(p)), 16)
	out = append(out, "\r\n"...)
	out = append(out, p...)
	return append(out, "\r\n"...)
}

// readRequestHead reads a request's head and gives its path and the length of its body.
func readRequestHead(r *bufio.Reader) (path string, length int, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return "", 0, err
	}
	_, rest, _ := bytes.Cut(line, []byte(" "))
	target, _, ok := bytes.Cut(rest, []byte(" "))
	if !ok {
		return "", 0, errors.New("not a request line")
	}
	path = string(target)
	length, _, err = readFields(r)
	return path, max(length, 0), err
}

// readFields reads header fields to their end and gives what they say of the body's length (-1 =
// nothing) and whether it is chunked.
func readFields(r *bufio.Reader) (length int, chunked bool, err error) {
	length = -1
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return length, chunked, err
		}
		if len(line) <= len("\r\n") {
			return length, chunked, nil
		}
		switch name, value, _ := bytes.Cut(line, []byte(":")); {
		case len(name) == len("content-length") && bytes.EqualFold(name, []byte("content-length")):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil || length < 0 {
				return -1, false, errors.New("not a content length")
			}
		case len(name) == len("transfer-encoding") && bytes.EqualFold(name, []byte("transfer-encoding")):
			chunked = bytes.EqualFold(bytes.TrimSpace(value), []byte("chunked"))
		}
	}
}
