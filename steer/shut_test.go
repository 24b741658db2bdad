package steer_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"fairlead/steer"
	"fairlead/upstream/health"
)

// guarded is the traffic of a simulated ramp whose endpoint stands behind a breaker.
type guarded struct {
	fleet
	breaker *health.Breaker
}

// second is what comes in within a second: what the breaker keeps away goes to the peers.
func (g *guarded) second(rng *rand.Rand, now time.Time, part float64) (mine, peers steer.Evidence) {
	for at := rng.ExpFloat64() / g.rate; at < 1; at += rng.ExpFloat64() / g.rate {
		moment := now.Add(time.Duration(at * float64(time.Second)))
		if rng.Float64() < part && g.asked(rng, moment, &mine) {
			continue
		}
		peers.Ended++
		if rng.Float64() < g.peers {
			peers.Failed++
		}
	}
	return mine, peers
}

// asked reports whether an exchange goes to the endpoint whose turn it is.
func (g *guarded) asked(rng *rand.Rand, now time.Time, mine *steer.Evidence) bool {
	v := g.breaker.View(now)
	if !v.Usable() {
		if v.Proven() {
			mine.Shut++
		}
		return false
	}
	if v.State == health.Closed && rng.IntN(100) >= v.Share {
		return false
	}
	ticket, ok := g.breaker.Acquire(now, false)
	if !ok {
		return false
	}
	mine.Ended++
	kind := health.Success
	if rng.Float64() < g.mine {
		mine.Failed++
		kind = health.Hard
	}
	g.breaker.Release(ticket, kind, now)
	return true
}

// TestCertaintyBehindABreaker holds that what a breaker does to the evidence neither hides an endpoint that is bad nor takes
// one for it that is not: ramps as those of TestCertainty.
func TestCertaintyBehindABreaker(t *testing.T) {
	for _, c := range []struct {
		name    string
		f       fleet
		runs    int
		least   float64 // share of the runs that is reverted
		most    float64
		promote float64 // share that is promoted, at most
	}{
		{"at half the limit", fleet{30, 0.01, 0.01}, 40, 0, 0.03, 1},
		{"at half the limit, with much traffic", fleet{100, 0.01, 0.01}, 40, 0, 0.03, 1},
		{"at five times the limit", fleet{30, 0.1, 0.01}, 20, 0.95, 1, 0},
		{"down half of the time", fleet{30, 0.5, 0.01}, 20, 1, 1, 0},
		{"dead", fleet{30, 1, 0.01}, 20, 1, 1, 0},
		{"dead, with little traffic", fleet{5, 1, 0.01}, 20, 1, 1, 0},
	} {
		ends := map[steer.Action]int{}
		took := time.Duration(0)
		for seed := range uint64(c.runs) {
			rng := rand.New(rand.NewPCG(seed, 10))
			g := guarded{c.f, health.NewBreaker(begin, seed)}
			r, w := newRamp(t, 0, 100, 10*time.Minute, "error_rate<2%"), steer.NewWindow(begin, 10*time.Minute, 0)
			for now := begin; r.Ended == ""; now = now.Add(time.Second) {
				mine, peers := g.second(rng, now, float64(r.Weight())/float64(r.Weight()+100))
				w.Add(now, mine, peers)
				next, _ := r.Next(now, r.Judge(now, w))
				w.Stage(now, next.Steps)
				r, took = next, max(took, now.Sub(begin))
			}
			ends[r.Ended]++
		}
		share := float64(ends[steer.Revert]) / float64(c.runs)
		if share < c.least || share > c.most || float64(ends[steer.Promote])/float64(c.runs) > c.promote {
			t.Errorf("%s: %v", c.name, ends)
		}
		t.Logf("%s: %v, the last after %s", c.name, ends, took)
	}
}
