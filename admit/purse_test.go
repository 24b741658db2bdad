package admit_test

import (
	"errors"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fairlead"
	"fairlead/admit"
)

var (
	noon    = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	balance = fairlead.PoolID{Of: "acc"}
	keyDay  = fairlead.PoolID{Of: "key", Per: fairlead.PerDay, Window: "2026-11-30"}
)

func payer(pools fairlead.Pools, at time.Time) fairlead.Payer {
	return fairlead.Payer{Account: "acc", Team: "team", Key: "key", Pools: pools, Day: fairlead.EnteredOn(at)}
}

// purse opens a purse of two levels that have been granted so much.
func purse(t testing.TB, account, key fairlead.USD) (*admit.Book, *admit.Purse) {
	t.Helper()
	b := admit.NewBook(admit.Purses{Incarnation: "i", Ahead: 100, Low: 300})
	p := b.Enter(payer(fairlead.FromBalance|fairlead.FromKeyDay, noon))
	grant(t, p, account, key)
	return b, p
}

// grant asks and answers with totals.
func grant(t testing.TB, p *admit.Purse, totals ...fairlead.USD) fairlead.LeaseAsk {
	t.Helper()
	a, ok := p.Ask(0)
	if !ok || len(a.Levels) != len(totals) {
		t.Fatalf("ask %+v, %v", a, ok)
	}
	p.Apply(answer(a, totals...))
	return a
}

func answer(a fairlead.LeaseAsk, totals ...fairlead.USD) fairlead.LeaseGrant {
	g := fairlead.LeaseGrant{Number: a.Number}
	for i, l := range a.Levels {
		g.Levels = append(g.Levels, fairlead.LevelGrant{Pool: l.Pool, Number: a.Number, Era: max(l.Era, 1), Version: l.Version + 1, Granted: totals[i]})
	}
	return g
}

func TestHolds(t *testing.T) {
	_, p := purse(t, 100, 60)
	var a, b, c admit.Hold
	if missing, _ := p.Hold(&a, 61); missing != 1 || p.Left() != 60 {
		t.Errorf("61 of 60: %d are missing, %d left: one level has too little, so none gives", missing, p.Left())
	}
	if missing, low := p.Hold(&a, 20); missing != 0 || low || p.Left() != 40 {
		t.Errorf("20 of 60: %d missing, low %v, %d left", missing, low, p.Left())
	}
	if missing, low := p.Hold(&b, 25); missing != 0 || !low || p.Left() != 15 {
		t.Errorf("25 of 40: %d missing, low %v, %d left; below 30 %% it is time to ask", missing, low, p.Left())
	}
	if missing, _ := b.TopUp(16); missing != 1 || b.Amount() != 25 {
		t.Errorf("a top-up of 16 of 15: %d missing, the hold is %d", missing, b.Amount())
	}
	if missing, _ := b.TopUp(15); missing != 0 || b.Amount() != 40 || p.Left() != 0 {
		t.Errorf("a top-up of 15: %d missing, the hold is %d", missing, b.Amount())
	}
	if beyond, ok := a.Settle(5); !ok || beyond != 0 || p.Left() != 15 {
		t.Errorf("5 of a hold of 20: %d beyond, %v, %d left", beyond, ok, p.Left())
	}
	if beyond, ok := a.Settle(5); ok || beyond != 0 || p.Left() != 15 {
		t.Errorf("settled again: %d beyond, %v, %d left", beyond, ok, p.Left())
	}
	if missing, _ := a.TopUp(3); missing != 3 || p.Left() != 15 {
		t.Errorf("a top-up of what is settled: %d missing, %d left", missing, p.Left())
	}
	if beyond, ok := b.Settle(60); !ok || beyond != 5 || p.Left() != -5 {
		t.Errorf("60 of a hold of 40, with 15 left: %d beyond, %v, %d left", beyond, ok, p.Left())
	}
	if missing, _ := p.Hold(&c, 0); missing != 0 {
		t.Errorf("what costs nothing lacks %d", missing)
	}
	if missing, _ := p.Hold(&c, 1); missing != 6 {
		t.Errorf("1 where 5 are owed: %d are missing, want 6", missing)
	}
	if beyond, ok := c.Settle(-7); !ok || beyond != 0 || p.Left() != -5 {
		t.Errorf("a charge below 0: %d beyond, %v, %d left", beyond, ok, p.Left())
	}
	ask, ok := p.Ask(10)
	want := fairlead.LevelAsk{Pool: keyDay, Era: 1, Version: 1, Granted: 60, Spent: 65, Need: 75, Want: 175}
	if !ok || !slices.Contains(ask.Levels, want) {
		t.Errorf("ask %+v, want %+v in it", ask, want)
	}
}

// TestGrants holds which answers change a purse.
func TestGrants(t *testing.T) {
	_, p := purse(t, 50, 50)
	first, ok := p.Ask(10)
	if _, second := p.Ask(10); !ok || second {
		t.Errorf("asks %v, %v: the second one waits for the first", ok, second)
	}
	p.Lost(first)
	second, ok := p.Ask(10)
	if !ok {
		t.Fatal("no ask after one that was lost")
	}
	later := answer(second, 80, 80)
	later.Levels[0].Version, later.Levels[1].Version = 3, 3
	for range 2 {
		if p.Apply(later); p.Left() != 80 {
			t.Errorf("%d are left of a grant of 80", p.Left())
		}
	}
	if p.Apply(answer(first, 70, 70)); p.Left() != 80 {
		t.Errorf("an older grant left %d of 80", p.Left())
	}
	g := answer(second, 20, 20)
	g.Levels[0].Era, g.Levels[0].Version, g.Levels[0].Tight = 2, 0, true
	if p.Apply(g); p.Left() != 20 || !p.Tight() || p.Ended() {
		t.Errorf("%d are left in a later era, tight %v, ended %v", p.Left(), p.Tight(), p.Ended())
	}
	g.Levels[0].Version, g.Levels[0].Ended, g.Levels[0].Settled = 1, true, 30
	if p.Apply(g); p.Left() != -10 || !p.Ended() {
		t.Errorf("%d are left where control settled 30 of 20, ended %v", p.Left(), p.Ended())
	}
}

func TestBack(t *testing.T) {
	_, p := purse(t, 100, 60)
	var h admit.Hold
	p.Hold(&h, 20)
	a, ok := p.Back()
	if !ok || len(a.Levels) != 2 || a.Levels[0].Want != 20 || !a.Levels[0].Back || p.Left() != 0 {
		t.Fatalf("%+v, %v is given back; %d are left", a, ok, p.Left())
	}
	if missing, _ := h.TopUp(1); missing != 1 {
		t.Error("what was given back can be held before control has said so")
	}
	h.Settle(20)
	p.Apply(answer(a, 20, 20))
	if a, ok := p.Back(); !ok || a.Levels[0].Want != 20 {
		t.Errorf("%+v, %v: control has not settled what was spent", a, ok)
	} else {
		g := answer(a, 20, 20)
		g.Levels[0].Settled, g.Levels[1].Settled = 20, 20
		p.Apply(g)
	}
	if a, ok := p.Back(); ok {
		t.Errorf("%+v is given back of nothing", a)
	}
}

// TestOldAnswers holds that no answer of another era, to a late ask, or from before a lease was dropped changes a purse.
func TestOldAnswers(t *testing.T) {
	all := func(fairlead.PoolID) bool { return true }
	b, p := purse(t, 50, 50)
	old := b.AskAll()
	a, _ := p.Back()
	p.Apply(answer(a, 0, 0))
	if b.Sweep(all); p.Left() != 0 {
		t.Fatalf("%d are left of what was given back", p.Left())
	}
	if grant(t, p, 70, 70); p.Left() != 70 {
		t.Errorf("%d are left of 70: a purse that an exchange has lost its lease to a sweep", p.Left())
	}
	a, _ = p.Ask(5)
	late := answer(a, 90, 90)
	late.Levels[0].Late, late.Levels[1].Late = true, true
	if p.Apply(late); p.Left() != 70 {
		t.Errorf("an answer to a late ask left %d of 70", p.Left())
	}
	restored := answer(a, 20, 20)
	restored.Levels[0].Era, restored.Levels[1].Era = 2, 2
	before := answer(a, 99, 99)
	before.Levels[0].Version, before.Levels[0].Settled = 9, 60
	p.Apply(restored)
	if p.Apply(before); p.Left() != 20 {
		t.Errorf("an answer of an earlier era left %d of 20", p.Left())
	}
	a, _ = p.Back()
	p.Apply(answer(a, 0, 0))
	p.Leave()
	b.Sweep(all)
	if b.Recall(fairlead.LeaseGrant{Number: old.Number, Levels: []fairlead.LevelGrant{{Pool: balance, Number: old.Number, Era: 2, Version: 9, Granted: 99}}}) {
		t.Error("how leases stood before one was dropped was taken over")
	}
	if left := b.Enter(payer(fairlead.FromBalance, noon)).Left(); left != 0 {
		t.Errorf("%d are left of a lease that was dropped", left)
	}
}

// TestRestoredBehind holds that a restore which has less of an edge's charges is told of them.
func TestRestoredBehind(t *testing.T) {
	_, p := purse(t, 30, 30)
	var h admit.Hold
	p.Hold(&h, 30)
	h.Settle(30)
	a, _ := p.Ask(0)
	g := answer(a, 30, 30)
	g.Levels[0].Settled, g.Levels[1].Settled = 30, 30
	p.Apply(g)
	if a, ok := p.Back(); ok {
		t.Fatalf("%+v is left to be said", a)
	}
	a, _ = p.Ask(0)
	g = answer(a, 5, 5)
	for i := range g.Levels {
		g.Levels[i].Era, g.Levels[i].Settled = 2, 5
	}
	p.Apply(g)
	if a, ok := p.Back(); !ok || a.Levels[0].Spent != 30 {
		t.Errorf("%+v, %v: control has 5 of 30", a, ok)
	}
}

// TestShared holds that keys of an account share its lease, and that its windows stay until they are done.
func TestShared(t *testing.T) {
	b := admit.NewBook(admit.Purses{Incarnation: "i", Ahead: 100})
	today, tomorrow := payer(fairlead.FromBalance|fairlead.FromKeyDay, noon), payer(fairlead.FromBalance|fairlead.FromKeyDay, noon.AddDate(0, 0, 1))
	p := b.Enter(today)
	grant(t, p, 100, 50)
	var h, other admit.Hold
	p.Hold(&h, 30)
	next := b.Enter(tomorrow)
	if next == p {
		t.Fatal("the next day's exchanges pay from this day's window")
	}
	grant(t, next, 100, 50)
	if missing, _ := next.Hold(&other, 50); missing != 0 || p.Left() != 20 || next.Left() != 0 {
		t.Errorf("%d missing; %d left today, %d tomorrow: 80 of the account's 100 are held", missing, p.Left(), next.Left())
	}
	over := admit.Over(noon.AddDate(0, 0, 1))
	a, ok := b.Back(over)
	if !ok || len(a.Levels) != 1 || a.Levels[0].Pool != keyDay || a.Levels[0].Want != 30 {
		t.Fatalf("of the window that is over %+v is given back, %v", a, ok)
	}
	b.Apply(answer(a, 30))
	b.Sweep(over)
	if b.Enter(today) != p {
		t.Error("a purse was swept that an exchange has")
	}
	h.Settle(30)
	p.Leave()
	p.Leave()
	a, _ = b.Back(over)
	g := answer(a, 30)
	g.Levels[0].Settled = 30
	b.Apply(g)
	b.Sweep(over)
	if a, ok := b.Back(over); ok {
		t.Errorf("%+v is told of a window that is done", a)
	}
	if b.Enter(today) == p {
		t.Error("a purse that nobody has was not swept")
	}
}

func TestRecall(t *testing.T) {
	spent := admit.Totals{balance: 40}
	b := admit.NewBook(admit.Purses{Incarnation: "i", Spent: spent})
	g := fairlead.LeaseGrant{Number: b.AskAll().Number, Levels: []fairlead.LevelGrant{
		{Pool: balance, Number: 900, Late: true, Era: 1, Version: 5, Granted: 100},
		{Pool: keyDay, Number: 800, Era: 1, Version: 2, Granted: 7},
	}}
	if b.Recall(g) {
		t.Error("the process before has asked after this ask: what it asked can still change the lease")
	}
	if _, ok := b.Back(func(fairlead.PoolID) bool { return true }); ok {
		t.Error("an answer that does not count was taken over")
	}
	g.Levels[0].Late = false
	if g.Number = b.AskAll().Number; g.Number <= 900 || !b.Recall(g) {
		t.Errorf("ask %d does not count", g.Number)
	}
	p := b.Enter(payer(fairlead.FromBalance, noon))
	if p.Left() != 60 {
		t.Errorf("%d are left of 100, of which the lines say 40 were spent", p.Left())
	}
	a, ok := b.Back(func(id fairlead.PoolID) bool { return id == keyDay })
	if !ok || a.Levels[0].Want != 0 || a.Levels[0].Version != 2 || a.Number <= 900 {
		t.Errorf("%+v, %v gives back what nobody knew of", a, ok)
	}
	if b.Void(2); p.Left() != -40 {
		t.Errorf("%d are left after a restore", p.Left())
	}
	if b.Recall(g); p.Left() != -40 {
		t.Errorf("%d are left of what was void", p.Left())
	}
}

func TestTotals(t *testing.T) {
	at := time.Date(2026, 11, 30, 23, 59, 59, 0, time.UTC)
	line := func(kind fairlead.LineKind, pools fairlead.Pools, charge fairlead.USD) *fairlead.ChargeLine {
		return &fairlead.ChargeLine{Kind: kind, ID: fairlead.NewExchangeID(1, at), Account: "acc", Key: "key", Pools: pools, Charge: &charge}
	}
	both := fairlead.FromBalance | fairlead.FromKeyDay
	totals := admit.Totals{}
	for _, c := range []struct {
		line        *fairlead.ChargeLine
		acc, keyDay fairlead.USD
		err         error
	}{
		{line(fairlead.LineCharge, both, 5), 5, 5, nil},
		{line(fairlead.LineCharge, fairlead.FromBalance, 3), 8, 5, nil},
		{line(fairlead.LineIntent, both, 3), 8, 5, nil},
		{line(fairlead.LineCharge, 0, 3), 8, 5, nil},
		{&fairlead.ChargeLine{Kind: fairlead.LineCharge, ID: fairlead.NewExchangeID(1, at), Account: "acc", Pools: both}, 8, 5, nil},
		{line(fairlead.LineCharge, both, math.MaxInt64-7), 8, 5, fairlead.ErrMoneyRange},
		{line(fairlead.LineCharge, both, -1), 8, 5, fairlead.ErrMoneyRange},
		{line(fairlead.LineCharge, both, math.MaxInt64-8), math.MaxInt64, math.MaxInt64 - 3, nil},
	} {
		err := totals.Add(c.line)
		if !errors.Is(err, c.err) || totals[balance] != c.acc || totals[keyDay] != c.keyDay {
			t.Errorf("%+v: %v, %v; want %d, %d, %v", c.line, totals, err, c.acc, c.keyDay, c.err)
		}
	}
}

// TestHoldsAtOnce holds that exchanges which come at once never hold more than there is, and that all comes back.
func TestHoldsAtOnce(t *testing.T) {
	b, _ := purse(t, 1_000, 600)
	one, two := payer(fairlead.FromBalance|fairlead.FromKeyDay, noon), payer(fairlead.FromBalance, noon)
	var held, most, charged atomic.Int64
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			for n := range 500 {
				p := b.Enter([]fairlead.Payer{one, two}[n%2])
				var h admit.Hold
				if missing, _ := p.Hold(&h, 150); missing == 0 {
					now := held.Add(150)
					for at := most.Load(); now > at && !most.CompareAndSwap(at, now); at = most.Load() {
					}
					held.Add(-150)
					charge := fairlead.USD(0)
					if n == i && n%2 == 1 {
						charge = 10
						charged.Add(10)
					}
					h.Settle(charge)
				}
				p.Leave()
			}
		})
	}
	wait.Wait()
	if most.Load() > 1_000 || most.Load() == 0 {
		t.Errorf("%d were held at once, of 1000", most.Load())
	}
	if left := int64(b.Enter(two).Left()); left != 1_000-charged.Load() {
		t.Errorf("%d are left of 1000, %d charged", left, charged.Load())
	}
	if left := b.Enter(one).Left(); left != 600 {
		t.Errorf("%d are left of 600", left)
	}
}

// TestNoAllocation holds that a hold costs no memory.
func TestNoAllocation(t *testing.T) {
	b, _ := purse(t, 1<<50, 1<<50)
	who := payer(fairlead.FromBalance|fairlead.FromKeyDay, noon)
	var h admit.Hold
	if n := testing.AllocsPerRun(100, func() { holdOnce(b, who, &h) }); n != 0 {
		t.Errorf("%v allocations for a hold", n)
	}
}

func holdOnce(b *admit.Book, who fairlead.Payer, h *admit.Hold) {
	p := b.Enter(who)
	p.Hold(h, 100)
	h.TopUp(10)
	h.Settle(1)
	p.Leave()
}

// BenchmarkHold enters, holds, tops up, settles and leaves: two levels.
func BenchmarkHold(b *testing.B) {
	book, _ := purse(b, 1<<60, 1<<60)
	who := payer(fairlead.FromBalance|fairlead.FromKeyDay, noon)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		var h admit.Hold
		for pb.Next() {
			holdOnce(book, who, &h)
		}
	})
}
