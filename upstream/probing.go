package upstream

import (
	"context"
	"time"

	"fairlead"
	"fairlead/dialect"
	"fairlead/internal/jsonscan"
	"fairlead/provider"
	"fairlead/upstream/failure"
	"fairlead/upstream/health"
	"fairlead/upstream/transport"
)

const (
	pagePatience  = 2 * time.Second
	modelPatience = 10 * time.Second
	maxProbe      = 64 << 10 // of an answer that is read

	// What a probe by generation is reckoned at before its answer tells: providers wrap prompts in templates
	// of their own, and some answer more than the one token.
	probeInput  = 128
	probeOutput = 16
)

// finding is what came of a probe.
type finding struct {
	*job
	evidence health.Evidence
	cost     fairlead.USD
	status   int
	mute     bool // a page that is not there, or not for us: it says nothing
}

// generates reports whether an endpoint can be probed by generation: its price is known, and so is the name
// of its model, which under a wildcard comes from callers.
func generates(e *fairlead.Endpoint) bool {
	return e.Price != nil && !e.Model.Wildcard && e.Supports.Lacks(fairlead.Chat) == 0
}

// mostOf is the most that a probe by generation costs at an endpoint; more than any budget where that cannot
// be said.
func mostOf(e *fairlead.Endpoint) fairlead.USD {
	cost, err := e.Price.Cost(fairlead.Usage{Input: probeInput, Output: probeOutput})
	if err != nil {
		return 1<<63 - 1
	}
	return cost
}

func (j *job) patience() time.Duration {
	if j.endpoint != nil {
		return modelPatience
	}
	return pagePatience
}

// run makes the probe. ctx cancels it, and then it proves nothing.
func (j *job) run(ctx context.Context) *finding {
	f := &finding{job: j}
	var call provider.Call
	var err error
	if j.endpoint == nil {
		err = call.Page(j.way.Way, j.provider.Probe.Path)
	} else {
		err = j.write(&call)
	}
	if err != nil {
		return f // it cannot be asked in this dialect: the trial of an exchange decides
	}
	within, cancel := context.WithTimeout(ctx, j.patience())
	defer cancel()
	f.send(within, transport.Call{URL: call.URL, Method: call.Method, Header: call.Header, Body: call.Body, Again: call.Again})
	if ctx.Err() != nil {
		f.evidence = health.Evidence{}
	}
	return f
}

// write makes the smallest request that a model answers, in its provider's own language.
func (j *job) write(call *provider.Call) error {
	model := j.endpoint.UpstreamModel(j.endpoint.Model.Name)
	body, err := j.way.To().WriteRequest(&dialect.Request{
		Model: model, MaxTokens: 1,
		Messages: []dialect.Message{{Role: dialect.User, Parts: []dialect.Part{{Kind: dialect.PartText, Text: "ping"}}}},
	}, dialect.Target{Model: model, MaxOutput: 1})
	if err != nil {
		return err
	}
	ask := &provider.Ask{
		Op: fairlead.OpChat, Caller: j.way.To(), Body: body, Top: new(jsonscan.Object),
		Facts: dialect.Facts{Model: model, MaxOutput: 1, Stateless: true},
	}
	if err := ask.Top.Scan(body); err != nil {
		return err
	}
	return call.Write(j.way.Way, ask, fairlead.Step{Endpoint: j.endpoint, Asked: j.endpoint.Model.Name})
}

// send sends the call and reads what comes.
func (f *finding) send(ctx context.Context, call transport.Call) {
	until, _ := ctx.Deadline()
	call.Until = until
	if f.endpoint != nil {
		f.cost = f.terms.Cost // until it is known better
	}
	reply, err := f.way.transport.Send(ctx, &call)
	if err != nil {
		if !sent(err) {
			f.cost = 0
		}
		f.broken(ctx, err)
		return
	}
	defer reply.Close()
	head, err := reply.Head(until)
	if err != nil {
		f.broken(ctx, err)
		return
	}
	reply.SetDeadline(until)
	body, _, err := readUpTo(reply, nil, maxProbe)
	f.status = head.Status
	ok := head.Status >= 200 && head.Status < 300
	switch {
	case !ok && f.endpoint == nil && head.Status < 500:
		f.mute = true
	case !ok:
		f.cost = 0 // providers bill no errors
		f.judge(failure.Evidence{Status: head.Status, Header: head.Header, Body: body})
	case err != nil:
		f.broken(ctx, err)
	case f.endpoint == nil:
		f.evidence.Kind = health.Success
	default:
		f.answered(head, body)
	}
}

// answered looks into a success of the model.
func (f *finding) answered(head *transport.Head, body []byte) {
	seen, err := f.way.To().Inspect(fairlead.OpChat, body, new(jsonscan.Object))
	switch _, stated := asFault(err); {
	case stated:
		f.judge(failure.Evidence{Status: head.Status, Header: head.Header, Body: body, InBand: true})
		return
	case err != nil:
		f.judge(failure.Evidence{Break: failure.BreakMalformed})
		return
	}
	f.evidence.Kind = health.Success
	if seen.HasUsage {
		if cost, err := f.endpoint.Price.Cost(seen.Usage); err == nil {
			f.cost = cost
		}
	}
}

// broken says what a failed read or write means.
func (f *finding) broken(ctx context.Context, err error) {
	how := failure.BreakConnect
	if isTimeout(err) || ctx.Err() != nil {
		how = failure.BreakTimeout
	}
	f.judge(failure.Evidence{Break: how})
}

// judge classifies what was seen.
func (f *finding) judge(e failure.Evidence) {
	e.Place, e.Dialect, e.Now = f.way.place, f.provider.Dialect, time.Now()
	f.evidence = evidence(failure.Classify(e))
}
