// Package sock reads and writes TCP connections by system calls that Go's scheduler is not told of.
//
// The scheduler is told of each call of the net package, lest a thread that waits in the kernel keep a processor from
// other goroutines. A call on a socket that never waits takes a few microseconds. Telling the scheduler takes a part of
// them again; and its watcher, which comes each 20 us while there is work, takes the processor of a call that it meets
// twice, and wakes another thread for it. A raw call (syscall.RawSyscall) is to the scheduler what arithmetic is. Where
// it would have to wait, the goroutine waits as it does for net: in the poller. docs/adr/0025 has figures.
//
// The price is that a raw call keeps its processor until it is done, and that a collection waits for it. So a call of more
// than 64 KiB goes by net. What waits in the poller keeps nothing.
//
// Only Linux has it, and not on 386 and s390x, where Go reaches sockets through socketcall(2). Builds with a sanitizer
// (race, msan, asan) tell the scheduler after all, for a sanitizer must see what a call reads and writes.
package sock

import "net"

// New gives a connection that reads and writes as c does, with the same errors and deadlines, and that has its methods.
// A connection that is no *net.TCPConn is given back as it is, as is each on a system without raw calls.
//
// One goroutine at a time reads raw, and one writes; what comes meanwhile waits in net, as it would without.
func New(c net.Conn) net.Conn {
	if tcp, ok := c.(*net.TCPConn); ok {
		return wrap(tcp)
	}
	return c
}
