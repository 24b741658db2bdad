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
	begun time.Duration // when what is wanted began to be counted: in m.demand
	last  demand        // what was wanted before that
	span  time.Duration // for how long
	back  fairlead.Fill // to be given back with the next ask
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

// Ask is the next ask, to be sent at once: terms count from now. An edge that wanted nothing for two seconds gives up what it was lent
// with what is left of it.
func (b *Borrower) Ask(now time.Duration) fairlead.ShareAsk {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := b.limiter
	m.mu.Lock()
	defer m.mu.Unlock()
	m.advance(now)
	b.seq++
	d := b.last.plus(m.demand, m.period == 0)
	a := fairlead.ShareAsk{
		Edge: b.edge, Incarnation: b.incarnation, Seq: b.seq, Floor: m.floor,
		Want: m.wanted(d, b.span+now-b.begun), Least: min(d.least, m.most()), InUse: m.inUse, Took: d.took,
	}
	if m.holds && a.Want == 0 {
		m.holds, m.lent = false, fairlead.Share{}
		b.spill()
	}
	if !m.holds {
		b.held = 0
	}
	a.Held, a.Back = b.held, b.back
	b.short = a.Want > m.share().Amount || (a.Least > m.share().Burst && m.period > 0)
	b.back, b.asked = fairlead.Fill{}, now
	if now-b.begun >= askEvery {
		b.last, b.span, b.begun = m.demand, now-b.begun, now
		m.demand = demand{}
	}
	return a
}

// spill cuts the bucket to what the share has become.
func (b *Borrower) spill() {
	if m := b.limiter; m.period > 0 {
		f := m.bucket.Spill(m.share().Burst)
		b.back.Units, b.back.Part = b.back.Units+f.Units, f.Part
	}
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
			b.spill()
			m.bucket.Pour(r.Fill, m.pace())
		}
	}
	m.advance(now)
	if after := m.share(); after.Amount < before.Amount || after.Burst < before.Burst {
		b.short = true
	}
}

// plus is what was wanted in two spans together.
func (d demand) plus(o demand, atOnce bool) demand {
	d.least, d.took = max(d.least, o.least), d.took || o.took
	if atOnce {
		d.units, d.refused = max(d.units, o.units), max(d.refused, o.refused)
		return d
	}
	d.units = min(d.units+o.units, fairlead.MaxUnits)
	return d
}

// wanted is the demand as an amount a period, no more than the limit.
func (m *Limiter) wanted(d demand, span time.Duration) int64 {
	most := m.limit.Amount
	if m.period == 0 {
		return min(max(d.units, m.inUse)+d.refused, most)
	}
	hi, lo := bits.Mul64(uint64(d.units), uint64(m.period))
	if span <= 0 || hi >= uint64(span) {
		if d.units == 0 {
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
