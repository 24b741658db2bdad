package health

import "time"

// mostHeld is how long failing probes keep a lane shut before callers may try it again: a page that says
// no while all is well costs so much and no more.
const mostHeld = int64(30 * time.Second)

// Probed is what one background probe found.
type Probed struct {
	// Evidence is how it went: Success, or Hard, Light, Soft for an outage; anything else proves nothing of
	// the lane's health.
	Evidence Evidence
	// Generated tells that the model itself answered, and not a page about it.
	Generated bool
	Began     time.Time
	// Next is when the next result is due, after now: a failure keeps the lane shut so long.
	Next time.Duration
}

// probeBegins reports whether a probe by generation, which is an attempt to the provider, may begin: the
// lane is shut, no trial is under way, and the last attempt began a second ago. No trial begins within a
// second after it.
func (b *Breaker) probeBegins(now int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now = b.tickless(now)
	phase, until, shut := b.untried(now)
	if !shut || now < max(b.openedAt, b.tried)+leastOpen {
		return false
	}
	b.tried = now
	b.store(phase, max(until, now+leastOpen))
	return true
}

// Await keeps trials off until a second after the next probe is due, where that is at most a second after a
// trial would be: the probe is to find out, not an exchange. It does so while no probe has ended since the
// opening or those that did proved something, and 30 s after the opening at most.
func (b *Breaker) Await(due time.Time) { b.await(b.at(due)) }

func (b *Breaker) await(due int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	phase, until := b.load()
	shut := phase == phaseOpenHard || phase == phaseOpenSoft
	silent := b.probed && !b.sawDown && b.probes == 0
	if !shut || silent || b.mute.Load() > 0 || due > until+leastOpen {
		return
	}
	b.store(phase, max(until, min(due+leastOpen, b.openedAt+mostHeld)))
}

// untried gives the phase of a breaker that is open, or half open without a trial that holds others up.
func (b *Breaker) untried(now int64) (phase int, until int64, ok bool) {
	switch phase, until = b.load(); phase {
	case phaseOpenHard, phaseOpenSoft:
		return phase, until, true
	case phaseTrialHard, phaseTrialSoft:
		return phase - phaseTrialHard + phaseOpenHard, until, now >= until
	}
	return phase, until, false
}

// Probe takes what a background probe found and reports whether the lane is back by it. It never opens. A
// failure keeps shut what is shut, 30 s at most after it opened; two clean answers running begin the ramp,
// a second after the opening at the soonest. A page counts only once it has itself seen the outage: one
// that always says yes proves nothing.
func (b *Breaker) Probe(p Probed, now time.Time) bool { return b.probe(p, b.at(p.Began), b.at(now)) }

func (b *Breaker) probe(p Probed, began, now int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now = b.tickless(now)
	phase, until, shut := b.untried(now)
	if !shut || began < b.openedAt {
		return false
	}
	b.probed = true
	switch p.Evidence.Kind {
	case Hard, Light, Soft:
		b.sawDown, b.probes = true, 0
		b.mute.Store(0)
		b.down.Add(1)
		held := min(now+min(int64(p.Next), mostOpen), b.openedAt+mostHeld)
		b.store(phase, max(until, held))
	case Success:
		if !p.Generated && !b.sawDown {
			return false
		}
		if b.probes++; b.probes < 2 || now < b.openedAt+leastOpen {
			return false
		}
		b.now = now
		b.recover(began, now)
		return true
	}
	return false
}

// ProbeBegins asks for a probe by generation: the lane is shut by its breaker and nothing else, and the
// last attempt is a second ago. It is no ticket: what it finds is told by Probe.
func (l Lane) ProbeBegins(now time.Time) bool {
	n := l.board.at(now)
	return !l.barred(n) && l.seat.breaker.probeBegins(n)
}

// barred reports whether the lane may not be asked, whatever its breaker says.
func (l Lane) barred(now int64) bool {
	v := View{State: Closed}
	if c := l.cooling(); c != nil {
		v = l.cool(v, c, ReasonRateLimited, now)
	}
	v = l.cool(v, &l.seat.cred.account, ReasonAccountLimit, now)
	if c := l.config(); c != nil {
		v = l.shut(v, c, ReasonModelUnknown, now)
	}
	v = l.shut(v, &l.seat.cred.latch, ReasonCredential, now)
	return l.shut(v, &l.seat.egress.latch, ReasonEgress, now).State != Closed
}

// Await keeps trials off the lane until its next probe, as Breaker.Await does.
func (l Lane) Await(due time.Time) { l.seat.breaker.Await(due) }

// Probe takes what a background probe found and reports whether the lane is back by it. Limits and refused
// credentials that a probe by generation met are taken note of, as an exchange's are.
func (l Lane) Probe(p Probed, now time.Time) bool {
	n, began := l.board.at(now), l.board.at(p.Began)
	if k := p.Evidence.Kind; p.Generated && (k == Limited || k == BadCredential || k == Blocked) {
		l.apply(p.Evidence, began, n)
	}
	back := l.seat.breaker.probe(p, began, n)
	if back {
		l.seat.egress.downUntil.Store(0) // the provider is not down
	}
	return back
}

// Shut lists the lanes whose breakers keep them out and that somebody asked for within a time. It costs
// nothing while none is: only what opened is looked at.
func (b *Board) Shut(within time.Duration, now time.Time) []Lane {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.at(now)
	var list []Lane
	for s := range b.opened {
		phase, _ := s.breaker.load()
		switch {
		case phase == phaseClosed, phase == phaseRamp, b.seats.get(s.key) != s:
			delete(b.opened, s)
		case n-s.asked.Load() <= int64(within):
			list = append(list, Lane{board: b, seat: s, upstream: s.key.Upstream})
		}
	}
	return list
}

// AnyShut reports whether any lane's breaker keeps it out, as far as is known since the last Shut.
func (b *Board) AnyShut() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.opened) > 0
}

// open takes note, under the Board's lock, that a breaker opened.
func (b *Board) open(s *seat) {
	b.opened[s] = struct{}{}
	select {
	case b.wake <- struct{}{}:
	default: // somebody is told already, or nobody wants to be
	}
}
