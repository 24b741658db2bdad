package admit

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"fairlead"
)

// Purses says how a Book's purses ask.
type Purses struct {
	Incarnation string       // of the spool
	Ahead       fairlead.USD // what an ask wants beyond the need, at most
	Low         int64        // thousandths of the last grant: below it, it is time to ask in the background
	First       int64        // number of the first ask, greater than any of a process before: microseconds since 1970, say
	// Spent is what the lines of this incarnation charged, those by which exchanges were closed that a process did not outlive
	// among them. The Book takes it over.
	Spent Totals
}

// Book has all purses of an edge, and the leases that they share.
type Book struct {
	incarnation string
	ahead       fairlead.USD
	low         int64
	number      atomic.Int64 // of the last ask

	mu     sync.RWMutex
	spent  Totals // of pools that no purse has asked for yet
	purses map[fairlead.Payer]*Purse
	levels map[fairlead.PoolID]*level
	made   int   // levels, so far
	swept  int64 // the last ask before a lease was dropped
	era    int64 // the greatest that was heard of
}

// NewBook opens the purses of a spool's incarnation.
func NewBook(o Purses) *Book {
	if o.Spent == nil {
		o.Spent = Totals{}
	}
	b := &Book{
		incarnation: o.Incarnation, ahead: max(o.Ahead, 0), low: min(max(o.Low, 0), 1000), spent: o.Spent,
		purses: map[fairlead.Payer]*Purse{}, levels: map[fairlead.PoolID]*level{},
	}
	b.number.Store(max(o.First, 1) - 1)
	return b
}

// ask begins an ask.
func (b *Book) ask(room int) fairlead.LeaseAsk {
	return fairlead.LeaseAsk{Incarnation: b.incarnation, Number: b.number.Add(1), Levels: make([]fairlead.LevelAsk, 0, room)}
}

// Enter gives the purse of a payer. It stays, with its windows, until whoever entered calls Leave.
func (b *Book) Enter(payer fairlead.Payer) *Purse {
	b.mu.RLock()
	p := b.purses[payer]
	if p != nil {
		p.users.Add(1)
	}
	b.mu.RUnlock()
	if p != nil {
		return p
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if p = b.purses[payer]; p == nil {
		p = b.open(payer)
	}
	p.users.Add(1)
	return p
}

func (b *Book) open(payer fairlead.Payer) *Purse {
	p := &Purse{payer: payer, book: b}
	for _, pool := range payer.Append(nil) {
		l := b.levels[pool]
		if l == nil {
			l = b.openLevel(pool)
		}
		l.purses++
		p.levels = append(p.levels, l)
	}
	slices.SortFunc(p.levels, byOrder)
	b.purses[payer] = p
	return p
}

func (b *Book) openLevel(pool fairlead.PoolID) *level {
	b.made++
	l := &level{pool: pool, order: b.made, spent: b.spent[pool], era: b.era, since: b.number.Load()}
	b.levels[pool] = l
	delete(b.spent, pool)
	return l
}

// Apply takes over control's answer to an ask: Purse.Apply. Answers to what was asked before a lease was opened here speak of one
// that has been given back since, or of what another process had. An answer to an ask that was late does not count: control has seen a later one.
func (b *Book) Apply(g fairlead.LeaseGrant) {
	for i := range g.Levels {
		b.past(g.Levels[i].Number)
		if l := b.level(g.Levels[i].Pool); l != nil {
			l.mu.Lock()
			l.asking = l.asking && g.Number < l.last
			if g.Number > l.since && !g.Levels[i].Late {
				l.apply(&g.Levels[i], g.Number)
			}
			l.mu.Unlock()
		}
	}
}

// past makes the next ask's number greater than one that control has seen.
func (b *Book) past(number int64) {
	for at := b.number.Load(); at < number; at = b.number.Load() {
		if b.number.CompareAndSwap(at, number) {
			return
		}
	}
}

// AskAll asks control how all leases of this incarnation stand. Recall takes the answer over.
func (b *Book) AskAll() fairlead.LeaseAsk { return b.ask(0) }

// Recall takes over how all leases of this incarnation stand, those of which no purse knows too: a process that a crash ended had
// them, or asked for them before it. Back gives back what nobody uses. It is not ok, and to be asked again, where the answer is older
// than the last Sweep, or control has seen a later ask.
func (b *Book) Recall(g fairlead.LeaseGrant) (ok bool) {
	b.mu.Lock()
	ok = g.Number > b.swept
	for i := range g.Levels {
		ok = ok && !g.Levels[i].Late
	}
	if ok {
		for i := range g.Levels {
			if b.levels[g.Levels[i].Pool] == nil {
				b.openLevel(g.Levels[i].Pool).since = 0
			}
		}
	}
	b.mu.Unlock()
	b.Apply(g)
	return ok
}

// Lost says that no answer comes to an ask any more: Purse.Lost.
func (b *Book) Lost(a fairlead.LeaseAsk) {
	for i := range a.Levels {
		if l := b.level(a.Levels[i].Pool); l != nil {
			l.mu.Lock()
			l.asking = false
			l.mu.Unlock()
		}
	}
}

func (b *Book) level(pool fairlead.PoolID) *level {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.levels[pool]
}

// Void stops all spending on what was leased: control was restored from a backup and began an era. Purses ask anew in it.
func (b *Book) Void(era int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.era = max(b.era, era)
	for _, l := range b.levels {
		l.mu.Lock()
		l.void(era)
		l.mu.Unlock()
	}
}

// Back gives up what is neither spent nor held of the pools that match, and is the ask that tells control so: of so many of them as
// fit one. It is not ok where there is nothing to say. Until Sweep drops them, those of windows that are over are to be told of.
func (b *Book) Back(match func(fairlead.PoolID) bool) (a fairlead.LeaseAsk, ok bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	a = b.ask(fairlead.MostPools)
	for _, l := range slices.SortedFunc(maps.Values(b.levels), byOrder) {
		if len(a.Levels) == fairlead.MostPools {
			break
		}
		if !match(l.pool) {
			continue
		}
		l.mu.Lock()
		if level, ok := l.back(a.Number); ok {
			a.Levels = append(a.Levels, level)
		}
		l.mu.Unlock()
	}
	return a, len(a.Levels) > 0
}

// Over matches the windows that are over at a time.
func Over(now time.Time) func(fairlead.PoolID) bool {
	return func(p fairlead.PoolID) bool { return p.Window != (&fairlead.Budget{Per: p.Per}).Window(now) }
}

// Sweep drops purses that no exchange has, and of the pools that match those leases of which no purse is left and nothing is to be
// said: what was spent is settled, what was lent is given back. A payer who comes again finds a purse that asks first.
func (b *Book) Sweep(match func(fairlead.PoolID) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for payer, p := range b.purses {
		if p.users.Load() > 0 {
			continue
		}
		delete(b.purses, payer)
		for _, l := range p.levels {
			l.purses--
		}
	}
	for pool, l := range b.levels {
		if l.purses == 0 && match(pool) && l.finished() {
			delete(b.levels, pool)
			b.swept = b.number.Load()
		}
	}
}

func byOrder(x, y *level) int { return cmp.Compare(x.order, y.order) }

func (l *level) finished() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.done()
}
