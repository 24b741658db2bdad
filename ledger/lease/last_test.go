package lease_test

import (
	"testing"

	"fairlead"
	"fairlead/admit"
	"fairlead/ledger/lease"
)

// TestLastMoney holds that 500 callers on 4 edges, who come again until all is settled, spend an account with money for 100 of them
// to within one hold, whatever the sizes of leases: no edge keeps what another one could use.
func TestLastMoney(t *testing.T) {
	const callers, balance, cost, hold = 500, 1_000, 10, 15
	for _, sizes := range []lease.Sizes{lease.DefaultSizes, {Share: 250, Least: 40, Most: 300, Near: 100}, {Share: 1000, Least: 500, Most: 500, Near: 50}} {
		w := newWorld(t, 1, plays{})
		w.sizes = sizes
		w.edges = append(w.edges, &edge{name: "edge3", old: map[spool]*admit.Book{}})
		w.newSpool(w.edges[3])
		w.pools[fairlead.PoolID{Of: "acc"}] = lease.Pool{ID: fairlead.PoolID{Of: "acc"}, Era: 1, Balance: balance}
		w.paid[fairlead.PoolID{Of: "acc"}] = balance
		line := fairlead.ChargeLine{Kind: fairlead.LineCharge, ID: fairlead.NewExchangeID(1, w.now), Account: "acc", Pools: fairlead.FromBalance}
		served := 0
		for more := true; more && served < callers; {
			more = false
			for _, e := range w.edges {
				if w.serve(e, line, hold, cost) {
					served++
					more = true
				}
			}
			w.check()
		}
		for s, l := range w.spools {
			w.settle(s, len(l.all)-w.settled[s])
		}
		w.check()
		if p := w.pools[fairlead.PoolID{Of: "acc"}]; served < 95 || served > 100 || p.Balance != balance-fairlead.USD(served*cost) {
			t.Errorf("sizes %+v: %d of %d callers were served, %d are left", sizes, served, balance/cost, p.Balance)
		}
	}
}

// serve lets a caller in, if there is money for it. Near the end of the pool what is not held goes back.
func (w *world) serve(e *edge, line fairlead.ChargeLine, hold, cost fairlead.USD) bool {
	payer, _ := line.Payer()
	x := &exchange{purse: e.book.Enter(payer), line: line, spool: e.spool}
	defer x.purse.Leave()
	for range 3 {
		missing, _ := x.purse.Hold(&x.hold, hold)
		if missing == 0 {
			w.write(x, cost)
			x.hold.Settle(cost)
			break
		}
		a, _ := x.purse.Ask(hold)
		x.purse.Apply(w.answer(e.spool, a))
	}
	served := len(w.spools[x.spool].all) > w.settled[x.spool]
	w.settle(x.spool, len(w.spools[x.spool].all)-w.settled[x.spool])
	if x.purse.Tight() {
		if a, ok := x.purse.Back(); ok {
			x.purse.Apply(w.answer(e.spool, a))
		}
	}
	return served
}
