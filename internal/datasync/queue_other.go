//go:build !linux

package datasync

import (
	"errors"
	"os"
)

// queue is Linux's alone.
type queue struct{}

func openQueue() (*queue, error) { return nil, errors.ErrUnsupported }

func (*queue) sync(*os.File) (done bool, err error) { return false, nil }

func (*queue) close() error { return nil }

func syncData(f *os.File) error { return f.Sync() }
