//go:build !386 && !s390x

package sock

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
)

// most is how many bytes a raw call may be given: copying them takes a few microseconds.
const most = 64 << 10

// conn is a TCP connection. All but reading and writing is net's.
type conn struct {
	*net.TCPConn
	in, out way
}

// way is one direction of a connection. What a call works on stands here: a closure for each call would be garbage
// (BenchmarkPingPong).
type way struct {
	mu    sync.Mutex // held while there is a raw call
	p     []byte
	n     int   // bytes of p that were read or written
	fault error // what the call gave

	wait func(func(fd uintptr) bool) error // has once called until it is true, as soon as the socket is ready
	once func(fd uintptr) bool
}

func wrap(tcp *net.TCPConn) net.Conn {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return tcp
	}
	c := &conn{TCPConn: tcp}
	c.in.wait, c.in.once = raw.Read, c.in.read
	c.out.wait, c.out.once = raw.Write, c.out.write
	return c
}

// Read is net.Conn's.
func (c *conn) Read(p []byte) (int, error) {
	if !c.in.take(p) {
		return c.TCPConn.Read(p)
	}
	return c.call("read", &c.in)
}

// Write is net.Conn's.
func (c *conn) Write(p []byte) (int, error) {
	if !c.out.take(p) {
		return c.TCPConn.Write(p)
	}
	return c.call("write", &c.out)
}

// take takes the way for p. It reports false where the call is one for net: it is too large, another one lasts, or it is
// empty, for which net has rules of its own.
func (w *way) take(p []byte) bool {
	if len(p) == 0 || len(p) > most || !w.mu.TryLock() {
		return false
	}
	w.p, w.n, w.fault = p, 0, nil
	return true
}

// call reads or writes what the way was taken for, and gives the way back.
func (c *conn) call(op string, w *way) (int, error) {
	defer w.mu.Unlock()
	err := w.wait(w.once)
	w.p = nil
	switch {
	case err != nil: // closed, or a deadline has passed
	case w.fault == nil || w.fault == io.EOF:
		return w.n, w.fault
	default:
		// The connection itself is to say it, for nobody else knows under which name of its network it was made.
		_, err = c.ReadFrom(broken{w.fault})
	}
	if told, ok := errors.AsType[*net.OpError](err); ok {
		told.Op = op // was that of the method which made it
	}
	return w.n, err
}

// broken is a source that gives nothing but an error.
type broken struct{ error }

func (b broken) Read([]byte) (int, error)         { return 0, b.error }
func (b broken) WriteTo(io.Writer) (int64, error) { return 0, b.error } // saves io.Copy a buffer

// read reads once, and reports false where nothing has arrived.
func (w *way) read(fd uintptr) bool {
	for {
		n, e := receive(fd, w.p)
		switch {
		case e == syscall.EINTR:
			continue
		case e == syscall.EAGAIN:
			return false
		case e != 0:
			w.fault = os.NewSyscallError("read", e)
		case n == 0:
			w.fault = io.EOF
		default:
			w.n = n
		}
		return true
	}
}

// write writes what is left, and reports false where the socket does not take all of it.
func (w *way) write(fd uintptr) bool {
	for w.n < len(w.p) {
		n, e := send(fd, w.p[w.n:])
		switch {
		case e == syscall.EINTR:
		case e == syscall.EAGAIN:
			return false
		case e != 0:
			w.fault = os.NewSyscallError("write", e)
			return true
		case n == 0:
			w.fault = io.ErrUnexpectedEOF
			return true
		default:
			w.n += n
		}
	}
	return true
}
