package gateway

import "sync/atomic"

const (
	// smallBody is what a body may take from the share that is kept for small ones.
	smallBody = 64 << 10
	// reserve is the part of max_bodies (1/reserve) that only small bodies may use, so that small
	// requests are served while large ones fill all the rest.
	reserve = 16
)

// bodies counts the memory that request bodies hold, over all exchanges, and bounds it.
type bodies struct {
	used atomic.Int64
	pace pacer
}

// take reserves n bytes under a limit; false where they are not to be had. total is what the body
// will hold with them.
func (b *bodies) take(n, total, limit int64) bool {
	if total > smallBody {
		limit -= limit / reserve
	}
	used := b.used.Add(n)
	if used > limit {
		b.used.Add(-n)
		return false
	}
	b.pace.held(used)
	return true
}

// give returns n bytes.
func (b *bodies) give(n int64) { b.pace.held(b.used.Add(-n)) }
