package upstream

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"time"

	"fairlead"
	"fairlead/upstream/failure"
	"fairlead/upstream/health"
)

// ErrSilent is given by Commit and Next when the time they were to wait is over and nothing has
// come: the walk or stream stays usable.
var ErrSilent = errors.New("nothing came in time")

// Walk is the way of one exchange along its plan. It belongs to one goroutine.
type Walk struct {
	Journey
	up  *Upstream
	ctx context.Context

	stops    []stop // of the plan's steps
	tried    int
	next     choice             // to be made once its time has come; way nil: none is chosen
	outgrown bool               // the prompt was too long for an endpoint
	context  int                // the largest context that it was too long for, in tokens
	queued   time.Time          // since when it waits for what others wait for, too; zero = it does not
	refused  int                // tickets that were not given
	done     bool               // the committed attempt's end is told to the board
	stream   *Stream            // the committed one; nil: none, or it broke off
	first    *fairlead.Endpoint // whose answer was committed to
	legs     *legs              // nil: the answer is one attempt's
	cause    error              // why the last leg broke off
	at       *attempt           // under way alone, or committed
	slot     attempt
	mem      memory        // of slot
	pair     *pair         // two attempts side by side; nil where there never were
	hedged   bool          // a hedge was sent
	last     *setback      // of the last attempt
	soonest  time.Duration // the least wait that a limited endpoint asked for; 0 = none did

	// Attempts tells of every attempt that ended; the committed one's outcome is OutcomeOK until
	// Answer's stream proves otherwise.
	Attempts []fairlead.Attempt
	// Shut are the endpoints whose turn it was and which health kept away, by id: each once.
	Shut []string
	// Withheld are those that it kept away by no more than a suspicion, or by the part of their weight that they do not
	// have back yet.
	Withheld []string
	// Waited is the time spent waiting for providers.
	Waited time.Duration
}

// Commit goes on until an attempt commits and gives its answer, which the caller must close and which is
// good until the walk is reset. Before that an attempt that fails is replaced: by one at another endpoint
// of the same model, at once; else at the same endpoint, where the failure allows that, after a moment or as
// long as it asks for, up to 5 s; else at a fallback model's. At most Most attempts are made. A caller's own
// fault ends the walk at once, and so does the failure of a call that a provider would store, once any of it
// was sent: nothing may run twice. Errors are ErrSilent (after until, where it is not zero) or a
// *fairlead.Error that ends the walk.
func (w *Walk) Commit(until time.Time) (*Answer, error) {
	for {
		if w.pair.busy() {
			answer, err := w.race(until)
			if answer != nil || err != nil {
				return answer, err
			}
			continue
		}
		if w.at == nil {
			if err := w.begin(until); err != nil {
				return nil, err
			}
		}
		due := w.at.beside
		answer, fail := w.at.advance(earliest(until, due))
		if fail == nil {
			fail = w.unlessEmpty(w.at, answer)
		}
		switch {
		case fail == nil:
			w.committed(w.at, answer)
			return answer, nil
		case fail == silent && !due.IsZero() && (until.IsZero() || !until.Before(due)):
			w.join()
			continue
		case fail == silent:
			return nil, ErrSilent
		case fail.late && w.lastWaits(w.at):
			continue
		}
		w.failed(w.at, fail)
		w.at = nil
		if fail.final != nil {
			return nil, fail.final
		}
		if fail.sent && !w.Ask.Facts.Stateless {
			return nil, w.exhausted()
		}
	}
}

// committed notes that an attempt committed.
func (w *Walk) committed(a *attempt, answer *Answer) {
	now := time.Now()
	w.at, a.answer, answer.At = a, answer, now
	a.lane.Release(a.ticket, health.Evidence{Kind: health.Success}, now)
	w.stream = answer.Stream
	if w.legs == nil {
		w.first = a.step.Endpoint
		a.learn(now, false)
	} else {
		w.legBegan(a)
	}
	w.note(a, fairlead.OutcomeOK, answer.Status, "", now)
}

// failed ends an attempt that failed, and notes what that means for the next one.
func (w *Walk) failed(a *attempt, fail *setback) {
	a.close()
	now := time.Now()
	v, s := &fail.verdict, &w.stops[a.stop]
	a.lane.Release(a.ticket, w.counted(a, fail, evidence(*v)), now)
	if w.legs != nil {
		w.legFailed(a, fail)
	} else if fail.outcome == fairlead.OutcomeTimeout {
		a.learn(now, true)
	}
	w.note(a, fail.outcome, fail.status, fail.detail, now)
	w.Attempts[len(w.Attempts)-1].Blameless = v.Health == failure.Nothing
	w.last, fail.by = fail, a.step.Endpoint.Provider
	s.tries++
	w.queued = time.Time{}
	s.retry, s.bad = v.Retry, fail.unsent != nil
	if v.Health == failure.Capacity && v.Wait == 0 {
		s.retry &^= failure.Same // it does not say when it would make sense
	}
	s.ready = now.Add(pause(v.Wait))
	if (v.Health == failure.Credential || v.Health == failure.Capacity) && len(w.up.waysOf(a.step.Endpoint.Provider)) > 1 {
		s.spent = append(s.spent, a.way.credential)
	}
	if v.Retry.Has(failure.LargerContext) {
		w.outgrown, w.context = true, max(w.context, a.step.Endpoint.Context)
	}
	if fail.outcome == fairlead.OutcomeRateLimited && v.Wait > 0 && (w.soonest == 0 || v.Wait < w.soonest) {
		w.soonest = v.Wait
	}
	if fail.over {
		fail.final = w.exhausted()
	}
}

// counted marks evidence of a server error that this exchange has met at the endpoint before: what a request
// brings about twice proves no more than once.
func (w *Walk) counted(a *attempt, fail *setback, e health.Evidence) health.Evidence {
	if s := &w.stops[a.stop]; fail.outcome == fairlead.OutcomeServerError || fail.outcome == fairlead.OutcomeOverloaded {
		e.Again, s.erred = s.erred, true
	}
	return e
}

// pause is how long to wait before the same endpoint is asked again: a little more than it asks for, so
// that many who were told the same do not come at once.
func pause(asked time.Duration) time.Duration {
	if asked == 0 {
		asked = shortPause
	}
	return asked + time.Duration(rand.Int64N(int64(asked)/10+1))
}

// Reset forgets everything but the memory that another walk can use; BenchmarkExchange shows what that
// spares. What it was on is closed by then.
func (w *Walk) Reset() {
	clear(w.Attempts)
	clear(w.Shut)
	clear(w.Withheld)
	w.mem.reset()
	clear(w.stops)
	*w = Walk{Attempts: w.Attempts[:0], Shut: w.Shut[:0], Withheld: w.Withheld[:0], mem: w.mem, stops: w.stops[:0]}
}

// Close ends an attempt that is under way, and tells the board how a committed one ended. An answer that
// was given is closed by its owner.
func (w *Walk) Close() {
	if w.pair.busy() {
		w.abandon()
	}
	w.unqueue()
	switch {
	case w.at == nil:
	case w.at.answer == nil:
		w.at.close()
		w.at.lane.Release(w.at.ticket, health.Evidence{}, time.Now())
	case !w.done:
		w.ended(health.Evidence{Kind: health.Success})
	}
	if w.at != nil {
		w.at.leave()
	}
	if w.at != nil && w.at != &w.slot { // no caller was given the answer that a leg is of
		w.at.close()
	}
	if w.stream != nil {
		w.Waited += w.stream.Waited
		w.paid()
	}
}

// ended tells the board how the committed attempt ended.
func (w *Walk) ended(e health.Evidence) {
	w.done = true
	w.at.lane.Ended(w.at.ticket, e, time.Now())
}

// begin starts the next attempt once its time has come. Errors are ErrSilent, or why there is none.
func (w *Walk) begin(until time.Time) error {
	for {
		now := time.Now()
		if w.next.way == nil {
			c, ok := w.choose(now)
			if !ok {
				w.passOver(len(w.Plan.Steps), now)
				return w.exhausted()
			}
			w.next = c
		}
		now, err := w.await(now, until)
		if err != nil {
			return err
		}
		c := w.next
		if c.looks {
			w.next = choice{}
			continue
		}
		ticket, ok := c.lane.Acquire(now, c.resort)
		if !ok { // somebody else was first, or it has just been shut: the board says so from now on
			w.unqueue()
			if w.refused++; w.refused > len(w.Plan.Steps)+w.Most {
				w.passOver(len(w.Plan.Steps), now)
				return w.exhausted()
			}
			continue
		}
		w.next = choice{}
		if budget := c.lane.Budget(); !c.reserved && (c.paid || ticket.Trial() && budget.Pays()) && !budget.Take(1, now) {
			c.lane.Release(ticket, health.Evidence{}, now)
			if s := &w.stops[c.step]; s.tries == 0 {
				s.held = health.ReasonTrial
			}
			w.stops[c.step].bad = true
			continue
		}
		if !c.paid {
			c.lane.Budget().Deposit(1, now)
		}
		w.passOver(c.step, now)
		w.tried++
		w.at = &w.slot
		if w.legs != nil { // the answer that was given lies in the slot
			w.at = new(attempt)
			w.beginLeg(&c)
		}
		w.at.begin(w, c, ticket, now, &w.mem)
		w.at.expectCompany()
		return nil
	}
}

// await waits from now until the next attempt is due, and gives the time that it is then.
func (w *Walk) await(now, until time.Time) (time.Time, error) {
	if !w.next.at.After(now) {
		return now, nil
	}
	due := earliest(w.next.at, until)
	timer := time.NewTimer(due.Sub(now))
	defer timer.Stop()
	select {
	case <-w.ctx.Done():
		return now, gone().final
	case <-timer.C:
	}
	woken := time.Now()
	w.Waited += woken.Sub(now)
	if due.Before(w.next.at) {
		return woken, ErrSilent
	}
	return woken, nil
}

// note takes down an attempt that has just ended, or committed.
func (w *Walk) note(a *attempt, o fairlead.Outcome, status int, detail string, now time.Time) {
	if !a.raced {
		w.Waited += a.waited
	}
	w.Attempts = append(w.Attempts, fairlead.Attempt{
		Endpoint: a.step.Endpoint.ID,
		Start:    a.start.Sub(w.Start),
		Duration: now.Sub(a.start),
		Status:   status,
		Outcome:  o,
		Detail:   detail,
		Why:      a.why,
		After:    w.legs != nil,
	})
}

// Made counts the attempts so far, the one under way too.
func (w *Walk) Made() int {
	n := fairlead.Made(w.Attempts)
	if w.at != nil && w.at.answer == nil {
		n++
	}
	return n + w.pair.count()
}

// Interrupted marks the committed attempt as broken off after its commit.
func (w *Walk) Interrupted(o fairlead.Outcome, detail string) {
	e := health.Evidence{Kind: health.Hard}
	switch {
	case o == fairlead.OutcomeCallerGone:
		e.Kind = health.Nothing
	case w.stream != nil:
		e = w.stream.blame(failure.Verdict{Health: failure.Failure})
	}
	w.brokeOff(o, detail, e)
}

// brokeOff ends the committed attempt, once.
func (w *Walk) brokeOff(o fairlead.Outcome, detail string, e health.Evidence) {
	if w.at == nil || w.at.answer == nil || w.done {
		return
	}
	last := &w.Attempts[len(w.Attempts)-1]
	last.Outcome, last.Detail, last.After, last.Blameless = o, detail, true, e.Kind == health.Nothing
	last.Duration = time.Since(w.at.start)
	w.ended(e)
}

// earliest gives the earlier of two times, where zero means none.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
