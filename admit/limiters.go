package admit

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"fairlead"
)

const (
	shelves  = 64
	lookOver = 64 // limiters that one insertion into a full shelf looks at
)

// Limiters keeps the limiters of a node: of those whose exchanges are under way or that are not full again. The others would be as
// they are if they were made anew, and so make room. It is for concurrent use.
type Limiters struct {
	shared bool
	clocks fairlead.ClockError
	since  time.Duration
	room   int // in one shelf
	seed   maphash.Seed
	serial atomic.Uint64
	shelf  [shelves]shelf
}

type shelf struct {
	mu       sync.Mutex
	limiters map[limitKey]*Limiter
}

type limitKey struct {
	id  string
	of  fairlead.Counted
	per fairlead.Period
}

// NewLimiters makes room for most limiters at once, some 300 bytes each. since is the time at which all limits were empty, at
// the worst: the start of the process where it does not know what was let in before it, a month before it where nothing was.
func NewLimiters(most int, since time.Duration) *Limiters {
	return &Limiters{room: max(most/shelves, 1), since: since, seed: maphash.MakeSeed()}
}

// NewSharedLimiters makes room for limiters of which this node has shares: none, until a Borrower brings one. Periods are
// longer by what clocks may err.
func NewSharedLimiters(most int, clocks fairlead.ClockError, since time.Duration) *Limiters {
	r := NewLimiters(most, since)
	r.shared, r.clocks = true, clocks
	return r
}

// Get gives the limiter of whom id names ("key key_…", "account acc_…"), and keeps it until Put is called for it. A limit that has
// changed since counts from now on. There is none (ok is false) when too many are in use.
func (r *Limiters) Get(now time.Duration, id string, l fairlead.Limit) (m *Limiter, ok bool) {
	s := &r.shelf[maphash.String(r.seed, id)%shelves]
	s.mu.Lock()
	defer s.mu.Unlock()
	key := limitKey{id, l.Of, l.Per}
	m = s.limiters[key]
	if m != nil {
		m.pins++
		m.set(now, l)
		return m, true
	}
	if !s.makeRoom(now, r.room) {
		return nil, false
	}
	m = &Limiter{
		id: id, serial: r.serial.Add(1), limit: l, period: l.Per.Duration(), shared: r.shared,
		bucket: fairlead.EmptyBucket(r.since), pins: 1,
	}
	if r.shared {
		m.period = r.clocks.Stretch(m.period)
	} else {
		m.floor = l.Whole()
	}
	if s.limiters == nil {
		s.limiters = map[limitKey]*Limiter{}
	}
	s.limiters[key] = m
	return m, true
}

// Put says that a limiter that Get gave is not used any more.
func (r *Limiters) Put(m *Limiter) {
	s := &r.shelf[maphash.String(r.seed, m.id)%shelves]
	s.mu.Lock()
	m.pins--
	s.mu.Unlock()
}

// Len is how many limiters there are.
func (r *Limiters) Len() int {
	n := 0
	for i := range r.shelf {
		s := &r.shelf[i]
		s.mu.Lock()
		n += len(s.limiters)
		s.mu.Unlock()
	}
	return n
}

// makeRoom drops some of those that are as new: it looks at two for each that comes, and at more in a full shelf. Where a look begins
// is random (the order of Go's maps), so that none stays for long.
func (s *shelf) makeRoom(now time.Duration, room int) bool {
	looks := 2
	if len(s.limiters) >= room {
		looks = lookOver
	}
	for key, m := range s.limiters {
		if looks == 0 {
			break
		}
		looks--
		if m.pins == 0 && m.asNew(now) {
			delete(s.limiters, key)
		}
	}
	return len(s.limiters) < room
}
