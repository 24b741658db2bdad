package bus_test

import (
	"sync/atomic"
	"testing"

	"fairlead/bus"
)

// TestFreshReportsNothing holds that a node which has joined another fleet does not report there what it followed before, and that it
// does once it has followed that fleet's log.
func TestFreshReportsNothing(t *testing.T) {
	var fresh atomic.Bool
	fresh.Store(true)
	b, d := startBus(t, bus.Options{Fresh: fresh.Load}), newDisk()
	old := newHistory("old")
	for _, name := range []string{"a", "b", "c"} {
		old.key(name)
	}
	check(t, d.Apply(t.Context(), old.log, old.changes))
	h := newHistory("new")
	h.key("d")
	stop := serve(t, b, h, "one")
	follow(t, b, d, bus.FollowOptions{Sure: func() { fresh.Store(false) }})
	d.until(t, "the other fleet's log", func() bool { return d.at.Log == "new" })
	h.set(func() {
		if len(h.lost) > 0 || len(h.noted) > 0 {
			t.Errorf("reported as lost: %v", h.lost)
		}
	})
	h.key("e")
	d.reach(t, 2)
	eventually(t, "it is sure", func() bool { return !fresh.Load() })
	stop()
	r := h.restored(1)
	r.key("f")
	serve(t, b, r, "one")
	eventually(t, "the report of what a restore lost", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.lost["one"]) == 1 && r.lost["one"][0].Number == 2
	})
}
