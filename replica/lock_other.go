//go:build !unix

package replica

import "os"

// lockFile only makes the file: this system's locks are not in the standard library.
func lockFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
}
