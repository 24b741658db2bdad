package health_test

import (
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/upstream/health"
)

// beside puts endpoints on trial: what is marked by "!" is apart, with its provider where the mark stands twice.
func (b *town) beside(trial string, ids ...string) *town {
	s := &fairlead.Snapshot{Models: map[string]*fairlead.Model{}}
	for _, id := range ids {
		name := strings.TrimRight(id, "!")
		i := 0
		for b.snapshot.Endpoints[i].ID != name {
			i++
		}
		e := *b.snapshot.Endpoints[i]
		if e.Apart = name != id; strings.HasSuffix(id, "!!") {
			p := *e.Provider
			p.Apart, p.Credentials = true, []fairlead.Credential{{Name: "main", Value: fairlead.NewSecret("of " + trial)}}
			e.Provider = &p
		}
		s.Endpoints, s.Providers = append(s.Endpoints, &e), append(s.Providers, e.Provider)
	}
	next := *b.snapshot
	next.Trial = &fairlead.SnapshotTrial{ID: trial, Percent: 5, Snapshot: s}
	b.snapshot = &next
	b.Adopt(b.snapshot, epoch)
	return &town{b.Board, s}
}

// TestBoard_Trial holds that what is apart shuts nothing of the same name, and that what is not is one.
func TestBoard_Trial(t *testing.T) {
	for _, c := range []struct{ name, tried, did, stays, its string }{
		{"the same one", "m@p", "1 m@p 5*hard", "1 m@p >open/0/failing", "1 m@p >open/0/failing"},
		{"another address fails", "m@p!!", "1 m@p 5*hard", "1 m@p >closed/100", "1 m@p >open/0/failing"},
		{"its credential is bad", "m@p!!", "1 m@p key", "1 m@p >closed/100", "1 m@p >disabled/0/credential"},
		{"its place is refused", "m@p!!", "1 m@p geo", "1 m@p >closed/100", "1 m@p >disabled/0/egress"},
		{"its account is limited", "m@p!!", "1 m@p account", "1 m@p >closed/100", "1 m@p >cooling/0/account_limit"},
		{"another model fails", "m@p!", "1 m@p 5*hard", "1 m@p >closed/100", "1 m@p >open/0/failing"},
		{"another model is unknown", "m@p!", "1 m@p 404", "1 m@p >closed/100", "1 m@p >disabled/0/model_unknown"},
		{"another model, the same credential", "m@p!", "1 m@p key", "1 m@p >disabled/0/credential", "1 m@p >disabled/0/credential"},
		{"under a wildcard", "w*@p!", "1 w*@p=wx 404", "1 w*@p=wx >closed/100", "1 w*@p=wx >disabled/0/model_unknown"},
	} {
		b := newTown("m@p", "m@q", "w*@p")
		tried := b.beside("t", c.tried)
		tried.play(t, c.did)
		b.play(t, c.stays)
		tried.play(t, c.its)
	}
}

// TestBoard_TrialBesideFailing holds the other direction.
func TestBoard_TrialBesideFailing(t *testing.T) {
	b := newTown("m@p", "m@q")
	tried := b.beside("t", "m@p!!", "m@q")
	b.play(t, "1 m@p 5*hard; 1 m@q 5*hard; 1 m@p >open/0/failing")
	tried.play(t, "1 m@p >closed/100; 1 m@q >open/0/failing")
}

// TestBoard_TrialEnds holds that the next trial begins with nothing against it, while a new snapshot of the same one
// keeps what is known.
func TestBoard_TrialEnds(t *testing.T) {
	b := newTown("m@p", "m@q")
	tried := b.beside("one", "m@p!!")
	tried.play(t, "1 m@p 5*hard; 1 m@p key; 1 m@p >disabled/0/credential")
	kept := tried.lane("m@p", at(1))
	tried = b.beside("one", "m@p!!")
	tried.play(t, "2 m@p >disabled/0/credential")
	tried = b.beside("two", "m@p!!")
	tried.play(t, "2 m@p >closed/100")
	b.play(t, "2 m@p >closed/100")
	if !kept.Dropped() {
		t.Error("a lane of the trial that ended is not dropped")
	}
	kept.Observe(health.Evidence{Kind: health.Hard}, 2*time.Second, at(3)) // an exchange that began under it
	tried.play(t, "3 m@p >closed/100")
	for _, l := range b.Shut(time.Hour, at(3)) {
		t.Errorf("%v is shut", l.Key())
	}
}
