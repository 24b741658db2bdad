package openai

import "fairlead"

// errorTypes are the types that OpenAI gives with a status.
var errorTypes = map[int]string{
	401: "authentication_error",
	402: "insufficient_quota",
	403: "permission_error",
	404: "not_found_error",
	429: "rate_limit_error",
	503: "service_unavailable_error",
}

func errorType(status int) string {
	if name, ok := errorTypes[status]; ok {
		return name
	}
	if status >= 500 {
		return "server_error"
	}
	return "invalid_request_error"
}

// WriteError writes OpenAI's envelope; code is fairlead's own stable code.
func (Dialect) WriteError(e *fairlead.Error, requestID string) []byte {
	w := &writer{b: make([]byte, 0, 256)}
	appendError(w, e, requestID)
	return w.b
}

// WriteStreamError writes the envelope as a frame. No [DONE] follows: the stream did not end well.
func (Dialect) WriteStreamError(e *fairlead.Error, requestID string) []byte {
	w := beginFrame(make([]byte, 0, 256))
	appendError(&w, e, requestID)
	return endFrame(&w)
}

func appendError(w *writer, e *fairlead.Error, requestID string) {
	w.open('{')
	w.name("error")
	w.open('{')
	w.text("message", e.Message)
	w.text("type", errorType(e.HTTPStatus()))
	if e.Param == "" {
		w.raw("param", []byte("null"))
	} else {
		w.text("param", e.Param)
	}
	w.text("code", string(e.Code))
	w.close('}')
	w.optional("request_id", requestID)
	w.close('}')
}
