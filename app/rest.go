package app

import (
	"sync"
	"time"
)

const (
	// storeRest is how long the store leaves the processor to exchanges between two pieces of what may wait; an idle machine's
	// timers make a millisecond of it. The system lets a thread that computes do so for two or three milliseconds before others
	// of its processor have their turn.
	storeRest = 500 * time.Microsecond
	// restsPerSecond is what a busy edge's own frames and records need. It bounds what all rests take, for one in a transaction
	// keeps other writes waiting: a fifteenth of the time, whatever comes up, from however many edges.
	restsPerSecond = 64
)

// rests are those of a store whose process has an edge.
type rests struct {
	mu    sync.Mutex
	since time.Time
	taken int // since then
}

// rest gives way to exchanges, unless that was done often enough within the second.
func (r *rests) rest() {
	if r.may() {
		time.Sleep(storeRest)
	}
}

func (r *rests) may() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); now.Sub(r.since) >= time.Second {
		r.since, r.taken = now, 0
	}
	r.taken++
	return r.taken <= restsPerSecond
}
