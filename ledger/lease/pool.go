// Package lease is the arithmetic by which control lends money to edges: values in, values out. A pool is the balance of an account,
// or what is left of a budget's window. A lease is what one edge has of it, as running totals since its spool's incarnation began.
//
// What holds at all times: the sum of (Granted - Settled) over the leases of a pool is Pool.Lent, and 0 <= Lent <= Balance. So no
// balance goes below 0 by what edges spend of their leases, whenever it is settled. docs/adr/0031 has the rest.
package lease

import (
	"errors"
	"math"

	"fairlead"
)

// Pool is money that is lent to edges.
type Pool struct {
	ID      fairlead.PoolID
	Era     int64        // from 1; a restore begins a greater one
	Balance fairlead.USD // what is in it, lent or not
	Lent    fairlead.USD // of that: what edges have and control has not seen charged
}

// Free is what no edge has.
func (p Pool) Free() fairlead.USD { return p.Balance - p.Lent }

// ErrLent reports that a pool has less than that free: edges have the rest, or there is none.
var ErrLent = errors.New("the pool has less than that free")

// Deposit adds what is paid in. An amount below 0 and a sum beyond the range of money are ErrMoneyRange.
func (p Pool) Deposit(amount fairlead.USD) (Pool, error) {
	if amount < 0 || p.Balance > math.MaxInt64-amount {
		return p, fairlead.ErrMoneyRange
	}
	p.Balance += amount
	return p, nil
}

// Withdraw takes out what is free. More than that is ErrLent, an amount below 0 ErrMoneyRange.
func (p Pool) Withdraw(amount fairlead.USD) (Pool, error) {
	switch {
	case amount < 0:
		return p, fairlead.ErrMoneyRange
	case amount > p.Free():
		return p, ErrLent
	}
	p.Balance -= amount
	return p, nil
}

// Void begins a new era after a restore: nothing is lent any more. Edges state in it what they have spent. An era that is not
// greater than the pool's changes nothing: it has begun already.
func (p Pool) Void(era int64) Pool {
	if era > p.Era {
		p.Era, p.Lent = era, 0
	}
	return p
}

// Lease is what one incarnation of an edge's spool has of a pool. The zero Lease is one of which nobody asked yet.
type Lease struct {
	Era     int64        // of the pool, when it was last looked at
	Version int64        // counts changes that its edge has to hear of
	Number  int64        // of the last ask that could change it
	Granted fairlead.USD // lent, in total
	Settled fairlead.USD // charged by the edge's frames, in total; <= Granted
	Ended   bool         // its edge was forgotten
}

// Left is what of a lease is not settled.
func (l Lease) Left() fairlead.USD { return l.Granted - l.Settled }

// in gives the lease as it stands in the pool's era: of an earlier one nothing is left but what was settled.
func (l Lease) in(p Pool) Lease {
	if l.Era != p.Era {
		l.Era, l.Granted = p.Era, l.Settled
	}
	return l
}

// Taken says where the money of a charge came from.
type Taken struct {
	Lease fairlead.USD // what the edge had
	Free  fairlead.USD // what no edge had
	Short fairlead.USD // there was none: the operator's loss
}

// Settle takes a charge of an edge's frame from its lease, then from what is free; the rest is short, and the pool is not touched by
// it. The lease's totals count all of it. A charge below 0, and totals beyond the range of money, are ErrMoneyRange.
func Settle(p Pool, l Lease, charge fairlead.USD) (Pool, Lease, Taken, error) {
	now := l.in(p)
	if charge < 0 || now.Granted > math.MaxInt64-charge {
		return p, l, Taken{}, fairlead.ErrMoneyRange
	}
	var t Taken
	t.Lease = min(charge, now.Left())
	t.Free = min(charge-t.Lease, p.Free())
	t.Short = charge - t.Lease - t.Free
	p.Lent -= t.Lease
	p.Balance -= t.Lease + t.Free
	now.Granted += t.Free + t.Short
	now.Settled += charge
	return p, now, t, nil
}

// Forget ends the lease of an edge whose disk is lost for ever: what it had is free. Frames of it that turn up later are settled as
// ever, from what is free then. Of pools of which the incarnation has no lease it gets none: its Lease{Ended: true} answers asks that
// come late.
func Forget(p Pool, l Lease) (Pool, Lease) {
	l = l.in(p)
	p.Lent -= l.Left()
	l.Granted, l.Ended = l.Settled, true
	l.Version++
	return p, l
}
