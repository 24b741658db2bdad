package fairlead

import (
	"errors"
	"time"
)

// Code is the stable name of an error: callers and dashboards match on it. Codes lists them all.
type Code string

// The codes, grouped as in docs/errors.md.
const (
	CodeMalformed            Code = "malformed_request"
	CodeInvalidJSON          Code = "invalid_json"
	CodeDuplicateField       Code = "duplicate_field"
	CodeTooDeep              Code = "too_deep"
	CodeInvalidRequest       Code = "invalid_request"
	CodeUnsupportedParameter Code = "unsupported_parameter"
	CodeUnsupportedMedia     Code = "unsupported_media_type"
	CodeBodyTooLarge         Code = "body_too_large"
	CodeHeadersTooLarge      Code = "headers_too_large"
	CodeBodyTimeout          Code = "body_timeout"
	CodeBodyIncomplete       Code = "body_incomplete"
	CodeContextLength        Code = "context_length_exceeded"
	CodeRefusedByProvider    Code = "refused_by_provider"

	CodeMissingKey    Code = "missing_key"
	CodeInvalidKey    Code = "invalid_key"
	CodeRevokedKey    Code = "revoked_key"
	CodeExpiredKey    Code = "expired_key"
	CodeDisabledKey   Code = "disabled_key"
	CodeReplacedKey   Code = "replaced_key"
	CodeClosedAccount Code = "account_closed"
	CodeNotAllowed    Code = "not_allowed"

	CodeModelNotFound    Code = "model_not_found"
	CodeNotFound         Code = "not_found"
	CodeMethodNotAllowed Code = "method_not_allowed"

	CodeRateLimited Code = "rate_limited"
	CodeOverloaded  Code = "overloaded"
	CodeDraining    Code = "draining"
	CodeNoEndpoint  Code = "no_endpoint"
	CodeNoPrice     Code = "no_price"

	CodeUpstreamFailed    Code = "upstream_failed"
	CodeUpstreamTimeout   Code = "upstream_timeout"
	CodeStreamInterrupted Code = "stream_interrupted"
	CodeAnswerTooLarge    Code = "answer_too_large"
	CodeRegionBlocked     Code = "region_blocked"

	CodeCallerGone Code = "caller_gone"
	CodeInternal   Code = "internal"
	CodeConflict   Code = "conflict"
	CodeStale      Code = "stale_revision"

	CodeControlUnavailable Code = "control_unavailable"
)

// Fault says who has to change something for the error to go away.
type Fault uint8

// Whose fault an error is.
const (
	FaultCaller Fault = iota + 1
	FaultProvider
	FaultOperator
	FaultNobody
)

// String is the fault as docs and records spell it.
func (f Fault) String() string {
	return [...]string{"", "caller", "provider", "operator", "nobody"}[f]
}

// CodeInfo is a row of the table of error codes.
type CodeInfo struct {
	Code    Code
	Status  int   // HTTP status of the answer
	Fault   Fault // who has to act
	Retry   bool  // whether sending the same request again can succeed
	Meaning string
}

// Codes is the one table of error codes; docs/errors.md is printed from it.
var Codes = []CodeInfo{
	{CodeMalformed, 400, FaultCaller, false, "The request is not valid HTTP, or where it ends is not certain; 417 where it expects what is not known here."},
	{CodeInvalidJSON, 400, FaultCaller, false, "The body is not one JSON object in valid UTF-8."},
	{CodeDuplicateField, 400, FaultCaller, false, "A name stands twice in one object, or a routed field is spelt in another case."},
	{CodeTooDeep, 400, FaultCaller, false, "The body nests deeper than 256 levels."},
	{CodeInvalidRequest, 400, FaultCaller, false, "A field is missing or has a value that no endpoint can take; `param` names it."},
	{CodeUnsupportedParameter, 400, FaultCaller, false, "No endpoint of this model can express the field that `param` names."},
	{CodeContextLength, 400, FaultCaller, false, "The prompt is longer than the model's context."},
	{CodeRefusedByProvider, 400, FaultCaller, false, "The provider refused the request as wrong; its message is passed on."},
	{CodeMissingKey, 401, FaultCaller, false, "No key was sent."},
	{CodeInvalidKey, 401, FaultCaller, false, "The key is not known here."},
	{CodeRevokedKey, 401, FaultCaller, false, "The key was revoked."},
	{CodeExpiredKey, 401, FaultCaller, false, "The time for which the key was made is over."},
	{CodeDisabledKey, 401, FaultCaller, false, "The key is disabled; an operator can enable it again."},
	{CodeReplacedKey, 401, FaultCaller, false, "The key was rotated: this secret of it is good no more."},
	{CodeClosedAccount, 403, FaultCaller, false, "The key's account or team is closed, or is not known here."},
	{CodeNotAllowed, 403, FaultCaller, false, "The key may not do this."},
	{CodeRegionBlocked, 403, FaultProvider, false, "Every provider refuses the place that it would be called from."},
	{CodeModelNotFound, 404, FaultCaller, false, "No model or alias has this name; near names are given."},
	{CodeNotFound, 404, FaultCaller, false, "Nothing is served at this path."},
	{CodeMethodNotAllowed, 405, FaultCaller, false, "The path is served with another method."},
	{CodeBodyTimeout, 408, FaultCaller, true, "The headers or the body arrived too slowly."},
	{CodeConflict, 409, FaultCaller, false, "The write conflicts with the state of the control plane."},
	{CodeStale, 412, FaultCaller, true, "The configuration is another than `If-Match` names; read it again."},
	{CodeBodyIncomplete, 400, FaultCaller, true, "The body ended before its stated length or its framing was broken."},
	{CodeBodyTooLarge, 413, FaultCaller, false, "The body is larger than `settings.max_body`, or than the provider takes."},
	{CodeUnsupportedMedia, 415, FaultCaller, false, "The body's content type or encoding is not taken here."},
	{CodeHeadersTooLarge, 431, FaultCaller, false, "The request's headers are too large."},
	{CodeRateLimited, 429, FaultCaller, true, "A limit was reached; `Retry-After` says when to come back."},
	{CodeCallerGone, 499, FaultNobody, false, "The caller left; only logs and metrics show it."},
	{CodeInternal, 500, FaultOperator, false, "A defect of fairlead; the log has the request id."},
	{CodeUpstreamFailed, 502, FaultProvider, true, "Every attempt failed; the message lists each with its reason."},
	{CodeStreamInterrupted, 502, FaultProvider, true, "The provider's stream broke after a part of the answer was delivered (in-band)."},
	{CodeAnswerTooLarge, 502, FaultProvider, false, "The provider's answer is larger than fairlead takes."},
	{CodeNoEndpoint, 503, FaultOperator, true, "The model exists but no endpoint of it may be used for this request."},
	{CodeNoPrice, 503, FaultOperator, false, "The account pays for what it uses, and every endpoint that could serve the request has no known price."},
	{CodeOverloaded, 503, FaultOperator, true, "fairlead holds as many request bodies as `settings.max_bodies` allows."},
	{CodeDraining, 503, FaultOperator, true, "This node is shutting down; another try reaches another node."},
	{CodeControlUnavailable, 503, FaultOperator, true, "The control plane cannot reach its database, or is not ready."},
	{CodeUpstreamTimeout, 504, FaultProvider, true, "No endpoint answered in time."},
}

// Info finds a code's row; an unknown code has that of CodeInternal.
func (c Code) Info() CodeInfo {
	for _, row := range Codes {
		if row.Code == c {
			return row
		}
	}
	return CodeInternal.Info()
}

// Error is what a caller, an operator and the log learn of a failure. Message goes to the caller;
// Hint to the operator; Err, the cause, to the log. None may hold a secret or a prompt.
type Error struct {
	Code       Code
	Message    string
	Param      string        // the field at fault, "" where none
	Status     int           // overrides the code's status where not 0
	RetryAfter time.Duration // sent as Retry-After where > 0
	Final      bool          // tells SDKs not to retry: fairlead already did all that can be done
	Hint       string
	Err        error
}

// Errorf makes an error of a code with a message for the caller.
func Errorf(code Code, message string) *Error { return &Error{Code: code, Message: message} }

// Error gives code, message and cause, for logs.
func (e *Error) Error() string {
	s := string(e.Code) + ": " + e.Message
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// HTTPStatus is the status that the error is answered with.
func (e *Error) HTTPStatus() int {
	if e.Status != 0 {
		return e.Status
	}
	return e.Code.Info().Status
}

// AsError gives err as an *Error; any other error becomes CodeInternal with err as its cause.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: CodeInternal, Message: "internal error", Err: err}
}
