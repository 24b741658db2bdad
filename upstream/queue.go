package upstream

import (
	"math/rand/v2"
	"time"

	"fairlead/upstream/health"
)

// Where an exchange has nowhere else to go it waits for what will soon be known: how the trial under way at a
// half-open endpoint ends, or that a limit has passed. Many may wait for the same moment, so that one goes
// first and the others come after it, spread, each paid by the retry budget of the endpoint.
const (
	askAgain    = 100 * time.Millisecond // about how often an exchange asks how another one's trial stands
	leastBehind = 100 * time.Millisecond // that the others come after the first
	leastSpread = 400 * time.Millisecond // over which they come
	spreadShare = 5                      // that is, over a fifth of what they wait where that is more
)

// inTurn says when an exchange may go to an endpoint that waits for a limit to pass. ok is false where the
// budget pays for no more of them: the caller is told at once when to come back.
func (w *Walk) inTurn(c choice, now time.Time) (_ choice, ok bool) {
	w.queue(now)
	if c.paid && !w.reserve(&c, now) { // before it goes first: those behind it take what there is
		return choice{}, false
	}
	if c.lane.First(now) {
		return c, true
	}
	over := max(leastSpread, c.at.Sub(now)/spreadShare)
	c.at = c.at.Add(leastBehind + rand.N(over))
	if !w.reserve(&c, now) {
		return choice{}, false
	}
	if passed(w.Until, c.at) {
		c.lane.Budget().Refund(1, now)
		return choice{}, false
	}
	return c, true
}

// reserve pays for an attempt before its time has come.
func (w *Walk) reserve(c *choice, now time.Time) bool {
	if !c.reserved {
		c.reserved = c.lane.Budget().Take(1, now)
		c.paid = c.paid || c.reserved
	}
	return c.reserved
}

// attend waits for the end of a trial under way, or for this exchange's turn to be the next one: those before it
// left before they proved anything, so that whoever stays goes first.
func (w *Walk) attend(now time.Time) (choice, bool) {
	for i := range w.Plan.Steps {
		if !w.eligible(i) {
			continue
		}
		way, lane, view := w.lane(i, now)
		if way == nil || view.State != health.HalfOpen {
			continue
		}
		if budget := lane.Budget(); budget.Pays() && budget.Left(now) < 1 {
			continue
		}
		w.queue(now)
		at := now.Add(askAgain/2 + rand.N(askAgain))
		if view.Until.After(now) {
			at = earliest(at, view.Until)
		}
		if at.Sub(w.queued) > health.TrialPatience || passed(w.Until, at) {
			continue
		}
		return choice{step: i, way: way, lane: lane, at: at, looks: true}, true
	}
	return choice{}, false
}

// stayed reports whether an exchange that has nowhere else to go has waited for long enough to be a trial.
func (w *Walk) stayed(i int, view health.View, now time.Time) bool {
	if view.Stay == 0 || (!w.queued.IsZero() && now.Sub(w.queued) >= view.Stay) {
		return true
	}
	for other := range w.Plan.Steps {
		if other == i || !w.eligible(other) {
			continue
		}
		if way, _, v := w.lane(other, now); way != nil && v.Usable() {
			return true
		}
	}
	return false
}

// queue notes when the exchange began to wait.
func (w *Walk) queue(now time.Time) {
	if w.queued.IsZero() {
		w.queued = now
	}
}

// unqueue gives back what was taken for an attempt that is not made.
func (w *Walk) unqueue() {
	if w.next.reserved {
		w.next.lane.Budget().Refund(1, time.Now())
	}
	w.next = choice{}
}
