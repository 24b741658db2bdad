//go:build !386 && !s390x && !race && !msan && !asan

package sock

import (
	"syscall"
	"unsafe"
)

// Both calls say for themselves that they do not wait: somebody may have switched the socket to waiting
// (net.TCPConn.File), and a raw call that waited would hold up the whole program. The pointer is made in the argument
// list, by which the compiler keeps what it points to alive and in its place until the call returns.

// receive reads what has arrived. p is not empty.
func receive(fd uintptr, p []byte) (int, syscall.Errno) {
	n, _, e := syscall.RawSyscall6(syscall.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), syscall.MSG_DONTWAIT, 0, 0)
	return int(n), e
}

// send writes what there is room for. A broken connection is EPIPE, without the signal that Go would drop.
func send(fd uintptr, p []byte) (int, syscall.Errno) {
	n, _, e := syscall.RawSyscall6(syscall.SYS_SENDTO, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL, 0, 0)
	return int(n), e
}
