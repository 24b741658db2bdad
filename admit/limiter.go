package admit

import (
	"sync"
	"time"

	"fairlead"
)

// askEvery is how often an edge asks for its share of a limit, and so how soon one that was refused for want of a share may have it.
const askEvery = time.Second

// Limiter holds one limit on this node: the whole of it, or the node's share. Times are those of the node's monotonic clock, as what
// has passed since a moment of the caller's choosing. It is for concurrent use; its lock is held for the arithmetic alone.
type Limiter struct {
	id     string // whose limit it is
	serial uint64 // in the order of which locks are taken

	mu     sync.Mutex
	limit  fairlead.Limit
	period time.Duration // 0 of concurrency
	bucket fairlead.Bucket
	inUse  int64
	floor  fairlead.Share // the whole, where the node has it
	lent   fairlead.Share
	until  time.Duration // of what is lent
	holds  bool          // whether anything is lent
	shared bool
	demand demand

	pins int // guarded by the lock of its shelf
}

// demand is what was wanted of a limit since this node last asked for its share.
type demand struct {
	units   int64 // of concurrency: the most at once
	refused int64 // of concurrency: exchanges that did not get in
	least   int64 // the most that one exchange wanted
	took    bool
}

// ID is whose limit it is.
func (m *Limiter) ID() string { return m.id }

// set gives the limit another amount and burst. What is there does not grow by it, so that no span of time sees more than the larger of
// both limits allows; of what is under way at once none is ended. What this node has a share of changes with its share.
func (m *Limiter) set(now time.Duration, l fairlead.Limit) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l == m.limit {
		return
	}
	m.advance(now)
	m.limit = l
	if !m.shared {
		m.floor = l.Whole()
	}
	m.advance(now)
}

// Correct counts delta more than was taken, or less where it is negative: at the time of the correction. More than is there becomes a
// debt, which the next ones wait for; less fills no further than to the burst.
func (m *Limiter) Correct(now time.Duration, delta int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.period == 0 {
		return
	}
	m.advance(now)
	if delta >= 0 {
		m.bucket.Owe(delta)
		return
	}
	m.bucket.Put(-max(delta, -fairlead.MaxUnits), m.pace())
}

// leave ends what one exchange uses of concurrency.
func (m *Limiter) leave(n int64) {
	m.mu.Lock()
	m.inUse = max(m.inUse-n, 0)
	m.mu.Unlock()
}

// share is what the node has now.
func (m *Limiter) share() fairlead.Share {
	if m.holds {
		return m.floor.Plus(m.lent)
	}
	return m.floor
}

func (m *Limiter) pace() fairlead.Pace {
	s := m.share()
	return fairlead.Pace{Amount: s.Amount, Period: m.period, Burst: s.Burst}
}

// advance brings the limiter to now: what is lent counts to the end of its term, and the floor alone from there on.
func (m *Limiter) advance(now time.Duration) {
	if m.holds && now >= m.until {
		if m.period > 0 {
			m.bucket.Fill(m.until, m.pace())
		}
		m.holds, m.lent = false, fairlead.Share{}
	}
	if m.period > 0 {
		m.bucket.Fill(now, m.pace())
	}
}

// take takes n of an advanced limiter if that much is there.
func (m *Limiter) take(n int64) bool {
	m.demand.least = max(m.demand.least, n)
	if m.period > 0 {
		m.demand.units = min(m.demand.units+n, fairlead.MaxUnits)
		return m.bucket.Take(n)
	}
	if n > m.share().Amount-m.inUse {
		m.demand.refused = min(m.demand.refused+n, fairlead.MaxUnits)
		return false
	}
	m.inUse += n
	m.demand.units = max(m.demand.units, m.inUse)
	return true
}

// untake undoes a take at the same time.
func (m *Limiter) untake(n int64) {
	if m.period > 0 {
		m.bucket.Put(n, m.pace())
		return
	}
	m.inUse -= n
}

// wait is how long until n would be let in, as far as this node knows: with the share that it has, if it keeps it. One that is
// too large for the share but not for the limit waits until the node has asked again.
func (m *Limiter) wait(n int64) time.Duration {
	if n > m.most() {
		return fairlead.Never
	}
	if m.period == 0 {
		return askEvery // nobody knows when an exchange ends
	}
	wait := m.bucket.Wait(n, m.pace())
	if wait == fairlead.Never && m.shared {
		return askEvery
	}
	return wait
}

// most is the largest n that can ever be let in here.
func (m *Limiter) most() int64 {
	whole := m.limit.Whole()
	if m.shared {
		whole = whole.Minus(whole.Floors()).Plus(m.floor)
	}
	if m.period == 0 || whole.Amount == 0 {
		return whole.Amount
	}
	return whole.Burst
}

// State is what a limit is at on this node, for headers and refusals.
type State struct {
	ID        string // whose limit it is
	Limit     fairlead.Limit
	Share     fairlead.Share // what of it this node has: all of it, or its floor and what it is lent
	Remaining int64          // what this node would let in at once; not below 0
	Reset     time.Duration  // until all of its burst is there again; of concurrency 0
}

// State is what the limit is at.
func (m *Limiter) State(now time.Duration) State {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.advance(now)
	return m.state()
}

func (m *Limiter) state() State {
	s := State{ID: m.id, Limit: m.limit, Share: m.share()}
	if m.period == 0 {
		s.Remaining = max(m.share().Amount-m.inUse, 0)
		return s
	}
	s.Remaining, s.Reset = max(m.bucket.Have(), 0), m.bucket.Full(m.pace())
	return s
}

// asNew reports whether the limiter knows no more than one that was made anew would.
func (m *Limiter) asNew(now time.Duration) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.advance(now)
	return m.inUse == 0 && !m.holds && m.bucket.Have() >= m.share().Burst
}
