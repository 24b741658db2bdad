package upstream

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"fairlead"
	"fairlead/upstream/failure"
)

// setback is why an attempt did not commit.
type setback struct {
	outcome fairlead.Outcome
	status  int    // HTTP status; 0 where none was read
	detail  string // for records: no text of the provider or the caller
	verdict failure.Verdict
	sent    bool            // the provider may have begun to act on it
	final   *fairlead.Error // set where the walk ends with it whatever else could be tried
	unsent  *fairlead.Error // why the request cannot be expressed at this endpoint
	over    bool            // so is the exchange's
	late    bool            // the attempt's own time was over; nothing else is wrong
	by      *fairlead.Provider
}

// silent is no failure: the time to wait is over and the attempt goes on.
var silent = &setback{}

// callers reports whether a failure is the caller's own: it is told as the provider stated it.
func (s *setback) callers() bool {
	switch s.outcome {
	case fairlead.OutcomeCallerFault, fairlead.OutcomeFilter, fairlead.OutcomeTooLarge, fairlead.OutcomeContext:
		return true
	}
	return false
}

// refusal passes on what a provider said of the caller's own request: its words, its parameter and
// its code, where that looks like one.
func (s *setback) refusal() *fairlead.Error {
	f := &s.verdict.Fault
	e := &fairlead.Error{Code: fairlead.CodeRefusedByProvider, Message: f.Message, Param: f.Param, Status: s.status, Final: true}
	if e.Message == "" {
		e.Message = "the provider refused the request"
	}
	switch s.outcome {
	case fairlead.OutcomeTooLarge:
		e.Code, e.Status = fairlead.CodeBodyTooLarge, http.StatusRequestEntityTooLarge
	case fairlead.OutcomeContext:
		e.Code, e.Status = fairlead.CodeContextLength, http.StatusBadRequest
	}
	if e.Status < 400 || e.Status >= 500 {
		e.Status = http.StatusBadRequest
	}
	if codeLike(f.Code) {
		e.Code = fairlead.Code(f.Code)
	}
	return e
}

// hideCredential keeps what was shown to a provider out of what its words say to the caller.
func hideCredential(p *fairlead.Provider, e *fairlead.Error) {
	for _, c := range p.Usable() {
		if value := c.Value.Reveal(); value != "" {
			e.Message = strings.ReplaceAll(e.Message, value, c.Value.String())
			e.Param = strings.ReplaceAll(e.Param, value, c.Value.String())
		}
	}
}

// codeLike reports whether a provider's code can stand for ours: lower-case words, not a number.
func codeLike(code string) bool {
	if code == "" || len(code) > 64 || (code[0] >= '0' && code[0] <= '9') {
		return false
	}
	return strings.Trim(code, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// exhausted is the answer to a caller when there is nothing left to try.
func (w *Walk) exhausted() *fairlead.Error {
	if w.last == nil {
		return w.shutOut()
	}
	if w.last.unsent != nil && fairlead.Made(w.Attempts) == 0 {
		return w.last.unsent
	}
	if w.last.callers() {
		e := w.last.refusal()
		hideCredential(w.last.by, e)
		return e
	}
	// Where several endpoints were tried, an SDK that repeats the request would multiply the attempts. Where
	// there was one, or a limit says when to come back, its own retries are all there is.
	e := &fairlead.Error{Code: fairlead.CodeUpstreamFailed, Final: fairlead.Made(w.Attempts) > 1}
	switch {
	case w.all(fairlead.OutcomeRateLimited):
		e.Code, e.RetryAfter, e.Final = fairlead.CodeRateLimited, max(w.soonest, time.Second), false
	case w.all(fairlead.OutcomeTimeout):
		e.Code = fairlead.CodeUpstreamTimeout
	case w.all(fairlead.OutcomeModel):
		e.Code = fairlead.CodeModelNotFound
	case w.all(fairlead.OutcomeRegion):
		e.Code = fairlead.CodeRegionBlocked
	}
	reasons := make([]string, 0, len(w.Attempts))
	for _, a := range w.Attempts {
		reasons = append(reasons, reason(a))
	}
	reasons = append(reasons, w.shut(time.Now()).reasons...)
	e.Message = "every attempt failed: " + strings.Join(reasons, "; ")
	return e
}

// shutOut is the answer where no endpoint may be asked now.
func (w *Walk) shutOut() *fairlead.Error {
	now := time.Now()
	found := w.shut(now)
	if len(found.reasons) == 0 {
		return &fairlead.Error{Code: fairlead.CodeNoEndpoint, Message: "no endpoint may be used for this request"}
	}
	e := &fairlead.Error{
		Code: fairlead.CodeNoEndpoint, Message: "no endpoint can be asked now: " + strings.Join(found.reasons, "; "),
		RetryAfter: max(found.soonest.Sub(now), time.Second),
	}
	if found.cooling {
		e.Code = fairlead.CodeRateLimited
	}
	return e
}

func (w *Walk) all(o fairlead.Outcome) bool {
	for _, a := range w.Attempts {
		if a.Outcome != o && a.Outcome != fairlead.OutcomeRequestBuild {
			return false
		}
	}
	return true
}

// reason tells a caller of one attempt: the endpoint, what happened and the status.
func reason(a fairlead.Attempt) string {
	if a.Status == 0 {
		return fmt.Sprintf("%s: %s", a.Endpoint, a.Outcome)
	}
	return fmt.Sprintf("%s: %s (%d)", a.Endpoint, a.Outcome, a.Status)
}

// Detail names what broke a committed stream, for records: no text of the provider or the caller.
func Detail(err error) string {
	switch {
	case errors.Is(err, errTruncated):
		return "truncated"
	case errors.Is(err, errEmptied):
		return "stalled, kept alive"
	case errors.Is(err, errStalled):
		return "stalled"
	case errors.Is(err, errFrameTooLong):
		return "frame too long"
	case errors.Is(err, errHeldTooMuch):
		return "too much out of order"
	case isTimeout(err):
		return "total time is over"
	}
	if f, ok := asFault(err); ok {
		return f.Error()
	}
	return err.Error()
}
