//go:build unix && (!linux || 386 || s390x)

package sock

import "syscall"

// Peek looks at the first byte that a socket has received and leaves it there; it does not wait. At the stream's end n is
// 0, and where nothing has arrived the error is syscall.EAGAIN or syscall.EWOULDBLOCK.
func Peek(fd uintptr, b *[1]byte) (n int, err error) {
	n, _, err = syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	return n, err
}
