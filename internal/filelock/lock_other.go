//go:build !unix

// Package filelock holds a file's lock for one process at a time.
package filelock

import "os"

// Lock only makes the file: this system's locks are not in the standard library.
func Lock(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
}
