package control

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"fairlead"
	"fairlead/compile"
)

// Bounds of a request's body and of the time in which it must arrive.
const (
	maxBody      = 1 << 20
	bodyTime     = 10 * time.Second
	maxDocument  = 8 << 20 // as compile takes
	documentTime = 30 * time.Second
)

// limitBody bounds the size of a request's body and the time in which it must arrive. A body that
// the row does not take is not read, and none of one that is stated to be too large.
func limitBody(w http.ResponseWriter, r *http.Request, row *route) error {
	most, within := int64(maxBody), bodyTime
	if row.takes != "" {
		most, within = maxDocument, documentTime
	}
	if row.reads() && r.ContentLength > most {
		return tooLarge(most)
	}
	r.Body = http.MaxBytesReader(w, r.Body, most)
	if r.ContentLength != 0 {
		// Fails only on a writer without a connection, where there is nothing to wait for.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(within))
	}
	return nil
}

func tooLarge(most int64) *fairlead.Error {
	return fairlead.Errorf(fairlead.CodeBodyTooLarge, "the body is larger than "+strconv.FormatInt(most>>20, 10)+" MiB")
}

// readOptional reads a body as readBody does, or leaves into as it is where there is none.
func readOptional(r *http.Request, into any) error {
	body := bufio.NewReader(r.Body)
	if _, err := body.Peek(1); errors.Is(err, io.EOF) {
		return nil
	}
	r.Body = io.NopCloser(body)
	return readBody(r, into)
}

// readWhole reads a body that is a document.
func readWhole(r *http.Request) ([]byte, error) {
	b, err := io.ReadAll(r.Body)
	if err == nil {
		return b, nil
	}
	return nil, bodyError(err)
}

// readBody reads a body strictly: one JSON value, every name once, spelt exactly and known.
func readBody(r *http.Request, into any) error {
	err := json.UnmarshalRead(r.Body, into, json.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	return bodyError(err)
}

// bodyError says what is wrong with a body.
func bodyError(err error) error {
	var large *http.MaxBytesError
	var timeout net.Error
	var semantic *json.SemanticError
	var syntactic *jsontext.SyntacticError
	e := &fairlead.Error{Code: fairlead.CodeInvalidJSON, Message: "the body is not a JSON object", Err: err}
	switch {
	case errors.As(err, &large):
		return tooLarge(large.Limit)
	case errors.As(err, &timeout) && timeout.Timeout():
		e.Code, e.Message = fairlead.CodeBodyTimeout, "the body arrived too slowly"
	case errors.Is(err, io.ErrUnexpectedEOF) && !errors.As(err, &syntactic):
		e.Code, e.Message = fairlead.CodeBodyIncomplete, "the body ended before its stated length"
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
	return shortened(string(p))
}

// shortened bounds a text that came from outside.
func shortened(s string) string {
	const most = 100
	if len(s) > most {
		s = s[:most] + "…"
	}
	return s
}

// named is an error of a code that names the field at fault.
func named(param string, err error) error {
	e := *fairlead.AsError(err)
	e.Param = param
	return &e
}

// errorAnswer is the form of every error of the control plane.
type errorAnswer struct {
	Error errorBody `json:"error"`
}

type errorBody struct {
	Code     fairlead.Code    `json:"code"`
	Message  string           `json:"message"`
	Param    string           `json:"param,omitempty"`
	Hint     string           `json:"hint,omitempty"`
	Findings compile.Findings `json:"findings,omitempty"` // of a configuration that was refused
}

// writeError answers with an error. Those of the server's own go to the log with their cause, which
// no caller sees.
func (c *Control) writeError(w http.ResponseWriter, r *http.Request, err error) {
	e := fairlead.AsError(err)
	if errors.Is(err, context.DeadlineExceeded) && e.Code == fairlead.CodeInternal {
		e = &fairlead.Error{Code: fairlead.CodeControlUnavailable, Message: "the store did not answer in time", RetryAfter: time.Second, Err: err}
	}
	status := e.HTTPStatus()
	if status >= http.StatusInternalServerError {
		c.complain(r, err)
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.FormatInt(int64((e.RetryAfter+time.Second-1)/time.Second), 10))
	}
	body := errorBody{Code: e.Code, Message: e.Message, Param: e.Param, Hint: e.Hint}
	if body.Hint == "" && e.Code == fairlead.CodeInternal {
		body.Hint = "the node's log has the cause; a full or read-only disk is the most common"
	}
	var refused *refusedError
	if errors.As(err, &refused) {
		body.Findings = refused.found
	}
	c.write(w, r, status, errorAnswer{body})
}

// complain logs a request that failed through no fault of its caller's. One cause is told each second at most, with how often it was met
// since: a full disk fails every write.
func (c *Control) complain(r *http.Request, err error) {
	again, due := c.faults.Due(err.Error())
	if !due {
		return
	}
	attrs := []any{"method", r.Method, "path", shortened(r.URL.Path), "error", err}
	if again > 0 {
		attrs = append(attrs, "again", again)
	}
	c.Log.ErrorContext(r.Context(), "control request failed", attrs...)
}

// Media types of answers.
const (
	jsonType  = "application/json"
	yamlType  = "application/yaml"
	gzipType  = "application/gzip"
	eventType = "text/event-stream"
)

// text is an answer that is written as it is.
type text struct {
	media string
	body  []byte
}

func (c *Control) write(w http.ResponseWriter, r *http.Request, status int, answer any) {
	t, ok := answer.(text)
	if !ok {
		b, err := json.Marshal(answer, jsontext.EscapeForHTML(true), jsontext.AllowInvalidUTF8(true),
			// Types of the root are written as encoding/json does.
			jsonv1.OmitEmptyWithLegacySemantics(true))
		if err != nil {
			c.Log.ErrorContext(r.Context(), "encode an answer of control", "path", shortened(r.URL.Path), "error", err)
			status, b = http.StatusInternalServerError, []byte(`{"error":{"code":"internal","message":"internal error"}}`)
		}
		t = text{jsonType, append(b, '\n')}
	}
	setHeaders(w.Header(), t.media)
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	if err := writeParts(w, t.body); err != nil {
		c.Log.DebugContext(r.Context(), "caller of control left", "path", shortened(r.URL.Path), "error", err)
	}
}

// partSize is how much of an answer has to go out within the time of progress.
const partSize = 64 << 10

// writeParts writes an answer as long as it is read.
func writeParts(w http.ResponseWriter, body []byte) error {
	control := http.NewResponseController(w)
	for first := true; first || len(body) > 0; first = false {
		_ = control.SetWriteDeadline(time.Now().Add(progress)) // fails without a connection, where there is nothing to wait for
		part := body[:min(len(body), partSize)]
		if _, err := w.Write(part); err != nil {
			return err
		}
		body = body[len(part):]
	}
	return nil
}

func setHeaders(h http.Header, media string) {
	h.Set("Content-Type", media)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store") // some answers hold a secret
}
