package upstream

import (
	"context"
	"net/http"
	"time"

	"fairlead"
	"fairlead/dialect"
	"fairlead/upstream/failure"
	"fairlead/upstream/health"
	"fairlead/upstream/transport"
)

// attempt is one try of an exchange at one endpoint: a call, its reply, and how far it has come.
type attempt struct {
	walk    *Walk
	mem     *memory
	ctx     context.Context    // the walk's, or one of the attempt's own
	cancel  context.CancelFunc // of its own; nil = it has none
	stop    int                // its step's place in the plan
	step    fairlead.Step
	why     string
	way     *way
	lane    health.Lane
	ticket  health.Ticket
	counted bool // at its endpoint
	to      dialect.Dialect
	start   time.Time
	until   time.Time // when to give up before the commit; zero = never
	total   time.Time // when to give up at all
	beside  time.Time // when another attempt may be sent beside this one; zero = never

	call    transport.Call
	reply   transport.Reply
	head    *transport.Head
	stream  *Stream
	part    []byte // of a whole answer, as far as it was read
	given   Answer
	answer  *Answer // what the walk committed to: nil or &given
	waited  time.Duration
	raced   bool      // it ran beside another one, whose race counts what was waited
	overdue bool      // it was given up once, and goes on for want of another
	running bool      // in a goroutine of its own
	since   time.Time // since when it is waited for, as far as waited has not yet counted that; zero = it is not
}

// begin makes a the attempt that was chosen; the one before it is over.
func (a *attempt) begin(w *Walk, c choice, ticket health.Ticket, now time.Time, mem *memory) {
	step := w.Plan.Steps[c.step]
	*a = attempt{
		walk: w, mem: mem, ctx: w.ctx, stop: c.step, step: step, why: c.why, way: c.way, lane: c.lane, ticket: ticket,
		to:    c.way.To(),
		start: now,
	}
	a.enter()
	a.total = earliest(w.Until, after(a.start, step.Endpoint.Provider.Timeouts.Total))
	a.until = earliest(a.patience(), a.total)
}

// patience is when to give this attempt up although nothing is known to be wrong: never while no other
// endpoint stands ready.
func (a *attempt) patience() time.Time {
	t, facts := a.step.Endpoint.Provider.Timeouts, &a.walk.Ask.Facts
	if !a.walk.standby(a.start) {
		return time.Time{}
	}
	if facts.Stream && t.FirstToken != time.Duration(fairlead.Auto) {
		return after(a.start, t.FirstToken)
	}
	bound := a.lane.Deadlines().Total(a.size(), a.start)
	if facts.Stream {
		bound = a.lane.Deadlines().FirstToken(a.size(), a.start)
	}
	if bound > 0 && !a.total.IsZero() { // as much is left for the other
		bound = min(bound, a.total.Sub(a.start)/2)
	}
	return after(a.start, bound)
}

// size is what the deadlines depend on.
func (a *attempt) size() health.Size {
	facts := &a.walk.Ask.Facts
	return health.Size{Prompt: a.walk.Prompt, MaxOutput: int(facts.MaxOutput), Think: facts.Thinks}
}

// learn tells the deadlines how long the commit took, or that it took longer than until now.
func (a *attempt) learn(now time.Time, cut bool) {
	if a.walk.Ask.Op != fairlead.OpChat {
		return
	}
	if a.walk.Ask.Facts.Stream {
		a.lane.Deadlines().LearnFirstToken(a.size(), now.Sub(a.start), cut, now)
	} else {
		a.lane.Deadlines().LearnTotal(a.size(), now.Sub(a.start), cut, now)
	}
}

// after gives t + d; no time where d is not a bound.
func after(t time.Time, d time.Duration) time.Time {
	if d <= 0 {
		return time.Time{}
	}
	return t.Add(d)
}

// advance goes on until the attempt commits or fails, or until silence is over.
func (a *attempt) advance(silence time.Time) (*Answer, *setback) {
	if a.reply == nil {
		if fail := a.send(); fail != nil {
			return nil, fail
		}
	}
	if a.head == nil {
		if fail := a.awaitHead(silence); fail != nil {
			return nil, fail
		}
	}
	if a.stream != nil {
		return a.commitStream(silence)
	}
	if a.head.Status != http.StatusOK {
		return nil, a.refused()
	}
	if fail := a.checkType(); fail != nil {
		return nil, fail
	}
	if a.walk.Ask.Facts.Stream {
		a.stream = newStream(a)
		return a.commitStream(silence)
	}
	return a.whole(silence)
}

// build builds the call, unless that was done.
func (a *attempt) build() *setback {
	if a.call.URL != nil {
		return nil
	}
	err := a.write()
	switch {
	case err == nil:
		return nil
	case a.walk.ctx.Err() != nil:
		return gone()
	}
	a.walk.tried-- // nothing is sent: it uses up no attempt
	return &setback{
		outcome: fairlead.OutcomeRequestBuild, detail: string(fairlead.AsError(err).Code), unsent: fairlead.AsError(err),
		verdict: failure.Verdict{Retry: failure.Elsewhere | failure.Fallback},
	}
}

// send builds the call and writes it.
func (a *attempt) send() *setback {
	if fail := a.build(); fail != nil {
		return fail
	}
	if err := a.way.err; err != nil {
		fail := a.judged(failure.Evidence{Break: failure.BreakConnect})
		fail.detail, fail.sent = err.Error(), false
		return fail
	}
	begin := time.Now()
	reply, err := a.way.transport.Send(a.ctx, &a.call)
	if err != nil {
		a.waitedSince(begin)
		return a.broken(err, failure.BreakConnect)
	}
	a.reply, a.since = reply, begin // the head is waited for at once
	a.reply.SetDeadline(a.until)
	return nil
}

// write writes the attempt's call. For a large body of another dialect that takes several times the
// body's memory for a moment, so that only a few at a time may do it.
func (a *attempt) write() error {
	ask := a.walk.Ask
	legs := a.walk.legs
	if (a.translated() || legs != nil) && len(ask.Body) > largeBody {
		room, weight := a.walk.up.room, min(translationPart*int64(len(ask.Body)), translationRoom)
		if err := room.Acquire(a.walk.ctx, weight); err != nil {
			return err
		}
		defer room.Release(weight)
		defer ask.Forget()
	}
	if legs != nil {
		var err error
		if ask, err = legs.askTo(legs.method, ask); err != nil {
			return err
		}
	}
	c := &a.mem.call
	if err := c.Write(a.way.Way, ask, a.step); err != nil {
		return err
	}
	a.call = transport.Call{URL: c.URL, Method: c.Method, Header: c.Header, Body: c.Body, Again: c.Again, Until: a.until}
	return nil
}

func (a *attempt) awaitHead(silence time.Time) *setback {
	begin := a.from()
	err := a.reply.Ready(earliest(silence, a.until))
	if err == nil {
		a.head, err = a.reply.Head(a.until)
	}
	now := a.waitedSince(begin)
	if err == nil {
		a.taken()
		return nil
	}
	a.since = time.Time{}
	if isTimeout(err) && !passed(a.until, now) {
		return silent
	}
	return a.broken(err, failure.BreakConnect)
}

// taken lets go of a large request once it is answered.
func (a *attempt) taken() {
	if len(a.call.Body) > largeBody {
		a.mem.call.Drop()
	}
	a.call = transport.Call{}
}

// waitedSince counts a wait that began at a time. Another one may follow at once.
func (a *attempt) waitedSince(begin time.Time) time.Time {
	a.since = time.Now()
	a.waited += a.since.Sub(begin)
	return a.since
}

// from is when a wait begins: where it goes on, or follows another one, the clock is not read again.
func (a *attempt) from() time.Time {
	t := a.since
	if t.IsZero() {
		t = time.Now()
	}
	a.since = time.Time{}
	return t
}

func (a *attempt) commitStream(silence time.Time) (*Answer, *setback) {
	err := a.stream.commit(silence)
	if err == ErrSilent {
		return nil, silent
	}
	if err != nil {
		a.waited += a.stream.Waited
		return nil, a.inBand(err, a.stream.said)
	}
	a.waited += a.stream.Waited
	a.stream.Waited = 0
	a.head.Header = nil // a stream can last long and needs it no more
	a.mem.lean()
	a.given = Answer{Step: a.step, Status: http.StatusOK, Stream: a.stream, Translated: a.translated(), reply: a.reply, cancel: a.cancel}
	return &a.given, nil
}

func (a *attempt) translated() bool { return a.to.Name() != a.walk.Ask.Caller.Name() }

// enter counts the attempt at its endpoint, where that has a limit.
func (a *attempt) enter() {
	if a.step.Endpoint.Limits.Concurrency > 0 {
		a.lane.Busy().Add(1)
		a.counted = true
	}
}

// leave takes it off again, once.
func (a *attempt) leave() {
	if a.counted {
		a.lane.Busy().Add(-1)
		a.counted = false
	}
}

func (a *attempt) close() {
	a.leave()
	if a.reply != nil {
		_ = a.reply.Close() // the failure that ended the attempt is already known
	}
	if a.cancel != nil {
		a.cancel()
	}
}

func passed(t, now time.Time) bool { return !t.IsZero() && !now.Before(t) }
