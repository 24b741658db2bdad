package health

import "time"

// Look calls f with the state of each lane that is known. Looking is no use of a lane: it is dropped as if nobody had.
func (b *Board) Look(now time.Time, f func(Key, View)) {
	n := b.at(now)
	for key, s := range b.seats.all() {
		f(key, Lane{board: b, seat: s, upstream: key.Upstream}.viewed(n))
	}
}
