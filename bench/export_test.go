package bench

import "time"

// Tiny makes the shortest run that still goes through every row.
func (o Options) Tiny() Options {
	o.effort = &effort{
		rounds: 1, fewRounds: 1, openRounds: 1, streamRounds: 1,
		warm: 50 * time.Millisecond, lap: 300 * time.Millisecond, open: 200 * time.Millisecond,
		streams: 8, streamScript: script{20, 10 * time.Millisecond}, streamWindow: 100 * time.Millisecond,
		manyStreams: 20, manyScript: script{10, 20 * time.Millisecond}, manyWindow: 100 * time.Millisecond,
		decisions: 100,
		faults:    6, silences: 6, faultRate: 100, load: 200,
		endpoints: 40, changes: 5, missed: 20, revoked: 3, watchRate: 50, idleRate: 50, calm: 50 * time.Millisecond,
		keys: 200, boots: 1, lookedUp: 100, manyEndpoints: 100, manyWeights: 3,
	}
	return o
}
