package admit

import (
	"math"
	"sync"

	"fairlead"
)

// level is this edge's lease of one pool, which the purses of several keys can have in common. Its totals run since the spool's
// incarnation began.
type level struct {
	pool  fairlead.PoolID
	order int   // levels are locked in it
	since int64 // the last ask before it was opened

	mu      sync.Mutex // for a few instructions; never while anybody is asked
	era     int64      // of the last grant; 0 = none yet
	version int64      // likewise
	granted fairlead.USD
	spent   fairlead.USD // charges written
	held    fairlead.USD // by exchanges under way
	beyond  fairlead.USD // of spent: what there was no lease for when it was settled
	settled fairlead.USD // of spent: what control has settled, as far as it said
	full    fairlead.USD // what was left when the last grant came
	asking  bool         // an ask that names it is under way
	last    int64        // the last ask that names it
	heard   int64        // the last one that was answered
	tight   bool         // the pool is near its end
	ended   bool         // control has forgotten this edge

	purses int // that have it; Book.mu guards it
}

// left is what can be held: below 0 where more is spent and held than was granted.
func (l *level) left() fairlead.USD { return less(less(l.granted, l.spent), l.held) }

// kept is the total that the edge cannot do without.
func (l *level) kept() fairlead.USD { return plus(l.spent, l.held) }

// low reports whether it is time to ask in the background: less than a share of the last grant is left. Near the end of a pool
// exchanges ask for themselves.
func (l *level) low(thousandths int64) bool {
	return !l.tight && l.left() < l.full/1000*fairlead.USD(thousandths)+l.full%1000*fairlead.USD(thousandths)/1000
}

// settle ends a hold and gives what there was no lease for.
func (l *level) settle(held, charge fairlead.USD) (beyond fairlead.USD) {
	l.held -= held
	before := max(less(0, l.left()), 0)
	l.spent = plus(l.spent, charge)
	beyond = min(max(less(less(0, l.left()), before), 0), charge)
	l.beyond = plus(l.beyond, beyond)
	return beyond
}

// apply takes over what control says, unless it is older than what is known.
func (l *level) apply(g *fairlead.LevelGrant, number int64) {
	l.heard = max(l.heard, number)
	if g.Era < l.era {
		return
	}
	if g.Era > l.era {
		l.settled = 0 // a restore can have less of it
	}
	later := g.After(l.era, l.version)
	if later {
		l.era, l.version, l.granted = g.Era, g.Version, g.Granted
	}
	l.settled = max(l.settled, g.Settled)
	l.spent = max(l.spent, l.settled) // lines that a disk lost were charged all the same
	if later {
		l.full, l.tight, l.ended = max(l.left(), 0), g.Tight, g.Ended
	}
}

// back gives up what is neither spent nor held. It is not done where nothing is to be said.
func (l *level) back(number int64) (a fairlead.LevelAsk, done bool) {
	if l.done() {
		return a, false
	}
	l.last = number
	l.granted = min(l.granted, l.kept())
	return fairlead.LevelAsk{
		Pool: l.pool, Era: l.era, Version: l.version, Granted: l.granted, Spent: l.spent, Want: l.granted, Back: true,
	}, true
}

// done reports whether nothing of it is left to be said: control has answered the last ask, has all charges, and has all back that
// it lent beyond them. Control answers no earlier ask with money, once it has answered a later one.
func (l *level) done() bool {
	return l.heard >= l.last && l.held == 0 && l.granted <= l.spent && l.settled >= l.spent
}

// void forgets what was granted: a restore began an era.
func (l *level) void(era int64) {
	if era > l.era {
		l.era, l.version, l.granted, l.settled, l.full = era, 0, 0, 0, 0
		l.asking = false
	}
}

// plus and less end at the ends of the range.
func plus(a, b fairlead.USD) fairlead.USD {
	if b > 0 && a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

func less(a, b fairlead.USD) fairlead.USD {
	if b > 0 && a < math.MinInt64+b {
		return math.MinInt64
	}
	if b < 0 && a > math.MaxInt64+b {
		return math.MaxInt64
	}
	return a - b
}
