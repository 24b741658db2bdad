package upstream

import (
	"io"
	"time"

	"fairlead"
	"fairlead/dialect"
	"fairlead/upstream/failure"
	"fairlead/upstream/health"
)

// spendTerms bound what is made again for answers that broke off: 3 % of what callers paid in 100 s, and a
// tenth of a dollar. The unit is a nano-dollar.
var spendTerms = health.Terms{Share: 0.03, PerSecond: 1e6, Window: 100 * time.Second}

// Next gives the next bytes of the committed stream, as Stream.Next does. A stream that breaks off is gone on
// with by another attempt, where that can be done so that the caller has one whole answer; else the error
// says why it broke.
func (w *Walk) Next(silence time.Duration) ([]byte, error) {
	var until time.Time
	for {
		if s := w.stream; s != nil {
			piece, err := s.Next(silence)
			if err == nil || err == ErrSilent || err == io.EOF {
				return piece, err
			}
			if w.cause = err; !w.breaks(err) {
				return nil, err
			}
			until = earliest(until, s.until)
		}
		if until.IsZero() {
			until = time.Now().Add(silence)
		}
		switch _, err := w.Commit(until); { // it makes the next stream the committed one
		case err == ErrSilent:
			return nil, err
		case err != nil:
			return nil, w.cause
		}
	}
}

// breaks ends the leg whose stream broke off. It reports whether another one may go on.
func (w *Walk) breaks(err error) bool {
	a, s := w.at, w.stream
	fail := a.inBand(err, s.said)
	if w.ctx.Err() != nil {
		return false
	}
	w.brokeOff(fairlead.OutcomeInterrupted, Detail(err), w.counted(a, fail, s.blame(fail.verdict)))
	if fail.final != nil || fail.callers() || fail.verdict.Retry == 0 || !w.continues() {
		return false
	}
	if bar := w.bar(); bar != "" {
		w.Attempts[len(w.Attempts)-1].Detail += ", not gone on with: " + string(bar)
		return false
	}
	w.legs.delivered += s.Delivered
	w.legs.spoke = w.legs.spoke || s.spoke
	w.legs.stops[a.stop].broke = true
	w.Waited += s.Waited
	a.close()
	w.at, w.stream, w.last = nil, nil, fail
	w.stops[a.stop].ready = time.Now().Add(pause(fail.verdict.Wait))
	return true
}

// continues reports whether this exchange's answer may be put together at all.
func (w *Walk) continues() bool {
	return w.Continue && w.Ask.Op == fairlead.OpChat && w.Ask.Facts.Stateless && w.Most > 1
}

// bar says why the answer cannot be gone on with; "" = it can.
func (w *Walk) bar() dialect.Bar {
	if w.legs != nil {
		return barred(w.legs.request, w.legs.told)
	}
	return w.firstLeg()
}

// firstLeg notes what the first leg told its caller, or says why that cannot be gone on with.
func (w *Walk) firstLeg() dialect.Bar {
	r, least, err := w.terms()
	if err != nil {
		return barUnread
	}
	told := &w.at.mem.told
	if bar := barred(r, told); bar != "" {
		return bar
	}
	l := &legs{
		told: told, request: r, guess: int64(w.Prompt), least: least, deterministic: deterministic(r), thinks: w.Ask.Facts.Thinks,
		per: w.first.Model.BytesPerToken, stops: make([]legStop, len(w.Plan.Steps)),
	}
	if u, ok := w.stream.Usage(); ok && u.Prompt() > 0 {
		l.prompt, l.hasPrompt = u, true
	}
	switch f := w.stream.frames.(type) {
	case *translation:
		l.encoder = f.encoder
	default:
		l.encoder = w.Ask.Caller.ResumeEncoder(w.Encode, l.told)
	}
	w.legs = l
	return ""
}

// terms is what of the request decides whether and how an answer to it may be gone on with, and how many tokens
// its texts have at least. The neutral form of a large one takes several times its memory, and many answers can
// break off at once.
func (w *Walk) terms() (r *dialect.Request, least int64, err error) {
	if size := int64(len(w.Ask.Body)); size > largeBody {
		weight := min(translationPart*size, translationRoom)
		if err := w.up.room.Acquire(w.ctx, weight); err != nil {
			return nil, 0, err
		}
		defer w.up.room.Release(weight)
		defer w.Ask.Forget()
	}
	if r, err = w.Ask.Neutral(); err != nil {
		return nil, 0, err
	}
	t := &dialect.Request{
		Stop: r.Stop, N: r.N, Logprobs: r.Logprobs, Format: r.Format, Seed: r.Seed, Temperature: r.Temperature,
	}
	if n := len(r.Messages); n > 0 {
		t.Messages = []dialect.Message{{Role: r.Messages[n-1].Role}}
	}
	return t, promptTexts(r, w.first.Model.BytesPerToken), nil
}

// legTier is a kind of step to go on at.
type legTier struct{ fallback, broke bool }

// The order in which steps are asked to go on: endpoints of the same model that have not broken the answer, then
// those that have, then fallback models', which take the last try from what has broken the answer.
var (
	legOrder     = [...]legTier{{false, false}, {false, true}, {true, false}, {true, true}}
	legOrderLast = [...]legTier{{false, false}, {true, false}, {false, true}, {true, true}}
)

// chooseLeg finds where an answer that broke off is gone on with, of each tier first where that was not asked
// yet. A fallback model is not asked to by words: it would go on in another voice.
func (w *Walk) chooseLeg(now time.Time) (choice, bool) {
	if w.legs.tries >= w.Most-1 || passed(w.Until, now) {
		return choice{}, false
	}
	order := legOrder
	if w.legs.tries == w.Most-2 {
		order = legOrderLast
	}
	for _, tier := range order {
		for _, asked := range [...]bool{false, true} {
			if c, ok := w.legIn(tier, asked, now); ok {
				return c, true
			}
		}
	}
	return choice{}, false
}

// legIn looks at the steps of a tier.
func (w *Walk) legIn(tier legTier, asked bool, now time.Time) (choice, bool) {
	for i := range w.Plan.Steps {
		leg := &w.legs.stops[i]
		if w.Plan.Steps[i].Fallback != tier.fallback || leg.broke != tier.broke || (leg.asked != [methods]bool{}) != asked {
			continue
		}
		if c, ok := w.legAt(i, now); ok {
			return c, true
		}
	}
	return choice{}, false
}

// legAt chooses a step, by the first method that was not asked of it and can be paid.
func (w *Walk) legAt(i int, now time.Time) (choice, bool) {
	way, lane, list := w.legMethods(i, now)
	for _, m := range list {
		if cost := w.legs.expense(w.Plan.Steps[i].Endpoint, m); cost > 0 && !w.up.remade.Take(cost, now) {
			continue
		}
		c := choice{step: i, way: way, lane: lane, at: now, why: m.why(), method: m, paid: w.legs.stops[i].broke}
		if ready := w.stops[i].ready; c.paid && ready.After(now) {
			c.at = ready
		}
		return c, true
	}
	return choice{}, false
}

// legMethods lists the methods by which a step can go on now; none where it may not be asked.
func (w *Walk) legMethods(i int, now time.Time) (way *way, lane health.Lane, list []method) {
	s, step := &w.stops[i], &w.Plan.Steps[i]
	if s.bad || (s.tries > 0 && s.retry != 0 && !s.retry.Has(failure.Same)) || s.ready.Sub(now) > longestPause || passed(w.Until, s.ready) {
		return nil, lane, nil
	}
	way, lane, view := w.lane(i, now)
	if way == nil || !view.Usable() {
		return nil, lane, nil
	}
	for _, m := range w.legs.methodsAt(step.Endpoint) {
		if !w.legs.stops[i].asked[m] && (!step.Fallback || m.across()) {
			list = append(list, m)
		}
	}
	return way, lane, list
}

// legStandby reports whether another endpoint could go on in the place of the one that was asked.
func (w *Walk) legStandby(now time.Time) bool {
	if w.legs.tries >= w.Most-1 {
		return false
	}
	for i := range w.Plan.Steps {
		if w.at != nil && i == w.at.stop || w.legs.stops[i].broke {
			continue
		}
		if _, _, list := w.legMethods(i, now); len(list) > 0 {
			return true
		}
	}
	return false
}

// beginLeg notes the attempt that is about to go on with the answer.
func (w *Walk) beginLeg(c *choice) {
	w.legs.tries++
	w.legs.method = c.method
	w.legs.anchor()
	w.legs.stops[c.step].asked[c.method] = true
	w.done = false
}

// legFailed notes that an attempt did not go on with the answer. A method that does not work at an endpoint
// says nothing of the endpoint.
func (w *Walk) legFailed(a *attempt, fail *setback) {
	if fail.unsent != nil { // it cannot be asked, which is no attempt
		w.legs.tries--
	}
	if fail.verdict.Health != failure.Nothing {
		w.legs.stops[a.stop].broke = true
	}
}

// legBegan notes that an attempt goes on with the answer. Should it break off too, there is more to go on
// from, and every method may be asked again.
func (w *Walk) legBegan(a *attempt) {
	for i := range w.legs.stops {
		w.legs.stops[i].asked = [methods]bool{}
	}
	w.legs.marks = append(w.legs.marks, mark{
		Endpoint: a.step.Endpoint.ID, Method: w.legs.method.name(), Fallback: a.step.Fallback,
	})
}

// Continued lists the endpoints that went on with the answer, in order.
func (w *Walk) Continued() (list []string) {
	if w.legs == nil {
		return nil
	}
	for _, m := range w.legs.marks {
		list = append(list, m.Endpoint)
	}
	return list
}

// Usage is what the committed stream used: of an answer that was put together, the prompt once and all that
// was delivered, estimated where nobody reported any. ok is false where the one provider has reported none.
func (w *Walk) Usage() (u fairlead.Usage, ok bool) {
	if w.stream != nil {
		u, ok = w.stream.Usage()
	}
	if !ok && w.legs != nil {
		return w.legs.estimate(0), true
	}
	return u, ok
}

// paid notes what the caller pays, of which a part may be spent on what is made again.
func (w *Walk) paid() {
	price := w.first.Price
	if price == nil {
		return
	}
	u, _ := w.Usage()
	if cost, err := price.Cost(u); err == nil {
		w.up.remade.Deposit(float64(cost), time.Now())
	}
}

// Complete reports whether the committed stream was brought to its proper end: what it has reported is final.
func (w *Walk) Complete() bool { return w.stream != nil && w.stream.frames.complete() }

// Spoke reports whether the committed stream has given something of an answer, or no more than an end.
func (w *Walk) Spoke() bool {
	return w.legs != nil && w.legs.spoke || w.stream != nil && w.stream.spoke
}

// Delivered is how many bytes of text, reasoning and tool input the committed stream has given.
func (w *Walk) Delivered() (n int64) {
	if w.legs != nil {
		n = w.legs.delivered
	}
	if w.stream != nil {
		n += w.stream.Delivered
	}
	return n
}
