package health_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"fairlead"
	"fairlead/upstream/health"
)

func TestBudget(t *testing.T) {
	for _, c := range []struct {
		name     string
		terms    health.Terms
		deposits int
		takes    int // at the same moment
		after    float64
		then     int // further ones, later
	}{
		{"idle: 10 s of the reserve", health.RetryTerms, 0, 30, 1, 0},
		{"the reserve comes back", health.RetryTerms, 0, 30, 10, 30},
		{"15 % of first attempts", health.RetryTerms, 100, 45, 1, 0},
		{"deposits grow old", health.RetryTerms, 1000, 180, 10, 30},
		{"hedges: 2 %", health.HedgeTerms, 50, 1, 89, 0},
		{"none without requests", health.HedgeTerms, 49, 0, 1, 0},
		{"spend: 3 %", health.HedgeSpendTerms, 100, 3, 1, 0},
		{"nonsense pays nothing", health.Terms{Share: -1, PerSecond: -3}, 100, 0, 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := health.NewBudget(c.terms, epoch)
			for range c.deposits {
				b.Deposit(1, at(0))
			}
			taken := func(s float64) (n int) {
				for n < 1000 && b.Take(1, at(s)) {
					n++
				}
				return n
			}
			if got := taken(0); got != c.takes {
				t.Errorf("paid for %d, want %d", got, c.takes)
			}
			if got := taken(c.after); got != c.then {
				t.Errorf("later paid for %d, want %d", got, c.then)
			}
		})
	}
}

// TestBudget_Refund holds that what is given back is there again, however long it was held.
func TestBudget_Refund(t *testing.T) {
	for _, c := range []struct{ held, left float64 }{{0, 30}, {0.5, 30}, {2, 30}, {4, 30}, {8, 30}, {20, 30}} {
		b := health.NewBudget(health.RetryTerms, epoch)
		for range 30 {
			b.Take(1, at(0))
		}
		for range 30 {
			b.Refund(1, at(c.held))
		}
		if got := b.Left(at(c.held)); got < c.left-1e-6 || got > c.left+1e-6 {
			t.Errorf("held for %v s: %v left, want %v", c.held, got, c.left)
		}
	}
}

// TestBudget_Bound holds, over random traffic, that no 9 s see more taken than the reserve of 10 s and
// the share of what was deposited in the 10 s up to their end.
func TestBudget_Bound(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	type entry struct {
		at   float64
		take bool
	}
	for range 30 {
		b, log, now := health.NewBudget(health.RetryTerms, epoch), []entry(nil), 0.0
		rate := 1 + 300*rng.Float64()
		for range 2000 {
			now += rng.ExpFloat64() / rate
			if rng.IntN(3) > 0 {
				b.Deposit(1, at(now))
				log = append(log, entry{now, false})
			} else if b.Take(1, at(now)) {
				log = append(log, entry{now, true})
			}
		}
		for i := range log {
			var taken, first float64
			for j := i; j >= 0 && log[j].at > log[i].at-10; j-- {
				if log[j].take && log[j].at > log[i].at-9 {
					taken++
				} else if !log[j].take {
					first++
				}
			}
			if log[i].take && taken > 30+0.15*first+1e-6 {
				t.Fatalf("at %v: %v taken of %v first attempts", log[i].at, taken, first)
			}
		}
	}
}

func TestHedges(t *testing.T) {
	usd := func(v int64) *fairlead.USD { u := fairlead.USD(v); return &u }
	h := health.NewHedges(epoch)
	for range 100 {
		h.Deposit(usd(1000), at(0))
	}
	for _, c := range []struct {
		cost *fairlead.USD
		want bool
	}{{usd(3001), false}, {usd(2000), true}, {usd(1001), false}, {nil, true}, {usd(1), false}} {
		if got := h.Take(c.cost, at(1)); got != c.want {
			t.Errorf("Take(%v) = %v", c.cost, got)
		}
	}
	h.Refund(usd(2000), at(2))
	if h.Take(usd(3001), at(2)) || !h.Take(usd(2000), at(2)) || h.Take(nil, at(2)) {
		t.Error("a refund gives back what was taken, of both")
	}
}

func TestBudget_Tune(t *testing.T) {
	b := health.NewBudget(health.Terms{Share: 1}, epoch)
	b.Deposit(10, at(0))
	b.Tune(health.Terms{Share: 0.5})
	if got := b.Left(at(1)); got < 4.99 || got > 5.01 {
		t.Errorf("left %v", got)
	}
	if got := b.Left(at(1e6)); got > 0.01 {
		t.Errorf("left %v after days", got)
	}
	b.Tune(health.Terms{Share: 0.5, Window: time.Nanosecond})
	if b.Take(1, at(2e6)) {
		t.Error("an empty budget pays")
	}
}
