package upstream

import (
	"context"
	"slices"
	"sync"
)

const (
	largeBody       = 64 << 10 // smaller ones are translated without asking for room
	translationRoom = 64 << 20 // for all translations under way
	translationPart = 2        // of a body's size: the neutral form and what is written of it
)

// room bounds the memory that large bodies take while they are translated. Who comes first gets in
// first, so that a large one is not passed by small ones for ever.
type room struct {
	mu      sync.Mutex
	size    int64
	free    int64
	waiting []*waiter
}

type waiter struct {
	weight int64
	in     chan struct{} // closed when it is in
}

// enter waits for room. What is larger than the whole room waits for all of it.
func (r *room) enter(ctx context.Context, weight int64) error {
	w := &waiter{weight: min(weight, r.size), in: make(chan struct{})}
	r.mu.Lock()
	r.waiting = append(r.waiting, w)
	r.admit()
	r.mu.Unlock()
	select {
	case <-w.in:
		return nil
	case <-ctx.Done():
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.Index(r.waiting, w); i >= 0 {
		r.waiting = slices.Delete(r.waiting, i, i+1)
	} else {
		r.free += w.weight // it was let in meanwhile
	}
	r.admit()
	return ctx.Err()
}

// leave gives room back.
func (r *room) leave(weight int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.free += min(weight, r.size)
	r.admit()
}

// admit lets in who fits, in their order.
func (r *room) admit() {
	for len(r.waiting) > 0 && r.waiting[0].weight <= r.free {
		r.free -= r.waiting[0].weight
		close(r.waiting[0].in)
		r.waiting = slices.Delete(r.waiting, 0, 1)
	}
}
