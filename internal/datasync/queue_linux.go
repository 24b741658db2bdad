package datasync

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// queue is a context of Linux's asynchronous input and output (io_setup(2)), which tells through an eventfd that
// something is done: that can be polled, so the goroutine that waits for it needs no thread.
type queue struct {
	context uintptr
	event   int      // the eventfd
	told    *os.File // the same, polled
}

// request is a struct iocb, result a struct io_event of linux/aio_abi.h; what is not named is zero.
type request struct {
	_        [16]byte // data, key, flags
	code     uint16
	_        [2]byte // priority
	file     uint32
	_        [32]byte // buffer, bytes, offset, reserved
	notify   uint32
	notifyBy uint32
}

type result struct {
	_      [16]byte // data, request
	result int64
	_      int64
}

const (
	codeDataSync  = 3 // IOCB_CMD_FDSYNC
	notifyByEvent = 1 // IOCB_FLAG_RESFD
)

func openQueue() (*queue, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("open eventfd: %w", err)
	}
	q := &queue{event: fd, told: os.NewFile(uintptr(fd), "eventfd")}
	if err := q.told.SetReadDeadline(time.Time{}); err != nil { // it is not polled
		return nil, errors.Join(fmt.Errorf("poll eventfd: %w", err), q.told.Close())
	}
	if _, _, e := syscall.Syscall(unix.SYS_IO_SETUP, 1, uintptr(unsafe.Pointer(&q.context)), 0); e != 0 {
		return nil, errors.Join(fmt.Errorf("set up a queue: %w", e), q.told.Close())
	}
	return q, nil
}

// sync reports whether the disk has done it, well or not: the error is the disk's then. Where it was not asked at all there is
// no error; where what became of it is not known, there is one.
func (q *queue) sync(f *os.File) (done bool, err error) {
	if q == nil {
		return false, nil
	}
	r := &request{code: codeDataSync, file: uint32(f.Fd()), notify: notifyByEvent, notifyBy: uint32(q.event)}
	list := [1]*request{r}
	n, _, e := syscall.Syscall(unix.SYS_IO_SUBMIT, q.context, 1, uintptr(unsafe.Pointer(&list)))
	runtime.KeepAlive(f)
	if e != 0 || n != 1 {
		return false, nil
	}
	return q.await()
}

// await waits until what was asked for is done, and reports as sync does.
func (q *queue) await() (done bool, err error) {
	var count [8]byte
	if _, err := q.told.Read(count[:]); err != nil {
		return false, fmt.Errorf("wait for the disk: %w", err)
	}
	var r result
	for {
		n, _, e := syscall.Syscall6(unix.SYS_IO_GETEVENTS, q.context, 1, 1, uintptr(unsafe.Pointer(&r)), 0, 0)
		switch {
		case e == syscall.EINTR:
		case e != 0:
			return false, fmt.Errorf("ask what the disk did: %w", e)
		case n != 1:
			return false, errors.New("the disk's answer is missing")
		case r.result < 0:
			return true, syscall.Errno(-r.result)
		default:
			return true, nil
		}
	}
}

func (q *queue) close() error {
	if q == nil {
		return nil
	}
	_, _, e := syscall.Syscall(unix.SYS_IO_DESTROY, q.context, 0, 0)
	err := q.told.Close()
	if e != 0 {
		err = errors.Join(fmt.Errorf("give the queue back: %w", e), err)
	}
	return err
}

// syncData syncs in a thread.
func syncData(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
