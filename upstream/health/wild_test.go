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
