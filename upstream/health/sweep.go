package health

import "time"

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
	kept := map[Key]*seat{}
	places, keys := map[string]*place{}, map[credentialKey]*credential{}
	cools, egresses := map[coolingKey]*cooling{}, map[egressKey]*egress{}
	byEgress := map[*egress][]*seat{}
	b.models = map[modelEgress][]*seat{}
	inUse := map[*cooling]bool{}
	wilds := int64(0)
	for key, s := range b.seats.all() {
		if now-max(s.asked.Load(), s.breaker.used.Load()) > unusedFor {
			continue
		}
		kept[key], places[key.Endpoint] = s, s.place
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
	b.wildSwept = 0
	b.sweepWild(now)
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
