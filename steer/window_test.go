package steer_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"fairlead/steer"
)

// TestWindow plays what comes in to the window of a ramp of 8 minutes, whose evidence is of the last two, and holds
// what it is judged by.
func TestWindow(t *testing.T) {
	type add struct {
		at    int // seconds
		stage int
		mine  int64
		peers int64
	}
	for _, c := range []struct {
		name  string
		adds  []add
		at    int
		since int
		want  string // mine peers stage verdict
	}{
		{"nothing yet", nil, 5, 0, "0 0 0 hold no report yet"},
		{"nothing at all", nil, 11, 0, "0 0 0 hold no edge has reported for 10s"},
		{"all of it", []add{{5, 0, 30, 40}, {6, 0, 30, 40}}, 7, 0, "60 80 0 good"},
		{"empty reports are reports", []add{{5, 0, 60, 60}, {20, 0, 0, 0}, {29, 0, 0, 0}}, 38, 0, "60 60 0 good"},
		{"nobody is heard", []add{{5, 0, 60, 60}, {27, 0, 0, 0}}, 38, 0, "0 0 0 hold no edge has reported for 10s"},
		{"the judged side since a stage, the other one always", []add{{5, 0, 60, 60}, {10, 1, 70, 70}, {13, 1, 80, 80}}, 14, 1, "80 210 1 good"},
		{"what comes just after a step is of before", []add{{5, 0, 60, 60}, {10, 1, 70, 70}, {11, 1, 90, 90}}, 12, 1, "0 220 1 hold 0 exchanges"},
		{"nor is it mixed with what comes next", []add{{9, 0, 60, 60}, {10, 1, 70, 70}, {11, 1, 90, 90}, {12, 1, 55, 55}}, 13, 1, "55 275 1 good"},
		{"a look back over stages", []add{{5, 0, 60, 60}, {10, 1, 70, 70}, {13, 1, 80, 80}}, 14, 0, "210 210 0 good"},
		{"no more than the newest 2000", []add{{5, 0, 900, 10}, {15, 0, 1200, 10}, {25, 0, 1300, 10}, {35, 0, 20, 30}}, 36, 0, "2520 60 0 good"},
		{"old evidence makes up 50, no more", []add{{5, 0, 45, 45}, {15, 0, 45, 45}, {200, 0, 10, 10}}, 201, 0, "55 55 0 good"},
		{"old evidence alone is none", []add{{5, 0, 60, 60}, {200, 0, 0, 60}}, 201, 0, "60 60 0 hold no exchange on this side for 2m0s"},
		{"as old as nothing lasts", []add{{5, 0, 60, 60}, {2000, 0, 1, 1}}, 2001, 0, "1 1 0 hold 1 exchanges"},
	} {
		w := steer.NewWindow(begin, 8*time.Minute, 0)
		for _, a := range c.adds {
			at := begin.Add(time.Duration(a.at) * time.Second)
			w.Stage(at, a.stage)
			w.Add(at, rates(a.mine, 0), rates(a.peers, 0))
		}
		g, err := steer.Parse("error_rate<2%")
		if err != nil {
			t.Fatal(err)
		}
		r := w.Judge(begin.Add(time.Duration(c.at)*time.Second), g, c.since)
		if got := sprint(r); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestPromotedByTheFullWeight holds that a ramp is over as soon as its time is and the full weight has shown enough,
// whatever lies before.
func TestPromotedByTheFullWeight(t *testing.T) {
	r, now := newRamp(t, 0, 10, 10*time.Minute, "error_rate<2%"), begin
	w := steer.NewWindow(now, 10*time.Minute, 0)
	for s := 0; ; s++ {
		now = now.Add(time.Second)
		good := rates(1, 0)
		if r.Weight() == 10 && s < 600 {
			good = rates(0, 0)
		}
		w.Add(now, good, rates(3, 0))
		next, m := r.Next(now, r.Judge(now, w))
		w.Stage(now, next.Steps)
		if r = next; m.Action.Ends() {
			// 50 seconds at the first weight and 60 without an exchange at the full one stood still.
			if m.Action != steer.Promote || s < 645 || s > 715 {
				t.Errorf("after %d s: %s, %s", s, m.Action, m.Why)
			}
			return
		}
	}
}

// TestDeadEndpointIsSeen holds that an endpoint which dies in the midst of a ramp is seen although breakers leave it
// little more than a trial each 12 seconds: old successes do not cover its failures for long.
func TestDeadEndpointIsSeen(t *testing.T) {
	r := newRamp(t, 0, 100, 10*time.Minute, "error_rate<2%")
	now := begin
	w := steer.NewWindow(now, 10*time.Minute, 0)
	for s := 0; ; s++ {
		now = now.Add(time.Second)
		switch {
		case s < 300:
			w.Add(now, rates(10, 0), rates(30, 0))
		case s%12 == 0:
			w.Add(now, rates(1, 1), rates(30, 0))
		default:
			w.Add(now, rates(0, 0), rates(30, 0))
		}
		next, m := r.Next(now, r.Judge(now, w))
		w.Stage(now, next.Steps)
		if r = next; m.Action.Ends() {
			if m.Action != steer.Revert || s > 500 {
				t.Errorf("after %d s: %s, %s", s, m.Action, m.Why)
			}
			return
		}
	}
}

func sprint(r steer.Ruling) string {
	return fmt.Sprintf("%d %d %d %s %s", r.Mine, r.Peers, r.Stage, r.Verdict, r.Reason)
}
