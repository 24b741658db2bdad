//go:build !386 && !s390x

package sock

import (
	"syscall"
	"unsafe"
)

// Peek looks at the first byte that a socket has received and leaves it there; it does not wait. At the stream's end n is
// 0, and where nothing has arrived the error is syscall.EAGAIN. The byte is not to be read by another goroutine meanwhile.
func Peek(fd uintptr, b *[1]byte) (n int, err error) {
	r, _, e := syscall.RawSyscall6(syscall.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(b)), 1, syscall.MSG_PEEK|syscall.MSG_DONTWAIT, 0, 0)
	if e != 0 {
		return 0, e
	}
	return int(r), nil
}
