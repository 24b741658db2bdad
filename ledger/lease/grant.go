package lease

import (
	"math"
	"slices"

	"fairlead"
)

// State is one pool of an ask, and the edge's lease of it.
type State struct {
	Pool   Pool
	Lease  Lease
	Recent fairlead.USD // what the edge spends between two asks, about: the size of its lease
}

// level is a state with what the edge says of it.
type level struct {
	State
	ask  fairlead.LevelAsk
	late bool
}

const mostVersion = 1 << 62

// Check says why an ask cannot be answered: a pool stands twice in it, there are too many, or a number is out of range.
func Check(a fairlead.LeaseAsk) error {
	if a.Number < 1 {
		return fairlead.Errorf(fairlead.CodeInvalidRequest, "an ask for money has a number, from 1")
	}
	if len(a.Levels) > fairlead.MostPools {
		return fairlead.Errorf(fairlead.CodeInvalidRequest, "an ask for money names 10 pools at most")
	}
	for i, l := range a.Levels {
		if min(l.Era, l.Version) < 0 || l.Version > mostVersion || (l.Era == 0 && l.Version != 0) || min(l.Granted, l.Spent, l.Need, l.Want) < 0 {
			return fairlead.Errorf(fairlead.CodeInvalidRequest, "what an ask says of a lease is out of range")
		}
		if slices.ContainsFunc(a.Levels[:i], func(other fairlead.LevelAsk) bool { return other.Pool == l.Pool }) {
			return fairlead.Errorf(fairlead.CodeInvalidRequest, "an ask for money names each pool once")
		}
	}
	return nil
}

// Grant answers an ask that passed Check, of whose levels it is given the states in their order: it gives the states as they are
// afterwards, and the answer.
//
// No money moves where an ask is not newer than the last one, for it came again or late, and where the edge speaks of another version
// of a lease than there is, for it missed an answer: it hears how things stand. Else what it gives back of a pool is taken, and what it has spent beyond
// its lease is lent to it as far as there is. Then the pools that it gives nothing back of lend together: each its need, and beyond
// it the least that one of them would lend. Where one pool has less than the need, none lends, and the answer says which one.
func Grant(ask fairlead.LeaseAsk, states []State, sizes Sizes) ([]State, fairlead.LeaseGrant) {
	levels := make([]level, len(states))
	for i := range states {
		levels[i] = level{State: states[i], ask: ask.Levels[i], late: ask.Number <= states[i].Lease.Number}
	}
	answer := fairlead.LeaseGrant{Number: ask.Number}
	all := true
	for i := range levels {
		l := &levels[i]
		known := l.current(ask.Number)
		if known {
			l.back()
			l.owed()
		}
		all = all && known
	}
	if all {
		if answer.Short, answer.Missing = short(levels); answer.Short == nil {
			give(levels, sizes)
		}
	}
	after := make([]State, len(levels))
	for i := range levels {
		after[i] = levels[i].State
		answer.Levels = append(answer.Levels, standing(levels[i].State, levels[i].late, sizes))
	}
	return after, answer
}

// current brings a lease into the era of its pool and reports whether the ask is new and its edge knows the lease as it is. An
// edge that knows none, of a lease that there is, was started again: the lease takes a new version, so that what the process before
// gave back can be taken no more. So it does where the edge knows a later one, which control has lost.
func (l *level) current(number int64) bool {
	l.Lease = l.Lease.in(l.Pool)
	if l.late {
		return false
	}
	l.Lease.Number = number
	if l.Lease.Ended || (l.ask.Era != 0 && l.ask.Era != l.Pool.Era) {
		return false
	}
	known := l.ask.Version == l.Lease.Version
	if !known && (l.ask.Version == 0 || l.ask.Version > l.Lease.Version) {
		l.Lease.Version = max(l.ask.Version, l.Lease.Version) + 1
	}
	return known
}

// back takes what the edge gives back. An edge that has less than its lease without giving back now has done so by an ask that did
// not arrive: the lease takes a new version, so that the edge has what it has here.
func (l *level) back() {
	if !l.ask.Back && l.ask.Granted < l.Lease.Granted {
		l.Lease.Version++
	}
	if to := max(l.ask.Want, l.Lease.Settled); l.ask.Back && to < l.Lease.Granted {
		l.lend(to - l.Lease.Granted)
	}
}

// owed lends what the edge has spent already, as after a restore: it is gone, whether it is lent or not.
func (l *level) owed() {
	if beyond := l.ask.Spent - l.Lease.Granted; beyond > 0 {
		l.lend(min(beyond, l.Pool.Free()))
	}
}

func (l *level) lend(amount fairlead.USD) {
	if amount != 0 { // totals stay in range: who lends bounds them by sum
		l.Lease.Granted += amount
		l.Pool.Lent += amount
		l.Lease.Version++
	}
}

// short finds the pool that has least of what the ask needs, where it has too little.
func short(levels []level) (pool *fairlead.PoolID, missing fairlead.USD) {
	for i := range levels {
		l := &levels[i]
		if l.ask.Back {
			continue
		}
		if m := l.ask.Need - sum(l.Lease.Granted, l.Pool.Free()); m > missing {
			pool, missing = &l.ask.Pool, m
		}
	}
	return pool, missing
}

// give lends every level its need, and the same amount beyond it: what the level that has least would give.
func give(levels []level, sizes Sizes) {
	spare := fairlead.USD(math.MaxInt64)
	for i := range levels {
		if l := &levels[i]; !l.ask.Back {
			spare = min(spare, l.spare(sizes))
		}
	}
	for i := range levels {
		if l := &levels[i]; !l.ask.Back {
			l.lend(max(sum(l.ask.Need, spare)-l.Lease.Granted, 0))
		}
	}
}

// spare is what the edge may have of this level beyond its need.
func (l *level) spare(sizes Sizes) fairlead.USD {
	wanted := max(l.ask.Want-l.ask.Need, 0)
	lacks := max(l.ask.Need-l.Lease.Granted, 0)
	has := max(l.Lease.Granted-l.ask.Need, 0)
	return min(wanted, sizes.spare(has, l.Pool.Free()-lacks, l.Recent))
}

// Recall is what an ask without levels, of a number, does to each lease of its incarnation: the edge hears of it. The lease takes a
// new version: what was asked before, by another process perhaps, changes nothing any more.
func Recall(p Pool, l Lease, number int64, sizes Sizes) (Lease, fairlead.LevelGrant) {
	l = l.in(p)
	late := number <= l.Number
	if !late {
		l.Number = number
		l.Version++
	}
	return l, standing(State{Pool: p, Lease: l}, late, sizes)
}

func standing(s State, late bool, sizes Sizes) fairlead.LevelGrant {
	p, l := s.Pool, s.Lease
	return fairlead.LevelGrant{
		Pool: p.ID, Number: l.Number, Late: late, Era: p.Era, Version: l.Version, Granted: l.Granted, Settled: l.Settled,
		Tight: sizes.Tight(p.Free()), Ended: l.Ended,
	}
}

// sum adds amounts that are not below 0, up to the greatest that there is.
func sum(a, b fairlead.USD) fairlead.USD {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
