package transport

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"fairlead/internal/sock"
)

// readSize is the size of a connection's read buffer: with it an open stream holds about 8 KiB. A
// longer header makes it grow.
const readSize = 4 << 10

// conn is a connection of the own client: the wire, TLS over it where asked for, and a buffer over
// that. It is its own buffer's source.
type conn struct {
	key    hostKey
	wire   *wire
	stream net.Conn // the wire, or TLS over it
	br     *bufio.Reader
	carry  []byte // what a grown buffer has still to take from the one before
	fed    int64  // bytes that the other side has sent, TLS taken off
	fail   error  // the end of the stream, or what broke it; final

	chunks   chunks
	chunking bool // the bytes that arrive are those of a chunked body

	born, idle time.Time
	used       bool   // has carried an exchange before this one
	abort      func() // wire.abort, made once
}

// dial connects to a host within o.Connect.
func dial(ctx context.Context, o *Options, key hostKey, addr string) (*conn, error) {
	bound, cancel := context.WithTimeout(ctx, o.Connect)
	defer cancel()
	c, err := connect(bound, o, key, addr)
	if err == nil {
		return c, nil
	}
	switch {
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case bound.Err() != nil:
		err = fmt.Errorf("no connection within %s: %w", o.Connect, os.ErrDeadlineExceeded)
	}
	return nil, &Error{StageConnect, err}
}

func connect(ctx context.Context, o *Options, key hostKey, addr string) (*conn, error) {
	nc, err := o.Dial(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	w := newWire(sock.New(nc))
	c := &conn{key: key, wire: w, stream: w, born: time.Now(), abort: w.abort}
	if key.tls {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, errors.Join(err, nc.Close())
		}
		w.tls = true
		config := o.TLS.Clone()
		if config.ServerName == "" {
			config.ServerName = host
		}
		tc := tls.Client(w, config)
		if err := tc.HandshakeContext(ctx); err != nil {
			w.abort()
			return nil, fmt.Errorf("TLS handshake: %w", err)
		}
		c.stream = tc
	}
	c.br = bufio.NewReaderSize(c, readSize)
	return c, nil
}

// Read gives the buffer its bytes. A deadline leaves the connection usable; any other error is kept,
// for a broken socket reports its cause only once.
func (c *conn) Read(p []byte) (int, error) {
	if len(c.carry) > 0 {
		n := copy(p, c.carry)
		c.carry = c.carry[n:]
		return n, nil
	}
	if c.fail != nil {
		return 0, c.fail
	}
	n, err := c.stream.Read(p)
	c.fed += int64(n)
	if c.chunking {
		c.chunks.feed(p[:n])
	}
	if err != nil && err != errNothing && !errors.Is(err, os.ErrDeadlineExceeded) {
		c.fail = err
	}
	return n, err
}

// more waits until the buffer holds a byte more than it does. The buffer must not be full.
func (c *conn) more(until time.Time) error {
	c.wire.want = until
	_, err := c.br.Peek(c.br.Buffered() + 1)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return os.ErrDeadlineExceeded
	}
	if err != nil && c.fail == nil {
		c.fail = err // the buffer's own: a source that gives nothing and no error
	}
	return err
}

// answered reports, without waiting, whether an answer has begun or will never come. Interim ones
// are passed over: their sender goes on reading the request.
func (c *conn) answered() bool {
	c.wire.probing = true
	defer func() { c.wire.probing = false }()
	for {
		b, _ := c.br.Peek(c.br.Buffered())
		n := headEnd(b, 0)
		switch {
		case len(b) >= len("HTTP/1.1 1") && b[len("HTTP/1.1 ")] != '1', n == 0 && len(b) == c.br.Size():
			return true
		case n > 0:
			_, _ = c.br.Discard(n)
			continue
		}
		if _, err := c.br.Peek(len(b) + 1); err != nil {
			return err != errNothing
		}
	}
}

// empty reports whether every byte that came was given.
func (c *conn) empty() bool { return c.fail == nil && c.br.Buffered() == 0 && len(c.carry) == 0 }

// untouched reports whether an idle connection is as its last exchange left it: nothing is buffered
// at any layer, and nothing has arrived since.
func (c *conn) untouched() bool {
	if !c.empty() || c.wire.peek() != quiet {
		return false
	}
	if !c.wire.tls {
		return true
	}
	// TLS may hold the rest of a record that the buffer did not take whole.
	if !c.wire.records.whole() {
		return false
	}
	c.wire.probing = true
	_, err := c.Read(make([]byte, 1))
	c.wire.probing = false
	return err == errNothing
}

// header waits until the buffer holds a whole header and gives its length.
func (c *conn) header(limit int, until time.Time) (int, error) {
	for seen := 0; ; {
		b, _ := c.br.Peek(c.br.Buffered())
		n := headEnd(b, seen)
		switch {
		case n > limit, n == 0 && len(b) >= limit:
			return 0, ErrHeaderTooLarge
		case n > 0:
			return n, nil
		}
		seen = max(0, len(b)-len("\n\r"))
		if !bytes.HasPrefix(b, httpSlash[:min(len(b), len(httpSlash))]) {
			return 0, ErrMalformed
		}
		if len(b) == c.br.Size() {
			c.carry = bytes.Clone(b)
			c.br = bufio.NewReaderSize(c, 2*len(b))
		}
		if err := c.more(until); err != nil {
			return 0, err
		}
	}
}

var httpSlash = []byte("HTTP/")

// headEnd gives the length of the header at the start of b, 0 where it is not whole; it does not
// begin to end before from. A header that begins with an empty line is whole: the parser refuses it.
func headEnd(b []byte, from int) int {
	if bytes.HasPrefix(b, []byte("\n")) || bytes.HasPrefix(b, []byte("\r\n")) {
		return bytes.IndexByte(b, '\n') + 1
	}
	for at := from; ; {
		i := bytes.IndexByte(b[at:], '\n')
		if i < 0 {
			return 0
		}
		at += i + 1
		switch rest := b[at:]; {
		case bytes.HasPrefix(rest, []byte("\n")):
			return at + 1
		case bytes.HasPrefix(rest, []byte("\r\n")):
			return at + 2
		}
	}
}

// parse reads the header of n bytes that header found. clean is false where two statements of the
// body's length were made, of which the parser believes one.
func (c *conn) parse(n int) (resp *http.Response, clean bool, err error) {
	raw, _ := c.br.Peek(n)
	lengths, folded := survey(raw)
	if folded {
		return nil, false, ErrMalformed
	}
	before := c.br.Buffered()
	resp, err = http.ReadResponse(c.br, nil)
	switch {
	case err != nil: // its text may quote the answer
		return nil, false, ErrMalformed
	case before-c.br.Buffered() != n: // the parser saw another end of the header than we did
		return nil, false, ErrMalformed
	case resp.ProtoMajor != 1 || resp.StatusCode < 100 || resp.StatusCode == http.StatusSwitchingProtocols || !wellNamed(resp.Header):
		return nil, false, ErrMalformed
	}
	return resp, lengths <= 1, nil
}

// survey looks through a header's lines for what the parser mends or forgets: lines folded over
// (RFC 9112, section 5.2, lets a gateway refuse them), and more than one statement of the length.
func survey(head []byte) (lengths int, folded bool) {
	for {
		i := bytes.IndexByte(head, '\n')
		if i < 0 || i+1 == len(head) {
			return lengths, folded
		}
		head = head[i+1:]
		switch head[0] {
		case ' ', '\t':
			folded = true
		case 'c', 'C':
			if named(head, "content-length") {
				lengths++
			}
		case 't', 'T':
			if named(head, "transfer-encoding") {
				lengths++
			}
		}
	}
}

// wellNamed reports whether no field's name ends in a space. The parser lets such a field pass under
// its odd name, so that what reads "Content-Length : 5" would frame nothing here and something elsewhere.
func wellNamed(h http.Header) bool {
	for name := range h {
		if strings.IndexByte(name, ' ') >= 0 {
			return false
		}
	}
	return true
}

func named(line []byte, name string) bool {
	return len(line) > len(name) && bytes.EqualFold(line[:len(name)], []byte(name))
}

// startBody prepares for a body: from here on the bytes, those already buffered first, are followed.
func (c *conn) startBody(chunked bool) {
	c.chunking = chunked
	if chunked {
		c.chunks = chunks{}
		b, _ := c.br.Peek(c.br.Buffered())
		c.chunks.feed(b)
	}
}

func (c *conn) close() { c.wire.abort() }
