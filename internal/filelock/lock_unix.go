//go:build unix

// Package filelock holds a file's lock for one process at a time.
package filelock

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Lock makes the file and holds its lock until it is closed; the system lets go of a dead process's lock.
func Lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("%s is held by another fairlead on the same data folder", path)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
