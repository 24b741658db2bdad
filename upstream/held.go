package upstream

import (
	"time"

	"fairlead"
	"fairlead/upstream/health"
)

// Held lists what is held against the endpoints of the snapshot in force, by what is known of them now: those that are not used in
// full, in the snapshot's order. An endpoint is as well as the best of its credentials, and under a wildcard as the best of the
// models that were asked of it.
func (u *Upstream) Held(now time.Time) (list []fairlead.EndpointHealth) {
	s := u.snapshot()
	if s == nil {
		return nil
	}
	type credential struct{ endpoint, name string }
	known := map[credential]health.View{}
	u.board.Load().Look(now, func(key health.Key, v health.View) {
		of := credential{key.Endpoint, key.Credential}
		if was, ok := known[of]; !key.Apart && (!ok || healthier(v, was)) {
			known[of] = v
		}
	})
	seen := map[string]bool{}
	for _, side := range s.Sides() {
		for _, e := range side.Endpoints {
			if e.Apart || seen[e.ID] {
				continue
			}
			seen[e.ID] = true
			v := health.View{State: health.Disabled, Reason: fairlead.ReasonNoCredential}
			for _, c := range e.Provider.Usable() {
				of, asked := known[credential{e.ID, c.Name}]
				if !asked {
					of = health.View{State: health.Closed, Share: 100}
				}
				if healthier(of, v) {
					v = of
				}
			}
			if v.State == health.Closed && v.Reason != health.ReasonRecovering {
				continue // what is only suspected is so for a second
			}
			h := fairlead.EndpointHealth{ID: e.ID, State: v.State.String(), Reason: v.Reason, Share: v.Share}
			if !v.Until.IsZero() {
				h.Until = v.Until.UTC().Round(0)
			}
			list = append(list, h)
		}
	}
	return list
}

func healthier(a, b health.View) bool {
	switch {
	case b.Reason == fairlead.ReasonNoCredential:
		return true
	case a.State != b.State:
		return a.State < b.State
	case a.Share != b.Share:
		return a.Share > b.Share
	}
	return a.Until.Before(b.Until)
}
