package lease_test

import (
	"testing"

	"fairlead"
)

// TestWorlds plays edges, control and an unreliable channel against a plain sum of what was paid and what was charged.
func TestWorlds(t *testing.T) {
	for _, c := range []struct {
		name  string
		plays plays
	}{
		{"charges within holds", plays{}},
		{"edges crash", plays{crash: true}},
		{"charges beyond holds", plays{over: true, crash: true}},
		{"edges are forgotten", plays{crash: true, forget: true}},
		{"restores", plays{crash: true, restore: true}},
		{"everything", plays{over: true, crash: true, forget: true, restore: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for seed := range uint64(10) {
				play(t, seed, c.plays)
				if t.Failed() {
					t.Fatalf("seed %d", seed)
				}
			}
		})
	}
}

func play(t *testing.T, seed uint64, p plays) {
	w := newWorld(t, seed, p)
	defer func() {
		if t.Failed() {
			t.Logf("seed %d, sizes %+v", seed, w.sizes)
		}
	}()
	for range 2_500 {
		w.step()
		if w.check(); t.Failed() {
			return
		}
	}
	if w.held < 20 {
		t.Errorf("only %d holds were given: nothing was tried", w.held)
	}
	w.drain()
	w.check()
	w.found()
	w.progress()
}

// check holds what is true at all times.
func (w *world) check() {
	t := w.t
	lent := map[fairlead.PoolID]fairlead.USD{}
	for key, l := range w.leases {
		if l.Left() < 0 || l.Settled < 0 {
			t.Errorf("lease %v is %+v", key, l)
		}
		if l.Era == w.pools[key.pool].Era {
			lent[key.pool] += l.Left()
		}
	}
	for id, p := range w.pools {
		if p.Lent != lent[id] || p.Lent < 0 || p.Lent > p.Balance {
			t.Errorf("pool %v: balance %d, lent %d; its leases have %d", id, p.Balance, p.Lent, lent[id])
		}
		taken := w.taken[id]
		if p.Balance != w.paid[id]-taken.Lease-taken.Free {
			t.Errorf("pool %v: balance %d of %d paid in, taken %+v", id, p.Balance, w.paid[id], taken)
		}
		// The bound: what no lease covered is what charges were beyond what their edge had, and what forgotten edges had left.
		if bound := w.beyond + w.lost[id]; !w.plays.restore && taken.Free+taken.Short > bound {
			t.Errorf("pool %v: %+v, where no more than %d could go beyond leases", id, taken, bound)
		}
	}
}

// drain lets all exchanges end and gives everything back, over a channel that works.
func (w *world) drain() {
	w.channel = nil
	for _, e := range w.edges {
		for len(e.open) > 0 {
			w.end(e)
		}
	}
	for s, l := range w.spools {
		w.settle(s, len(l.all)-w.settled[s])
	}
	for _, e := range w.edges {
		w.recall(e)
		e.old[e.spool] = e.book
		for s, b := range e.old {
			rounds := 0
			for ; rounds < 100; rounds++ {
				a, ok := b.Back(everything)
				if !ok {
					break
				}
				b.Apply(w.answer(s, a))
				b.Sweep(everything)
			}
			if rounds == 100 {
				w.t.Errorf("%v still has something to give back after 100 asks", s)
			}
		}
		delete(e.old, e.spool)
	}
}

// found holds that all money is there again: what was paid in, without what was charged.
func (w *world) found() {
	charged := map[fairlead.PoolID]fairlead.USD{}
	spent := map[leaseKey]fairlead.USD{}
	for s, lines := range w.spools {
		for i := range lines.all {
			payer, _ := lines.all[i].Payer()
			for _, id := range payer.Append(nil) {
				charged[id] += *lines.all[i].Charge
				spent[leaseKey{id, s}] += *lines.all[i].Charge
			}
		}
	}
	for id, p := range w.pools {
		if want := w.paid[id] - charged[id] + w.taken[id].Short; p.Balance != want || p.Lent != 0 {
			w.t.Errorf("at the end pool %v has %d, of it lent %d; want %d", id, p.Balance, p.Lent, want)
		}
	}
	for key, l := range w.leases {
		if left := l.Left(); l.Settled != spent[key] || (left != 0 && l.Era == w.pools[key.pool].Era) {
			w.t.Errorf("at the end lease %v is %+v; its edge spent %d", key, l, spent[key])
		}
	}
}

// progress holds that every edge whose asks arrive can have all that there is, to the last nano-dollar.
func (w *world) progress() {
	line := fairlead.ChargeLine{ID: fairlead.NewExchangeID(1, w.now), Account: "acc", Key: "key1", Pools: fairlead.FromBalance | fairlead.FromKeyDay}
	payer, _ := line.Payer()
	for _, e := range w.edges {
		all := fairlead.USD(1 << 62)
		for _, id := range payer.Append(nil) {
			p := w.pool(id)
			all = min(all, p.Free())
		}
		x := exchange{purse: e.book.Enter(payer), spool: e.spool}
		rounds := 0
		for ; rounds < 4; rounds++ {
			if missing, _ := x.purse.Hold(&x.hold, all); missing == 0 {
				break
			}
			a, ok := x.purse.Ask(all)
			if !ok {
				w.t.Fatal("an ask is under way for ever")
			}
			x.purse.Apply(w.answer(e.spool, a))
		}
		if rounds == 4 {
			w.t.Errorf("%s cannot have the %d that are free", e.name, all)
		}
		if missing, _ := x.hold.TopUp(1); missing != 1 {
			w.t.Errorf("%s has more than there is: %d are missing for one", e.name, missing)
		}
		if short := w.ask1(&x); short == nil || short.Missing != 1 {
			w.t.Errorf("of one more than all there is %+v is short", short)
		}
		x.hold.Settle(0)
		if a, ok := x.purse.Back(); ok {
			x.purse.Apply(w.answer(e.spool, a))
		}
		x.purse.Leave()
	}
}

func (w *world) ask1(x *exchange) *fairlead.LeaseGrant {
	a, ok := x.purse.Ask(1)
	if !ok {
		return nil
	}
	g := w.answer(x.spool, a)
	x.purse.Apply(g)
	if g.Short == nil {
		return nil
	}
	return &g
}
