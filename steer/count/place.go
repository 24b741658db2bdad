package count

import (
	"maps"
	"sync"
	"sync/atomic"

	"fairlead"
	"fairlead/steer"
)

// side counts one side of a trial.
type side struct {
	cell
	places places
}

func (s *side) take() steer.Evidence {
	e := s.cell.take()
	e.Places = s.places.take()
	return e
}

// places counts what the endpoints of a side get that health kept an exchange from on suspicion. Where there are none it
// costs one load.
type places struct {
	known atomic.Pointer[map[string]*place] // immutable but for what its places count
	mu    sync.Mutex                        // of who adds to them
}

type place struct{ asked, kept atomic.Uint64 }

// count counts an exchange for each of them that it asked, or was kept from: once.
func (p *places) count(r *fairlead.Record) {
	for _, id := range r.Withheld {
		if to := p.of(id); to != nil && !asked(r.Attempts, id) {
			to.kept.Add(1)
		}
	}
	known := p.known.Load()
	if known == nil {
		return
	}
	for i := range r.Attempts {
		if to := (*known)[r.Attempts[i].Endpoint]; to != nil && tells(&r.Attempts[i]) && !asked(r.Attempts[:i], r.Attempts[i].Endpoint) {
			to.asked.Add(1)
		}
	}
}

// asked reports whether an attempt at an endpoint told something of it.
func asked(list []fairlead.Attempt, id string) bool {
	for i := range list {
		if list[i].Endpoint == id && tells(&list[i]) {
			return true
		}
	}
	return false
}

func tells(a *fairlead.Attempt) bool { return a.Outcome == fairlead.OutcomeOK || a.Blames() }

// of finds or makes a place; nil where there are as many as can be.
func (p *places) of(id string) *place {
	if known := p.known.Load(); known != nil && (*known)[id] != nil {
		return (*known)[id]
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	next := map[string]*place{}
	if known := p.known.Load(); known != nil {
		if to := (*known)[id]; to != nil || len(*known) >= steer.MostPlaces {
			return to
		}
		maps.Copy(next, *known)
	}
	next[id] = new(place)
	p.known.Store(&next)
	return next[id]
}

func (p *places) take() (list steer.Places) {
	known := p.known.Load()
	if known == nil {
		return nil
	}
	for id, from := range *known {
		n := steer.Place{Asked: int64(from.asked.Swap(0)), Kept: int64(from.kept.Swap(0))}
		if n == (steer.Place{}) {
			continue
		}
		if list == nil {
			list = steer.Places{}
		}
		list[id] = n
	}
	return list
}
