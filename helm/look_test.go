package helm_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/compile"
	"fairlead/helm"
	"fairlead/steer"
)

// TestPeersAreKept holds that a document is looked through once a ramp and revision, not at each look, and never while reports wait.
func TestPeersAreKept(t *testing.T) {
	d := newDeck(t)
	walks := 0
	d.lead.Peers(func(document []byte, endpoint string) ([]string, error) {
		walks++
		d.lead.Hear(steer.Report{Node: "edge"}) // it would never end
		return compile.Peers(document, endpoint)
	})
	d.ramp(20, 30*time.Second, "")
	d.run(5, silence)
	if walks != 1 || len(d.told.Endpoints) != 2 {
		t.Errorf("%d walks in five looks; told %v", walks, d.told.Endpoints)
	}
	st, _, err := d.store.State(t.Context())
	check(t, err)
	next := strings.Replace(string(st.Document), `"version":1`, `"settings":{"attempts":4},"version":1`, 1)
	_, _, err = d.store.CommitRevision(t.Context(), fairlead.Commit{
		Base: st.Revision, Document: []byte(next), Act: fairlead.Act{By: "admin", Action: "config.patch"},
		Content: fairlead.RevisionContent{Origin: fairlead.OriginPatch, Patch: []byte(`{"settings":{"attempts":4}}`), Weights: st.Weights},
	})
	check(t, err)
	d.run(5, silence)
	if walks != 2 {
		t.Errorf("%d walks for two revisions", walks)
	}
}

// TestUnreadable holds that a course which another version has kept is told of once, and keeps nothing else from going on.
func TestUnreadable(t *testing.T) {
	d := newDeck(t)
	var text bytes.Buffer
	d.lead = helm.Leading(helm.Options{
		Node: "one", Store: d.store, End: d.config.EndCourse, Publish: d.publish, Tell: func(w steer.Watch) { d.told = w },
		Clock: func() time.Time { return d.now }, Log: slog.New(slog.NewTextHandler(&text, nil)),
	})
	id := d.ramp(20, 30*time.Second, "")
	c, err := d.store.Course(t.Context(), id)
	check(t, err)
	c.State = []byte(`{"over":["of another version"]}`)
	check(t, d.store.KeepCourse(t.Context(), c))
	d.run(5, healthy)
	if n := strings.Count(text.String(), "cannot be read"); n != 1 || d.told.Endpoints != nil {
		t.Errorf("told %d times: %s", n, text.String())
	}
}
