package health

import (
	"fmt"
	"testing"
	"time"

	"fairlead"
)

// TestWildcardModelsFailAlone holds that a model that fails under a wildcard shuts no other one, and that
// callers, who choose the names, cannot make the board grow without end.
func TestWildcardModelsFailAlone(t *testing.T) {
	now := time.Unix(1e9, 0)
	b := NewBoard(Options{Epoch: now, Seed: 1})
	e := &fairlead.Endpoint{
		ID: "p/*@p", Weight: 1,
		Model:    &fairlead.Model{Name: "p/*", Wildcard: true},
		Provider: &fairlead.Provider{Name: "p"},
	}
	fail := func(asked string) Lane {
		l := b.Lane(e, asked, "main", "", now)
		for range 2 {
			l.Observe(Evidence{Kind: Hard}, time.Millisecond, now)
		}
		return l
	}
	if v := fail("p/broken").View(now); v.State != Open {
		t.Errorf("the model that fails is %s", v.State)
	}
	if v := b.Lane(e, "p/good", "main", "", now).View(now); v.State != Closed {
		t.Errorf("another one is %s", v.State)
	}
	for i := range 3 * mostWild {
		fail(fmt.Sprintf("p/made-up-%d", i))
	}
	if n := len(b.seats.all()); n > mostWild+1 {
		t.Errorf("%d lanes are kept", n)
	}
	if v := b.Lane(e, "p/good", "main", "", now).View(now); v.State != Closed {
		t.Errorf("among many made-up names it is %s", v.State)
	}
	b.Sweep(now.Add(2 * time.Hour))
	if n := len(b.seats.all()); n != 0 || b.wilds.Load() != 0 {
		t.Errorf("%d lanes, %d of wildcards, are left after two hours", n, b.wilds.Load())
	}
}

// TestWildcardModelsLearnAlone holds that a quick model under a wildcard teaches a slow one nothing.
func TestWildcardModelsLearnAlone(t *testing.T) {
	now, size := time.Unix(1e9, 0), Size{Prompt: 100}
	b := NewBoard(Options{Epoch: now, Seed: 1})
	e := &fairlead.Endpoint{
		ID: "p/*@p", Weight: 1,
		Model:    &fairlead.Model{Name: "p/*", Wildcard: true},
		Provider: &fairlead.Provider{Name: "p"},
	}
	quick, slow := b.Lane(e, "p/quick", "main", "", now), b.Lane(e, "p/slow", "main", "", now)
	for range 100 {
		quick.Deadlines().LearnFirstToken(size, 20*time.Millisecond, false, now)
		quick.Deadlines().LearnGap(Text, time.Millisecond, false, now)
	}
	if got := slow.Deadlines().FirstToken(size, now); got != 10*time.Second {
		t.Errorf("the slow one has %v", got)
	}
	if got := quick.Deadlines().FirstToken(size, now); got >= 10*time.Second {
		t.Errorf("the quick one has %v", got)
	}
	if b.Lane(e, "p/quick", "second", "", now).Deadlines() != quick.Deadlines() {
		t.Error("another credential learns apart")
	}
	if quick.Budget() != slow.Budget() {
		t.Error("each name that a caller thinks of has a retry budget of its own")
	}
}

// TestWildcardLanesMakeRoom holds that names that never failed make room for others, so that a healthy name
// shares no lane with one that fails, and that what stands against a lane is not forgotten for that.
func TestWildcardLanesMakeRoom(t *testing.T) {
	now := time.Unix(1e9, 0)
	b := NewBoard(Options{Epoch: now, Seed: 1})
	e := &fairlead.Endpoint{
		ID: "p/*@p", Weight: 1,
		Model:    &fairlead.Model{Name: "p/*", Wildcard: true},
		Provider: &fairlead.Provider{Name: "p"},
	}
	lane := func(asked string) Lane { return b.Lane(e, asked, "main", "", now) }
	fail := func(l Lane) {
		for range 2 {
			l.Observe(Evidence{Kind: Hard}, time.Millisecond, now)
		}
	}
	fail(lane("p/broken"))
	for i := range 2 * mostWild {
		lane(fmt.Sprintf("p/made-up-%d", i)).Observe(Evidence{Kind: Success}, 0, now)
	}
	if v := lane("p/broken").View(now); v.State != Open {
		t.Errorf("what fails is %s after many names", v.State)
	}
	fail(lane("p/late"))
	if v := lane("p/good").View(now); v.State != Closed {
		t.Errorf("a name that nobody asked for before is %s", v.State)
	}
	kept, listed := b.seats.all(), 0
	for _, seats := range b.models {
		listed += len(seats)
	}
	if len(kept) > mostWild || int(b.wilds.Load()) != len(kept) || listed != len(kept) || len(lane("p/good").seat.egress.seats) != len(kept) {
		t.Errorf("%d lanes are kept, %d counted, %d listed", len(kept), b.wilds.Load(), listed)
	}
}
