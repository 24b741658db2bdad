//go:build unix && !linux

package pgtest

import "syscall"

// endWithParent is what Linux alone can do: elsewhere a server stays behind where its tests are killed.
func endWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }
