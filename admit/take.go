package admit

import (
	"slices"
	"time"
)

// Claim is what an exchange wants of one limit.
type Claim struct {
	Limiter *Limiter
	N       int64 // requests, tokens, nano-dollars, exchanges at once: 0 to fairlead.MaxUnits
}

// Refusal says which limit does not let an exchange in: of several the one that it would wait for the longest.
type Refusal struct {
	State
	Wanted int64
	Wait   time.Duration // fairlead.Never: it is more than the limit can ever let in
}

// Claims are what an exchange wants of all limits that it is under. They are made by NewClaims.
type Claims []Claim

// NewClaims puts claims in the order in which limiters are locked. It uses the slice that it is given.
func NewClaims(list []Claim) Claims {
	slices.SortFunc(list, func(a, b Claim) int {
		switch {
		case a.Limiter.serial < b.Limiter.serial:
			return -1
		case a.Limiter.serial > b.Limiter.serial:
			return 1
		}
		return 0
	})
	return list
}

// Take takes all claims or none.
func (c Claims) Take(now time.Duration) (Refusal, bool) {
	c.lock()
	var refused Refusal
	taken, ok := 0, true
	for i := range c {
		m, n := c[i].Limiter, max(c[i].N, 0)
		m.advance(now)
		if !m.take(n) {
			if wait := m.wait(n); ok || wait > refused.Wait {
				refused = Refusal{State: m.state(), Wanted: n, Wait: wait}
			}
			ok = false
		} else if ok {
			taken++
		} else {
			m.untake(n)
		}
	}
	for i := range c {
		switch {
		case ok:
			c[i].Limiter.demand.took = true
		case i < taken:
			c[i].Limiter.untake(max(c[i].N, 0))
		}
	}
	c.unlock()
	return refused, ok
}

// Leave ends an exchange that was let in: what it used of concurrency is free again. What it took of rates was corrected before, where
// it was another amount.
func (c Claims) Leave() {
	for i := range c {
		if c[i].Limiter.period == 0 {
			c[i].Limiter.leave(max(c[i].N, 0))
		}
	}
}

func (c Claims) lock() {
	for i := range c {
		if i == 0 || c[i].Limiter != c[i-1].Limiter {
			c[i].Limiter.mu.Lock()
		}
	}
}

func (c Claims) unlock() {
	for i := range c {
		if i == 0 || c[i].Limiter != c[i-1].Limiter {
			c[i].Limiter.mu.Unlock()
		}
	}
}
