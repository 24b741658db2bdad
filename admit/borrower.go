package admit

import (
	"math/bits"
	"sync"
	"time"

	"fairlead"
)

// askSoon is how soon an edge asks again whose share has become smaller, so that others get the rest, or who is refused more than it
// lets in.
const askSoon = askEvery / 5

// Borrower asks for an edge's share of one limit and brings it to the limiter. It is for concurrent use.
type Borrower struct {
	limiter     *Limiter
	edge        string
	incarnation int64

	mu    sync.Mutex
	seq   int64         // of the latest ask
	asked time.Duration // when
	begun time.Duration // when what is wanted began to be counted
	took  int64         // the ask whose answer was taken
	held  int64         // the ask whose answer holds
	short bool
}

// NewBorrower makes the borrower of a limiter that is shared. incarnation is higher at each start of the edge.
func NewBorrower(l *Limiter, edge string, incarnation int64, now time.Duration) *Borrower {
	return &Borrower{limiter: l, edge: edge, incarnation: incarnation, begun: now, asked: now - askEvery}
}

// Next is when to ask again.
func (b *Borrower) Next() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.short {
		return b.asked + askSoon
	}
	return b.asked + askEvery
}

// Ask is the next ask, to be sent at once: terms count from now. An edge that wanted nothing since the ask before gives up what it was
// lent with what is left of it.
func (b *Borrower) Ask(now time.Duration) fairlead.ShareAsk {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := b.limiter
	m.mu.Lock()
	defer m.mu.Unlock()
	m.advance(now)
	b.seq++
	a := fairlead.ShareAsk{
		Edge: b.edge, Incarnation: b.incarnation, Seq: b.seq, Floor: m.floor,
		Want: m.wanted(now - b.begun), Least: min(m.demand.least, m.most()), InUse: m.inUse, Took: m.demand.took,
	}
	if m.holds && a.Want == 0 {
		a.Back = m.giveUp()
	}
	if !m.holds {
		b.held = 0
	}
	a.Held = b.held
	b.short = a.Want > m.share().Amount || a.Least > m.share().Burst && m.period > 0
	m.demand = demand{}
	b.asked, b.begun = now, now
	return a
}

// Take takes an answer. One that is not to the latest ask, or was taken before, does nothing; of one that comes after its term the
// floor counts.
func (b *Borrower) Take(now time.Duration, r fairlead.ShareReply) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.Incarnation != b.incarnation || r.Seq != b.seq || b.took == r.Seq {
		return
	}
	b.took = r.Seq
	m := b.limiter
	m.mu.Lock()
	defer m.mu.Unlock()
	m.advance(now)
	before := m.share()
	m.floor = r.Floor
	if until := b.asked + fairlead.ShareTerm - fairlead.ShareTermEarly; now < until {
		b.held = r.Seq
		m.holds, m.lent, m.until = r.Lent != fairlead.Share{}, r.Lent, until
		if m.period > 0 {
			m.bucket.Put(max(r.Fill, 0), m.pace())
		}
	}
	m.advance(now)
	if after := m.share(); after.Amount < before.Amount || after.Burst < before.Burst {
		b.short = true
	}
}

// wanted is the demand as an amount a period, no more than the limit.
func (m *Limiter) wanted(span time.Duration) int64 {
	most := m.limit.Amount
	if m.period == 0 {
		return min(max(m.demand.units, m.inUse)+m.demand.refused, most)
	}
	hi, lo := bits.Mul64(uint64(m.demand.units), uint64(m.period))
	if span <= 0 || hi >= uint64(span) {
		if m.demand.units == 0 {
			return 0
		}
		return most
	}
	amount, rest := bits.Div64(hi, lo, uint64(span))
	if rest > 0 {
		amount++
	}
	return int64(min(amount, uint64(most)))
}

// giveUp ends what is lent and says how many units of it are left.
func (m *Limiter) giveUp() int64 {
	m.holds, m.lent = false, fairlead.Share{}
	back := max(m.bucket.Have()-m.floor.Burst, 0)
	if m.period == 0 || back == 0 {
		return 0
	}
	m.bucket.Owe(back)
	return back
}
