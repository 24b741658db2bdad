package lease_test

import (
	"errors"
	"math"
	"testing"

	"fairlead"
	"fairlead/ledger/lease"
)

func TestSettle(t *testing.T) {
	for _, c := range []struct {
		name          string
		balance, lent fairlead.USD // of which the lease has granted-settled
		granted       fairlead.USD
		settled       fairlead.USD
		charge        fairlead.USD
		want          lease.Taken
		after         lease.Pool
	}{
		{"within the lease", 100, 30, 50, 40, 7, lease.Taken{Lease: 7}, lease.Pool{Balance: 93, Lent: 23}},
		{"all of it", 100, 30, 50, 40, 10, lease.Taken{Lease: 10}, lease.Pool{Balance: 90, Lent: 20}},
		{"then what is free", 100, 30, 50, 40, 25, lease.Taken{Lease: 10, Free: 15}, lease.Pool{Balance: 75, Lent: 20}},
		{"then a shortfall; what others have stays theirs", 100, 30, 50, 40, 95, lease.Taken{Lease: 10, Free: 70, Short: 15}, lease.Pool{Balance: 20, Lent: 20}},
		{"no lease", 10, 0, 0, 0, 4, lease.Taken{Free: 4}, lease.Pool{Balance: 6}},
		{"nothing at all", 0, 0, 0, 0, 4, lease.Taken{Short: 4}, lease.Pool{}},
		{"nothing", 10, 0, 0, 0, 0, lease.Taken{}, lease.Pool{Balance: 10}},
	} {
		l := lease.Lease{Granted: c.granted, Settled: c.settled}
		p, now, taken, err := lease.Settle(lease.Pool{Balance: c.balance, Lent: c.lent}, l, c.charge)
		if err != nil || p != c.after || taken != c.want {
			t.Errorf("%s: %+v, %+v, %v; want %+v, %+v", c.name, p, taken, err, c.after, c.want)
		}
		if now.Settled != c.settled+c.charge || now.Left() != l.Left()-taken.Lease {
			t.Errorf("%s: the lease is %+v, was %+v", c.name, now, l)
		}
	}
	for _, c := range []struct{ granted, charge fairlead.USD }{{0, -1}, {math.MaxInt64 - 5, 6}} {
		if _, _, _, err := lease.Settle(lease.Pool{}, lease.Lease{Granted: c.granted}, c.charge); !errors.Is(err, fairlead.ErrMoneyRange) {
			t.Errorf("%d after %d: %v", c.charge, c.granted, err)
		}
	}
}

func TestDeposits(t *testing.T) {
	p := lease.Pool{Balance: 100, Lent: 60}
	for _, c := range []struct {
		name string
		do   func(fairlead.USD) (lease.Pool, error)
		of   fairlead.USD
		want fairlead.USD
		err  error
	}{
		{"pay in", p.Deposit, 5, 105, nil},
		{"pay in too much", p.Deposit, math.MaxInt64 - 99, 100, fairlead.ErrMoneyRange},
		{"pay in less than nothing", p.Deposit, -1, 100, fairlead.ErrMoneyRange},
		{"take out what is free", p.Withdraw, 40, 60, nil},
		{"take out what is lent", p.Withdraw, 41, 100, lease.ErrLent},
		{"take out less than nothing", p.Withdraw, -1, 100, fairlead.ErrMoneyRange},
	} {
		if got, err := c.do(c.of); got.Balance != c.want || got.Lent != 60 || !errors.Is(err, c.err) {
			t.Errorf("%s: %+v, %v; want a balance of %d, %v", c.name, got, err, c.want, c.err)
		}
	}
}

// TestSizes holds how much is lent beyond a need of 10 that an edge with nothing states, by what is free after it.
func TestSizes(t *testing.T) {
	sizes := lease.Sizes{Share: 100, Least: 50, Most: 400, Near: 200}
	for _, c := range []struct {
		name               string
		free, recent, want fairlead.USD
		ahead              fairlead.USD
		tight              bool
	}{
		{"rich: what it spends", 10_000, 300, 300, 1e9, false},
		{"rich: it spends little", 10_000, 3, 50, 1e9, false},
		{"rich: it spends much", 10_000, 9_999, 400, 1e9, false},
		{"no more than it wants", 10_000, 300, 20, 20, false},
		{"a share of what is free", 2_000, 300, 200, 1e9, false},
		{"less and less", 400, 300, 40, 1e9, false},
		{"nothing of the last part", 210, 300, 10, 1e9, true},
		{"near the end: the need alone", 200, 300, 0, 1e9, true},
		{"the very last", 0, 300, 0, 1e9, true},
	} {
		if err := sizes.Validate(); err != nil {
			t.Fatal(err)
		}
		sizes.Share = 100
		if c.name == "nothing of the last part" {
			sizes.Share = 1000
		}
		ask := fairlead.LeaseAsk{Number: 1, Levels: []fairlead.LevelAsk{{Need: 10, Want: 10 + c.ahead}}}
		after, g := lease.Grant(ask, []lease.State{{Pool: lease.Pool{Era: 1, Balance: c.free + 10}, Recent: c.recent}}, sizes)
		if got := g.Levels[0].Granted; g.Short != nil || got != 10+c.want || g.Levels[0].Tight != c.tight {
			t.Errorf("%s: %+v; want %d", c.name, g, 10+c.want)
		}
		if after[0].Pool.Lent != 10+c.want {
			t.Errorf("%s: %+v", c.name, after[0])
		}
	}
	for _, bad := range []lease.Sizes{{Share: -1}, {Share: 1001}, {Least: 2, Most: 1}, {Least: -1}, {Near: -1}} {
		if bad.Validate() == nil {
			t.Errorf("%+v is valid", bad)
		}
	}
	if err := lease.DefaultSizes.Validate(); err != nil {
		t.Error(err)
	}
}

// TestTogether holds that pools lend together: the same beyond the need, or nothing.
func TestTogether(t *testing.T) {
	sizes := lease.Sizes{Share: 1000, Least: 1_000, Most: 1_000}
	a, b := fairlead.PoolID{Of: "acc"}, fairlead.PoolID{Of: "key", Per: fairlead.PerEver}
	for _, c := range []struct {
		name       string
		rich, poor fairlead.USD // free
		need       fairlead.USD
		granted    fairlead.USD // of both
		missing    fairlead.USD
	}{
		{"the least that one would lend", 5_000, 70, 30, 70, 0},
		{"exactly the need", 5_000, 30, 30, 30, 0},
		{"one has too little: none lends", 5_000, 29, 30, 0, 1},
		{"one has nothing", 5_000, 0, 30, 0, 30},
	} {
		ask := fairlead.LeaseAsk{Number: 7, Levels: []fairlead.LevelAsk{{Pool: a, Need: c.need, Want: 9_999}, {Pool: b, Need: c.need, Want: 9_999}}}
		if err := lease.Check(ask); err != nil {
			t.Fatal(err)
		}
		before := []lease.State{{Pool: lease.Pool{ID: a, Era: 1, Balance: c.rich}}, {Pool: lease.Pool{ID: b, Era: 1, Balance: c.poor}}}
		after, g := lease.Grant(ask, before, sizes)
		for i := range after {
			if after[i].Lease.Granted != c.granted || after[i].Pool.Lent != c.granted || g.Levels[i].Granted != c.granted || g.Number != 7 {
				t.Errorf("%s: %+v, %+v; want %d", c.name, after[i], g.Levels[i], c.granted)
			}
		}
		if (g.Short != nil) != (c.missing > 0) || g.Missing != c.missing || (g.Short != nil && *g.Short != b) {
			t.Errorf("%s: short %v, missing %d; want %d", c.name, g.Short, g.Missing, c.missing)
		}
		if before[0].Pool.Lent != 0 {
			t.Errorf("%s: the states that were given changed", c.name)
		}
	}
}

// TestOldAsks holds that an ask which comes again, or after a later one, moves nothing.
func TestOldAsks(t *testing.T) {
	sizes := lease.Sizes{Share: 1000, Least: 20, Most: 20}
	grow := fairlead.LeaseAsk{Number: 1, Levels: []fairlead.LevelAsk{{Need: 10, Want: 30}}}
	states, g := lease.Grant(grow, []lease.State{{Pool: lease.Pool{Era: 1, Balance: 100}}}, sizes)
	if g.Levels[0].Granted != 30 || g.Levels[0].Version != 1 {
		t.Fatalf("the first grant is %+v", g.Levels[0])
	}
	back := fairlead.LeaseAsk{Number: 2, Levels: []fairlead.LevelAsk{{Era: 1, Version: 1, Granted: 12, Want: 12, Back: true}}}
	states, g = lease.Grant(back, states, sizes)
	if g.Levels[0].Granted != 12 || states[0].Pool.Lent != 12 {
		t.Fatalf("after 18 of 30 were given back: %+v", g.Levels[0])
	}
	again := fairlead.LeaseAsk{Number: 3, Levels: []fairlead.LevelAsk{{Era: 1, Version: 2, Granted: 12, Need: 15, Want: 30}}}
	states, g = lease.Grant(again, states, sizes)
	if g.Levels[0].Granted != 30 {
		t.Fatalf("after it asked anew: %+v", g.Levels[0])
	}
	late := fairlead.LeaseAsk{Number: 4, Levels: []fairlead.LevelAsk{{Era: 1, Version: 2, Granted: 12, Want: 12, Back: true}}}
	for _, old := range []fairlead.LeaseAsk{grow, back, again, late} {
		after, g := lease.Grant(old, states, sizes)
		if after[0].Pool != states[0].Pool || after[0].Lease.Granted != 30 || g.Levels[0].Granted != 30 {
			t.Errorf("ask %d came late: %+v", old.Number, after[0])
		}
	}
}

// TestVersions holds what an edge hears that knows a lease of 30 (era 2, version 3, last ask 5) as something else.
func TestVersions(t *testing.T) {
	state := lease.State{
		Pool: lease.Pool{Era: 2, Balance: 100, Lent: 20}, Lease: lease.Lease{Era: 2, Version: 3, Number: 5, Granted: 30, Settled: 10},
	}
	sizes := lease.Sizes{Share: 1000, Least: 50, Most: 50}
	for _, c := range []struct {
		name   string
		number int64
		ask    fairlead.LevelAsk
		want   fairlead.LevelGrant
	}{
		{"as it is", 6, fairlead.LevelAsk{Era: 2, Version: 3, Granted: 30, Need: 40, Want: 40}, fairlead.LevelGrant{Number: 6, Version: 4, Granted: 40}},
		{"enough", 6, fairlead.LevelAsk{Era: 2, Version: 3, Granted: 30, Need: 20, Want: 20}, fairlead.LevelGrant{Number: 6, Version: 3, Granted: 30}},
		{"late", 5, fairlead.LevelAsk{Era: 2, Version: 3, Granted: 30, Need: 40, Want: 40}, fairlead.LevelGrant{Number: 5, Late: true, Version: 3, Granted: 30}},
		{"a version before", 6, fairlead.LevelAsk{Era: 2, Version: 2, Granted: 15, Need: 40, Want: 40}, fairlead.LevelGrant{Number: 6, Version: 3, Granted: 30}},
		{"started again", 6, fairlead.LevelAsk{Need: 40, Want: 40}, fairlead.LevelGrant{Number: 6, Version: 4, Granted: 30}},
		{"a version that control lost", 6, fairlead.LevelAsk{Era: 2, Version: 8, Granted: 50, Need: 60, Want: 60}, fairlead.LevelGrant{Number: 6, Version: 9, Granted: 30}},
		{"an era before", 6, fairlead.LevelAsk{Era: 1, Version: 3, Granted: 30, Need: 40, Want: 40}, fairlead.LevelGrant{Number: 6, Version: 3, Granted: 30}},
		{"what it gave back was lost", 6, fairlead.LevelAsk{Era: 2, Version: 3, Granted: 12, Need: 14, Want: 14}, fairlead.LevelGrant{Number: 6, Version: 4, Granted: 30}},
		{"it gives back", 6, fairlead.LevelAsk{Era: 2, Version: 3, Granted: 12, Want: 12, Back: true}, fairlead.LevelGrant{Number: 6, Version: 4, Granted: 12}},
		{"it gives back what is settled", 6, fairlead.LevelAsk{Era: 2, Version: 3, Want: 3, Back: true}, fairlead.LevelGrant{Number: 6, Version: 4, Granted: 10}},
		{"it has spent more", 6, fairlead.LevelAsk{Era: 2, Version: 3, Granted: 30, Spent: 37, Need: 1_000, Want: 1_000}, fairlead.LevelGrant{Number: 6, Version: 4, Granted: 37}},
	} {
		c.want.Era, c.want.Settled = 2, 10
		after, g := lease.Grant(fairlead.LeaseAsk{Number: c.number, Levels: []fairlead.LevelAsk{c.ask}}, []lease.State{state}, sizes)
		if got := g.Levels[0]; got != c.want || after[0].Pool.Lent != got.Granted-10 {
			t.Errorf("%s: %+v, lent %d; want %+v", c.name, got, after[0].Pool.Lent, c.want)
		}
	}
	for number, late := range map[int64]bool{5: true, 6: false} {
		l, g := lease.Recall(state.Pool, state.Lease, number, sizes)
		if g.Late != late || l.Number != max(5, number) || (g.Version == 3) != late || g.Granted != 30 {
			t.Errorf("recalled by ask %d: %+v", number, g)
		}
	}
}

// TestEnds holds what is left of a lease in another era, and after its edge is forgotten.
func TestEnds(t *testing.T) {
	p, l := lease.Pool{Era: 1, Balance: 100, Lent: 60}, lease.Lease{Era: 1, Version: 3, Granted: 50, Settled: 10}
	if same := p.Void(1); same != p {
		t.Errorf("an era that has begun changed %+v", same)
	}
	voided := p.Void(2)
	after, now, taken, err := lease.Settle(voided, l, 5)
	if err != nil || voided.Lent != 0 || after.Lent != 0 || taken != (lease.Taken{Free: 5}) || now.Left() != 0 || now.Settled != 15 {
		t.Errorf("after a restore: %+v, %+v, %+v, %v", after, now, taken, err)
	}
	free, ended := lease.Forget(p, l)
	if free.Lent != 20 || free.Balance != 100 || !ended.Ended || ended.Version != 4 {
		t.Errorf("forgotten: %+v, %+v", free, ended)
	}
	ask := fairlead.LeaseAsk{Number: 9, Levels: []fairlead.LevelAsk{{Era: 1, Version: 4, Granted: 10, Need: 20, Want: 20}}}
	if _, g := lease.Grant(ask, []lease.State{{Pool: free, Lease: ended}}, lease.DefaultSizes); g.Levels[0].Granted != 10 || !g.Levels[0].Ended {
		t.Errorf("a forgotten edge was lent %+v", g.Levels[0])
	}
	if after, _, taken, err := lease.Settle(free, ended, 90); err != nil || taken != (lease.Taken{Free: 80, Short: 10}) || after.Balance != 20 {
		t.Errorf("a frame of a forgotten edge: %+v, %+v, %v", after, taken, err)
	}
}

func TestCheck(t *testing.T) {
	level := fairlead.LevelAsk{Pool: fairlead.PoolID{Of: "acc"}}
	for _, c := range []struct {
		name string
		ask  fairlead.LeaseAsk
		ok   bool
	}{
		{"one", fairlead.LeaseAsk{Number: 1, Levels: []fairlead.LevelAsk{level}}, true},
		{"how all stand", fairlead.LeaseAsk{Number: 1}, true},
		{"no number", fairlead.LeaseAsk{Levels: []fairlead.LevelAsk{level}}, false},
		{"twice the same pool", fairlead.LeaseAsk{Number: 1, Levels: []fairlead.LevelAsk{level, level}}, false},
		{"too many", fairlead.LeaseAsk{Number: 1, Levels: make([]fairlead.LevelAsk, 11)}, false},
		{"below 0", fairlead.LeaseAsk{Number: 1, Levels: []fairlead.LevelAsk{{Spent: -1}}}, false},
		{"a version of no era", fairlead.LeaseAsk{Number: 1, Levels: []fairlead.LevelAsk{{Version: 3}}}, false},
		{"a version that has no next", fairlead.LeaseAsk{Number: 1, Levels: []fairlead.LevelAsk{{Era: 1, Version: math.MaxInt64}}}, false},
	} {
		if err := lease.Check(c.ask); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestExtremes holds that no amount that passes Check leaves the range of money.
func TestExtremes(t *testing.T) {
	const most = math.MaxInt64
	values := []fairlead.USD{0, 1, most / 2, most - 1, most}
	sizes := lease.Sizes{Share: 1000, Least: most, Most: most}
	for _, balance := range values {
		for _, granted := range values {
			for _, need := range values {
				for _, spent := range values {
					l := lease.Lease{Era: 1, Version: 1, Granted: granted, Settled: max(0, granted-balance/2)}
					p := lease.Pool{Era: 1, Balance: balance, Lent: l.Left()}
					ask := fairlead.LeaseAsk{Number: 1, Levels: []fairlead.LevelAsk{{Era: 1, Version: 1, Granted: granted, Spent: spent, Need: need, Want: most}}}
					after, _ := lease.Grant(ask, []lease.State{{Pool: p, Lease: l}}, sizes)
					if s := after[0]; s.Lease.Granted < granted || s.Pool.Lent != s.Lease.Left() || s.Pool.Lent > balance {
						t.Fatalf("balance %d, lease %+v, need %d, spent %d: %+v", balance, l, need, spent, s)
					}
				}
			}
		}
	}
}
