package compile

import (
	"maps"
	"reflect"
	"slices"

	"fairlead"
)

// Incremental makes one snapshot after another of the states that an edge goes through. Its FromState gives what
// the function of that name gives, but does only the work that the difference to the last snapshot asks for where
// that is of weights or of credentials' values: BenchmarkIncremental. Whatever it does, providers that are as they
// were are the same ones, so that what was made for them goes on to serve. The zero value is ready; it serves one
// goroutine at a time. Documents that it was given must not be changed.
type Incremental struct {
	s       *fairlead.Snapshot // the last one; nil = there is none
	beside  *fairlead.Snapshot // what it is tried beside
	c       *fairlead.Config   // of it, with the weights laid over
	weights map[string]int
	names   names
	around  Findings            // of all but single models
	models  map[string]Findings // of these; nil = there are too many to keep them apart
	text
}

// text is a document and what its models say there.
type text struct {
	doc   []byte
	spans []span // of the models; nil = they were not looked for yet
	base  map[string]fairlead.ModelConfig
}

// FromState makes the snapshot of a state; see the function of that name. Where it refuses one, the next is
// compared with the last that it took.
func (i *Incremental) FromState(in StateInput) (*fairlead.Snapshot, Findings) {
	if s, found, ok := i.step(in); ok {
		return s, found
	}
	return i.whole(in)
}

// whole reads and checks all of the document.
func (i *Incremental) whole(in StateInput) (*fairlead.Snapshot, Findings) {
	c, found := fromDocument(in.Document)
	if c == nil {
		return nil, found
	}
	n := Incremental{c: c, weights: maps.Clone(in.Weights), text: text{doc: in.Document, base: maps.Clone(c.Models)}}
	found = overlay(c, in.Weights)
	n.apart()
	found = append(found, n.found()...)
	if found.Err() != nil {
		return nil, found.sorted()
	}
	b := newBuilder(c, in)
	b.keep(i.s)
	n.s, n.beside = b.build(), in.Beside
	*i = n
	return n.s, append(found, b.found...).sorted()
}

// apart checks the configuration, with what is said of single models kept apart from the rest.
func (i *Incremental) apart() {
	k := &checker{c: i.c}
	i.names = k.around()
	i.around, i.models = k.found, map[string]Findings{}
	n := len(k.found)
	for name, m := range i.c.Models {
		if found := i.model(name, m); len(found) > 0 {
			i.models[name] = found
			n += len(found)
		}
	}
	if n >= maxWarnings { // not all of them are kept: which are, depends on their order
		i.around, i.models = check(i.c), nil
	}
}

func (i *Incremental) model(name string, m fairlead.ModelConfig) Findings {
	k := &checker{c: i.c}
	k.model(name, m, i.names)
	return k.found
}

// found are all findings of the configuration, in no order.
func (i *Incremental) found() Findings {
	found := slices.Clone(i.around)
	for _, more := range i.models {
		found = append(found, more...)
	}
	return found
}

// step makes a snapshot of the last one; ok is false where that cannot be done.
func (i *Incremental) step(in StateInput) (_ *fairlead.Snapshot, found Findings, ok bool) {
	if i.s == nil || i.models == nil || !sameProviders(i.beside, in.Beside) {
		return nil, nil, false
	}
	next, edited, ok := i.reread(in.Document)
	if !ok {
		return nil, nil, false
	}
	models, unknown := i.reweighed(edited, in.Weights)
	judged := map[string]Findings{}
	weights := map[string]int{}
	for name, m := range models {
		if !equalButWeights(m, i.c.Models[name]) {
			return nil, nil, false
		}
		judged[name] = i.model(name, m)
		if judged[name].Err() != nil {
			return nil, nil, false
		}
		for _, e := range m.Endpoints {
			weights[endpointID(name, e)] = valueOr(e.Weight, defaultWeight)
		}
	}
	b := newBuilder(i.c, in)
	b.keep(i.s)
	other := b.changedProviders(i.s)
	if in.Beside != nil && len(other) > 0 {
		return nil, nil, false // what is apart may be another
	}

	i.beside, i.text, i.weights = in.Beside, next, maps.Clone(in.Weights)
	for name, m := range models {
		i.c.Models[name] = m
		delete(i.models, name)
		if len(judged[name]) > 0 {
			i.models[name] = judged[name]
		}
	}
	i.s = reweigh(i.s, edit{weights, other})
	i.s.Revision, i.s.At = in.Revision, in.At
	return i.s, slices.Concat(unknown, i.found(), b.found).sorted(), true
}

// reweighed gives the models that are edited, or over which other weights are laid than were, as they become, and
// what is to be said of weights of unknown endpoints.
func (i *Incremental) reweighed(edited map[string]fairlead.ModelConfig, weights map[string]int) (models map[string]fairlead.ModelConfig, unknown Findings) {
	models = map[string]fairlead.ModelConfig{}
	touch := func(name string) {
		m, ok := edited[name]
		if !ok {
			m, ok = i.base[name]
		}
		if _, done := models[name]; ok && !done {
			m.Endpoints = slices.Clone(m.Endpoints)
			models[name] = m
		}
	}
	for name := range edited {
		touch(name)
	}
	for id, w := range weights {
		if was, ok := i.weights[id]; !ok || was != w {
			touch(modelOf(id))
		}
	}
	for id := range i.weights {
		if _, ok := weights[id]; !ok {
			touch(modelOf(id))
		}
	}
	for _, id := range sortedKeys(weights) {
		name := modelOf(id)
		m, ok := models[name]
		if !ok {
			m = i.c.Models[name]
		}
		at := slices.IndexFunc(m.Endpoints, func(e fairlead.EndpointConfig) bool { return endpointID(name, e) == id })
		if at < 0 {
			unknown = unknown.with(noSuchEndpoint(id))
		} else if ok {
			w := weights[id]
			m.Endpoints[at].Weight = &w
		}
	}
	return models, unknown
}

// equalButWeights reports whether two models differ in the weights of their endpoints alone.
func equalButWeights(a, b fairlead.ModelConfig) bool {
	return reflect.DeepEqual(unweighted(a), unweighted(b))
}

func unweighted(m fairlead.ModelConfig) fairlead.ModelConfig {
	m.Endpoints = slices.Clone(m.Endpoints)
	for i := range m.Endpoints {
		m.Endpoints[i].Weight = nil
	}
	return m
}

// sameProviders reports whether what is tried stands beside the same providers as before.
func sameProviders(a, b *fairlead.Snapshot) bool {
	if a == nil || b == nil {
		return a == b
	}
	return slices.Equal(a.Providers, b.Providers)
}
