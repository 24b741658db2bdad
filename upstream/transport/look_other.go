//go:build !unix

package transport

import "syscall"

// canLook says that a descriptor can be asked what has arrived.
const canLook = false

// looker has no way here to look without reading; wire.peek reads a byte instead.
type looker struct{ err error }

func (*looker) init() {}

func (*looker) await(syscall.RawConn) error { return syscall.EINVAL }

func (*looker) at(syscall.RawConn) sight { return gone }
