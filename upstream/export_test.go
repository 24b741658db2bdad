package upstream

import "time"

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
