package health

import (
	"cmp"
	"slices"
	"time"
)

// Sweep drops what was not used for an hour. Making a lane does so too, at times.
func (b *Board) Sweep(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sweep(b.at(now), true)
}

func (b *Board) sweep(now int64, due bool) {
	if !due {
		return
	}
	b.swept = now
	b.keep(func(s *seat) bool { return now-max(s.asked.Load(), s.breaker.used.Load()) <= unusedFor })
	b.wildSwept = 0
	b.sweepWild(now)
}

// keep drops all other lanes, and what none that is left shares.
func (b *Board) keep(good func(*seat) bool) {
	kept := map[Key]*seat{}
	places, keys := map[modelKey]*place{}, map[credentialKey]*credential{}
	cools, egresses := map[coolingKey]*cooling{}, map[egressKey]*egress{}
	byEgress := map[*egress][]*seat{}
	b.models = map[modelEgress][]*seat{}
	inUse := map[*cooling]bool{}
	wilds := int64(0)
	for key, s := range b.seats.all() {
		if !good(s) {
			continue
		}
		kept[key], places[modelKey{s.endpoint, key.Upstream}] = s, s.place
		places[modelKey{s.endpoint, ""}] = b.places.get(modelKey{s.endpoint, ""})
		keys[credentialKey{s.provider, key.Credential}] = s.cred
		egresses[egressKey{s.provider, key.Egress}] = s.egress
		byEgress[s.egress] = append(byEgress[s.egress], s)
		b.models[modelEgress{s.model, key.Egress}] = append(b.models[modelEgress{s.model, key.Egress}], s)
		inUse[s.cool] = true
		if s.wild {
			wilds++
		}
	}
	for key, c := range b.coolings.all() {
		if inUse[c] {
			cools[key] = c
		}
	}
	for _, e := range egresses {
		e.seats = byEgress[e]
	}
	b.seats.set(kept)
	b.wilds.Store(wilds)
	b.places.set(places)
	b.keys.set(keys)
	b.coolings.set(cools)
	b.egresses.set(egresses)
}

// makeRoom drops lanes under wildcards that nothing stands against, those that were used last the longest ago,
// and reports whether there is room. A quarter goes at a time, for each time all are looked at; where fewer
// could go, it is not tried again for a second.
func (b *Board) makeRoom(now int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.wilds.Load() < mostWild:
		return true
	case now-b.cramped < int64(time.Second):
		return false
	}
	type idle struct {
		seat *seat
		last int64
	}
	var list []idle
	for _, s := range b.seats.all() {
		if s.wild && s.idle(now) {
			list = append(list, idle{s, max(s.asked.Load(), s.breaker.used.Load())})
		}
	}
	if len(list) < mostWild/4 {
		b.cramped = now
		return false
	}
	slices.SortFunc(list, func(a, b idle) int { return cmp.Compare(a.last, b.last) })
	drop := map[*seat]bool{}
	for _, l := range list[:mostWild/4] {
		drop[l.seat] = true
	}
	b.keep(func(s *seat) bool { return !drop[s] })
	return true
}

// idle reports whether nothing would be lost with a lane: nothing stands against it, nor against what it shares,
// and no failure of it is remembered.
func (s *seat) idle(now int64) bool {
	return s.breaker.idle(now) && s.cred.account.until.Load() <= now && s.egress.downUntil.Load() <= now &&
		s.cred.latch.until.Load() == 0 && s.egress.latch.until.Load() == 0
}

// idle reports whether the breaker is closed and remembers no failure.
func (b *Breaker) idle(now int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	phase, _ := b.load()
	return phase == phaseClosed && (b.lastFail == 0 || now-b.lastFail > runGap)
}

// sweepWild drops what is over of models under wildcards, at most once a second: whoever fills the
// tables with made-up names must not have them copied at each.
func (b *Board) sweepWild(now int64) {
	if now-b.wildSwept < int64(time.Second) {
		return
	}
	b.wildSwept = now
	b.wildCools.keep(func(c *cooling) bool { return now < c.until.Load() })
	b.wildModel.keep(func(l *latch) bool { return now < l.until.Load() })
}
