package control

import (
	"errors"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"fairlead"
)

const (
	maxBody  = 1 << 20 // bytes of a request
	bodyTime = 30 * time.Second
)

// limitBody bounds the size of a request's body and the time in which it must arrive.
func limitBody(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if r.ContentLength != 0 {
		// Fails only on a writer without a connection, where there is nothing to wait for.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime))
	}
}

// readBody reads a body strictly: one JSON value, every name once, spelt exactly and known.
func readBody(r *http.Request, into any) error {
	err := json.UnmarshalRead(r.Body, into, json.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	var tooLarge *http.MaxBytesError
	var semantic *json.SemanticError
	var syntactic *jsontext.SyntacticError
	e := &fairlead.Error{Code: fairlead.CodeInvalidJSON, Message: "the body is not a JSON object", Err: err}
	switch {
	case errors.As(err, &tooLarge):
		e.Code, e.Message = fairlead.CodeBodyTooLarge, "the body is larger than 1 MiB"
	case errors.Is(err, jsontext.ErrDuplicateName):
		e.Code, e.Message = fairlead.CodeDuplicateField, "a name stands twice in one object"
		if errors.As(err, &syntactic) {
			e.Param = pointer(syntactic.JSONPointer)
		}
	case errors.Is(err, json.ErrUnknownName):
		e.Code, e.Message = fairlead.CodeInvalidRequest, "the body has a field that is not known here"
		if errors.As(err, &semantic) {
			e.Param = pointer(semantic.JSONPointer)
		}
	case errors.As(err, &semantic):
		e.Code, e.Message = fairlead.CodeInvalidRequest, "a field has a value of the wrong type"
		e.Param = pointer(semantic.JSONPointer)
	}
	return e
}

// pointer gives a place in a body for an error's param, shortened: a name can be as long as a body.
func pointer(p jsontext.Pointer) string {
	const most = 100
	s := string(p)
	if len(s) > most {
		s = s[:most] + "…"
	}
	return s
}

// errorAnswer is the form of every error of the control plane.
type errorAnswer struct {
	Error errorBody `json:"error"`
}

type errorBody struct {
	Code    fairlead.Code `json:"code"`
	Message string        `json:"message"`
	Param   string        `json:"param,omitempty"`
	Hint    string        `json:"hint,omitempty"`
}

// writeError answers with an error. Those of the server's own go to the log with their cause, which
// no caller sees.
func (c *control) writeError(w http.ResponseWriter, r *http.Request, err error) {
	e := fairlead.AsError(err)
	status := e.HTTPStatus()
	if status >= http.StatusInternalServerError {
		c.Log.ErrorContext(r.Context(), "control request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	hint := e.Hint
	if hint == "" && e.Code == fairlead.CodeInternal {
		hint = "the node's log has the cause; a full or read-only disk is the most common"
	}
	c.write(w, r, status, errorAnswer{errorBody{e.Code, e.Message, e.Param, hint}})
}

func (c *control) write(w http.ResponseWriter, r *http.Request, status int, answer any) {
	b, err := json.Marshal(answer, jsontext.EscapeForHTML(true), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		c.Log.ErrorContext(r.Context(), "encode an answer of control", "path", r.URL.Path, "error", err)
		status, b = http.StatusInternalServerError, []byte(`{"error":{"code":"internal","message":"internal error"}}`)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store") // some answers hold a secret
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	if _, err := w.Write(append(b, '\n')); err != nil {
		c.Log.DebugContext(r.Context(), "caller of control left", "path", r.URL.Path, "error", err)
	}
}
