package upstream_test

import (
	"testing"
	"time"

	"fairlead"
	"fairlead/upstream"
)

// TestHeld holds what is told of endpoints: those that are shut with the reason, those that come back with their share, those
// without a credential; nothing of what is well, and nothing more once it is forgotten.
func TestHeld(t *testing.T) {
	w := newWorld(t)
	plan := w.plan("ok", "reset", "500")
	s := &fairlead.Snapshot{Revision: 1}
	for _, step := range plan.Steps {
		e := step.Endpoint
		s.Endpoints, s.Providers = append(s.Endpoints, e), append(s.Providers, e.Provider)
	}
	bare := s.Endpoints[2].Provider
	bare.Credentials = []fairlead.Credential{{Name: "gone"}} // its reference has no value
	if got := w.up.Held(time.Now()); len(got) != 0 {
		t.Errorf("before there is a snapshot: %+v", got)
	}
	if err := w.up.Prepare(s); err != nil {
		t.Fatal(err)
	}
	unresolved := fairlead.EndpointHealth{ID: s.Endpoints[2].ID, State: "disabled", Reason: fairlead.ReasonNoCredential}
	if got := w.up.Held(time.Now()); len(got) != 1 || got[0] != unresolved || !got[0].Shut() {
		t.Errorf("at the begin: %+v", got)
	}
	upstream.Shut(w.up, plan.Steps[1])
	got := w.up.Held(time.Now())
	if len(got) != 2 || got[0].ID != s.Endpoints[1].ID || got[0].State != "open" || got[0].Reason != "failing" || got[0].Until.IsZero() || !got[0].Shut() {
		t.Errorf("after two failures: %+v", got)
	}
	later := got[0].Until.Add(time.Second)
	if got := w.up.Held(later); len(got) != 2 || got[0].State != "half_open" || got[0].Reason != "trial" || !got[0].Shut() {
		t.Errorf("when it may be tried: %+v", got)
	}
	upstream.Succeed(w.up, plan.Steps[1], later)
	if got := w.up.Held(later); len(got) != 2 || got[0].State != "closed" || got[0].Reason != "recovering" || got[0].Share != 5 || got[0].Shut() {
		t.Errorf("when it comes back: %+v", got)
	}
	w.up.Forget()
	if got := w.up.Held(later); len(got) != 1 || got[0] != unresolved {
		t.Errorf("after it was forgotten: %+v", got)
	}
}
