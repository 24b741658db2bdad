package upstream

import (
	"context"
	"errors"
	"os"
	"time"

	"fairlead"
	"fairlead/internal/jsonscan"
	"fairlead/provider"
)

// ErrSilent is given by Commit and Next when the time they were to wait is over and nothing has
// come: the walk or stream stays usable.
var ErrSilent = errors.New("nothing came in time")

// largeScratch is how many members scratch memory may have to be kept for another walk.
const largeScratch = 256

// Walk is the way of one exchange along its plan. It belongs to one goroutine.
type Walk struct {
	Journey
	up  *Upstream
	ctx context.Context

	next  int // the plan's next step
	tried int
	at    *attempt // under way: nil or &slot
	slot  attempt
	call  provider.Call // of the attempt under way
	// scratch is for scanning whole answers, and room for reading them; what they hold of one is gone with
	// the walk.
	scratch jsonscan.Object
	room    []byte
	last    *failure      // of the last attempt
	soonest time.Duration // the least wait that a limited endpoint asked for; 0 = none did

	// Attempts tells of every attempt that ended; the committed one's outcome is OutcomeOK until
	// Answer's stream proves otherwise.
	Attempts []fairlead.Attempt
	// Waited is the time spent waiting for providers.
	Waited time.Duration
}

// Commit goes on until an attempt commits and gives its answer, which the caller must close and which is
// good until the walk is reset. Before
// that an attempt that fails is replaced by one at the plan's next endpoint, at most Most of them; a
// caller's own fault ends the walk at once, and so does the failure of a call that a provider would
// store, once any of it was sent (promise 1). Errors are ErrSilent (after until, where it is not
// zero) or a *fairlead.Error that ends the walk.
func (w *Walk) Commit(until time.Time) (*Answer, error) {
	for {
		if w.at == nil && !w.begin() {
			return nil, w.exhausted()
		}
		a, fail := w.at.advance(until)
		switch {
		case fail == nil:
			w.note(fairlead.OutcomeOK, a.Status, "")
			return a, nil
		case fail == silent:
			return nil, ErrSilent
		}
		w.at.close()
		w.note(fail.outcome, fail.status, fail.detail)
		if fail.final != nil {
			w.at.hideCredential(fail.final)
			w.at = nil
			return nil, fail.final
		}
		w.at, w.last = nil, fail
		if fail.sent && !w.Ask.Facts.Stateless {
			return nil, w.exhausted()
		}
	}
}

// Reset forgets everything but the memory that another walk can use; BenchmarkExchange shows what that
// spares. What it was on is closed by then.
func (w *Walk) Reset() {
	clear(w.Attempts)
	w.scratch.Reset()
	if cap(w.scratch.Members) > largeScratch {
		w.scratch = jsonscan.Object{}
	}
	w.call.Reset()
	if cap(w.room) > firstRead {
		w.room = nil
	}
	*w = Walk{Attempts: w.Attempts[:0], scratch: w.scratch, call: w.call, room: w.room}
}

// lean drops the memory that a stream, which can last long, has no use for.
func (w *Walk) lean() {
	w.call.Drop()
	w.room = nil
}

// Close ends an attempt that is under way. An answer that was given is closed by its owner.
func (w *Walk) Close() {
	if w.at != nil && w.at.answer == nil {
		w.at.close()
	}
}

// begin starts an attempt at the next endpoint of the plan; false where there is none left.
func (w *Walk) begin() bool {
	if w.next >= len(w.Plan.Steps) || w.tried >= w.Most {
		return false
	}
	step := w.Plan.Steps[w.next]
	w.next++
	w.tried++
	w.at = &w.slot
	w.at.begin(w, step)
	return true
}

// another reports whether one more attempt could be made once this one was sent.
func (w *Walk) another() bool {
	return w.Ask.Facts.Stateless && w.next < len(w.Plan.Steps) && w.tried < w.Most
}

func (w *Walk) note(o fairlead.Outcome, status int, detail string) {
	a := w.at
	w.Waited += a.waited
	w.Attempts = append(w.Attempts, fairlead.Attempt{
		Endpoint: a.step.Endpoint.ID,
		Start:    a.start.Sub(w.Start),
		Duration: time.Since(a.start),
		Status:   status,
		Outcome:  o,
		Detail:   detail,
	})
}

// Made counts the attempts so far, the one under way too.
func (w *Walk) Made() int {
	n := fairlead.Made(w.Attempts)
	if w.at != nil && w.at.answer == nil {
		n++
	}
	return n
}

// Interrupted marks the committed attempt as broken off after its commit.
func (w *Walk) Interrupted(o fairlead.Outcome, detail string) {
	if n := len(w.Attempts); n > 0 {
		w.Attempts[n-1].Outcome, w.Attempts[n-1].Detail = o, detail
	}
}

// earliest gives the earlier of two times, where zero means none.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
