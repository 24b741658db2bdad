package upstream

import (
	"errors"
	"strings"
	"time"

	"fairlead"
	"fairlead/upstream/failure"
	"fairlead/upstream/transport"
)

// Bounds of an error answer.
const (
	maxErrorBody  = 64 << 10        // that is read
	errorBodyTime = 2 * time.Second // to read it
)

// broken says what a failed read or write means.
func (a *attempt) broken(err error, otherwise failure.Break) *setback {
	switch {
	case a.walk.ctx.Err() != nil:
		return gone()
	case isTimeout(err):
		return a.timedOut(sent(err))
	}
	if errors.Is(err, transport.ErrMalformed) || errors.Is(err, transport.ErrHeaderTooLarge) {
		otherwise = failure.BreakMalformed
	}
	fail := a.judged(failure.Evidence{Break: otherwise})
	fail.detail, fail.sent = err.Error(), sent(err)
	return fail
}

// sent reports whether any of the request may have reached the provider before err.
func sent(err error) bool {
	var e *transport.Error
	return !errors.As(err, &e) || e.Sent()
}

func (a *attempt) timedOut(sent bool) *setback {
	fail := a.judged(failure.Evidence{Break: failure.BreakTimeout})
	fail.detail, fail.sent, fail.late = "nothing meaningful in time", sent, true
	fail.over = passed(a.walk.Until, time.Now())
	return fail
}

// gone is the end of a walk whose caller left.
func gone() *setback {
	return &setback{
		outcome: fairlead.OutcomeCallerGone,
		final:   fairlead.Errorf(fairlead.CodeCallerGone, "the caller left"),
	}
}

// refused reads the body of an answer that is no success and classifies it.
func (a *attempt) refused() *setback {
	a.reply.SetDeadline(earliest(time.Now().Add(errorBodyTime), a.walk.Until))
	body, _, err := readUpTo(a.reply, nil, maxErrorBody) // a broken error body still has its status
	if err != nil && a.walk.ctx.Err() != nil {
		return gone()
	}
	return a.judged(failure.Evidence{Status: a.head.Status, Header: a.head.Header, Body: body})
}

// judged classifies what was seen.
func (a *attempt) judged(e failure.Evidence) *setback {
	e.Place, e.Dialect, e.Now = a.way.place, a.step.Endpoint.Provider.Dialect, time.Now()
	v := failure.Classify(e)
	return &setback{outcome: v.Outcome, status: e.Status, detail: v.Row, sent: true, verdict: v}
}

// checkType refuses a success that is not in the form asked for, such as an error page of a proxy.
func (a *attempt) checkType() *setback {
	want := "application/json"
	if a.walk.Ask.Facts.Stream {
		want = "text/event-stream"
	}
	var stated string
	if v := a.head.Header["Content-Type"]; len(v) > 0 { // both clients give names in canonical form
		stated = v[0]
	}
	got, _, _ := strings.Cut(stated, ";")
	if stated == "" || strings.EqualFold(strings.TrimSpace(got), want) {
		return nil
	}
	if strings.EqualFold(strings.TrimSpace(got), "application/json") {
		if fail := a.wholeInstead(); fail != nil {
			return fail
		}
	}
	return a.misread("wrong content type", failure.BreakMalformed)
}

// wholeInstead is the error or the answer that came as JSON where a stream was asked for; nil where it is
// neither. A server that does not stream is well: the wish was the caller's.
func (a *attempt) wholeInstead() *setback {
	a.reply.SetDeadline(earliest(time.Now().Add(errorBodyTime), a.walk.Until))
	body, _, err := readUpTo(a.reply, nil, maxWhole)
	if err != nil && a.walk.ctx.Err() != nil {
		return gone()
	}
	if err != nil && isTimeout(err) {
		return a.misread("wrong content type", failure.BreakTimeout)
	}
	if _, err = a.to.Inspect(a.walk.Ask.Op, body, &a.mem.scratch); err == nil {
		return a.misread("whole answer for a stream", failure.BreakUnasked)
	}
	if _, ok := asFault(err); !ok {
		return nil
	}
	return a.inBand(err, body)
}

// inBand classifies what went wrong inside a success. said is the frame or body that says so.
func (a *attempt) inBand(err error, said []byte) *setback {
	if err == errNoSeam {
		return &setback{
			outcome: fairlead.OutcomeNoSeam, status: a.head.Status, sent: true,
			verdict: failure.Verdict{Retry: failure.Elsewhere | failure.Same | failure.Fallback},
		}
	}
	if _, ok := asFault(err); ok {
		return a.judged(failure.Evidence{Status: a.head.Status, Header: a.head.Header, Body: said, InBand: true})
	}
	fail := a.broken(err, failure.BreakMalformed)
	fail.status = a.head.Status
	return fail
}

// misread is the failure of an answer that cannot be used.
func (a *attempt) misread(detail string, b failure.Break) *setback {
	fail := a.judged(failure.Evidence{Break: b})
	fail.status, fail.detail = a.head.Status, detail
	return fail
}
