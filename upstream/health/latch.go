package health

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	credentialFirst = int64(5 * time.Minute)
	credentialMost  = int64(time.Hour)
	configPause     = int64(5 * time.Minute)
	egressPause     = int64(5 * time.Minute)
	claimTime       = int64(10 * time.Second) // for which one exchange holds the try of a latch that is due
)

// latch shuts something off for a time, and longer each time that a try after it fails. Reading it takes
// no lock.
type latch struct {
	until atomic.Int64 // 0 = nothing is wrong

	mu      sync.Mutex
	claimed bool
	strikes int
	since   int64 // attempts begun earlier say nothing of what holds now
}

// state is Closed, HalfOpen where a try is due, or Disabled.
func (l *latch) state(now int64) (State, int64) {
	switch t := l.until.Load(); {
	case t == 0:
		return Closed, 0
	case now < t:
		return Disabled, t
	}
	return HalfOpen, 0
}

// claim lets one exchange at a time try what is due.
func (l *latch) claim(now int64) bool {
	if l.until.Load() == 0 {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch t := l.until.Load(); {
	case t == 0:
		return true
	case now < t:
		return false
	}
	l.claimed, l.since = true, now
	l.until.Store(now + claimTime)
	return true
}

// hit shuts off for first, then twice that and so on, at most for most.
func (l *latch) hit(began, now, first, most int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if began < l.since || (now < l.until.Load() && !l.claimed) {
		return // what is said here is known
	}
	d := first
	for range l.strikes {
		if d = min(2*d, most); d == most {
			break
		}
	}
	l.strikes++
	l.claimed, l.since = false, now
	l.until.Store(now + d)
}

// clear is told of a success of an attempt.
func (l *latch) clear(began int64) {
	if l.until.Load() == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if began >= l.since {
		l.reset(began)
	}
}

// forget is told that what was wrong was changed.
func (l *latch) forget(now int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reset(now)
}

func (l *latch) reset(at int64) {
	l.claimed, l.strikes, l.since = false, 0, at
	l.until.Store(0)
}
