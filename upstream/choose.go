package upstream

import (
	"math/rand/v2"
	"slices"
	"time"

	"fairlead"
	"fairlead/upstream/failure"
	"fairlead/upstream/health"
)

const (
	longestPause = 5 * time.Second        // that an exchange waits to ask an endpoint again
	shortPause   = 100 * time.Millisecond // before one is asked again that did not say how long to wait
)

// stop is a step of the plan as its walk knows it.
type stop struct {
	tries int
	bad   bool            // the request cannot be expressed there, or what it needs is refused
	retry failure.Retry   // what its last failure allows
	ready time.Time       // when it may be asked again
	erred bool            // it answered with a server error
	held  fairlead.Reason // what it waited for, where the budget did not pay for it then
	shut  bool            // it was its turn, and health kept it away
	kept  bool            // likewise, by no more than a suspicion
	spent []string        // the credentials that failed here, by name: another one makes it another try
}

// Why an attempt is made where it is, for records.
const (
	choseFirst    = "first"
	choseNext     = "elsewhere"
	choseAgain    = "same"
	choseFallback = "fallback"
	choseResort   = "last_resort"
)

// choice is where the walk goes next.
type choice struct {
	step   int
	way    *way
	lane   health.Lane
	at     time.Time // not before
	why    string
	resort bool // it is shut, and nothing better is left
	paid   bool // by the retry budget: it was asked before, or the exchange waited for what others wait for
	looks  bool // nothing is sent: it is looked again then
	// reserved says that the budget has paid.
	reserved bool
	method   method // of going on with an answer; methodNone where none has begun
}

// choose finds where to go next, in this order: an endpoint of the model asked for that was not tried; one
// that was, where its failure allows that; the same for each fallback model; what is shut on soft evidence
// alone. ok is false where there is nothing.
func (w *Walk) choose(now time.Time) (c choice, ok bool) {
	if w.legs != nil {
		return w.chooseLeg(now)
	}
	if w.tried >= w.Most || (w.last != nil && w.last.verdict.Retry == 0) {
		return choice{}, false
	}
	for from := 0; from < len(w.Plan.Steps); {
		to := w.groupEnd(from)
		if from > 0 && !w.allows(failure.Fallback) {
			break
		}
		if c, ok = w.chooseIn(from, to, now); ok {
			return c, true
		}
		from = to
	}
	return w.lastResort(now)
}

// groupEnd is the end of the steps that are asked under the same model as step from.
func (w *Walk) groupEnd(from int) int {
	to := from + 1
	for to < len(w.Plan.Steps) && w.Plan.Steps[to].Asked == w.Plan.Steps[from].Asked {
		to++
	}
	return to
}

// allows reports whether what has failed lets the walk go on in this way.
func (w *Walk) allows(r failure.Retry) bool {
	return w.last == nil || w.last.verdict.Retry.Has(r) || w.last.verdict.Retry.Has(failure.LargerContext)
}

// chooseIn looks at the endpoints of one model.
func (w *Walk) chooseIn(from, to int, now time.Time) (choice, bool) {
	if w.allows(failure.Elsewhere) {
		if c, ok := w.fresh(from, to, now, true); ok {
			return c, true
		}
		if c, ok := w.fresh(from, to, now, false); ok {
			return c, true
		}
	}
	if w.tried+1 >= w.Most && w.ready(to, now) {
		return choice{}, false // the last attempt is better made at a fallback model
	}
	return w.again(from, to, now)
}

// ready reports whether an endpoint of a fallback model, from a step on, may be asked now.
func (w *Walk) ready(from int, now time.Time) bool {
	if from >= len(w.Plan.Steps) || !w.allows(failure.Fallback) {
		return false
	}
	_, ok := w.fresh(from, len(w.Plan.Steps), now, false)
	return ok
}

// fresh finds an endpoint that was not tried and may be used. One that has only a part of its weight back
// is passed over as often as that says, where shares count.
func (w *Walk) fresh(from, to int, now time.Time, shares bool) (choice, bool) {
	for i := from; i < to; i++ {
		if !w.untried(i) {
			continue
		}
		way, lane, view := w.lane(i, now)
		if way == nil || !view.Usable() {
			continue
		}
		if view.State == health.HalfOpen && !w.stayed(i, view, now) {
			continue
		}
		if shares && view.State == health.Closed && view.Share < 100 && rand.IntN(100) >= view.Share {
			continue
		}
		return choice{step: i, way: way, lane: lane, at: now, why: w.why(i), paid: !w.queued.IsZero() && lane.Budget().Pays()}, true
	}
	return choice{}, false
}

// passOver takes down which of the steps before one would have been asked now, were it not for what is known of their
// health, and apart which were it not for what is suspected alone, or withheld from one that comes back.
func (w *Walk) passOver(before int, now time.Time) {
	if w.legs != nil || w.tried >= w.Most || !w.allows(failure.Elsewhere) {
		return
	}
	for i := range before {
		s := &w.stops[i]
		if s.shut || s.tries > 0 || (s.held == "" && !w.eligible(i)) {
			continue
		}
		way, _, view := w.lane(i, now)
		id := w.Plan.Steps[i].Endpoint.ID
		switch {
		case way == nil:
		case view.Proven() && (s.held != "" || !view.Usable()):
			s.shut = true
			w.Shut = append(w.Shut, id)
		case !s.kept && view.Share < 100 && view.Reason != health.ReasonSaturated:
			s.kept = true
			w.Withheld = append(w.Withheld, id)
		}
	}
}

// untried reports whether a step was not tried yet and may hold what the ones before it could not.
func (w *Walk) untried(i int) bool {
	s := &w.stops[i]
	return (s.tries == 0 || len(s.spent) > 0) && !s.bad && !w.tooSmall(i)
}

// tooSmall reports whether a prompt that was too long elsewhere is known to be too long here, or not known
// to fit.
func (w *Walk) tooSmall(i int) bool {
	return w.outgrown && w.Plan.Steps[i].Endpoint.Context <= w.context
}

// again finds the endpoint that may be asked once more, or first, the soonest.
func (w *Walk) again(from, to int, now time.Time) (best choice, ok bool) {
	cools := false // the best
	for i := from; i < to; i++ {
		s := &w.stops[i]
		if s.bad || s.tries > 1 || (s.tries == 1 && !s.retry.Has(failure.Same)) || (s.tries == 0 && w.tooSmall(i)) {
			continue
		}
		way, lane, view := w.lane(i, now)
		if way == nil {
			continue
		}
		at, why := s.ready, choseAgain
		if s.tries == 0 {
			why = w.why(i)
		}
		switch {
		case view.State == health.Cooling:
			at = view.Until
		case s.tries == 0, view.State == health.Open, view.State == health.Disabled:
			continue
		}
		if at.Before(now) {
			at = now
		}
		begin := now
		if !w.queued.IsZero() {
			begin = w.queued
		}
		if at.Sub(begin) > longestPause || passed(w.Until, at) || (ok && !at.Before(best.at)) {
			continue
		}
		best, ok = choice{step: i, way: way, lane: lane, at: at, why: why, paid: why == choseAgain}, true
		cools = view.State == health.Cooling
	}
	if cools {
		return w.inTurn(best, now)
	}
	return best, ok
}

// lastResort finds an endpoint that is shut by what proves little, or waits for one that is being tried.
func (w *Walk) lastResort(now time.Time) (choice, bool) {
	if !w.allows(failure.Elsewhere) {
		return choice{}, false
	}
	for i := range w.Plan.Steps {
		if !w.eligible(i) {
			continue
		}
		way, lane, view := w.lane(i, now)
		if way != nil && view.Soft {
			return choice{step: i, way: way, lane: lane, at: now, why: choseResort, resort: true}, true
		}
	}
	return w.attend(now)
}

// eligible reports whether a step was not tried yet and what has failed lets the walk go there.
func (w *Walk) eligible(i int) bool {
	return w.untried(i) && (!w.Plan.Steps[i].Fallback || w.allows(failure.Fallback))
}

// lane gives the way to a step by the first of its credentials that may be used, or else by the one that
// may be so first. way is nil where there is no credential.
func (w *Walk) lane(i int, now time.Time) (best *way, lane health.Lane, view health.View) {
	step := &w.Plan.Steps[i]
	for _, way := range w.up.waysOf(step.Endpoint.Provider) {
		if slices.Contains(w.stops[i].spent, way.credential) {
			continue
		}
		l := w.up.board.Load().Lane(step.Endpoint, step.Asked, way.credential, w.up.Egress, now)
		v := l.View(now)
		if best == nil || better(v, view) {
			best, lane, view = way, l, v
		}
		if v.Usable() {
			break
		}
	}
	if best != nil && w.moves() && !w.room(step.Endpoint, lane) {
		view = health.View{State: health.Open, Reason: health.ReasonSaturated}
	}
	return best, lane, view
}

// moves reports whether the attempt that is looked for would not be the exchange's first: then it must not be
// what overloads an endpoint.
func (w *Walk) moves() bool { return len(w.Attempts) > 0 || w.at != nil || w.pair.busy() }

// room reports whether an endpoint has fewer attempts under way than its limits allow at once.
func (w *Walk) room(e *fairlead.Endpoint, lane health.Lane) bool {
	return e.Limits.Concurrency <= 0 || lane.Busy().Load() < int64(e.Limits.Concurrency)
}

// better orders what cannot be used now.
func better(a, b health.View) bool {
	if a.Usable() != b.Usable() {
		return a.Usable()
	}
	return a.Until.Before(b.Until)
}

func (w *Walk) why(i int) string {
	switch {
	case len(w.Attempts) == 0 && !w.Plan.Steps[i].Fallback:
		return choseFirst
	case w.Plan.Steps[i].Fallback:
		return choseFallback
	}
	return choseNext
}

// standby reports whether another endpoint could be asked at once in the place of the one under way.
func (w *Walk) standby(now time.Time) bool {
	if w.legs != nil {
		return w.legStandby(now)
	}
	if !w.Ask.Facts.Stateless || w.tried >= w.Most {
		return false
	}
	for i := range w.Plan.Steps {
		if !w.untried(i) || w.asks(i) {
			continue
		}
		if way, _, view := w.lane(i, now); way != nil && view.Usable() {
			return true
		}
	}
	return false
}

// asks reports whether a step is being asked now.
func (w *Walk) asks(i int) bool { return (w.at != nil && w.at.stop == i) || w.pair.asks(i) }

// shut is why the endpoints that were not tried may not be asked now.
type shut struct {
	reasons []string  // of each
	soonest time.Time // when the first may be asked; zero = not known
	cooling bool      // all of them wait for a limit to pass
}

// shut looks at the endpoints that were not tried.
func (w *Walk) shut(now time.Time) shut {
	found := shut{cooling: true}
	for i := range w.Plan.Steps {
		if held := w.stops[i].held; held != "" {
			found.cooling = found.cooling && held == health.ReasonRateLimited
			found.reasons = append(found.reasons, w.Plan.Steps[i].Endpoint.ID+": "+string(held))
			found.soonest = earliest(found.soonest, now.Add(time.Second))
			continue
		}
		if !w.untried(i) {
			continue
		}
		way, _, view := w.lane(i, now)
		if way == nil {
			continue
		}
		found.cooling = found.cooling && view.State == health.Cooling
		if view.Usable() {
			continue
		}
		found.reasons = append(found.reasons, w.Plan.Steps[i].Endpoint.ID+": "+string(view.Reason))
		found.soonest = earliest(found.soonest, view.Until)
	}
	return found
}

// evidence is what a verdict says to the board.
func evidence(v failure.Verdict) (e health.Evidence) {
	switch {
	case v.Outcome == fairlead.OutcomeTimeout && v.Health == failure.Failure:
		e.Kind = health.Soft
	case v.Health == failure.Failure:
		e.Kind = health.Hard
	case v.Health == failure.Light:
		e.Kind = health.Light
	case v.Health == failure.Capacity:
		e.Kind = health.Limited
		e.Limit = health.Limit{Dimension: dimensionOf(v.Dimension), After: v.Wait, Long: v.Long, AccountWide: v.AccountWide}
	case v.Unsure: // one such answer proves nothing: a request may have brought it about
	case v.Health == failure.Credential:
		e.Kind = health.BadCredential
	case v.Health == failure.Egress:
		e.Kind = health.Blocked
	case v.Health == failure.Configuration:
		e.Kind = health.Misconfigured
	}
	return e
}

func dimensionOf(name string) health.Dimension {
	for d := health.Requests; d <= health.Concurrency; d++ {
		if d.String() == name {
			return d
		}
	}
	return health.AnyDimension
}
