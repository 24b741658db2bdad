package control

import (
	"slices"
	"testing"
	"testing/synctest"
)

// TestOwnTurn holds that what the node itself writes waits for the one write that is under way, and not for the callers' that queue
// before it.
func TestOwnTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newConfig(&Options{})
		var order []string
		write := func(who string, e edit) {
			leave, err := s.takeTurn(t.Context(), e)
			if err != nil {
				t.Error(err)
				return
			}
			order = append(order, who)
			leave()
		}
		leave, err := s.takeTurn(t.Context(), edit{})
		if err != nil {
			t.Fatal(err)
		}
		for _, who := range []string{"a caller", "another"} {
			go write(who, edit{})
			synctest.Wait()
		}
		go write("the node", edit{own: true})
		synctest.Wait()
		if write("who looks", edit{dry: true}); len(order) != 1 {
			t.Errorf("while one writes: %q", order)
		}
		leave()
		synctest.Wait()
		if want := []string{"who looks", "the node", "a caller", "another"}; !slices.Equal(order, want) {
			t.Errorf("order is %q, want %q", order, want)
		}
	})
}
