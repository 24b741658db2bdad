//go:build unix

package fakellm

import (
	"net"
	"syscall"
)

// reserve keeps a port of IPv4 from being given to anyone else while it refuses connections: a socket
// that is bound and does not listen. release gives it back; where the system does not let it be kept,
// the port is merely free.
func reserve(addr net.Addr) (release func()) {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok || tcp.IP.To4() == nil {
		return func() {}
	}
	syscall.ForkLock.RLock()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return func() {}
	}
	to := &syscall.SockaddrInet4{Port: tcp.Port, Addr: [4]byte(tcp.IP.To4())}
	// Connections that ended a moment ago still count as users of the address unless it may be reused. A
	// system that chooses a free port for a listener does not choose one that is bound, reusable or not.
	_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	_ = syscall.Bind(fd, to) // see above: else the port is merely free
	return func() { _ = syscall.Close(fd) }
}
