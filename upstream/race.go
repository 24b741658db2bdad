package upstream

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"fairlead"
	"fairlead/upstream/health"
)

// pair is two attempts of a walk side by side, or the one that is left of them. Each runs in a goroutine of
// its own; whatever is decided is decided by the walk's, which takes their ends from one place.
//
// An attempt in its goroutine touches nothing but itself, its own memory, and what of the walk does not
// change. Its call is written before it starts, for the caller's request in the neutral form is shared.
type pair struct {
	on     [2]*attempt // under way; nil = none
	ends   chan end    // room for both: nobody waits to hand one over
	second attempt     // the one that is not the walk's slot
	mem    memory      // of second
}

// end is how an attempt of a pair ended.
type end struct {
	of     *attempt
	answer *Answer
	fail   *setback
	defect string // what it panicked with, and where; "" = it did not
}

// count is how many attempts are under way.
func (p *pair) count() (n int) {
	if p == nil {
		return 0
	}
	for _, a := range p.on {
		if a != nil {
			n++
		}
	}
	return n
}

// running reports whether a goroutine of an attempt has not ended.
func (p *pair) running() bool {
	return (p.on[0] != nil && p.on[0].running) || (p.on[1] != nil && p.on[1].running)
}

func (p *pair) busy() bool { return p.count() > 0 }

// asks reports whether one of them asks a step.
func (p *pair) asks(i int) bool {
	if p == nil {
		return false
	}
	return (p.on[0] != nil && p.on[0].stop == i) || (p.on[1] != nil && p.on[1].stop == i)
}

// other is the one beside a; nil where there is none.
func (p *pair) other(a *attempt) *attempt {
	if p.on[0] == a {
		return p.on[1]
	}
	return p.on[0]
}

// put takes an attempt in.
func (p *pair) put(a *attempt) {
	if p.on[0] == nil {
		p.on[0] = a
	} else {
		p.on[1] = a
	}
}

// drop lets go of an attempt that ended.
func (p *pair) drop(a *attempt) {
	for i := range p.on {
		if p.on[i] == a {
			p.on[i] = nil
		}
	}
}

// alone gives an attempt a context of its own, by which it can be ended while it is read.
func (a *attempt) alone() { a.ctx, a.cancel = context.WithCancel(a.walk.ctx) }

// run goes on until the attempt commits or fails.
func (a *attempt) run(ends chan<- end) {
	e := end{of: a, defect: "the attempt ended itself"}
	defer func() {
		if v := recover(); v != nil {
			e.defect = fmt.Sprintf("%v, at\n%s", v, debug.Stack())
		}
		ends <- e
	}()
	for e.fail = silent; e.fail == silent; {
		e.answer, e.fail = a.advance(time.Time{})
	}
	e.defect = ""
}

// join sends a second attempt beside the one under way, where one may be sent: from then on they race.
func (w *Walk) join() {
	first := w.at
	first.beside = time.Time{}
	if w.pair == nil {
		w.pair = &pair{ends: make(chan end, 2)}
	}
	second := w.company(first)
	if second == nil {
		return
	}
	w.at = nil
	w.pair.put(first)
	w.compete(first)
	w.compete(second)
}

// compete lets an attempt run in its goroutine. While it does, only the race counts what is waited: two that
// wait together wait once.
func (w *Walk) compete(a *attempt) {
	if !a.raced {
		w.Waited += a.waited
		if a.stream != nil {
			w.Waited += a.stream.Waited
			a.stream.Waited = 0
		}
	}
	a.raced, a.running = true, true
	go a.run(w.pair.ends)
}

// race waits until an attempt of the pair commits. Without an answer and an error both have failed, and the
// walk goes on; with ErrSilent they go on.
func (w *Walk) race(until time.Time) (*Answer, error) {
	for w.pair.busy() {
		e, ok := w.awaitEnd(until)
		if !ok {
			return nil, ErrSilent
		}
		a, fail := e.of, e.fail
		if fail == nil {
			fail = w.unlessEmpty(a, e.answer)
		}
		other := w.pair.other(a)
		switch {
		case fail == nil:
			w.pair.drop(a)
			w.at = a
			w.supersede(other)
			w.committed(a, e.answer)
			return e.answer, nil
		case fail.late && w.lastWaits(a):
			w.compete(a)
			continue
		}
		w.pair.drop(a)
		w.failed(a, fail)
		a.mem.lean()
		switch {
		case other != nil && (w.ctx.Err() != nil || passed(w.Until, time.Now())):
			// It ends by itself, for the same reason.
		case fail.final != nil:
			w.supersede(other)
			return nil, fail.final
		case fail.verdict.Retry == 0:
			w.supersede(other)
			return nil, w.exhausted()
		case other != nil && other.ticket.Trial():
			if next := w.company(other); next != nil {
				w.compete(next)
			}
		}
	}
	return nil, nil
}

// awaitEnd takes the next end of an attempt; ok is false where none came until a time. A defect in it is one
// of the walk's.
func (w *Walk) awaitEnd(until time.Time) (e end, ok bool) {
	begin := time.Now()
	var over <-chan time.Time
	if !until.IsZero() {
		timer := time.NewTimer(until.Sub(begin))
		defer timer.Stop()
		over = timer.C
	}
	select {
	case e = <-w.pair.ends:
	case <-over:
	}
	w.Waited += time.Since(begin)
	if e.of != nil {
		e.of.running = false
	}
	if e.defect != "" {
		w.pair.drop(e.of)
		w.discard(e.of)
		panic(e.defect)
	}
	return e, e.of != nil
}

// lastWaits lets an attempt that was given up for another go on where no other stands ready any more, but at
// most one beside it: the last ones wait as long as the exchange may take.
func (w *Walk) lastWaits(a *attempt) bool {
	if a.reply == nil || passed(a.total, time.Now()) || w.standby(time.Now()) {
		return false
	}
	a.until, a.overdue = a.total, true
	a.reply.SetDeadline(a.until)
	if a.stream != nil {
		a.stream.limit = a.until
	}
	return true
}

// supersede ends the attempt beside the one that decided the race, if there is one, and awaits it. That it
// was cut proves nothing against its endpoint, but where it would have been given up by now; and a trial that was
// silent for so long says that the endpoint is not back yet.
func (w *Walk) supersede(a *attempt) {
	if a == nil {
		return
	}
	a.cancel()
	e, _ := w.awaitEnd(time.Time{})
	w.pair.drop(a)
	a.close()
	a.mem.lean()
	now, kind, status := time.Now(), health.Nothing, 0
	switch {
	case e.fail == nil:
		kind = health.Success
	case a.ticket.Trial(), a.overdue:
		kind = health.Soft
	}
	if a.head != nil {
		status = a.head.Status
	}
	a.lane.Release(a.ticket, health.Evidence{Kind: kind}, now)
	a.learn(now, kind != health.Success)
	w.note(a, fairlead.OutcomeSuperseded, status, "", now)
}

// abandon ends the attempts of a pair and awaits them.
func (w *Walk) abandon() {
	for _, a := range w.pair.on {
		if a != nil && a.cancel != nil {
			a.cancel()
		}
	}
	for w.pair.running() {
		e := <-w.pair.ends
		e.of.running = false
	}
	for _, a := range w.pair.on {
		if a != nil {
			w.pair.drop(a)
			w.discard(a)
		}
	}
}

// discard ends an attempt of which nothing is known.
func (w *Walk) discard(a *attempt) {
	a.close()
	a.lane.Release(a.ticket, health.Evidence{}, time.Now())
}
