package health_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fairlead/upstream/health"
)

// TestBoard_Concurrent uses everything at once; under -race it also proves the lack of races. Never is
// more than one trial of a lane under way, and no view is out of its closed lists.
func TestBoard_Concurrent(t *testing.T) {
	b := newTown("a@p", "a@q", "a@r", "b@p", "c@p", "w*@p")
	names := []string{"a@p", "a@p/b", "a@q", "a@r", "b@p", "c@p", "w*@p=w1", "w*@p=w2"}
	kinds := []string{"ok", "hard", "light", "soft", "key", "404", "429", "account", "geo"}
	trials := make([]atomic.Int32, len(names))
	var clock atomic.Int64
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(g), 1))
			for range 3000 {
				now := epoch.Add(time.Duration(clock.Add(int64(2 * time.Millisecond))))
				i := rng.IntN(len(names))
				lane := b.lane(names[i], now)
				if bad := wrong(lane.View(now)); bad != "" {
					t.Error(bad)
					return
				}
				ticket, ok := lane.Acquire(now, rng.IntN(8) == 0)
				if !ok {
					continue
				}
				// The two models under the wildcard share a breaker.
				if n := trials[min(i, 6)].Add(trial(ticket)); n > 1 {
					t.Errorf("%d trials at %s", n, names[i])
				}
				kind := kinds[rng.IntN(min(len(kinds), 1+rng.IntN(20)))]
				lane.Deadlines().LearnFirstToken(health.Size{Prompt: i}, time.Second, i == 0, now)
				lane.Deadlines().LearnGap(health.Text, time.Millisecond, false, now)
				lane.Deadlines().FirstToken(health.Size{Prompt: i}, now)
				lane.Budget().Deposit(1, now)
				lane.Budget().Take(1, now)
				trials[min(i, 6)].Add(-trial(ticket))
				lane.Release(ticket, evidence[kind], now)
				if rng.IntN(500) == 0 {
					b.Sweep(now)
					b.Adopt(b.snapshot, now)
				}
			}
		})
	}
	all.Wait()
}

func trial(t health.Ticket) int32 {
	if t.Trial() {
		return 1
	}
	return 0
}

func wrong(v health.View) string {
	switch {
	case v.Reason != "" && !slices.Contains(health.Reasons, v.Reason),
		v.State == health.Closed != slices.Contains([]int{5, 25, 50, 100}, v.Share),
		v.State != health.Closed && v.Reason == "", v.State > health.Disabled:
		return fmt.Sprintf("a view out of the lists: %+v", v)
	}
	return ""
}

// TestNoAllocations holds that reading a state and reporting a success cost no memory.
func TestNoAllocations(t *testing.T) {
	b := newTown("a@p", "a@q", "w*@p")
	now, size := at(1), health.Size{Prompt: 100}
	lane, wild := b.lane("a@p", now), b.lane("w*@p=w1", now)
	wild.Observe(evidence["429"], 0, now)
	lane.Deadlines().LearnFirstToken(size, time.Second, false, now)
	lane.Deadlines().LearnGap(health.Text, time.Millisecond, false, now)
	e := b.snapshot.Endpoints[0]
	for name, f := range map[string]func(){
		"View":           func() { lane.View(now) },
		"wild View":      func() { wild.View(now) },
		"Lane":           func() { b.Lane(e, "a", "main", "here", now) },
		"Acquire":        func() { ticket, _ := lane.Acquire(now, false); lane.Release(ticket, evidence["ok"], now) },
		"Observe":        func() { lane.Observe(evidence["ok"], 0, now) },
		"Observe failed": func() { lane.Observe(evidence["hard"], 0, now); lane.Observe(evidence["ok"], 0, now) },
		"Budget":         func() { lane.Budget().Deposit(1, now); lane.Budget().Take(1, now) },
		"FirstToken":     func() { lane.Deadlines().FirstToken(size, now) },
		"Learn":          func() { lane.Deadlines().LearnFirstToken(size, time.Second, false, now) },
		"LearnGap":       func() { lane.Deadlines().LearnGap(health.Text, time.Millisecond, false, now) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func BenchmarkBoard(bench *testing.B) {
	b := newTown("a@p", "a@q")
	now, size := at(1), health.Size{Prompt: 100}
	lane, e := b.lane("a@p", now), b.snapshot.Endpoints[0]
	for range 1000 {
		lane.Deadlines().LearnFirstToken(size, time.Second, false, now)
	}
	for _, c := range []struct {
		name string
		f    func(now time.Time)
	}{
		{"View", func(now time.Time) { lane.View(now) }},
		{"Lane", func(now time.Time) { b.Lane(e, "a", "main", "here", now) }},
		{"Observe", func(now time.Time) { lane.Observe(evidence["ok"], 0, now) }},
		{"AcquireRelease", func(now time.Time) {
			ticket, _ := lane.Acquire(now, false)
			lane.Release(ticket, health.Evidence{Kind: health.Success}, now)
		}},
		{"Budget", func(now time.Time) { lane.Budget().Deposit(1, now) }},
		{"FirstToken", func(now time.Time) { lane.Deadlines().FirstToken(size, now) }},
		{"LearnGap", func(now time.Time) { lane.Deadlines().LearnGap(health.Text, time.Millisecond, false, now) }},
	} {
		bench.Run(c.name, func(bench *testing.B) {
			bench.ReportAllocs()
			now := now
			for bench.Loop() {
				now = now.Add(time.Microsecond)
				c.f(now)
			}
		})
	}
}
