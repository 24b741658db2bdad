package sock_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"fairlead/internal/sock"
)

// ways are how a connection is held: what holds for net's must hold for ours.
var ways = []struct {
	name string
	of   func(net.Conn) net.Conn
}{
	{"net", func(c net.Conn) net.Conn { return c }},
	{"sock", sock.New},
}

// play is a connection whose near end is tried, and what became of that.
type play struct {
	t     testing.TB
	near  net.Conn
	far   *net.TCPConn
	mu    sync.Mutex
	lines []string // what was given, without addresses
	types []string // of what the errors are made
}

// begin connects over a kind of network: tcp, tcp4 or tcp6.
func begin(t testing.TB, kind string, way func(net.Conn) net.Conn) *play {
	t.Helper()
	host := "127.0.0.1"
	if kind == "tcp6" {
		host = "[::1]"
	}
	l, err := net.Listen(kind, host+":0")
	if err != nil && kind == "tcp6" {
		t.Skip("no IPv6 here:", err)
	}
	check(t, err)
	defer l.Close()
	near, err := net.Dial(kind, l.Addr().String())
	check(t, err)
	far, err := l.Accept()
	check(t, err)
	p := &play{t: t, near: way(near), far: far.(*net.TCPConn)}
	t.Cleanup(func() { _, _ = near.Close(), far.Close() })
	return p
}

// read reads into a buffer of a size, and notes what was given.
func (p *play) read(size int) {
	b := make([]byte, size)
	n, err := p.near.Read(b)
	p.note(fmt.Sprintf("%q", b[:n]), err)
}

func (p *play) write(text string) {
	n, err := p.near.Write([]byte(text))
	p.note(fmt.Sprint(n), err)
}

// note notes what was given. Addresses have names instead, for no two plays have the same.
func (p *play) note(given string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		names := strings.NewReplacer(p.near.LocalAddr().String(), "NEAR", p.near.RemoteAddr().String(), "FAR")
		given += " " + names.Replace(err.Error()) + kinds(err)
	}
	p.lines = append(p.lines, given)
	for ; err != nil; err = errors.Unwrap(err) {
		p.types = append(p.types, fmt.Sprintf("%T", err))
	}
}

// kinds names what an error is.
func kinds(err error) string {
	var b strings.Builder
	for _, k := range []struct {
		is   error
		name string
	}{
		{net.ErrClosed, "closed"},
		{os.ErrDeadlineExceeded, "deadline"},
		{syscall.ECONNRESET, "reset"},
		{syscall.EPIPE, "pipe"},
	} {
		if errors.Is(err, k.is) {
			b.WriteString(" = " + k.name)
		}
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		b.WriteString(", timeout")
	}
	return b.String()
}

// say has the far end write.
func (p *play) say(text string) {
	p.t.Helper()
	_, err := io.WriteString(p.far, text)
	check(p.t, err)
}

// What a goroutine is said to wait for, in a dump of them all.
const (
	network = "[IO wait"
	turn    = "[semacquire" // at a connection that another goroutine reads or writes
)

// away does something in a goroutine until that waits; wait then waits for its end.
func (p *play) away(until string, do func()) (wait func()) {
	p.t.Helper()
	ended := make(chan struct{})
	go aside(do, ended)
	for !waits(until) {
		select {
		case <-ended:
			p.t.Fatal("it did not wait")
		default:
			runtime.Gosched()
		}
	}
	return func() { <-ended }
}

func aside(do func(), ended chan struct{}) {
	defer close(ended)
	do()
}

// waits reports whether a goroutine of away waits for something.
func waits(what string) bool {
	b := make([]byte, 1<<20)
	b = b[:runtime.Stack(b, true)]
	for g := range bytes.SplitSeq(b, []byte("\n\n")) {
		if head, rest, _ := bytes.Cut(g, []byte("\n")); bytes.Contains(head, []byte(what)) && bytes.Contains(rest, []byte("sock_test.aside(")) {
			return true
		}
	}
	return false
}

// narrow makes the connection hold little between its ends.
func (p *play) narrow() {
	p.t.Helper()
	check(p.t, p.near.(interface{ SetWriteBuffer(int) error }).SetWriteBuffer(32<<10))
	check(p.t, p.far.SetReadBuffer(256<<10)) // smaller than what a loopback sends at once is slow
}

// rest gives what the far end reads until the end.
func (p *play) rest() []byte {
	p.t.Helper()
	b, err := io.ReadAll(p.far)
	check(p.t, err)
	return b
}

// half ends the near end's writing.
func (p *play) half() {
	p.t.Helper()
	check(p.t, p.near.(interface{ CloseWrite() error }).CloseWrite())
}

// pattern is n bytes of which no two neighbours are alike.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
	}
	return b
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
