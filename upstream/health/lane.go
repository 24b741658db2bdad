package health

import (
	"sync/atomic"
	"time"

	"fairlead"
)

// Lane is one endpoint by one credential from one egress, for one upstream model. It is a small value
// and safe for concurrent use.
type Lane struct {
	board    *Board
	seat     *seat
	upstream string // the provider's model name, under a wildcard alone
}

// Key names the lane.
func (l Lane) Key() Key { return l.seat.key }

// Budget is the retry budget of the lane's endpoint.
func (l Lane) Budget() *Budget { return l.seat.place.budget }

// Busy counts the attempts under way at the lane's endpoint: whoever makes one adds it and takes it off again.
func (l Lane) Busy() *atomic.Int64 { return l.seat.place.busy }

// Deadlines are those of the lane's endpoint.
func (l Lane) Deadlines() *Deadlines { return l.seat.place.deadlines }

// Breaker is the lane's own.
func (l Lane) Breaker() *Breaker { return l.seat.breaker }

// Dropped reports that the Board has forgotten the lane, which was not used for an hour: whoever kept
// it asks for it again.
func (l Lane) Dropped() bool { return l.board.seats.get(l.seat.key) != l.seat }

// cooling is the one of the lane's model; nil = none is known.
func (l Lane) cooling() *cooling {
	if !l.seat.wild {
		return l.seat.cool
	}
	key := coolingKey{l.seat.provider, l.seat.key.Credential, l.upstream}
	if c := l.board.coolings.get(key); c != nil {
		return c
	}
	return l.board.wildCools.get(key)
}

// config is the latch of the lane's endpoint, or of the model under a wildcard: a caller who asks for
// what does not exist must not shut it for others. nil = nothing is wrong.
func (l Lane) config() *latch {
	if !l.seat.wild {
		return &l.seat.place.config
	}
	return l.board.wildModel.get(modelKey{l.seat.endpoint, l.upstream})
}

// View gives the state: of all that stands against the lane what lasts longest.
func (l Lane) View(now time.Time) View {
	n := l.board.at(now)
	l.seat.touch(n)
	return l.viewed(n)
}

// viewed is View for who only looks.
func (l Lane) viewed(n int64) View {
	s := l.seat
	if l.well(n) {
		return View{State: Closed, Share: 100}
	}
	v := s.breaker.view(n)
	if v.State == Closed && n < s.egress.downUntil.Load() {
		v = View{State: Open, Until: l.board.time(s.egress.downUntil.Load()), Reason: ReasonProviderDown, Soft: true}
	}
	if c := l.cooling(); c != nil {
		v = l.cool(v, c, ReasonRateLimited, n)
	}
	v = l.cool(v, &s.cred.account, ReasonAccountLimit, n)
	if c := l.config(); c != nil {
		v = l.shut(v, c, ReasonModelUnknown, n)
	}
	v = l.shut(v, &s.cred.latch, ReasonCredential, n)
	return l.shut(v, &s.egress.latch, ReasonEgress, n)
}

// well reports that nothing stands against the lane, which is the state of nearly all at nearly all
// times: seven loads, where a whole view costs four times as much (BenchmarkBoard/View).
func (l Lane) well(now int64) bool {
	s := l.seat
	phase, suspect := s.breaker.load()
	return phase == phaseClosed && suspect <= now && !s.wild && s.cool.until.Load() <= now &&
		s.cred.account.until.Load() <= now && s.egress.downUntil.Load() <= now &&
		s.place.config.until.Load() == 0 && s.cred.latch.until.Load() == 0 && s.egress.latch.until.Load() == 0
}

func (l Lane) cool(v View, c *cooling, why fairlead.Reason, now int64) View {
	t, cools := c.cools(now)
	if !cools {
		return v
	}
	return worse(v, View{State: Cooling, Until: l.board.time(t), Reason: why})
}

func (l Lane) shut(v View, c *latch, why fairlead.Reason, now int64) View {
	switch state, t := c.state(now); state {
	case Disabled:
		return worse(v, View{State: Disabled, Until: l.board.time(t), Reason: why})
	case HalfOpen:
		if v.State == Closed {
			return View{State: HalfOpen, Reason: why}
		}
	}
	return v
}

// worse keeps what lasts longer. Nothing that is in use or may be tried outlasts what is shut, and what
// is no last resort makes neither.
func worse(a, b View) View {
	if a.State == Closed || a.State == HalfOpen || b.Until.After(a.Until) {
		return b
	}
	a.Soft = false
	return a
}

// Acquire asks for an attempt. Where it says no, another lane is taken. lastResort asks for a lane that
// is shut on soft evidence or by inference, for nothing better is left.
func (l Lane) Acquire(now time.Time, lastResort bool) (Ticket, bool) {
	n := l.board.at(now)
	s := l.seat
	if l.well(n) {
		return s.breaker.acquire(n, false)
	}
	if v := l.View(now); !v.Usable() && !(lastResort && (v.Soft || v.State == HalfOpen)) {
		return Ticket{}, false
	}
	t, ok := s.breaker.acquire(n, lastResort)
	if !ok {
		return Ticket{}, false
	}
	config := l.config()
	if (config == nil || config.claim(n)) && s.cred.latch.claim(n) && s.egress.latch.claim(n) {
		return t, true
	}
	s.breaker.release(t, Nothing, n)
	return Ticket{}, false
}

// Release ends an attempt at its commit or its failure, with what it proved.
func (l Lane) Release(t Ticket, e Evidence, now time.Time) {
	n := l.board.at(now)
	l.verdict(l.seat.breaker.release(t, e.kindOf(t), n), t.began, n)
	l.apply(e, t.began, n)
}

// kindOf is what the evidence counts as for the breaker.
func (e *Evidence) kindOf(t Ticket) Kind {
	if e.Again && !t.Trial() {
		return Nothing
	}
	return e.Kind
}

// Ended takes how an attempt went on after its commit, for which it was released with Success: once for
// each, with Success if the answer is whole.
func (l Lane) Ended(t Ticket, e Evidence, now time.Time) {
	n := l.board.at(now)
	l.verdict(l.seat.breaker.ended(t, e.kindOf(t), n), t.began, n)
	if e.Kind != Success { // that the attempt succeeded is known since its commit
		l.apply(e, t.began, n)
	}
}

// Observe takes evidence of an attempt that had no ticket. took is the time since it began.
func (l Lane) Observe(e Evidence, took time.Duration, now time.Time) {
	n := l.board.at(now)
	began := n - int64(took)
	l.verdict(l.seat.breaker.Observe(e.Kind, took, now), began, n)
	l.apply(e, began, n)
}

// apply hands on what is not the breaker's.
func (l Lane) apply(e Evidence, began, now int64) {
	s := l.seat
	switch e.Kind {
	case Success:
		l.succeeded(began)
	case Limited:
		if e.Limit.AccountWide {
			s.cred.account.hit(e.Limit, began, now)
		} else if c := l.board.coolingFor(l, now); c != nil {
			c.hit(e.Limit, began, now)
		}
	case BadCredential:
		s.cred.latch.hit(began, now, credentialFirst, credentialMost)
	case Misconfigured:
		if e.Revision != 0 && e.Revision < l.board.revision.Load() {
			return // of a configuration that holds no more
		}
		if c := l.board.configFor(l, now); c != nil {
			c.hit(began, now, configPause, configPause)
		}
	case Blocked:
		s.egress.latch.hit(began, now, egressPause, egressPause)
	}
}

// succeeded ends what a success disproves. Where nothing is wrong it is six loads.
func (l Lane) succeeded(began int64) {
	s := l.seat
	if c := l.cooling(); c != nil {
		c.clear(began)
	}
	s.cred.account.clear(began)
	if c := l.config(); c != nil {
		c.clear(began)
	}
	s.cred.latch.clear(began)
	s.egress.latch.clear(began)
	if s.egress.downUntil.Load() != 0 && (began >= s.egress.downSince.Load() || s.breaker.ramping()) {
		s.egress.downUntil.Store(0)
	}
}

// coolingFor finds or makes the cooldowns of the lane's model. Under a wildcard their number is bounded,
// for callers choose the names; nil = there is no room, and the next 429 is as good.
func (b *Board) coolingFor(l Lane, now int64) *cooling {
	if c := l.cooling(); c != nil {
		return c
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sweepWild(now); len(b.wildCools.all()) >= mostWild {
		return nil
	}
	key := coolingKey{l.seat.provider, l.seat.key.Credential, l.upstream}
	return b.wildCools.getOr(key, func() *cooling { return b.newCooling(key) })
}

// configFor does so for the latch of the lane's endpoint.
func (b *Board) configFor(l Lane, now int64) *latch {
	if c := l.config(); c != nil {
		return c
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sweepWild(now); len(b.wildModel.all()) >= mostWild {
		return nil
	}
	return b.wildModel.getOr(modelKey{l.seat.endpoint, l.upstream}, func() *latch { return &latch{} })
}

// CoolingDimension tells which dimension of the lane's limits cools longest, for plans and records.
func (l Lane) CoolingDimension(now time.Time) (Dimension, bool) {
	n := l.board.at(now)
	account := &l.seat.cred.account
	until, cools := account.cools(n)
	c := l.cooling()
	if c != nil {
		if t, ok := c.cools(n); ok && t >= until {
			return c.dimension(), true
		}
	}
	if !cools {
		return AnyDimension, false
	}
	return account.dimension(), true
}

// First makes one of the exchanges that wait for the lane's limit to pass the first: it goes when the time is
// over, and the others when it may have found out whether the limit has passed.
func (l Lane) First(now time.Time) bool {
	n := l.board.at(now)
	last := &l.seat.cred.account
	until, cools := last.cools(n)
	if c := l.cooling(); c != nil {
		if t, ok := c.cools(n); ok && (!cools || t >= until) {
			last, until, cools = c, t, true
		}
	}
	return cools && last.claim(until)
}
