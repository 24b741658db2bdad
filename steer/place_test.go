package steer_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"fairlead/steer"
	"fairlead/upstream/health"
)

// TestHidden holds what a side is worth that was kept from an endpoint.
func TestHidden(t *testing.T) {
	const p, q = "a/m@p", "a/m@q"
	side := func(ended, failed, kept int64, places steer.Places) steer.Evidence {
		return steer.Evidence{Ended: ended, Failed: failed, Kept: kept, Places: places}
	}
	guard, err := steer.Parse("error_rate<2%")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name        string
		mine, peers steer.Evidence
		want        steer.Verdict
		says        string
	}{
		{"hardly asked", side(405, 1, 387, steer.Places{p: {9, 387}}), rates(3000, 0), steer.Hold, p + " was asked by 9 of the 396 exchanges due there"},
		{"asked more often than not", side(405, 1, 100, steer.Places{p: {101, 100}}), rates(3000, 0), steer.Good, ""},
		{"a moment alone", side(990, 1, 10, steer.Places{p: {0, 10}}), rates(3000, 0), steer.Good, ""},
		{"both sides alike", side(500, 1, 500, steer.Places{p: {9, 500}}), side(2000, 1, 2000, steer.Places{p: {40, 2000}}), steer.Good, ""},
		{"more of this side", side(405, 1, 387, steer.Places{p: {9, 387}}), side(2500, 1, 500, steer.Places{p: {12, 500}}), steer.Hold, p},
		{"the other side alone", side(405, 1, 0, nil), side(10, 0, 500, steer.Places{p: {1, 500}}), steer.Hold, "405 exchanges on this side and 10 on the other"},
		{"what is kept is none of the 50", side(40, 0, 60, steer.Places{p: {30, 60}}), rates(3000, 0), steer.Hold, "40 exchanges on this side and 3000 on the other, of 50 that it takes on each; " + p + " was asked by 30 of the 90 exchanges"},
		{"the worst of two", side(405, 1, 300, steer.Places{p: {9, 100}, q: {9, 200}}), rates(3000, 0), steer.Hold, q + " was asked by 9 of the 209 exchanges"},
		{"surely bad all the same", side(200, 50, 387, steer.Places{p: {9, 387}}), rates(3000, 0), steer.Breach, "25.0 % of 200 exchanges"},
		{"perhaps bad", side(200, 5, 387, steer.Places{p: {9, 387}}), rates(3000, 0), steer.Hold, "that may be chance"},
	} {
		if on := steer.Judge(guard, c.mine, c.peers); on.Verdict != c.want || !strings.Contains(on.Reason, c.says) {
			t.Errorf("%s: %s, %s; want %s, %s", c.name, on.Verdict, on.Reason, c.want, c.says)
		}
	}
}

// tried is the traffic of a simulated trial that gives an endpoint another weight beside one of weight 100. Both sides share its
// breaker.
type tried struct {
	rate    float64 // exchanges a second, of both sides
	fails   float64 // the share of failures of the endpoint
	from    float64 // its weight
	to      float64 // in the trial
	breaker *health.Breaker
	counted bool // whom it asks, which begins when health first keeps an exchange away
}

// second is what comes in within a second, of which the trial has a fifth.
func (f *tried) second(rng *rand.Rand, now time.Time) (mine, rest steer.Evidence) {
	for at := rng.ExpFloat64() / f.rate; at < 1; at += rng.ExpFloat64() / f.rate {
		side, weight := &rest, f.from
		if rng.Float64() < 0.2 {
			side, weight = &mine, f.to
		}
		if rng.Float64()*(weight+100) >= weight {
			side.Ended++ // the other endpoint's turn
			continue
		}
		f.due(rng, now.Add(time.Duration(at*float64(time.Second))), side)
	}
	return mine, rest
}

// due counts an exchange whose turn it is to go to the endpoint.
func (f *tried) due(rng *rand.Rand, now time.Time, side *steer.Evidence) {
	const id = "a/m@p"
	v := f.breaker.View(now)
	if v.Sure && !v.Usable() {
		side.Ended, side.Failed = side.Ended+1, side.Failed+1
		return
	}
	ticket, ok := health.Ticket{}, v.Usable() && (v.State != health.Closed || rng.IntN(100) < v.Share)
	if ok {
		ticket, ok = f.breaker.Acquire(now, false)
	}
	if !ok {
		f.counted = true
		side.Add(steer.Evidence{Kept: 1, Places: steer.Places{id: {Kept: 1}}})
		return
	}
	if side.Ended++; f.counted {
		side.Add(steer.Evidence{Places: steer.Places{id: {Asked: 1}}})
	}
	kind := health.Success
	if rng.Float64() < f.fails {
		side.Failed++
		kind = health.Hard
	}
	f.breaker.Release(ticket, kind, now)
}

// TestTrialBehindABreaker holds that no trial is promoted that gives more to an endpoint which fails far above the limit, though its
// breaker keeps nearly all exchanges from it and another one saves them; and that one within the limit is.
func TestTrialBehindABreaker(t *testing.T) {
	for _, c := range []struct {
		name        string
		f           tried
		hold        time.Duration
		least, most int // promoted, of 30
	}{
		{"one of ten fails", tried{rate: 80, fails: 0.1, from: 20, to: 100}, 30 * time.Second, 0, 0},
		{"one of ten fails, for long", tried{rate: 80, fails: 0.1, from: 20, to: 100}, 10 * time.Minute, 0, 0},
		{"one of ten fails, new", tried{rate: 80, fails: 0.1, from: 0, to: 100}, 30 * time.Second, 0, 0},
		{"half of them fail", tried{rate: 80, fails: 0.5, from: 20, to: 100}, 30 * time.Second, 0, 0},
		{"at a quarter of the limit", tried{rate: 80, fails: 0.005, from: 20, to: 100}, 30 * time.Second, 30, 30},
		{"at half the limit", tried{rate: 80, fails: 0.01, from: 20, to: 100}, 10 * time.Minute, 30, 30},
		{"at twice the limit, of nearly all of the side", tried{rate: 80, fails: 0.04, from: 20, to: 1000}, 2 * time.Minute, 0, 0},
		{"without a failure", tried{rate: 20, fails: 0, from: 20, to: 100}, 30 * time.Second, 30, 30},
	} {
		ends, why := map[steer.Action]int{}, map[string]int{}
		for seed := range uint64(30) {
			rng := rand.New(rand.NewPCG(seed, 11))
			f := c.f
			f.breaker = health.NewBreaker(begin, seed)
			tr, w := newTrial(t, c.hold, "error_rate<2%"), steer.NewWindow(begin, c.hold, 0)
			for now := begin; tr.Ended == ""; now = now.Add(time.Second) {
				mine, rest := f.second(rng, now)
				w.Add(now, mine, rest)
				tr, _ = tr.Next(now, tr.Judge(now, w))
			}
			ends[tr.Ended]++
			why[fmt.Sprintf("%s: %.60s", tr.Ended, tr.Why)]++
		}
		if n := ends[steer.Promote]; n < c.least || n > c.most {
			t.Errorf("%s: %v, %v", c.name, ends, why)
		}
		t.Logf("%s: %v", c.name, ends)
	}
}
