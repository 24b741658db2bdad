package gateway

import (
	"math/bits"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

const (
	// smallBody is what a body may take from the share that is kept for small ones.
	smallBody = 64 << 10
	// reserve is the part of max_bodies (1/reserve) that only small bodies may use, so that small
	// requests are served while large ones fill all the rest.
	reserve = 16
	// garbage is how much the heap may grow over what the bodies hold before it is collected.
	garbage = 64 << 20
)

// bodies counts the memory that request bodies hold, over all exchanges, and bounds it.
//
// With the usual pace of the collector (once the heap has doubled) a gigabyte of bodies would cost
// two, so the count also steers that pace: the more the bodies hold, the smaller the part by which
// the heap may grow. Bodies hold no pointers, so that collecting more often costs little.
type bodies struct {
	used atomic.Int64

	mu    sync.Mutex
	level int // of the pace that was set
	usual int // the pace while bodies hold little
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
	if used > garbage {
		b.pace(used)
	}
	return true
}

// give returns n bytes.
func (b *bodies) give(n int64) {
	if before := b.used.Add(-n) + n; before > garbage {
		b.pace(before - n)
	}
}

// pace sets how much the heap may grow; it acts only where the used bytes have doubled or halved,
// for setting the pace stops the world.
func (b *bodies) pace(used int64) {
	level := bits.Len64(uint64(max(used, 0)) / garbage)
	b.mu.Lock()
	defer b.mu.Unlock()
	if level == b.level {
		return
	}
	if b.level == 0 {
		b.usual = debug.SetGCPercent(100)
	}
	b.level = level
	if level == 0 {
		debug.SetGCPercent(b.usual)
		return
	}
	debug.SetGCPercent(max(3, 100>>level))
}
