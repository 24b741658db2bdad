//go:build !386 && !s390x && !race && !msan && !asan

package sock_test

import (
	"slices"
	"syscall"
	"testing"
	"time"

	"fairlead/internal/sock"
)

// A socket that lets calls wait holds nobody up.
func TestSocketThatWaits(t *testing.T) {
	p := begin(t, "tcp", sock.New)
	p.narrow()
	raw, err := p.near.(syscall.Conn).SyscallConn()
	check(t, err)
	check(t, raw.Control(func(fd uintptr) { err = syscall.SetNonblock(int(fd), false) }))
	check(t, err)
	check(t, p.near.SetDeadline(time.Now().Add(10*time.Millisecond)))
	p.read(10)
	_, err = pour(p)
	p.note("some", err)
	if want := []string{
		`"" read tcp NEAR->FAR: i/o timeout = deadline, timeout`,
		"some write tcp NEAR->FAR: i/o timeout = deadline, timeout",
	}; !slices.Equal(p.lines, want) {
		t.Errorf("it gave %q, want %q", p.lines, want)
	}
}
