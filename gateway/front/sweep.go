package front

import (
	"sync"
	"time"
)

// sweepEvery is how often young exchanges are looked at. A caller is watched once its exchange has been
// seen twice: after 30 to 60 ms. A short exchange goes by unseen: a goroutine that reads costs more than
// it does, and nobody gains from its being broken off. A timer for each exchange would do the same, but
// setting one wakes a thread: that is 10 us of what fairlead bench shows as added p50.
const sweepEvery = 30 * time.Millisecond

// sweeper looks at the connections on which an exchange began of late.
type sweeper struct {
	mu    sync.Mutex
	young []*watch
	wake  chan struct{}
}

// add has a connection looked at until its exchange is old, or it has none.
func (s *sweeper) add(w *watch) {
	s.mu.Lock()
	s.young = append(s.young, w)
	first := len(s.young) == 1
	s.mu.Unlock()
	if first {
		select {
		case s.wake <- struct{}{}:
		default: // it is about to look anyway
		}
	}
}

// run sweeps until done is closed. While there is nothing to look at it sleeps.
func (s *sweeper) run(done <-chan struct{}) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return
		case <-s.wake:
		}
		ticker.Reset(sweepEvery)
		for left := true; left; {
			select {
			case <-done:
				return
			case <-ticker.C:
				left = s.sweep()
			}
		}
		ticker.Stop()
	}
}

// sweep looks once at each and reports whether any stays.
func (s *sweeper) sweep() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.young[:0]
	for _, w := range s.young {
		if w.grow() {
			kept = append(kept, w)
		}
	}
	clear(s.young[len(kept):])
	s.young = kept
	return len(kept) > 0
}
