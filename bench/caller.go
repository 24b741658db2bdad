package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"strconv"
	"time"
)

// caller is one connection of the load generator. It writes requests that were made beforehand and
// reads answers with as little work as their framing allows, so that what is measured is the
// contender and not the generator.
type caller struct {
	conn net.Conn
	r    *bufio.Reader
	body []byte
}

const (
	callerBuffer   = 4 << 10
	maxAnswerBody  = 1 << 20
	connsPerSource = 5000 // more connections to one address take several addresses of our own
)

// dialCaller connects the nth caller; no read or write of it lasts past until.
func dialCaller(ctx context.Context, addr string, n int, until time.Time) (*caller, error) {
	d := net.Dialer{Deadline: until}
	if n >= connsPerSource {
		d.LocalAddr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(1+n/connsPerSource))}
	}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	err = conn.SetDeadline(until)
	if tcp, ok := conn.(*net.TCPConn); ok && err == nil {
		err = tcp.SetLinger(0) // no TIME_WAIT: tens of thousands of them would be in the way of the next row
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("connect: %w", err), conn.Close())
	}
	return &caller{conn: conn, r: bufio.NewReaderSize(conn, callerBuffer)}, nil
}

func (c *caller) close() { _ = c.conn.Close() }

// do makes one unstreamed exchange and gives the answer's body, valid until the next one.
func (c *caller) do(request []byte) ([]byte, error) {
	if _, err := c.conn.Write(request); err != nil {
		return nil, fmt.Errorf("write request: %w", err)
	}
	return c.answer()
}

// answer reads one unstreamed answer.
func (c *caller) answer() ([]byte, error) {
	length, chunked, err := c.head()
	if err != nil {
		return nil, err
	}
	if chunked {
		c.body, err = io.ReadAll(io.LimitReader(httputil.NewChunkedReader(c.r), maxAnswerBody))
		if err == nil {
			err = skipTrailer(c.r)
		}
		if err != nil {
			return nil, fmt.Errorf("read answer: %w", err)
		}
		return c.body, nil
	}
	if length < 0 || length > maxAnswerBody {
		return nil, errors.New("read answer: its length is not told, or too large")
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	c.body = c.body[:length]
	if _, err := io.ReadFull(c.r, c.body); err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	return c.body, nil
}

// head reads an answer's head, which must be that of a success.
func (c *caller) head() (length int, chunked bool, err error) {
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return 0, false, fmt.Errorf("read answer: %w", err)
	}
	const start = "HTTP/1.1 "
	if len(line) < len(start)+3 || string(line[:len(start)]) != start {
		return 0, false, errors.New("read answer: not HTTP/1.1")
	}
	status, _ := strconv.Atoi(string(line[len(start) : len(start)+3]))
	length, chunked, err = readFields(c.r)
	if err != nil {
		return 0, false, fmt.Errorf("read answer: %w", err)
	}
	if status != 200 {
		return 0, false, c.refusal(status, length)
	}
	return length, chunked, nil
}

// refusal is an answer that is no success. Its body is ours or nginx's and says what is wrong.
func (c *caller) refusal(status, length int) error {
	text := make([]byte, min(max(length, 0), 300))
	n, _ := io.ReadFull(c.r, text) // what can be had of it
	return fmt.Errorf("answered with status %d: %s", status, bytes.TrimSpace(text[:n]))
}

// skipTrailer reads what follows the last chunk.
func skipTrailer(r *bufio.Reader) error {
	for {
		line, err := r.ReadSlice('\n')
		if err != nil || len(line) <= len("\r\n") {
			return err
		}
	}
}

// follow makes one streamed exchange. chunk is called with the delay of each content chunk; the
// stream must end as a whole one.
func (c *caller) follow(request []byte, chunk func(delay time.Duration)) error {
	if _, err := c.conn.Write(request); err != nil {
		return fmt.Errorf("write request: %w", err)
	}
	_, chunked, err := c.head()
	if err != nil {
		return err
	}
	if !chunked {
		return errors.New("read stream: it is not chunked")
	}
	lines := bufio.NewReaderSize(httputil.NewChunkedReader(c.r), 1<<10)
	for done := false; ; {
		line, err := lines.ReadSlice('\n')
		switch {
		case err == io.EOF && done && len(line) == 0:
			return skipTrailer(c.r)
		case err != nil:
			return fmt.Errorf("read stream: %w", err)
		case bytes.HasPrefix(line, []byte("data: [DONE]")):
			done = true
		default:
			if sent, ok := stamp(line); ok {
				chunk(time.Duration(time.Now().UnixNano() - sent))
			}
		}
	}
}

// stamp gives the time at which a chunk was sent, in nanoseconds since 1970.
func stamp(line []byte) (int64, bool) {
	i := bytes.Index(line, []byte(stampMark))
	if i < 0 || len(line) < i+len(stampMark)+stampLen {
		return 0, false
	}
	i += len(stampMark)
	t, err := strconv.ParseInt(string(line[i:i+stampLen]), 10, 64)
	return t, err == nil
}
