package compile

import (
	"maps"
	"slices"
	"strings"

	"fairlead"
)

// edit is what is other in a snapshot that is made of another: weights by endpoint id, and providers.
type edit struct {
	weights   map[string]int
	providers map[*fairlead.Provider]*fairlead.Provider
}

// reweigh makes a snapshot that differs from another in an edit alone. What the edit reaches is copied, and so are
// the models that fall back to it; all else is shared, for both are immutable.
func reweigh(s *fairlead.Snapshot, e edit) *fairlead.Snapshot {
	n := *s
	copies := e.reached(s)
	if len(copies) > 0 {
		n.Models, n.Wildcards, n.Endpoints = maps.Clone(s.Models), slices.Clone(s.Wildcards), slices.Clone(s.Endpoints)
	}
	for m, c := range copies {
		*c = *m
		c.Endpoints = e.endpoints(c)
		c.Fallbacks = slices.Clone(m.Fallbacks)
		for i, f := range c.Fallbacks {
			if other := copies[f]; other != nil {
				c.Fallbacks[i] = other
			}
		}
		if !m.Wildcard && s.Models[m.Name] != m {
			continue // covered: it stands among fallbacks alone, and its endpoints nowhere else
		}
		for _, one := range c.Endpoints {
			i, _ := slices.BinarySearchFunc(n.Endpoints, one.ID, func(e *fairlead.Endpoint, id string) int { return strings.Compare(e.ID, id) })
			n.Endpoints[i] = one
		}
		if m.Wildcard {
			n.Wildcards[slices.Index(n.Wildcards, m)] = c
			continue
		}
		n.Models[m.Name] = c
		for _, alias := range m.Aliases {
			n.Models[alias] = c
		}
	}
	n.Providers = slices.Clone(s.Providers)
	for i, p := range n.Providers {
		if other := e.providers[p]; other != nil {
			n.Providers[i] = other
		}
	}
	return &n
}

// reached finds the models that an edit changes and those that fall back to them, each with the room for its
// copy.
func (e edit) reached(s *fairlead.Snapshot) map[*fairlead.Model]*fairlead.Model {
	seen, fallBackTo := map[*fairlead.Model]bool{}, map[*fairlead.Model][]*fairlead.Model{}
	var next []*fairlead.Model
	visit := func(m *fairlead.Model) {
		if !seen[m] {
			seen[m] = true
			if e.changes(m) {
				next = append(next, m)
			}
		}
	}
	each := func(m *fairlead.Model) {
		visit(m)
		for _, f := range m.Fallbacks {
			visit(f)
			fallBackTo[f] = append(fallBackTo[f], m)
		}
	}
	for name, m := range s.Models {
		if name == m.Name {
			each(m)
		}
	}
	for _, m := range s.Wildcards {
		each(m)
	}
	copies := map[*fairlead.Model]*fairlead.Model{}
	for len(next) > 0 {
		m := next[len(next)-1]
		next = next[:len(next)-1]
		if copies[m] == nil {
			copies[m] = new(fairlead.Model)
			next = append(next, fallBackTo[m]...)
		}
	}
	return copies
}

func (e edit) changes(m *fairlead.Model) bool {
	return slices.ContainsFunc(m.Endpoints, func(one *fairlead.Endpoint) bool {
		w, ok := e.weights[one.ID]
		return (ok && w != one.Weight) || e.providers[one.Provider] != nil
	})
}

// endpoints are copies of a model's own.
func (e edit) endpoints(m *fairlead.Model) []*fairlead.Endpoint {
	list := make([]*fairlead.Endpoint, len(m.Endpoints))
	for i, old := range m.Endpoints {
		one := *old
		one.Model = m
		if w, ok := e.weights[one.ID]; ok {
			one.Weight = w
		}
		if p := e.providers[one.Provider]; p != nil {
			one.Provider = p
		}
		list[i] = &one
	}
	return list
}
