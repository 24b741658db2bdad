//go:build unix

package transport

import (
	"net"
	"os"
	"syscall"

	"fairlead/internal/sock"
)

// canLook says that a descriptor can be asked what has arrived.
const canLook = true

// looker peeks into a socket's receive buffer without taking anything and without waiting. Control
// is used, not RawConn.Read: the latter refuses once a read deadline has passed.
type looker struct {
	ask  func(fd uintptr)      // made once: a closure for each look would be garbage for each exchange
	stay func(fd uintptr) bool // ask, until there is something
	seen sight
	err  error // what broke the connection: a socket tells it once, and then looks cleanly closed
	one  [1]byte
}

func (l *looker) init() {
	l.ask = func(fd uintptr) {
		for {
			n, err := sock.Peek(fd, &l.one)
			switch {
			case err == syscall.EINTR:
				continue
			case err == syscall.EAGAIN || err == syscall.EWOULDBLOCK:
				l.seen = quiet
			case err != nil:
				l.seen, l.err = gone, &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("recvfrom", err)}
			case n == 0:
				l.seen = gone
			default:
				l.seen = waiting
			}
			return
		}
	}
	l.stay = func(fd uintptr) bool {
		l.ask(fd)
		return l.seen != quiet
	}
}

// await waits until something has arrived, or the read deadline has passed.
func (l *looker) await(raw syscall.RawConn) error { return raw.Read(l.stay) }

func (l *looker) at(raw syscall.RawConn) sight {
	l.seen = gone
	if err := raw.Control(l.ask); err != nil {
		return gone
	}
	return l.seen
}
