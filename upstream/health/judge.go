package health

import "slices"

const (
	leastOfProvider = 3
	inUse           = int64(10e9) // a lane with evidence so recently counts as used
)

// verdict acts on what a breaker made of evidence: what it may not decide alone is decided here, by who
// knows the other members.
func (l Lane) verdict(v Verdict, began, now int64) {
	if v == (Verdict{}) {
		return
	}
	b := l.board
	b.mu.Lock()
	defer b.mu.Unlock()
	if v.WantsPeers {
		v.WantsSoft = l.seat.breaker.outlier(b.median(l.seat, now), now)
	}
	if v.WantsSoft && b.mayOpen(l.seat, now) {
		v.Opened = l.seat.breaker.openSoft(began, now)
	}
	if v.Opened {
		b.open(l.seat)
		rollUp(l.seat.egress, now)
	}
}

// shut reports whether a breaker keeps its lane out: open, or half open.
func (s *seat) shut(now int64) bool { return s.breaker.view(now).State != Closed }

// of gives the lanes of a seat's model from its egress.
func (b *Board) of(s *seat) []*seat { return b.models[modelEgress{s.model, s.key.Egress}] }

// median is that of the failure rates of the other endpoints of the model; 0 where there is none. What is on trial
// apart is no measure for others.
func (b *Board) median(s *seat, now int64) float64 {
	var rates []float64
	for _, o := range b.of(s) {
		if o.endpoint != s.endpoint && (s.key.Apart || !o.key.Apart) {
			rates = append(rates, o.breaker.rate(now))
		}
	}
	if len(rates) == 0 {
		return 0
	}
	slices.Sort(rates)
	mid := len(rates) / 2
	if len(rates)%2 == 1 {
		return rates[mid]
	}
	return (rates[mid-1] + rates[mid]) / 2
}

// mayOpen reports whether at least half of the model's endpoints stay in use when this lane shuts. An
// endpoint is shut when all its lanes are; members that were never used are in use.
func (b *Board) mayOpen(s *seat, now int64) bool {
	shut := map[string]bool{}
	for _, o := range b.of(s) {
		if is, seen := shut[o.endpoint]; !seen || is {
			shut[o.endpoint] = o == s || o.shut(now)
		}
	}
	if !shut[s.endpoint] {
		return true // another credential keeps the endpoint in use
	}
	members := b.members(s.model)
	if !slices.Contains(members, s.endpoint) { // of an older snapshot, on trial, or drained: count what is known
		members = nil
		for id := range shut {
			members = append(members, id)
		}
	}
	n := 0
	for _, id := range members {
		if shut[id] {
			n++
		}
	}
	return 2*n <= len(members)
}

// members are the endpoints of a model that may take traffic; none where the snapshot names no such model.
func (b *Board) members(model string) (ids []string) {
	m := b.snapshot.Models[model]
	if m == nil || m.Name != model {
		return nil
	}
	for _, e := range m.Endpoints {
		if e.Weight > 0 {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

// rollUp shuts the whole provider, from one egress, when at least 3 of its endpoints and every one in
// use are shut. It ends with the last of their times, or with the first success.
func rollUp(e *egress, now int64) {
	shut := map[string]bool{}
	until := int64(0)
	for _, s := range e.seats {
		if !s.shut(now) {
			if used := s.breaker.used.Load(); used != 0 && now-used < inUse {
				return
			}
			continue
		}
		shut[s.endpoint] = true
		if phase, t := s.breaker.load(); phase == phaseOpenHard || phase == phaseOpenSoft {
			until = max(until, t)
		}
	}
	if len(shut) < leastOfProvider {
		return
	}
	e.downSince.Store(now)
	e.downUntil.Store(until)
}
