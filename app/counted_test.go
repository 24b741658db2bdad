package app

import (
	"testing"
	"testing/synctest"
	"time"

	"fairlead"
)

// TestNobodyWatches holds that counting ends when the node that leads is not heard any more, and goes on with it.
func TestNobodyWatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counted
		wants := func(ok bool, ended int64) {
			t.Helper()
			c.Left(&fairlead.Record{Trial: "t", Attempts: []fairlead.Attempt{{Endpoint: "a/m@p", Outcome: fairlead.OutcomeOK}}})
			if r, is := c.take(); is != ok || r.Rest.Ended != ended {
				t.Errorf("counted %v %d, want %v %d", is, r.Rest.Ended, ok, ended)
			}
		}
		wants(false, 0)
		c.watch([]byte(`{"trial":"t"}`))
		wants(true, 1)
		for range 100 {
			time.Sleep(watchFor / 2)
			c.watch([]byte(`{"trial":"t"}`))
		}
		wants(true, 1)
		c.watch([]byte(`{"trial":7}`)) // of another version
		time.Sleep(watchFor + time.Second)
		wants(false, 0)
		c.watch([]byte(`{"trial":"t"}`))
		wants(true, 1)
		c.watch([]byte(`{}`))
		wants(false, 0)
	})
}
