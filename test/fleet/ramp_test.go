//go:build linux

package fleet_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"fairlead"
	"fairlead/client"
	"fairlead/test/harness"
)

// TestRampThroughKills lets the control nodes that drive a ramp die and hang in the midst of it: another one goes on each time,
// no step is taken twice or left out, and it ends as it would have.
func TestRampThroughKills(t *testing.T) {
	f := begin(t)
	_, err := f.node("c1").api().SetWeight(t.Context(), left, 10, client.Write{WaitAll: true})
	check(t, err)
	f.scene("the node that drives a ramp is killed, and the next one hangs", func(t *testing.T) {
		pace := client.Pace{Weight: 26, Over: fairlead.Duration(24 * time.Second), Guard: "error_rate<20%"}
		w, err := f.node("c1").api().RampWeight(t.Context(), left, pace, write)
		check(t, err)
		f.reaches(w.Ramp, 3)
		killed := f.driver(w.Ramp)
		killed.kill()
		f.reaches(w.Ramp, len(f.weights(w.Ramp))+2)
		hangs := f.driver(w.Ramp)
		hangs.pause()
		f.reaches(w.Ramp, len(f.weights(w.Ramp))+2)
		t.Logf("%s was killed, %s hung, %s drives", killed.name, hangs.name, f.driver(w.Ramp).name)
		hangs.goOn() // with what it had in mind
		killed.start()
		harness.UntilWithin(t, 2*time.Minute, "the ramp has ended", func() bool { return f.course(w.Ramp).End != "" })
		if c := f.course(w.Ramp); c.End != fairlead.EndPromoted {
			t.Errorf("the ramp ended %s: %s", c.End, c.Why)
		}
		var want []int
		for weight := 11; weight <= 26; weight++ {
			want = append(want, weight)
		}
		if got := f.weights(w.Ramp); !slices.Equal(got, want) {
			t.Errorf("the steps were %v", got)
		}
		s, _, err := f.store.State(t.Context())
		check(t, err)
		if len(s.Weights) != 0 || s.Revision != w.Revision+1 {
			t.Errorf("after the ramp of revision %d there is revision %d with %v laid over", w.Revision, s.Revision, s.Weights)
		}
		f.serves(s.Revision)
	})
}

// course gives a ramp as the store has it.
func (f *fleet) course(id string) fairlead.Course {
	f.t.Helper()
	c, err := f.store.Course(f.root.Context(), id)
	check(f.t, err)
	return c
}

// weights lists those that a ramp's steps have set, in the order of the log.
func (f *fleet) weights(id string) (list []int) {
	f.t.Helper()
	for after := int64(0); ; {
		changes, err := f.store.Changes(f.root.Context(), after, 1000, 1<<20)
		check(f.t, err)
		if len(changes) == 0 {
			return list
		}
		for i := range changes {
			after = changes[i].Number
			var step fairlead.StepContent
			if changes[i].Kind != fairlead.ChangeStep {
				continue
			}
			check(f.t, json.Unmarshal(changes[i].Content, &step))
			if step.Ramp == id {
				list = append(list, step.Weights[left])
			}
		}
	}
}

// reaches waits until a ramp has taken so many steps.
func (f *fleet) reaches(id string, steps int) {
	f.t.Helper()
	harness.UntilWithin(f.t, 2*time.Minute, fmt.Sprintf("the ramp has taken %d steps", steps), func() bool {
		if c := f.course(id); c.End != "" && len(f.weights(id)) < steps {
			f.t.Fatalf("the ramp ended %s after %v: %s", c.End, f.weights(id), c.Why)
		}
		return len(f.weights(id)) >= steps
	})
}

// driver is the control node that looked at a ramp last, once that is one which is up.
func (f *fleet) driver(id string) (n *node) {
	f.t.Helper()
	harness.UntilWithin(f.t, time.Minute, "a node that is up drives the ramp", func() bool {
		c := f.course(id)
		if c.Seen == nil {
			return false
		}
		n = f.node(c.Seen.Node)
		return n.up()
	})
	return n
}
