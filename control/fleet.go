package control

import (
	"context"
	"slices"
	"sync"
	"time"

	"fairlead"
)

const (
	// silence is how long a node that says nothing counts as live: it speaks each second.
	silence = 5 * time.Second
	// maxHeard bounds how many nodes are remembered.
	maxHeard = 10_000
)

// Fleet is what nodes say of themselves. What counts is when it was heard, by this node's clock.
type Fleet struct {
	now   func() time.Time
	begun time.Time // to listen

	mu    sync.Mutex
	nodes map[string]heard
	news  chan struct{} // closed at the next status
}

type heard struct {
	fairlead.NodeStatus
	at    time.Time
	taken time.Time // when one of this name said last that there is another
}

// NewFleet makes a fleet that nothing was heard of.
func NewFleet(now func() time.Time) *Fleet {
	return &Fleet{now: now, begun: now(), nodes: map[string]heard{}, news: make(chan struct{})}
}

// Hear takes a status; the latest of each node counts.
func (f *Fleet) Hear(s fairlead.NodeStatus) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, known := f.nodes[s.Name]; !known && len(f.nodes) >= maxHeard {
		return
	}
	h := heard{s, f.now(), f.nodes[s.Name].taken} // the two may speak by turns
	if s.NameTaken {
		h.taken = h.at
	}
	f.nodes[s.Name] = h
	close(f.news)
	f.news = make(chan struct{})
}

// Forget drops a node that was removed.
func (f *Fleet) Forget(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.nodes, name)
}

// all gives what was heard, by name, and a channel that is closed at the next status.
func (f *Fleet) all() (map[string]heard, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	nodes := make(map[string]heard, len(f.nodes))
	for name, h := range f.nodes {
		nodes[name] = h
	}
	return nodes, f.news
}

// live reports whether a node spoke lately.
func (f *Fleet) live(h heard) bool { return f.lately(h.at) }

// lately reports whether something was said no longer ago than a live node is silent.
func (f *Fleet) lately(at time.Time) bool { return f.now().Sub(at) <= silence }

// Buses lists where live nodes let others in.
func (f *Fleet) Buses() []string {
	nodes, _ := f.all()
	list := []string{}
	for _, h := range nodes {
		if h.Bus != "" && f.live(h) {
			list = append(list, h.Bus)
		}
	}
	return slices.Compact(sorted(list))
}

// unheard lists the nodes with an edge that have joined and that nothing was heard of, while that says nothing: until this
// has listened as long as a live node is silent at most.
func (f *Fleet) unheard(listed []fairlead.Node, heard map[string]heard) (names []string) {
	if f.now().Sub(f.begun) > silence {
		return nil
	}
	for _, n := range listed {
		if _, spoke := heard[n.Name]; !spoke && n.Role != fairlead.RoleControl && !n.Joined.IsZero() && n.Removed.IsZero() {
			names = append(names, n.Name)
		}
	}
	return names
}

// behind waits until every live node that has an edge stands at a place in the log, and lists by name those that do not when ctx ends.
// Of the nodes that the store lists, one that was not heard yet is taken as live while this has just begun to listen.
// Where it is about the configuration, one that stands there and could not bring it into force is listed, too, and not waited for.
func (f *Fleet) behind(ctx context.Context, at fairlead.Position, config bool, listed []fairlead.Node) []string {
	for {
		nodes, news := f.all()
		late, refusing := f.unheard(listed, nodes), []string{}
		for name, h := range nodes {
			there := h.Position.Log == at.Log && h.Position.Number >= at.Number
			switch {
			case h.Role == fairlead.RoleControl || !f.live(h):
			case !there:
				late = append(late, name)
			case config && h.ConfigError != "":
				refusing = append(refusing, name)
			}
		}
		if len(late) == 0 {
			return sorted(refusing)
		}
		select {
		case <-news:
		case <-ctx.Done():
			return sorted(append(late, refusing...))
		}
	}
}
