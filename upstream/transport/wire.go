package transport

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// stall is how long a write may make no progress before we look whether the answer is already here.
const stall = 50 * time.Millisecond

// wire is the network connection, below TLS. It adds what net.Conn has not: deadlines that are set
// only when one is needed, a look at what has arrived without waiting, and a write that gives up
// waiting without losing its place.
//
// Everything but abort is for the one goroutine that owns the connection.
type wire struct {
	net.Conn
	raw     syscall.RawConn // nil where the connection has no file descriptor
	look    looker
	aborted atomic.Bool

	want    time.Time // the reader's deadline
	inForce time.Time // the one the connection has; may be earlier than want, see Read
	probing bool      // Read must not wait
	ahead   []byte    // read by a look on a connection without file descriptor

	patient bool   // a write that stalls is kept in backlog
	backlog []byte // taken by Write but not yet by the connection

	tls     bool
	records records
}

func newWire(c net.Conn) *wire {
	w := &wire{Conn: c}
	if sc, ok := c.(syscall.Conn); ok && canLook {
		if raw, err := sc.SyscallConn(); err == nil {
			w.raw = raw
			w.look.init()
		}
	}
	return w
}

// errNothing is what a probing read gives where nothing has arrived. TLS takes it for a timeout and
// stays usable.
var errNothing error = nothing{}

type nothing struct{}

func (nothing) Error() string   { return "nothing has arrived" }
func (nothing) Timeout() bool   { return true }
func (nothing) Temporary() bool { return true }

// abort ends everything that waits on the wire, from any goroutine.
func (w *wire) abort() {
	w.aborted.Store(true)
	_ = w.Conn.Close()
}

// Read reads, at most until want. A deadline costs as much as a small read, so one that is in force
// stays there while it is earlier than want; when it passes, the later one takes its place. A stream
// whose bound moves on with each chunk thus sets one deadline for each bound, not for each chunk.
func (w *wire) Read(p []byte) (int, error) {
	if len(w.ahead) > 0 {
		n := copy(p, w.ahead)
		w.ahead = w.ahead[n:]
		return w.took(p[:n]), nil
	}
	if w.probing && w.peek() == quiet {
		return 0, errNothing
	}
	if w.look.err != nil {
		return 0, w.look.err
	}
	if !w.want.IsZero() && (w.inForce.IsZero() || w.want.Before(w.inForce)) {
		w.arm(w.want)
	}
	for {
		n, err := w.Conn.Read(p)
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) || w.aborted.Load() {
			return w.took(p[:n]), err
		}
		switch {
		case w.inForce.IsZero(): // not a deadline of ours
			return 0, err
		case w.want.IsZero() || time.Now().Before(w.want):
			w.arm(w.want)
		case w.peek() == quiet:
			return 0, err
		case len(w.ahead) > 0:
			n := copy(p, w.ahead)
			w.ahead = w.ahead[n:]
			return w.took(p[:n]), nil
		case w.look.err != nil:
			return 0, w.look.err
		default: // a passed deadline keeps even bytes that are there from being read
			w.arm(time.Time{})
			n, err := w.Conn.Read(p)
			return w.took(p[:n]), err
		}
	}
}

func (w *wire) arm(t time.Time) {
	w.inForce = t
	_ = w.SetReadDeadline(t) // fails only on a closed connection, as will the read
}

func (w *wire) took(p []byte) int {
	if w.tls {
		w.records.feed(p)
	}
	return len(p)
}

// Write writes all of p; a patient write puts what the connection would not take into the backlog.
func (w *wire) Write(p []byte) (int, error) {
	if len(w.backlog) > 0 {
		w.backlog = append(w.backlog, p...)
		return len(p), nil
	}
	n, err := w.Conn.Write(p)
	if w.patient && errors.Is(err, os.ErrDeadlineExceeded) {
		w.backlog = append(w.backlog[:0], p[n:]...)
		return len(p), nil
	}
	return n, err
}

// setPatient switches patience; off, the backlog must be empty or the connection given up.
func (w *wire) setPatient(on bool) {
	w.patient = on
	var t time.Time
	if on {
		t = time.Now().Add(stall)
	}
	_ = w.SetWriteDeadline(t)
}

// flush tries for a moment to write the backlog; what is left stays.
func (w *wire) flush() error {
	_ = w.SetWriteDeadline(time.Now().Add(stall))
	n, err := w.Conn.Write(w.backlog)
	w.backlog = w.backlog[n:]
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}

// A sight is what a look at a connection shows.
type sight uint8

const (
	quiet   sight = iota // nothing has arrived
	waiting              // bytes wait to be read
	gone                 // closed by the other side, or broken
)

// peek looks what has arrived, without waiting.
func (w *wire) peek() sight {
	switch {
	case len(w.ahead) > 0:
		return waiting
	case w.aborted.Load():
		return gone
	case w.raw != nil:
		return w.look.at(w.raw)
	}
	// No descriptor to ask: the shortest read there is, whose byte is kept for Read.
	var one [1]byte
	w.arm(time.Now().Add(time.Millisecond))
	n, err := w.Conn.Read(one[:])
	switch {
	case n > 0:
		w.ahead = append(w.ahead[:0], one[0])
		return waiting
	case errors.Is(err, os.ErrDeadlineExceeded):
		return quiet
	}
	return gone
}

// records follows the frames of TLS through what was read, to know whether it ends with a whole one.
type records struct {
	head [5]byte // type, version, length
	have int     // bytes of head seen
	left int     // bytes of the payload to come
}

func (r *records) feed(p []byte) {
	for len(p) > 0 {
		if r.left > 0 {
			n := min(r.left, len(p))
			r.left -= n
			p = p[n:]
			continue
		}
		n := copy(r.head[r.have:], p)
		r.have += n
		p = p[n:]
		if r.have == len(r.head) {
			r.have = 0
			r.left = int(r.head[3])<<8 | int(r.head[4])
		}
	}
}

func (r *records) whole() bool { return r.have == 0 && r.left == 0 }
