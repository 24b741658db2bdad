package transport

import (
	"sync"
	"time"
)

// hostKey tells which connections serve a call.
type hostKey struct {
	host string // as the URL has it
	tls  bool
}

// pool keeps idle connections, the last used first: those beyond what the load needs grow old and
// are closed. Its janitor is a timer that exists only while something is idle.
type pool struct {
	maxIdle         int
	idleFor, maxAge time.Duration

	mu      sync.Mutex
	idle    map[hostKey][]*conn // in the order of their return, the oldest first
	count   int
	closed  bool
	janitor *time.Timer
}

// get takes an idle connection on which nothing has happened since its last exchange, or nil.
func (p *pool) get(key hostKey) *conn {
	for {
		c := p.pop(key)
		if c == nil {
			return nil
		}
		if time.Since(c.idle) < p.idleFor && c.untouched() {
			c.used = true
			return c
		}
		c.close()
	}
}

func (p *pool) pop(key hostKey) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.idle[key]
	if len(list) == 0 {
		return nil
	}
	c := list[len(list)-1]
	list[len(list)-1] = nil
	p.idle[key] = list[:len(list)-1]
	p.count--
	return c
}

// put gives a connection back whose last answer ended exactly, or closes it.
func (p *pool) put(c *conn) {
	now := time.Now()
	if now.Sub(c.born) > p.maxAge {
		c.close()
		return
	}
	c.idle = now
	if !p.push(c) {
		c.close()
	}
}

func (p *pool) push(c *conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle[c.key]) >= p.maxIdle {
		return false
	}
	p.idle[c.key] = append(p.idle[c.key], c)
	p.count++
	if p.janitor == nil {
		p.janitor = time.AfterFunc(p.idleFor, p.sweep)
	}
	return true
}

// sweep closes what has been idle for too long, and comes again when the next will have been.
func (p *pool) sweep() {
	now := time.Now()
	p.mu.Lock()
	var old []*conn
	next := p.idleFor
	for key, list := range p.idle {
		n := 0
		for n < len(list) && now.Sub(list[n].idle) >= p.idleFor {
			n++
		}
		old = append(old, list[:n]...)
		rest := append([]*conn(nil), list[n:]...) // a fresh array: the old one keeps its longest length
		if len(rest) == 0 {
			delete(p.idle, key)
			continue
		}
		p.idle[key] = rest
		next = min(next, p.idleFor-now.Sub(rest[0].idle))
	}
	p.count -= len(old)
	p.janitor = nil
	if p.count > 0 && !p.closed {
		p.janitor = time.AfterFunc(next, p.sweep)
	}
	p.mu.Unlock()
	closeAll(old)
}

// close closes what is idle; what comes back later is closed then.
func (p *pool) close() {
	p.mu.Lock()
	var all []*conn
	for _, list := range p.idle {
		all = append(all, list...)
	}
	p.idle, p.count, p.closed = nil, 0, true
	if p.janitor != nil {
		p.janitor.Stop()
	}
	p.janitor = nil
	p.mu.Unlock()
	closeAll(all)
}

func closeAll(list []*conn) {
	for _, c := range list {
		c.close()
	}
}
