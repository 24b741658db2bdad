package lease_test

import (
	"maps"

	"fairlead"
	"fairlead/admit"
	"fairlead/ledger/lease"
)

// step lets one thing happen.
func (w *world) step() {
	e := w.edges[w.rng.IntN(len(w.edges))]
	switch n := w.rng.IntN(100); {
	case n < 25:
		w.enter(e)
	case n < 40:
		w.end(e)
	case n < 45:
		w.topUp(e)
	case n < 75:
		w.deliver()
	case n < 85:
		w.settleSome()
	case n < 90:
		w.giveBack(e)
	case n < 92:
		w.deposit()
	case n < 94 && w.rng.IntN(10) == 0:
		w.now = w.now.AddDate(0, 0, 1)
	case n < 95 && w.rng.IntN(5) == 0:
		w.newSpool(e)
	case n < 96 && w.plays.crash:
		w.crash(e)
	case n < 97 && w.plays.forget && w.rng.IntN(5) == 0:
		w.forget(e)
	case n < 98 && w.plays.restore && w.rng.IntN(5) == 0:
		w.restore()
	}
}

// payer is one of a few, who pay from this and that.
func (w *world) payer() (fairlead.Payer, fairlead.ChargeLine) {
	sorts := [...]fairlead.Pools{
		fairlead.FromBalance, fairlead.FromBalance | fairlead.FromKeyDay, fairlead.FromBalance | fairlead.FromTeamMonth | fairlead.FromKeyDay,
		fairlead.FromKeyEver | fairlead.FromAccountDay, fairlead.FromBalance | fairlead.FromKeyMonth | fairlead.FromKeyEver,
	}
	line := fairlead.ChargeLine{
		Kind: fairlead.LineCharge, ID: fairlead.NewExchangeID(1, w.now), Account: "acc", Team: "team",
		Key: [...]string{"key1", "key2"}[w.rng.IntN(2)], Pools: sorts[w.rng.IntN(len(sorts))],
	}
	payer, ok := line.Payer()
	if !ok {
		w.t.Fatal("no payer")
	}
	return payer, line
}

func (w *world) enter(e *edge) {
	payer, line := w.payer()
	x := &exchange{purse: e.book.Enter(payer), line: line, spool: e.spool}
	amount := fairlead.USD(1 + w.rng.IntN(60))
	missing, low := x.purse.Hold(&x.hold, amount)
	if missing > 0 || low {
		w.ask(x, amount*min(missing, 1))
	}
	if missing > 0 {
		x.purse.Leave()
		return
	}
	w.held++
	e.open = append(e.open, x)
}

func (w *world) ask(x *exchange, amount fairlead.USD) {
	a, ok := x.purse.Ask(amount)
	if !ok {
		return
	}
	w.send(message{from: x.spool, ask: &a})
	if w.rng.IntN(3) == 0 {
		x.purse.Lost(a) // it may come all the same
	}
}

func (w *world) topUp(e *edge) {
	if len(e.open) == 0 {
		return
	}
	x, more := e.open[w.rng.IntN(len(e.open))], fairlead.USD(w.rng.IntN(20))
	if missing, _ := x.hold.TopUp(more); missing > 0 {
		w.ask(x, more)
	}
}

// end ends an exchange: its line is written, then its hold settled.
func (w *world) end(e *edge) {
	if len(e.open) == 0 {
		return
	}
	i := w.rng.IntN(len(e.open))
	x := e.open[i]
	e.open[i] = e.open[len(e.open)-1]
	e.open = e.open[:len(e.open)-1]
	charge := fairlead.USD(w.rng.IntN(int(x.hold.Amount()) + 1))
	if w.plays.over && w.rng.IntN(4) == 0 {
		charge = x.hold.Amount() + fairlead.USD(w.rng.IntN(80))
	}
	w.write(x, charge)
	held := x.hold.Amount()
	beyond, ok := x.hold.Settle(charge)
	if !ok || beyond < 0 || beyond > max(charge-held, 0) && !w.plays.restore && !w.plays.over {
		w.t.Fatalf("settling %d of a hold of %d went %d beyond, %v", charge, held, beyond, ok)
	}
	if _, again := x.hold.Settle(charge); again {
		w.t.Fatal("a hold was settled twice")
	}
	w.beyond += beyond
	x.purse.Leave()
}

func (w *world) write(x *exchange, charge fairlead.USD) {
	x.line.Charge = &charge
	s := w.spools[x.spool]
	s.all = append(s.all, x.line)
}

func (w *world) settleSome() {
	for s, l := range w.spools {
		if n := len(l.all) - w.settled[s]; n > 0 && w.rng.IntN(2) == 0 {
			w.settle(s, 1+w.rng.IntN(n))
		}
	}
}

func everything(fairlead.PoolID) bool { return true }

// giveBack gives back what windows that are over, old incarnations, and now and then all have left.
func (w *world) giveBack(e *edge) {
	which := admit.Over(w.now)
	if w.rng.IntN(3) == 0 {
		which = everything
	}
	if a, ok := e.book.Back(which); ok {
		w.send(message{from: e.spool, ask: &a})
	}
	e.book.Sweep(which)
	for s, b := range e.old {
		if a, ok := b.Back(everything); ok {
			w.send(message{from: s, ask: &a})
		}
	}
}

func (w *world) deposit() {
	id, amount := fairlead.PoolID{Of: "acc"}, fairlead.USD(w.rng.IntN(800))
	p, err := w.pool(id).Deposit(amount)
	if err != nil {
		w.t.Fatal(err)
	}
	w.pools[id] = p
	w.paid[id] += amount
}

// crash ends an edge's process and starts it again: what it knew is gone, exchanges under way are closed by rule.
func (w *world) crash(e *edge) {
	for _, x := range e.open {
		w.write(x, min(x.hold.Amount(), fairlead.USD(w.rng.IntN(30))))
	}
	e.open = nil
	e.book = w.openBook(e.spool)
	for s := range e.old {
		e.old[s] = w.openBook(s)
	}
	w.recall(e)
}

// recall tells an edge which leases control has of it.
func (w *world) recall(e *edge) {
	books := maps.Clone(e.old)
	books[e.spool] = e.book
	for s, b := range books {
		ok := b.Recall(w.leasesOf(s, b.AskAll()))
		if !ok {
			ok = b.Recall(w.leasesOf(s, b.AskAll()))
		}
		if !ok {
			w.t.Error("the second ask for all leases does not count, either")
		}
	}
}

// leasesOf is control's transaction for an ask for all leases.
func (w *world) leasesOf(s spool, ask fairlead.LeaseAsk) fairlead.LeaseGrant {
	if err := lease.Check(ask); err != nil {
		w.t.Fatal(err)
	}
	answer := fairlead.LeaseGrant{Number: ask.Number}
	for key, l := range w.leases {
		if key.spool == s {
			now, g := lease.Recall(w.pools[key.pool], l, ask.Number, w.sizes)
			w.leases[key] = now
			answer.Levels = append(answer.Levels, g)
		}
	}
	return answer
}

// forget takes an edge whose disk is lost: its lines may turn up later.
func (w *world) forget(e *edge) {
	for key, l := range w.leases {
		if key.edge != e.name || l.Ended {
			continue
		}
		p, now := lease.Forget(w.pools[key.pool], l)
		if l.Era == p.Era {
			w.lost[key.pool] += l.Left()
		}
		w.pools[key.pool], w.leases[key] = p, now
	}
	for s, l := range w.spools {
		l.ended = l.ended || s.edge == e.name
	}
	for _, x := range e.open { // they were cut off, and cost what they held at most
		w.write(x, fairlead.USD(w.rng.IntN(int(x.hold.Amount())+1)))
	}
	e.open, e.book = nil, nil
	clear(e.old)
	w.newSpool(e)
}

// restore keeps a backup, or goes back to it.
func (w *world) restore() {
	if w.backup == nil {
		b := w.control
		b.pools, b.paid, b.taken = maps.Clone(b.pools), maps.Clone(b.paid), maps.Clone(b.taken)
		b.leases, b.settled = maps.Clone(b.leases), maps.Clone(b.settled)
		w.backup = &b
		return
	}
	era := w.era + 1
	w.control, w.backup = *w.backup, nil
	w.era = era
	for id, p := range w.pools {
		w.pools[id] = p.Void(era)
	}
	for _, e := range w.edges {
		if w.rng.IntN(2) == 0 { // the others hear of it by their next answer
			e.book.Void(era)
		}
	}
}
