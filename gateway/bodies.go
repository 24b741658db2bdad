package gateway

import "sync/atomic"

const (
	// smallBody is what a body may take from the share that is kept for small ones.
	smallBody = 64 << 10
	// reserve is the part of max_bodies (1/reserve) that only small bodies may use, so that small
	// requests are served while large ones fill all the rest.
	reserve = 16
	// copies is how often a body is counted: itself, and what an attempt makes of it and keeps until the
	// provider has begun to answer.
	copies = 2
)

// bodies counts the memory that is reserved for request bodies, over all exchanges, and bounds it.
type bodies struct {
	used atomic.Int64 // reserved
	made atomic.Int64 // of that, what was allocated here
	pace pacer
}

// take reserves n bytes under a limit for a body of so many bytes; false where they are not to be had.
// Who is alone gets them in any case, or a body could be too large for ever.
func (b *bodies) take(n, size, limit int64) bool {
	if size > smallBody {
		limit -= limit / reserve
	}
	used := b.used.Add(n)
	if used > limit && used > n {
		b.used.Add(-n)
		return false
	}
	return true
}

// give returns n bytes.
func (b *bodies) give(n int64) { b.used.Add(-n) }

// grown tells that n bytes were allocated, or are free where n is negative.
func (b *bodies) grown(n int64) { b.pace.held(b.made.Add(n)) }
