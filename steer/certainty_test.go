package steer_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"fairlead/steer"
)

// fleet is the traffic of a simulated ramp.
type fleet struct {
	rate  float64 // exchanges a second, of both sides
	mine  float64 // the share of failures of the endpoint whose weight moves
	peers float64
}

// second is what comes in within a second where the endpoint has a part of the traffic. Arrivals of many callers
// who do not know of each other are a Poisson process: the gaps are exponential.
func (f *fleet) second(rng *rand.Rand, part float64) (mine, peers steer.Evidence) {
	for at := rng.ExpFloat64() / f.rate; at < 1; at += rng.ExpFloat64() / f.rate {
		side, failing := &peers, f.peers
		if rng.Float64() < part {
			side, failing = &mine, f.mine
		}
		side.Ended++
		if rng.Float64() < failing {
			side.Failed++
		}
	}
	return mine, peers
}

// ending is how a simulated ramp ended.
type ending struct {
	action steer.Action
	took   time.Duration
	seen   int64 // exchanges of the endpoint until then
}

// simulate runs a ramp of 10 minutes from 0 to 100, beside peers that keep 100, to its end.
func simulate(t *testing.T, seed uint64, f fleet, guard string) (e ending) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 9))
	r, w := newRamp(t, 0, 100, 10*time.Minute, guard), steer.NewWindow(begin, 10*time.Minute, 0)
	for now := begin; ; now = now.Add(time.Second) {
		mine, peers := f.second(rng, float64(r.Weight())/float64(r.Weight()+100))
		e.seen += mine.Ended
		w.Add(now, mine, peers)
		next, m := r.Next(now, r.Judge(now, w))
		w.Stage(now, next.Steps)
		if r = next; m.Action.Ends() {
			e.action, e.took = m.Action, now.Sub(begin)
			return e
		}
	}
}

// TestCertainty holds the figures of docs/steering.md and of decision 17 for whole ramps, each looked at every second.
func TestCertainty(t *testing.T) {
	for _, c := range []struct {
		name   string
		f      fleet
		guard  string
		runs   int
		revert [2]float64 // share of the runs that are reverted: at least, at most
		most   float64    // share that is promoted, at most
		seen   int64      // exchanges of the endpoint, in the middle of those reverted, at most
	}{
		{"at half the limit", fleet{30, 0.01, 0.01}, "error_rate<2%", 80, [2]float64{0, 0.01}, 1, 0},
		{"at half of a low limit", fleet{30, 0.0005, 0.01}, "error_rate<0.1%", 50, [2]float64{0, 0.01}, 1, 0},
		{"like its peers", fleet{30, 0.01, 0.01}, "error_rate<2x", 50, [2]float64{0, 0.01}, 1, 0},
		{"at twice the limit", fleet{100, 0.04, 0.01}, "error_rate<2%", 30, [2]float64{0.95, 1}, 0, 1000},
		{"at five times the limit", fleet{30, 0.1, 0.01}, "error_rate<2%", 40, [2]float64{0.95, 1}, 0, 100},
		{"at four times its peers", fleet{100, 0.04, 0.01}, "error_rate<2x", 30, [2]float64{0.75, 1}, 0, 3500},
		{"dead", fleet{30, 1, 0.01}, "error_rate<2%", 20, [2]float64{1, 1}, 0, 52},
	} {
		reverted, promoted := 0, 0
		var seen []int64
		for seed := range c.runs {
			switch e := simulate(t, uint64(seed), c.f, c.guard); e.action {
			case steer.Revert:
				reverted, seen = reverted+1, append(seen, e.seen)
			case steer.Promote:
				promoted++
			}
		}
		share := float64(reverted) / float64(c.runs)
		if share < c.revert[0] || share > c.revert[1] || float64(promoted)/float64(c.runs) > c.most {
			t.Errorf("%s: %d of %d reverted, %d promoted; want %v reverted", c.name, reverted, c.runs, promoted, c.revert)
		}
		if slices.Sort(seen); len(seen) > 0 {
			if got := seen[len(seen)/2]; c.seen > 0 && got > c.seen {
				t.Errorf("%s: reverted after %d exchanges, want %d", c.name, got, c.seen)
			}
			t.Logf("%s: %d of %d reverted, half of them after %d exchanges", c.name, reverted, c.runs, seen[len(seen)/2])
		} else {
			t.Logf("%s: none of %d reverted, %d promoted", c.name, c.runs, promoted)
		}
	}
}
