package steer

import "time"

// Watch is what edges have to count now: the node that leads says it to all each second, so that what nobody looks
// at costs nothing.
type Watch struct {
	Endpoints []string `json:"endpoints,omitempty"` // those whose weights move, and their peers
	Trial     string   `json:"trial,omitempty"`
}

// Report is what an edge counted since its last one.
type Report struct {
	Node      string              `json:"node"`
	At        time.Time           `json:"at"` // by its own clock
	Endpoints map[string]Evidence `json:"endpoints,omitempty"`
	Trial     string              `json:"trial,omitempty"`
	Tried     Evidence            `json:"tried,omitzero"` // the side of the trial's revision
	Rest      Evidence            `json:"rest,omitzero"`  // all others
}
