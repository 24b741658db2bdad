//go:build !unix

package fakellm

import "net"

// reserve keeps nothing here: the port is free while it refuses connections.
func reserve(net.Addr) (release func()) { return func() {} }
