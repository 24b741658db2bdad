package upstream

import (
	"time"

	"fairlead"
	"fairlead/upstream/health"
)

// Patience is how long the walk's next attempt would be waited for; 0 = no bound.
func Patience(w *Walk) time.Duration {
	if err := w.begin(time.Time{}); err != nil {
		panic(err)
	}
	t := w.at.patience()
	if t.IsZero() {
		return 0
	}
	return t.Sub(w.at.start)
}

// Room is the memory for answers that a walk keeps for another.
func Room(w *Walk) int { return cap(w.room) }

// State is what the board thinks of a step's endpoint.
func State(u *Upstream, s fairlead.Step) health.State {
	now := time.Now()
	way := u.waysOf(s.Endpoint.Provider)[0]
	return u.board.Load().Lane(s.Endpoint, s.Asked, way.credential, "", now).View(now).State
}

// Spend takes what is left for text that is made again.
func Spend(u *Upstream) {
	now := time.Now()
	u.remade.Take(u.remade.Left(now), now)
}
