package app_test

import (
	"testing"
	"testing/synctest"
	"time"

	"fairlead"
	"fairlead/app"
)

// TestRests holds that a store rests where exchanges are served beside it, and no more than so often a second whatever is asked of it.
func TestRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rest := app.NewRest()
		for range 3 {
			began := time.Now()
			for range 10_000 {
				rest()
			}
			if took := time.Since(began); took != 64*500*time.Microsecond {
				t.Errorf("the rests of a second took %s", took)
			}
			time.Sleep(time.Second)
		}
	})
	if n := start(t, app.Options{}); !n.app.StoreRests() {
		t.Error("the store of a node with an edge does not rest")
	}
	if n := start(t, app.Options{Role: fairlead.RoleControl}); n.app.StoreRests() {
		t.Error("the store of a control node rests")
	}
}
