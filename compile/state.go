package compile

import (
	"slices"
	"time"

	"fairlead"
)

// StateInput is what a snapshot is made of: a fairlead.State, or one side of its trial.
type StateInput struct {
	Document []byte         // canonical
	Weights  map[string]int // laid over the document, by endpoint id
	Revision int64
	At       time.Time
	Resolve  Resolver // nil = every credential stays unset without a word
	// Beside is what serves all others, where this is what is tried: what both have in common is the same one, and
	// what is reached otherwise is marked as apart.
	Beside *fairlead.Snapshot
}

// FromState makes the snapshot of a state, with the weights laid over the document. The findings are those of
// Compile, by path and without lines, and a warning for each weight of an endpoint that is not in the document;
// it is left out. The Snapshot is nil where any finding is an error. Revision 0 has no configuration: its
// document, {}, is an error. An edge, which makes one snapshot after another, does so by Incremental.
func FromState(in StateInput) (*fairlead.Snapshot, Findings) {
	c, found := fromDocument(in.Document)
	if c == nil {
		return nil, found
	}
	found = append(overlay(c, in.Weights), check(c)...)
	if found.Err() != nil {
		return nil, found.sorted()
	}
	b := newBuilder(c, in)
	s := b.build()
	return s, append(found, b.found...).sorted()
}

// fromDocument reads a canonical document. What is wrong with one that cannot be read has lines.
func fromDocument(doc []byte) (*fairlead.Config, Findings) {
	if c := new(fairlead.Config); len(doc) <= maxDocument && plain(doc, c) {
		return c, nil
	}
	c, found := Read(doc, "")
	if c != nil {
		return c, nil // Check says the rest again, without lines
	}
	return nil, found
}

// overlay lays weights over the models of a Config. Their lists of endpoints are copied before.
func overlay(c *fairlead.Config, weights map[string]int) (found Findings) {
	copied := map[string]bool{}
	for _, id := range sortedKeys(weights) {
		name := modelOf(id)
		m := c.Models[name]
		i := slices.IndexFunc(m.Endpoints, func(e fairlead.EndpointConfig) bool { return endpointID(name, e) == id })
		if i < 0 {
			found = found.with(noSuchEndpoint(id))
			continue
		}
		if !copied[name] {
			copied[name] = true
			m.Endpoints = slices.Clone(m.Endpoints)
			c.Models[name] = m
		}
		w := weights[id]
		m.Endpoints[i].Weight = &w
	}
	return found
}

func noSuchEndpoint(id string) Finding {
	return Finding{
		Severity: Warning, Path: key("weights", id),
		Message: "there is no endpoint with this id; the weight that is laid over it is left out",
	}
}
