//go:build !linux || 386 || s390x

package sock

import "net"

func wrap(tcp *net.TCPConn) net.Conn { return tcp }
