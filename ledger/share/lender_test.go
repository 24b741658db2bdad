package share_test

import (
	"fmt"
	"testing"

	"fairlead"
)

var thousand = fairlead.Limit{Of: fairlead.LimitRequests, Per: fairlead.PerMinute, Amount: 1000, Burst: 50}

// TestUsable holds that with control more than nine tenths of a limit is usable, wherever the demand is.
func TestUsable(t *testing.T) {
	moving := func(i int64) func(int64) float64 { // hot for a minute in four
		return func(at int64) float64 {
			if at/minute%4 == i {
				return 3000
			}
			return 40
		}
	}
	for _, c := range []struct {
		name   string
		demand func(i int64) func(int64) float64
	}{
		{"even", func(int64) func(int64) float64 { return steady(500) }},
		{"skewed", func(i int64) func(int64) float64 { return steady([]float64{3000, 300, 60, 30}[i]) }},
		{"one edge alone", func(i int64) func(int64) float64 { return steady([]float64{3000, 0, 0, 0}[i]) }},
		{"moving", moving},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFleet(7, thousand, 10_000)
			f.startControl(-minute)
			for i := range int64(4) {
				f.addEdge(fmt.Sprint("e", i), 1000, c.demand(i))
			}
			f.run(20 * minute)
			used := f.used(minute, 20*minute)
			t.Logf("usable %.4f", used)
			if used <= 0.9 {
				t.Errorf("%.4f of the limit was usable", used)
			}
			if over := f.over(); over > 0 {
				t.Errorf("%.2f over the limit in some window", over)
			}
		})
	}
}

// TestNeverOver holds that no window over the fleet sees more than rate x window + burst, whatever becomes of nodes, clocks and messages.
func TestNeverOver(t *testing.T) {
	limits := []fairlead.Limit{
		thousand,
		{Of: fairlead.LimitRequests, Per: fairlead.PerMinute, Amount: 1},
		{Of: fairlead.LimitRequests, Per: fairlead.PerMinute, Amount: 17, Burst: 3},
		{Of: fairlead.LimitTokens, Per: fairlead.PerMinute, Amount: 60_000, Burst: 8_000},
		{Of: fairlead.LimitRequests, Per: fairlead.PerMinute, Amount: 1000, Burst: 1},
	}
	seeds := uint64(5)
	if testing.Short() {
		seeds = 2
	}
	for _, l := range limits {
		in := 0
		for seed := range seeds {
			t.Run(fmt.Sprintf("%d+%d/%d", l.Amount, l.Burst, seed), func(t *testing.T) {
				f := newFleet(seed, l, 50_000)
				storm(f)
				if over := f.over(); over > 0 {
					t.Errorf("%.2f over the limit in some window", over)
				}
				if whole := l.Whole(); f.shares.Max(whole) != whole {
					t.Errorf("at some time edges had %v of %v", f.shares, whole)
				}
				in += len(f.admitted)
			})
		}
		if in == 0 && l.Amount > 1 { // in a storm one a minute may never come together
			t.Errorf("%d+%d: nothing was let in", l.Amount, l.Burst)
		}
	}
}

// TestNeverMoreAtOnce holds the same of concurrency: exchanges outlast the share that let them in.
func TestNeverMoreAtOnce(t *testing.T) {
	for _, amount := range []int64{3, 40} {
		for seed := range uint64(10) {
			t.Run(fmt.Sprintf("%d/%d", amount, seed), func(t *testing.T) {
				f := newFleet(seed, fairlead.Limit{Of: fairlead.LimitConcurrency, Amount: amount}, 50_000)
				f.linger = 30e9
				storm(f)
				if f.most > amount || f.shares.Amount > amount {
					t.Errorf("%d at once, and %d might have been", f.most, f.shares.Amount)
				}
				if f.most < amount*3/4 {
					t.Errorf("never more than %d at once", f.most)
				}
			})
		}
	}
}

// storm runs four to six edges for ten minutes through everything that can go wrong.
func storm(f *fleet) {
	f.net = network{lost: 100, twice: 100, late: 100}
	f.clock = []int64{950, 1050, 1000}[f.rng.IntN(3)]
	f.startControl(0)
	f.addShares()
	scale := float64(f.limit.Amount)
	if f.limit.Of == fairlead.LimitConcurrency {
		scale *= 4
	}
	for i := range 4 + f.rng.IntN(3) {
		shift := f.rng.Int64N(minute)
		heat := f.rng.Float64() * 2
		n := f.addEdge(fmt.Sprint("e", i), []int64{950, 1050, 1050, 1000}[f.rng.IntN(4)], func(at int64) float64 {
			if (at+shift)/(20*second)%3 == 0 {
				return 0
			}
			return scale * heat
		})
		n.rest = 28 * second // by the slowest clock still within what an exchange may take
		if f.limit.Of == fairlead.LimitTokens {
			n.size = func() int64 { return 1 + f.rng.Int64N(3000) }
			n.perMinute = steady(60)
		}
	}
	for f.now < 10*minute {
		f.run(f.now + f.rng.Int64N(20*second))
		n := f.edges[f.rng.IntN(len(f.edges))]
		switch f.rng.IntN(8) {
		case 0, 1:
			f.stopEdge(n)
		case 2:
			if !n.up && f.lender != nil { // for good
				f.lender.Forget(n.name, f.local(f.clock))
				delete(f.stored, n.name)
			}
		case 3:
			f.lender = nil
		case 4, 5:
			if f.lender == nil {
				f.startControl(f.now)
			}
		default:
			if !n.up {
				f.startEdge(n)
			}
		}
	}
}

// TestWithoutControl holds that every edge has its floor when control is gone, and no more than that after a term.
func TestWithoutControl(t *testing.T) {
	f := newFleet(3, thousand, 10_000)
	f.startControl(-minute)
	for i := range 4 {
		f.addEdge(fmt.Sprint("e", i), 1000, steady(600))
	}
	f.run(3 * minute)
	f.lender = nil
	f.run(3*minute + 6*second)
	before := make([]int64, 4)
	for i, n := range f.edges {
		before[i] = n.admitted
	}
	f.run(13*minute + 6*second)
	for i, n := range f.edges {
		if got := n.admitted - before[i]; got < 225 || got > 252 { // a burst of 1 loses what comes while nobody asks
			t.Errorf("%s let in %d at its floor of 250", n.name, got)
		}
	}
	if over := f.over(); over > 0 {
		t.Errorf("%.2f over the limit in some window", over)
	}
	f.startControl(f.now)
	f.run(25 * minute)
	if used := f.used(14*minute, 25*minute); used <= 0.9 {
		t.Errorf("%.4f of the limit was usable after control came back", used)
	}
}

// TestSmall holds that limits that cannot be split are lent whole, used up, and come to everyone in turn.
func TestSmall(t *testing.T) {
	for _, c := range []struct {
		amount, burst int64
		used          float64
	}{{1, 1, 0.8}, {3, 0, 0.8}, {1000, 1, 0.6}, {7, 7, 0.8}} {
		t.Run(fmt.Sprint(c.amount, "+", c.burst), func(t *testing.T) {
			f := newFleet(5, fairlead.Limit{Of: fairlead.LimitRequests, Per: fairlead.PerMinute, Amount: c.amount, Burst: c.burst}, 10_000)
			f.startControl(-minute)
			for i := range 4 {
				f.addEdge(fmt.Sprint("e", i), 1000, steady(max(60, float64(c.amount)*3)))
			}
			f.run(60 * minute)
			used := f.used(minute, 60*minute)
			t.Logf("usable %.4f", used)
			if over := f.over(); over > 0 || used < c.used {
				t.Errorf("%.2f over the limit in some window, %.4f of it used", over, used)
			}
			for _, n := range f.edges {
				if float64(n.admitted) < float64(c.amount)*60*c.used/8 {
					t.Errorf("%s had %d of it", n.name, n.admitted)
				}
			}
		})
	}
}
