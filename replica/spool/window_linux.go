package spool

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// openWindow takes room on the disk for what follows a place of a file, and maps it. A file system that cannot promise the
// room gives no window: storing there could fail with nobody to tell.
func openWindow(f *os.File, at int64) (*window, error) {
	page := int64(os.Getpagesize())
	w := &window{from: at / page * page}
	if err := uninterrupted(func() error { return syscall.Fallocate(int(f.Fd()), 0, w.from, windowSize) }); err != nil {
		return nil, fmt.Errorf("take room: %w", err)
	}
	var err error
	w.mem, err = syscall.Mmap(int(f.Fd()), w.from, windowSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map: %w", err)
	}
	return w, nil
}

func unmap(mem []byte) error { return syscall.Munmap(mem) }

func uninterrupted(call func() error) error {
	for {
		if err := call(); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
