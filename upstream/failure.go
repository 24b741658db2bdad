package upstream

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"fairlead"
	"fairlead/dialect"
)

// failure is why an attempt did not commit.
type failure struct {
	outcome    fairlead.Outcome
	status     int    // HTTP status; 0 where none was read
	detail     string // for records: no text of the provider or the caller
	retryAfter time.Duration
	sent       bool            // the provider may have begun to act on it
	final      *fairlead.Error // set where no other endpoint can help: the walk ends with it
	unsent     *fairlead.Error // why the request cannot be expressed at this endpoint
}

// silent is no failure: the time to wait is over and the attempt goes on.
var silent = &failure{}

// classify says what a provider's error means: by its status, but for the operator's empty account,
// which providers put under several. Else the fault's own words prove nothing, for they may quote the
// caller's prompt.
func classify(status int, f *dialect.Fault, retryAfter time.Duration) *failure {
	fail := &failure{status: status, retryAfter: retryAfter, detail: f.Error(), sent: true}
	switch {
	case unpaid(f), status == http.StatusUnauthorized, status == http.StatusPaymentRequired, status == http.StatusForbidden:
		fail.outcome = fairlead.OutcomeCredential
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed, status == http.StatusGone:
		fail.outcome = fairlead.OutcomeModel
	case status == http.StatusTooManyRequests:
		fail.outcome = fairlead.OutcomeRateLimited
	case status >= 500, status == http.StatusRequestTimeout, status == http.StatusConflict, status == http.StatusFailedDependency:
		fail.outcome = fairlead.OutcomeServerError
	case status >= 400:
		fail.outcome = fairlead.OutcomeCallerFault
		fail.final = refusal(status, f)
	default:
		fail.outcome = fairlead.OutcomeMalformed
	}
	return fail
}

// noCredit begins what Anthropic says, as a 400, to an account without credit. No prompt can stand
// before it.
const noCredit = "Your credit balance is too low to access the Anthropic API"

// unpaid reports whether the operator's account at the provider is empty.
func unpaid(f *dialect.Fault) bool {
	switch {
	case f.Code == "insufficient_quota", f.Code == "credit_balance_exhausted", f.Type == "insufficient_quota", f.Type == "billing_error":
		return true
	}
	return f.Type == "invalid_request_error" && strings.HasPrefix(f.Message, noCredit)
}

// refusal passes on what a provider said of the caller's own request: its words, its parameter and
// its code, where that looks like one.
func refusal(status int, f *dialect.Fault) *fairlead.Error {
	e := &fairlead.Error{Code: fairlead.CodeRefusedByProvider, Message: f.Message, Param: f.Param, Status: status, Final: true}
	if e.Message == "" {
		e.Message = "the provider refused the request"
	}
	if status == http.StatusRequestEntityTooLarge {
		e.Code = fairlead.CodeBodyTooLarge
	}
	if codeLike(f.Code) {
		e.Code = fairlead.Code(f.Code)
	}
	return e
}

// hideCredential keeps what was shown to a provider out of what its words say to the caller.
func (a *attempt) hideCredential(e *fairlead.Error) {
	c, ok := a.step.Endpoint.Provider.Credential()
	if value := c.Value.Reveal(); ok && value != "" {
		e.Message = strings.ReplaceAll(e.Message, value, c.Value.String())
		e.Param = strings.ReplaceAll(e.Param, value, c.Value.String())
	}
}

// codeLike reports whether a provider's code can stand for ours: lower-case words, not a number.
func codeLike(code string) bool {
	if code == "" || len(code) > 64 || (code[0] >= '0' && code[0] <= '9') {
		return false
	}
	return strings.Trim(code, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// exhausted is the answer to a caller when the plan has no step left.
func (w *Walk) exhausted() *fairlead.Error {
	if w.last == nil {
		return &fairlead.Error{Code: fairlead.CodeNoEndpoint, Message: "no endpoint may be used for this request"}
	}
	if w.last.unsent != nil && fairlead.Made(w.Attempts) == 0 {
		return w.last.unsent
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
	}
	reasons := make([]string, 0, len(w.Attempts))
	for _, a := range w.Attempts {
		reasons = append(reasons, reason(a))
	}
	e.Message = "every attempt failed: " + strings.Join(reasons, "; ")
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
