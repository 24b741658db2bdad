package anthropic

import (
	"bytes"
	"strconv"
	"strings"

	"fairlead"
	"fairlead/dialect"
	"fairlead/internal/clip"
	"fairlead/internal/jsonscan"
)

// Bounds of what is kept of a provider's error, in bytes.
const (
	maxMessage = 4096
	maxWord    = 256
)

// errorTypes is the API's table of errors. A status that is not in it has the type of its hundred.
var errorTypes = []struct {
	status int
	typ    string
}{
	{400, "invalid_request_error"},
	{401, "authentication_error"},
	{402, "billing_error"},
	{403, "permission_error"},
	{404, "not_found_error"},
	{409, "conflict"},
	{413, "request_too_large"},
	{429, "rate_limit_error"},
	{500, "api_error"},
	{504, "timeout_error"},
	{529, "overloaded_error"},
}

// typeOf gives the type of an error with a status.
func typeOf(status int) string {
	switch status {
	case 408:
		return "timeout_error"
	case 503: // the API's own servers say 529
		return "overloaded_error"
	}
	for _, row := range errorTypes {
		if row.status == status {
			return row.typ
		}
	}
	if status >= 400 && status < 500 {
		return "invalid_request_error"
	}
	return "api_error"
}

// statusOf gives the status that an error without one of its own stands for; 0 = unknown.
func statusOf(f *dialect.Fault) int {
	for _, row := range errorTypes {
		if row.typ == f.Type {
			return row.status
		}
	}
	if n, err := strconv.Atoi(f.Code); err == nil && n >= 400 && n < 600 {
		return n
	}
	return 0
}

// WriteError writes an error in the API's envelope.
func (Dialect) WriteError(e *fairlead.Error, requestID string) []byte {
	return appendError(make([]byte, 0, 256), e, requestID)
}

// WriteStreamError writes an error event. Nothing follows it, so that no reader takes the stream for
// whole.
func (Dialect) WriteStreamError(e *fairlead.Error, requestID string) []byte {
	dst := append(make([]byte, 0, 256), "event: error\ndata: "...)
	return append(appendError(dst, e, requestID), "\n\n"...)
}

func appendError(dst []byte, e *fairlead.Error, requestID string) []byte {
	w := writer{buf: dst}
	w.raw(`{"type":"error","error":{`)
	w.str("type", typeOf(e.HTTPStatus()))
	w.str("message", e.Message)
	w.str("code", string(e.Code))
	w.nonempty("param", e.Param)
	w.raw("}")
	if requestID != "" {
		w.str("request_id", requestID)
	} else {
		w.json("request_id", []byte("null"))
	}
	w.raw("}")
	return w.buf
}

// readFaultText reads an error of Anthropic's shape or any other that is known of providers and the proxies
// before them.
func readFaultText(body []byte) *dialect.Fault {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	v := jsonscan.Value(body)
	if v.Kind() == jsonscan.KindArray { // Gemini's way: an array of one
		for e := range v.Elements() {
			v = e
			break
		}
	}
	var o jsonscan.Object
	if v.Kind() == jsonscan.KindObject && o.Scan(v) == nil {
		return readFault(&o)
	}
	if s, ok := v.Text(); ok {
		body = []byte(s)
	}
	if title, ok := htmlTitle(body); ok {
		body = title
	}
	return &dialect.Fault{Message: clip.Text(string(body), maxMessage)}
}

// htmlTitle finds the title of a page; nothing else of a page is worth keeping.
func htmlTitle(body []byte) (title []byte, ok bool) {
	if len(body) == 0 || body[0] != '<' {
		return nil, false
	}
	start := bytes.Index(body, []byte("<title>"))
	if start < 0 {
		return nil, true
	}
	start += len("<title>")
	end := bytes.IndexByte(body[start:], '<')
	if end < 0 {
		return nil, true
	}
	return bytes.TrimSpace(body[start : start+end]), true
}

// readFault reads the error that an object states, whatever its shape.
func readFault(o *jsonscan.Object) *dialect.Fault {
	var f dialect.Fault
	whole := jsonscan.Value(o.Src)
	inner, _ := o.Get("error")
	if s, ok := inner.Text(); ok {
		f.Message = clip.Text(s, maxMessage)
	} else {
		fill(&f, inner)
	}
	fill(&f, whole)
	if tooLong(&f) {
		f.Code = string(fairlead.CodeContextLength)
	}
	return &f
}

// tooLong reports whether the API says that the prompt is too long. It has neither a type nor a code for
// that, only the message "prompt is too long: N tokens > M maximum", which no word of a prompt stands before.
func tooLong(f *dialect.Fault) bool {
	count, ok := strings.CutPrefix(f.Message, "prompt is too long: ")
	return ok && f.Type == "invalid_request_error" && count != "" && count[0] >= '0' && count[0] <= '9'
}

// fill reads what f does not know yet from an object of an error: the error itself, or what is around it.
func fill(f *dialect.Fault, v jsonscan.Value) {
	message, code := details(v)
	set(&f.Message, maxMessage, text(v, "message"), message, text(v, "title"))
	typ := text(v, "type")
	if typ == "error" { // of the envelope
		typ = ""
	}
	set(&f.Type, maxWord, typ, text(v, "error_type"), text(v, "status"))
	set(&f.Code, maxWord, word(v, "code"), code)
	set(&f.Param, maxWord, text(v, "param"))
}

// details reads the shapes that nest one step deeper: {"detail": "..."}, {"detail": [{"msg": "..."}]},
// {"errors": [{"code": 1, "message": "..."}]} and {"fault": {"faultstring": "..."}}.
func details(v jsonscan.Value) (message, code string) {
	detail, _ := v.Get("detail")
	message, _ = detail.Text()
	errors, _ := v.Get("errors")
	for _, list := range []jsonscan.Value{detail, errors} {
		for e := range list.Elements() {
			s, _ := e.Text()
			set(&message, maxMessage, s, text(e, "msg"), text(e, "message"))
			set(&code, maxWord, word(e, "code"))
			break
		}
	}
	set(&message, maxMessage, text(detail, "message"))
	if fault, ok := v.Get("fault"); ok {
		set(&message, maxMessage, text(fault, "faultstring"))
		inner, _ := fault.Get("detail")
		set(&code, maxWord, text(inner, "errorcode"))
	}
	return message, code
}

// word reads a member that is a string or a number.
func word(v jsonscan.Value, name string) string {
	m, _ := v.Get(name)
	return m.Word()
}

// set gives dst, where it is empty, the first of values that is not.
func set(dst *string, limit int, values ...string) {
	for _, s := range values {
		if *dst == "" && s != "" {
			*dst = clip.Text(s, limit)
		}
	}
}
