package fakellm

import (
	"net/http"
	"strconv"
	"time"
)

// shape is the wire in which an error is told.
type shape uint8

const (
	openai shape = iota
	anthropic
)

// problem is an error as a provider tells it.
type problem struct {
	status     int
	kind       string // error.type
	alt        string // error.type in Anthropic's shape where it is another; "" = by kind
	code       string // error.code, OpenAI's shape only; "" = null
	param      string // error.param, likewise
	message    string
	retryAfter time.Duration
	limits     bool   // comes with the headers of rate limits
	raw        string // the whole body where it has no usual envelope
	noID       bool   // comes without a request id, from a proxy before the API
}

// errorShapes are envelopes of other servers, for the setting `shape`.
var errorShapes = []string{"vllm", "string", "detail", "flat", "array"}

// body renders the problem. other names one of errorShapes; "" = the operation's own.
func (p *problem) body(sh shape, other string) string {
	m := quote(p.message)
	switch {
	case other == "vllm":
		return `{"error":{"message":` + m + `,"type":` + quote(vllmType(p.status)) + `,"param":` + null(p.param) + `,"code":` + strconv.Itoa(p.status) + `}}`
	case other == "string":
		return `{"error":` + m + `}`
	case other == "detail":
		return `{"detail":` + m + `}`
	case other == "flat":
		return `{"object":"error","message":` + m + `,"type":` + quote(vllmType(p.status)) + `,"param":null,"code":` + strconv.Itoa(p.status) + `}`
	case other == "array":
		return `[{"error":{"code":` + strconv.Itoa(p.status) + `,"message":` + m + `,"status":"INTERNAL"}}]`
	case p.raw != "":
		return p.raw
	case sh == anthropic:
		return `{"type":"error","error":` + p.inner(sh) + `,"request_id":"req_fake"}`
	default:
		return `{"error":` + p.inner(sh) + `}`
	}
}

// inner is the value of the field `error`.
func (p *problem) inner(sh shape) string {
	if sh == anthropic {
		return `{"type":` + quote(p.anthropicType()) + `,"message":` + quote(p.message) + `}`
	}
	return `{"message":` + quote(p.message) + `,"type":` + quote(p.kind) + `,"param":` + null(p.param) + `,"code":` + null(p.code) + `}`
}

func (p *problem) anthropicType() string {
	if p.alt != "" {
		return p.alt
	}
	return p.kind
}

// vllmType is the type that vLLM gives an error of a status.
func vllmType(status int) string {
	switch status {
	case 400:
		return "BadRequestError"
	case 401:
		return "AuthenticationError"
	case 403:
		return "PermissionDeniedError"
	case 404:
		return "NotFoundError"
	case 422:
		return "UnprocessableEntityError"
	case 429:
		return "RateLimitError"
	default:
		return "InternalServerError"
	}
}

// ofStatus is the usual problem of a status, for the setting `status`.
func ofStatus(status int, sh shape) *problem {
	for _, row := range []struct {
		status int
		class  string
	}{
		{400, "bad_request"},
		{401, "invalid_key"},
		{402, "billing"},
		{403, "permission"},
		{404, "model_not_found"},
		{408, "timeout"},
		{413, "payload_too_large"},
		{429, "rate_limited"},
		{500, "server_error"},
		{504, "timeout"},
		{529, "overloaded"},
	} {
		if row.status == status {
			p := *classes[row.class].problem(sh)
			p.status = status
			return &p
		}
	}
	text := http.StatusText(status)
	if text == "" {
		text = "Error " + strconv.Itoa(status)
	}
	if status < 500 {
		return &problem{status: status, kind: "invalid_request_error", message: text}
	}
	return &problem{status: status, kind: "server_error", alt: "api_error", message: text}
}

// invalid is the refusal of a request for one of its fields.
func invalid(param, message string) *problem {
	return &problem{status: http.StatusBadRequest, kind: "invalid_request_error", param: param, message: message}
}

func null(s string) string {
	if s == "" {
		return "null"
	}
	return quote(s)
}
