//go:build !386 && !s390x && (race || msan || asan)

package sock

import (
	"errors"
	"syscall"
)

// The sanitizers see what package syscall does with memory, and which goroutine's bytes another one reads. They do not
// see raw calls.

func receive(fd uintptr, p []byte) (int, syscall.Errno) {
	n, err := syscall.Read(int(fd), p)
	return n, number(err)
}

func send(fd uintptr, p []byte) (int, syscall.Errno) {
	n, err := syscall.Write(int(fd), p)
	return n, number(err)
}

func number(err error) syscall.Errno {
	e, _ := errors.AsType[syscall.Errno](err)
	return e
}
