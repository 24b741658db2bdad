package compile

import (
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
	s, more := build(c, in.Revision, in.Resolve)
	s.At = in.At
	return s, append(found, more...).sorted()
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

// overlay lays weights over a Config, which it changes.
func overlay(c *fairlead.Config, weights map[string]int) (found Findings) {
	for _, id := range sortedKeys(weights) {
		model := modelOf(id)
		m := c.Models[model]
		if !weigh(m.Endpoints, model, id, weights[id]) {
			found = found.with(noSuchEndpoint(id))
		}
	}
	return found
}

// weigh sets the weight of one endpoint of a model; false where there is no such one.
func weigh(list []fairlead.EndpointConfig, model, id string, weight int) bool {
	found := false
	for i := range list {
		if endpointID(model, list[i]) == id {
			list[i].Weight, found = &weight, true
		}
	}
	return found
}

func noSuchEndpoint(id string) Finding {
	return Finding{
		Severity: Warning, Path: key("weights", id),
		Message: "there is no endpoint with this id; the weight that is laid over it is left out",
	}
}
