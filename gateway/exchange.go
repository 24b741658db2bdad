package gateway

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"time"

	"fairlead"
	"fairlead/admit"
	"fairlead/dialect"
	"fairlead/internal/jsonscan"
	"fairlead/meter"
	"fairlead/provider"
	"fairlead/route"
	"fairlead/steer"
	"fairlead/upstream"
)

// exchange is one caller's request and its answer while it lasts.
type exchange struct {
	g       *Gateway
	w       http.ResponseWriter
	r       *http.Request
	control http.ResponseController // of w
	headers headers                 // of the answer
	caller  dialect.Dialect
	snap    *fairlead.Snapshot
	rec     fairlead.Record
	body    body
	top     jsonscan.Object
	ask     provider.Ask
	plan    fairlead.Plan
	model   *fairlead.Model // asked for
	walk    *upstream.Walk
	walking bool // the walk has begun
	answer  *upstream.Answer
	reading meter.Reading
	unheard int64 // bytes of what a stream said that could not be written any more
	sent    bool  // the status line went out

	begun      time.Time     // what lasts is measured from here: the record's Start may be of another clock
	writeUntil time.Time     // when the caller must have taken what was written
	waited     time.Duration // for the caller and, at the end, for providers
}

// exchange is the story of one request: snapshot, admit, read, plan, send, pump, settle.
func (g *Gateway) exchange(w http.ResponseWriter, r *http.Request, a *address) {
	x := g.begin(w, r, a)
	defer x.settle()
	defer x.recovered()
	pass, err := x.enter()
	if err == nil {
		err = x.read(pass)
	}
	if err == nil {
		err = x.route()
	}
	if err == nil {
		err = x.send()
	}
	if err == nil {
		err = x.pump()
	}
	if err != nil {
		x.refuse(err)
	}
}

// recovered makes a defect an error of the exchange that met it.
func (x *exchange) recovered() {
	v := recover()
	if v == nil {
		return
	}
	if aborted(v) {
		panic(v)
	}
	x.g.Log.Error("defect", "id", x.rec.ID, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
	x.refuse(&fairlead.Error{Code: fairlead.CodeInternal, Message: "internal error; the log tells of it under this request's id"})
}

func (g *Gateway) begin(w http.ResponseWriter, r *http.Request, a *address) *exchange {
	x := g.exchanges.Get().(*exchange)
	x.g, x.w, x.r, x.caller, x.snap = g, w, r, g.dialects[a.dialect], g.snapshot.Load()
	x.control, x.headers.of = *http.NewResponseController(w), w.Header()
	x.begun = time.Now()
	x.rec.Start = g.date(x.begun)
	x.rec.ID = fairlead.NewExchangeID(g.tag, x.rec.Start)
	x.rec.Operation, x.rec.Dialect = a.op, a.dialect
	x.rec.CallerID = callerID(r)
	x.body.gate = &g.bodies
	if kept, ok := w.(interface{ WriteDeadline() time.Time }); ok {
		x.writeUntil = kept.WriteDeadline()
	}
	g.Observer.Entered(&x.rec)
	return x
}

// enter lets the exchange in by its headers alone.
func (x *exchange) enter() (admit.Pass, error) {
	switch {
	case x.g.draining.Load():
		closeAfter(x.w, x.r)
		return admit.Pass{}, &fairlead.Error{Code: fairlead.CodeDraining, Message: "this node is shutting down", RetryAfter: time.Second}
	case x.snap == nil:
		return admit.Pass{}, &fairlead.Error{Code: fairlead.CodeDraining, Message: "this node has no configuration yet", RetryAfter: time.Second}
	}
	x.rec.Revision = x.snap.Revision
	pass, err := x.g.Door.Enter(x.r.Context(), x.r.Header)
	if t := x.snap.Trial; t != nil && err == nil {
		x.rec.Trial, x.rec.Tried = t.ID, tries(t, pass, x.rec.ID)
		if x.rec.Tried {
			x.snap = t.Snapshot
			x.rec.Revision = x.snap.Revision
		}
	}
	return pass, err
}

// tries reports whether an exchange goes by the revision on trial. A key stays on its side, and where there is none
// each exchange is drawn.
func tries(t *fairlead.SnapshotTrial, pass admit.Pass, exchange string) bool {
	if pass.Key != nil {
		return steer.Side(pass.Key.ID, t.ID, t.Percent)
	}
	return steer.Side(exchange, t.ID, t.Percent)
}

// read takes the body in and understands what it asks for.
func (x *exchange) read(pass admit.Pass) error {
	if k := pass.Key; k != nil {
		x.rec.KeyID, x.rec.Account, x.rec.Team, x.rec.Allowed = k.ID, k.Account, k.Team, &k.KeyTerms
	}
	x.body.limit = x.snap.Settings
	begin := time.Now()
	err := x.body.read(&x.control, x.r, x.g.patience.body)
	x.waited += time.Since(begin)
	x.rec.BytesIn = int64(len(x.body.data))
	if err != nil {
		return err
	}
	if err := scan(&x.top, x.body.data); err != nil {
		return err
	}
	facts, err := x.caller.Facts(x.rec.Operation, &x.top)
	if err != nil {
		return err
	}
	x.rec.Model, x.rec.Stream, x.rec.MaxOutput = facts.Model, facts.Stream, facts.MaxOutput
	x.rec.Needs, x.rec.Thinks, x.rec.Stateless = facts.Needs|x.rec.Operation.Need(), facts.Thinks, facts.Stateless
	x.ask = provider.Ask{
		Op: x.rec.Operation, Caller: x.caller, Body: x.body.data, Top: &x.top, Facts: facts,
		Forward: forwarded(x.r.Header),
	}
	x.rec.Prompt = x.prompt(0)
	return nil
}

// route finds the model and plans where to go.
func (x *exchange) route() error {
	m, ok := x.snap.Model(x.rec.Model)
	if !ok || !x.rec.Allowed.AllowsModel(m, x.rec.Model) {
		return noSuchModel(x.snap, x.rec.Model, x.rec.Allowed)
	}
	x.model, x.rec.Served = m, m.Name
	x.rec.Prompt = x.prompt(m.BytesPerToken)
	x.plan = route.Plan(x.plan, m, &x.rec.Request, rand.Float64)
	if len(x.plan.Steps) == 0 {
		return unroutable(m.Name, &x.plan)
	}
	return nil
}

// send walks the plan until an attempt commits; that it will is on record before. A streaming caller who hears
// nothing for long is sent headers and comments meanwhile: they are not the commit.
func (x *exchange) send() error {
	x.walking = true
	if x.g.Intents != nil {
		x.rec.Intended = true
		x.g.Intents.Intend(&x.rec)
	}
	x.g.Upstream.Walk(x.r.Context(), x.walk, upstream.Journey{
		Ask: &x.ask, Plan: x.plan, Most: x.snap.Settings.Attempts, Continue: x.model.Continues, Prompt: int(x.rec.Prompt), Start: x.begun, Until: x.end(),
		Hedge: x.model.Hedge,
		Encode: dialect.EncodeOptions{
			RequestID: x.rec.ID, Model: x.rec.Model, Usage: x.ask.Facts.StreamUsage, Created: x.rec.Start.Unix(),
		},
	})
	silence := x.firstSilence()
	for {
		answer, err := x.walk.Commit(silence)
		if errors.Is(err, upstream.ErrSilent) {
			x.comment()
			silence = time.Now().Add(commentEvery)
			continue
		}
		if err != nil {
			return err
		}
		x.answer = answer
		x.meter()
		x.rec.TTFT = answer.At.Sub(x.begun)
		x.rec.Endpoint, x.rec.Translated = answer.Step.Endpoint.ID, answer.Translated
		return nil
	}
}

// end is when the exchange must be over: as late as the most patient provider of its plan allows, and
// each attempt is bounded by its own provider's total. Zero = no bound.
func (x *exchange) end() time.Time {
	longest := time.Duration(0)
	for i := range x.plan.Steps {
		total := x.plan.Steps[i].Endpoint.Provider.Timeouts.Total
		if total <= 0 {
			return time.Time{}
		}
		longest = max(longest, total)
	}
	return x.begun.Add(longest)
}

// firstSilence is when a streaming caller is sent headers although nothing committed; zero = never.
func (x *exchange) firstSilence() time.Time {
	silence := x.plan.Steps[0].Endpoint.Provider.Timeouts.Headers
	if !x.rec.Stream || silence <= 0 {
		return time.Time{}
	}
	return time.Now().Add(silence)
}

// settle ends the exchange: what it used and cost, its record, its memory.
func (x *exchange) settle() {
	if x.walking {
		x.walk.Close()
		x.rec.Attempts, x.rec.Shut, x.rec.Withheld = x.walk.Attempts, x.walk.Shut, x.walk.Withheld
		x.waited += x.walk.Waited
	}
	if x.answer != nil {
		x.meterStream()
		x.rec.Usage, x.rec.Normal = meter.Usage(x.reading), meter.Normal(x.reading)
		x.rec.Cost = meter.Cost(x.answer.Step.Endpoint, x.reading.Silent, x.rec.Usage)
		x.answer.Close()
	}
	if x.walking {
		x.walk.Settled(x.rec.Cost)
	}
	x.rec.Duration = time.Since(x.begun)
	x.rec.Overhead = max(0, x.rec.Duration-x.waited)
	x.g.Observer.Left(&x.rec)
	x.body.release()
	x.reuse()
}

// largeMemory is how many members, steps or attempts an exchange's memory may have to be kept.
const largeMemory = 256

// reuse gives the exchange's memory to another one: nothing but empty slices is kept of it.
// BenchmarkExchange shows what that spares.
func (x *exchange) reuse() {
	g := x.g
	x.top.Reset()
	clear(x.plan.Steps)
	clear(x.plan.LeftOut)
	x.walk.Reset()
	kept := exchange{
		top:  x.top,
		plan: fairlead.Plan{Steps: x.plan.Steps[:0], LeftOut: x.plan.LeftOut[:0]},
		walk: x.walk,
		body: body{room: x.body.room},
	}
	if cap(kept.top.Members)+cap(kept.plan.Steps)+cap(kept.plan.LeftOut) > largeMemory {
		return
	}
	*x = kept
	g.exchanges.Put(x)
}
