package openai

import (
	"bytes"
	"strconv"
	"strings"

	"fairlead/dialect"
	"fairlead/internal/clip"
	"fairlead/internal/jsonscan"
)

const (
	maxMessage = 4 << 10 // of a provider's words that a Fault keeps
	maxWord    = 256     // of a type, code or param
)

// faultOf reads an error inside a success, of any shape that servers behind this wire are known to send. Its
// status is what its words stand for.
func faultOf(body []byte) *dialect.Fault {
	f := &dialect.Fault{}
	readFault(f, body)
	f.Status = statusOf(f)
	f.Message = clip.Text(f.Message, maxMessage)
	f.Type, f.Code, f.Param = clip.Text(f.Type, maxWord), clip.Text(f.Code, maxWord), clip.Text(f.Param, maxWord)
	return f
}

// readFault reads a body that may be no JSON at all.
func readFault(f *dialect.Fault, body []byte) {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return
	}
	if body[0] == '<' {
		f.Type, f.Message = "html", title(body)
		return
	}
	// A member makes an object of any value, so that one scanner does for all.
	var o jsonscan.Object
	text := make([]byte, 0, len(body)+len(`{"error":}`))
	text = append(text, `{"error":`...)
	text = append(text, body...)
	text = append(text, '}')
	if scanAnswer(&o, text) != nil || len(o.Members) != 1 {
		f.Message = strings.ToValidUTF8(string(body), "\uFFFD")
		return
	}
	fill(f, o.Value(&o.Members[0]), 0)
}

// fill takes what an error value says, and goes into what it holds: arrays (their first element), the
// members error, errors, detail and fault. What is there already stays.
func fill(f *dialect.Fault, v jsonscan.Value, depth int) {
	if depth > 4 {
		return
	}
	switch v.Kind() {
	case jsonscan.KindString:
		s, _ := v.Text()
		put(&f.Message, s)
	case jsonscan.KindArray:
		for e := range v.Elements() {
			fill(f, e, depth+1)
			return
		}
	case jsonscan.KindObject:
		fillObject(f, v, depth)
	}
}

func fillObject(f *dialect.Fault, v jsonscan.Value, depth int) {
	var rest jsonscan.Value // what goes after this object's own members
	for name, m := range v.Members() {
		switch string(name) {
		case "error":
			fill(f, m, depth+1)
		case "response": // of a response.failed event
			inner, _ := m.Get("error")
			fill(f, inner, depth+1)
		case "errors", "fault", "metadata":
			rest = m
		case "detail":
			details(f, m)
		}
	}
	for name, m := range v.Members() {
		switch string(name) {
		case "message", "faultstring":
			put(&f.Message, m.Word())
		case "type", "error_type":
			if s := m.Word(); s != "error" { // says no more than that it is one
				put(&f.Type, s)
			}
		case "code", "errorcode":
			put(&f.Code, m.Word())
		case "status": // a word in capitals is Google's type
			switch s := m.Word(); {
			case m.Kind() == jsonscan.KindNumber:
				put(&f.Code, s)
			case s == strings.ToUpper(s):
				put(&f.Type, s)
			}
		case "param":
			put(&f.Param, m.Word())
		}
	}
	if rest != nil {
		fill(f, rest, depth+1)
	}
}

// details reads FastAPI's detail: a string, or a list of {loc, msg, type}. Apigee's is {errorcode}.
func details(f *dialect.Fault, v jsonscan.Value) {
	if v.Kind() != jsonscan.KindArray {
		fill(f, v, 3)
		return
	}
	var messages []string
	for e := range v.Elements() {
		var loc []string
		path, _ := e.Get("loc")
		for step := range path.Elements() {
			if s := step.Word(); s != "body" {
				loc = append(loc, s)
			}
		}
		msg, _ := textOf(e, "msg")
		if len(loc) > 0 {
			put(&f.Param, strings.Join(loc, "."))
			msg = strings.Join(loc, ".") + ": " + msg
		}
		if kind, _ := textOf(e, "type"); kind != "" {
			put(&f.Type, kind)
		}
		if messages = append(messages, msg); len(messages) == 16 {
			break
		}
	}
	put(&f.Message, strings.Join(messages, "; "))
}

// put sets a field that is still empty.
func put(to *string, s string) {
	if *to == "" {
		*to = s
	}
}

// title gives the title of a page.
func title(page []byte) string {
	_, rest, _ := bytes.Cut(page, []byte("<title>"))
	text, _, _ := bytes.Cut(rest, []byte("</title>"))
	return strings.ToValidUTF8(strings.TrimSpace(string(text)), "\uFFFD")
}

// streamFault reads an error that a stream has announced as such.
func streamFault(data []byte) *dialect.Fault { return faultOf(data) }

// embeddedFault reads an object that is an error if it has a truthy member error; nil where not.
func embeddedFault(text []byte) *dialect.Fault {
	var o jsonscan.Object
	if scanAnswer(&o, text) != nil {
		return nil
	}
	if v, ok := o.Get("error"); !ok || !v.Truthy() {
		return nil
	}
	return faultOf(text)
}

// statuses are what the words of in-band errors stand for, types and codes alike.
var statuses = map[string]int{
	"invalid_request_error": 400, "BadRequestError": 400, "context_length_exceeded": 400, "invalid_prompt": 400,
	"content_filter": 400, "content_policy_violation": 400, "INVALID_ARGUMENT": 400,
	"authentication_error": 401, "AuthenticationError": 401, "invalid_api_key": 401,
	"permission_error": 403, "PermissionDeniedError": 403, "permission_denied": 403,
	"not_found_error": 404, "NotFoundError": 404, "model_not_found": 404,
	"UnprocessableEntityError": 422,
	"rate_limit_error":         429, "RateLimitError": 429, "rate_limit_exceeded": 429, "insufficient_quota": 429,
	"tokens": 429, "requests": 429, "rate_limited": 429, "slow_down": 429, "RESOURCE_EXHAUSTED": 429,
	"server_error": 500, "api_error": 500, "InternalServerError": 500, "internal_server_error": 500, "INTERNAL": 500,
	"upstream_failed": 502, "stream_interrupted": 502,
	"server_is_overloaded": 503, "service_unavailable_error": 503, "unavailable_error": 503, "UNAVAILABLE": 503,
	"overloaded": 503, "timeout_error": 504, "upstream_timeout": 504, "overloaded_error": 529,
}

// statusOf finds the status that an in-band error stands for: a code that is one, else what its code or
// its type is known for, else 0.
func statusOf(f *dialect.Fault) int {
	if n, err := strconv.Atoi(f.Code); err == nil && n >= 400 && n < 600 {
		return n
	}
	if s, ok := statuses[f.Code]; ok {
		return s
	}
	return statuses[f.Type]
}
