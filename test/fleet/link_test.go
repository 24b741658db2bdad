//go:build linux

package fleet_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"

	"fairlead/test/harness"
)

// crossing is an address that a node advertises. All others know this one alone, so each of them has a link of its own behind
// it, found by whose process connects: a test breaks the link of one and leaves those of the others whole.
type crossing struct {
	f        *fleet
	listener net.Listener
	target   string
	group    sync.WaitGroup

	mu    sync.Mutex
	links map[string]*harness.Proxy // by the name of who connects
	open  map[net.Conn]string       // whose they are
}

// newCrossing listens for those who want to reach a target.
func newCrossing(f *fleet, target string) *crossing {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(f.t, err)
	c := &crossing{f: f, listener: l, target: target, links: map[string]*harness.Proxy{}, open: map[net.Conn]string{}}
	c.group.Go(c.accept)
	f.root.Cleanup(c.close)
	return c
}

func (c *crossing) addr() string { return c.listener.Addr().String() }

// link is the way that a node comes by.
func (c *crossing) link(name string) *harness.Proxy {
	c.mu.Lock()
	defer c.mu.Unlock()
	l, ok := c.links[name]
	if !ok {
		l = harness.NewProxy(c.f.root, c.target)
		c.links[name] = l
	}
	return l
}

func (c *crossing) accept() {
	for {
		conn, err := c.listener.Accept()
		if err != nil {
			return
		}
		c.group.Go(func() { c.carry(conn) })
	}
}

// carry joins a connection with its link. A link that is cut ends it.
func (c *crossing) carry(near net.Conn) {
	defer near.Close()
	name, ok := c.f.whose(near)
	if !ok {
		return // its process is gone already
	}
	far, err := net.Dial("tcp", c.link(name).Addr)
	if err != nil {
		return
	}
	defer far.Close()
	if !c.hold(name, near, far) {
		return
	}
	defer c.drop(near, far)
	back := make(chan struct{})
	go func() {
		defer close(back)
		_, _ = io.Copy(near, far)
		_ = near.Close()
	}()
	_, _ = io.Copy(far, near)
	_ = far.Close()
	<-back
}

func (c *crossing) hold(name string, conns ...net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		return false
	}
	for _, conn := range conns {
		c.open[conn] = name
	}
	return true
}

func (c *crossing) drop(conns ...net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range conns {
		delete(c.open, conn)
	}
}

// carries reports whether a node has a connection here.
func (c *crossing) carries(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, whose := range c.open {
		if whose == name {
			return true
		}
	}
	return false
}

func (c *crossing) close() {
	_ = c.listener.Close()
	c.mu.Lock()
	for conn := range c.open {
		_ = conn.Close()
	}
	c.open = nil
	c.mu.Unlock()
	c.group.Wait()
}

// whose tells which node's process holds the other end of a connection: the system knows by the socket.
func (f *fleet) whose(conn net.Conn) (name string, ok bool) {
	inode, err := socketOf(conn.RemoteAddr().(*net.TCPAddr).Port, conn.LocalAddr().(*net.TCPAddr).Port)
	if err != nil {
		return "", false
	}
	for _, n := range f.all() {
		if holds(n.pid(), inode) {
			return n.name, true
		}
	}
	return "one in this process", holds(os.Getpid(), inode)
}

// holds tells whether a process has a socket open.
func holds(pid int, inode string) bool {
	dir := "/proc/" + strconv.Itoa(pid) + "/fd"
	list, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, e := range list {
		if to, err := os.Readlink(dir + "/" + e.Name()); err == nil && to == "socket:["+inode+"]" {
			return true
		}
	}
	return false
}

// socketOf finds the inode of the socket between two ports of the loopback address.
func socketOf(local, remote int) (inode string, err error) {
	file, err := os.Open("/proc/net/tcp")
	if err != nil {
		return "", err
	}
	defer file.Close()
	from, to := fmt.Sprintf("0100007F:%04X", local), fmt.Sprintf("0100007F:%04X", remote)
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if part := strings.Fields(lines.Text()); len(part) > 9 && part[1] == from && part[2] == to {
			return part[9], nil
		}
	}
	return "", fmt.Errorf("no socket from port %d to %d", local, remote)
}
