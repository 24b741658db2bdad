package admit

import (
	"slices"
	"sync"
	"sync/atomic"

	"fairlead"
)

// Purse is what one payer's exchanges hold money in: this edge's leases of all pools that they pay from. Nothing in it waits: where a
// lease lacks money its caller asks control for it (Ask, Apply) and tries again.
type Purse struct {
	payer  fairlead.Payer
	book   *Book
	mu     sync.Mutex // before those of the levels
	levels []*level   // by order
	users  atomic.Int64
}

// Hold is money that an exchange has set aside, in each of its purse's levels. The zero Hold holds nothing. It belongs to one
// exchange, one call at a time, and is not copied while it is open.
type Hold struct {
	purse  *Purse // nil once it is settled
	amount fairlead.USD
}

// Amount is how much is held.
func (h *Hold) Amount() fairlead.USD { return h.amount }

// Hold sets an amount aside, in all levels or in none. Where one of them has too little it gives how much is missing: ask first. Low
// says that it is time to ask in the background. An amount below 0 counts as 0, and a hold that is open already is topped up.
func (p *Purse) Hold(h *Hold, amount fairlead.USD) (missing fairlead.USD, low bool) {
	p.lock()
	defer p.unlock()
	amount = max(amount, 0)
	for _, l := range p.levels {
		if m := less(amount, l.left()); amount > 0 && m > missing {
			missing = m
		}
	}
	if missing > 0 {
		return missing, true
	}
	for _, l := range p.levels {
		l.held += amount
		low = low || l.low(p.book.low)
	}
	h.purse = p
	h.amount += amount
	return 0, low
}

// TopUp makes a running hold greater, or gives how much is missing for it. A hold that is settled stays settled.
func (h *Hold) TopUp(more fairlead.USD) (missing fairlead.USD, low bool) {
	if h.purse == nil {
		return max(more, 0), false
	}
	return h.purse.Hold(h, more)
}

// Settle ends a hold, once: the charge is spent, and what is held beyond it can be held anew. A charge above the hold takes what the
// leases have left and then goes beyond them: by how much, at the level that lacks most, is what it gives. The charge line is
// written before. A charge below 0 counts as 0; the second call, and one on the zero Hold, are not ok and change nothing.
func (h *Hold) Settle(charge fairlead.USD) (beyond fairlead.USD, ok bool) {
	p := h.purse
	if p == nil {
		return 0, false
	}
	p.lock()
	defer p.unlock()
	for _, l := range p.levels {
		beyond = max(beyond, l.settle(h.amount, max(charge, 0)))
	}
	*h = Hold{}
	return beyond, true
}

// Left is what can be held: that of the level with least. Of a purse that pays from nothing it is the greatest amount there is.
func (p *Purse) Left() fairlead.USD {
	p.lock()
	defer p.unlock()
	left := fairlead.USD(1<<63 - 1)
	for _, l := range p.levels {
		left = min(left, l.left())
	}
	return left
}

// Tight reports whether a pool is near its end: what is not held is wanted back (Back).
func (p *Purse) Tight() bool { return p.any(func(l *level) bool { return l.tight }) }

// Ended reports whether control has forgotten this edge: its spool needs a new incarnation, and its purses with it.
func (p *Purse) Ended() bool { return p.any(func(l *level) bool { return l.ended }) }

func (p *Purse) any(is func(*level) bool) bool {
	p.lock()
	defer p.unlock()
	return slices.ContainsFunc(p.levels, is)
}

// Ask says what to ask control for, so that an amount can be held; 0 asks in the background. It is not ok while another ask for one
// of the levels is under way: its answer comes first. Each ask is followed by Apply, or by Lost.
func (p *Purse) Ask(amount fairlead.USD) (a fairlead.LeaseAsk, ok bool) {
	p.lock()
	defer p.unlock()
	for _, l := range p.levels {
		if l.asking {
			return a, false
		}
	}
	a = p.book.ask(len(p.levels))
	for _, l := range p.levels {
		l.asking, l.last = true, a.Number
		need := plus(l.kept(), max(amount, 0))
		a.Levels = append(a.Levels, fairlead.LevelAsk{
			Pool: l.pool, Era: l.era, Version: l.version, Granted: l.granted, Spent: l.spent, Need: need, Want: plus(need, p.book.ahead),
		})
	}
	return a, len(a.Levels) > 0
}

// Back gives up what is neither spent nor held, and is the ask that tells control so. It is not ok where there is nothing to say.
func (p *Purse) Back() (a fairlead.LeaseAsk, ok bool) {
	p.lock()
	defer p.unlock()
	a = p.book.ask(len(p.levels))
	for _, l := range p.levels {
		if level, ok := l.back(a.Number); ok {
			a.Levels = append(a.Levels, level)
		}
	}
	return a, len(a.Levels) > 0
}

// Apply takes over control's answer to an ask. One that is older than what is known, or that came before, changes nothing.
func (p *Purse) Apply(g fairlead.LeaseGrant) { p.book.Apply(g) }

// Lost says that no answer comes to an ask any more. One that comes all the same is welcome.
func (p *Purse) Lost(a fairlead.LeaseAsk) { p.book.Lost(a) }

// Leave says that an exchange which entered by Book.Enter has ended.
func (p *Purse) Leave() { p.users.Add(-1) }

func (p *Purse) lock() {
	p.mu.Lock()
	for _, l := range p.levels {
		l.mu.Lock()
	}
}

func (p *Purse) unlock() {
	for _, l := range p.levels {
		l.mu.Unlock()
	}
	p.mu.Unlock()
}
