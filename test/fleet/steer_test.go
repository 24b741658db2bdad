//go:build linux

package fleet_test

import (
	"strconv"
	"testing"

	"fairlead"
	"fairlead/client"
	"fairlead/test/harness"
)

const left = "fake/echo@left"

// write is a write that waits for nobody.
var write = client.Write{}

// TestFleet plays one scene after the other on one fleet.
func TestFleet(t *testing.T) {
	f := begin(t)
	f.scene("a weight set by API is in force at every edge", func(t *testing.T) {
		for i, n := range f.controls {
			f.weigh(n, 10+i)
		}
	})
	f.scene("a write that waits for all names nobody", func(t *testing.T) {
		w, err := f.node("c2").api().SetWeight(t.Context(), left, 33, client.Write{WaitAll: true})
		check(t, err)
		if len(w.Behind) > 0 {
			t.Errorf("behind are %v", w.Behind)
		}
		for _, n := range f.edges { // without waiting for them
			if a, err := f.ask(t.Context(), quick, n, f.key.Secret, false); err != nil || a.revision != strconv.FormatInt(w.Revision, 10) {
				t.Errorf("%s serves revision %s, not %d: %v", n.name, a.revision, w.Revision, err)
			}
		}
	})
	f.scene("a drained endpoint is not used by anyone", func(t *testing.T) {
		w, err := f.node("c3").api().Drain(t.Context(), left, true, client.Write{WaitAll: true})
		check(t, err)
		for _, n := range f.edges {
			for range 5 {
				if a, err := f.ask(t.Context(), quick, n, f.key.Secret, true); err != nil || a.endpoint != "fake/echo@right" {
					t.Errorf("%s uses %s at revision %s of %d: %v", n.name, a.endpoint, a.revision, w.Revision, err)
				}
			}
		}
		_, err = f.node("c1").api().Drain(t.Context(), left, false, write)
		check(t, err)
	})
}

// weigh sets a weight at a control node and waits until every edge that is up serves by it.
func (f *fleet) weigh(n *node, weight int) {
	f.t.Helper()
	w, err := n.api().SetWeight(f.root.Context(), left, weight, write)
	check(f.t, err)
	f.serves(w.Revision)
}

// serves waits until every edge that is up serves a revision.
func (f *fleet) serves(revision int64) {
	f.t.Helper()
	for _, n := range f.edges {
		if !n.up() {
			continue
		}
		var last answer
		harness.Until(f.t, n.name+" serves revision "+strconv.FormatInt(revision, 10), func() bool {
			var err error
			last, err = f.ask(f.root.Context(), quick, n, f.key.Secret, false)
			return err == nil && last.revision == strconv.FormatInt(revision, 10)
		})
	}
}

// refused holds that a write at a control node that cannot reach its database is refused, and changes nothing.
func (f *fleet) refused(n *node) {
	f.t.Helper()
	_, err := n.api().SetWeight(f.root.Context(), left, 1, write)
	if fairlead.AsError(err).Code != fairlead.CodeControlUnavailable {
		f.t.Errorf("a write without a database ends with %v", err)
	}
}

// accepts waits until a control node writes again.
func (f *fleet) accepts(n *node) {
	f.t.Helper()
	var err error
	harness.Until(f.t, n.name+" writes again", func() bool {
		_, err = n.api().CreateKey(f.root.Context(), "again")
		return err == nil
	})
}

// answers holds that an edge serves now.
func (f *fleet) answers(n *node) {
	f.t.Helper()
	if _, err := f.ask(f.root.Context(), quick, n, f.key.Secret, true); err != nil {
		f.t.Errorf("%s does not serve: %v", n.name, err)
	}
}
