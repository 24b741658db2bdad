package harness

import (
	"errors"
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy is a TCP link that a test can break: what connects to Addr reaches the target.
type Proxy struct {
	Addr   string // host:port that the link is reached at
	target string

	listener net.Listener
	flows    sync.WaitGroup

	mu     sync.Mutex
	state  linkState
	opened chan struct{} // closed when a hole heals
	pairs  map[net.Conn]struct{}
	tap    func([]byte)
	closed bool
}

type linkState int

const (
	linkUp   linkState = iota
	linkCut            // connections are reset, new ones refused
	linkHole           // nothing passes and nobody is told
)

// NewProxy starts a link to target, which need not be there yet, until the test ends.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Addr: l.Addr().String(), target: target, listener: l, opened: make(chan struct{}), pairs: map[net.Conn]struct{}{}}
	close(p.opened)
	p.flows.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// Cut breaks every connection of the link and refuses new ones until Heal.
func (p *Proxy) Cut() { p.set(linkCut) }

// Hole lets nothing pass until Heal, without a word to either side.
func (p *Proxy) Hole() { p.set(linkHole) }

// Heal makes the link whole again. What a hole held back passes then.
func (p *Proxy) Heal() { p.set(linkUp) }

// Tap has f see all that passes from now on, both ways; nil ends that. It is called from several goroutines.
func (p *Proxy) Tap(f func([]byte)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tap = f
}

func (p *Proxy) set(s linkState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == linkHole && s != linkHole {
		close(p.opened)
	}
	if p.state != linkHole && s == linkHole {
		p.opened = make(chan struct{})
	}
	p.state = s
	if s == linkCut {
		p.reset()
	}
}

// reset breaks what is open, under the lock.
func (p *Proxy) reset() {
	for c := range p.pairs {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // a reset, not an orderly end
		}
		_ = c.Close()
	}
	clear(p.pairs)
}

func (p *Proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil && p.hold(c) {
			p.flows.Go(func() { p.join(c) })
		}
	}
}

// hold takes note of a connection, so that it is broken when the link is.
func (p *Proxy) hold(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == linkCut || p.closed {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = c.Close()
		return false
	}
	p.pairs[c] = struct{}{}
	return true
}

func (p *Proxy) join(near net.Conn) {
	defer p.drop(near)
	far, err := net.DialTimeout("tcp", p.target, 10*time.Second)
	if err != nil || !p.hold(far) {
		return
	}
	defer p.drop(far)
	back := make(chan struct{})
	go func() {
		defer close(back)
		p.carry(near, far)
	}()
	p.carry(far, near)
	<-back
}

// carry copies one way until either side ends.
func (p *Proxy) carry(to, from net.Conn) {
	defer func() {
		_ = to.Close()
		_ = from.Close()
	}()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		p.mu.Lock()
		opened, tap := p.opened, p.tap
		p.mu.Unlock()
		<-opened
		if n > 0 {
			if tap != nil {
				tap(buf[:n])
			}
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (p *Proxy) drop(c net.Conn) {
	_ = c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.pairs, c)
}

func (p *Proxy) close() {
	_ = p.listener.Close()
	p.set(linkCut)
	p.mu.Lock()
	p.closed = true
	p.reset()
	p.mu.Unlock()
	p.flows.Wait()
}
