package upstream_test

import (
	"testing"
	"testing/synctest"
	"time"

	"fairlead"
)

// reckoning is what must become of a stream, told by the times of its pieces alone.
type reckoning struct {
	now, heard, spoke time.Duration
	bytes, deltas     time.Duration
}

// due is when the stream is to be given up, and why.
func (r *reckoning) due() (time.Duration, string) {
	silent, empty := r.heard+r.bytes, r.spoke+r.deltas
	if silent <= empty || r.heard == r.spoke {
		return min(silent, empty), "stalled"
	}
	return empty, "stalled, kept alive"
}

// script makes steps of random bytes: frames of all kinds, cut into pieces, with a time before each piece.
// It ends where the stream is to be given up, and tells when that is.
func script(ops []byte) (steps []step, at time.Duration, why string) {
	frames := []string{said, thought, called, comment, nothing}
	sec := time.Second
	bounds := [][2]time.Duration{{20 * sec, 60 * sec}, {180 * sec, 180 * sec}, {180 * sec, 180 * sec}}
	r := reckoning{bytes: bounds[0][0], deltas: bounds[0][1]}
	steps = begin(said)
	for i := 0; i+1 < min(len(ops), 36); i += 2 {
		kind, pieces := int(ops[i])%len(frames), 1+int(ops[i])/len(frames)%4
		rest := frames[kind]
		for n := pieces; n > 0; n-- {
			gap := time.Duration(ops[i+1]) * time.Second
			due, why := r.due()
			if r.now+gap == due { // which of the two is first nobody can tell
				gap += sec
			}
			piece := rest[:len(rest)/n]
			rest = rest[len(piece):]
			steps = append(steps, step{gap, piece})
			if r.now += gap; r.now > due {
				return steps, due, why
			}
			r.heard = r.now
		}
		if kind < len(bounds) {
			r.spoke, r.bytes, r.deltas = r.now, bounds[kind][0], bounds[kind][1]
		}
	}
	due, why := r.due()
	return steps, due, why
}

// FuzzStall holds, for streams in any pieces at any times, that none is given up before its bound and every
// one at it.
func FuzzStall(f *testing.F) {
	f.Add([]byte{3, 7, 3, 7, 4, 7, 8, 9})
	f.Add([]byte{1, 10, 18, 100, 0, 19, 2, 3, 3, 179, 3, 2})
	f.Add([]byte{5, 9, 15, 19, 13, 21})
	f.Fuzz(func(t *testing.T, ops []byte) {
		synctest.Test(t, func(t *testing.T) {
			steps, at, why := script(ops)
			s := newStage(t, fairlead.OpenAI, time.Duration(fairlead.Auto), steps)
			start := time.Now()
			detail, _ := s.drink(s.commit())
			if got := time.Since(start); detail != why || got < at || got > at+tick {
				t.Errorf("%q after %v, want %q after %v", detail, got, why, at)
			}
		})
	})
}
