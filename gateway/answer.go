package gateway

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"fairlead"
	"fairlead/dialect"
	"fairlead/internal/near"
	"fairlead/provider"
)

// setHeader sets a header whose name is in canonical form already.
func setHeader(h http.Header, name, value string) { h[name] = []string{value} }

// headers sets those of one answer, as setHeader does. Their values lie in one piece of memory, where each would
// have its own: BenchmarkExchange shows what that spares.
type headers struct {
	of     http.Header
	values []string
}

func (h *headers) set(name, value string) {
	if h.values == nil {
		h.values = make([]string, 0, 8) // as many as most answers have
	}
	h.values = append(h.values, value)
	last := len(h.values)
	h.of[name] = h.values[last-1 : last : last]
}

// commitHeaders sends status 200 and the headers known by now. length < 0: unknown.
func (x *exchange) commitHeaders(contentType string, length int64) {
	x.ownHeaders()
	x.headers.set("Content-Type", contentType)
	if length >= 0 {
		x.headers.set("Content-Length", strconv.FormatInt(length, 10))
	}
	if x.rec.Stream {
		x.headers.set("Cache-Control", "no-cache")
		x.headers.set("X-Accel-Buffering", "no")
	}
	x.sent, x.rec.Status = true, http.StatusOK
	x.w.WriteHeader(http.StatusOK)
}

// ownHeaders sets what every answer of an exchange carries.
func (x *exchange) ownHeaders() {
	x.headers.set("X-Request-Id", x.rec.ID)
	x.headers.set("X-Fairlead-Attempts", strconv.Itoa(x.walk.Made()))
	if x.rec.Endpoint != "" {
		x.headers.set("X-Fairlead-Endpoint", x.rec.Endpoint)
	}
	if x.rec.Revision != 0 {
		x.headers.set("X-Fairlead-Revision", strconv.FormatInt(x.rec.Revision, 10))
	}
}

// refuse ends an exchange that failed: with an error answer where nothing was sent, else in-band.
func (x *exchange) refuse(err error) {
	e := fairlead.AsError(err)
	x.rec.Code, x.rec.Err = e.Code, e.Err
	if e.Code == fairlead.CodeCallerGone {
		x.rec.Status = e.HTTPStatus()
		if x.answer != nil {
			x.walk.Interrupted(fairlead.OutcomeCallerGone, "")
		}
		panic(http.ErrAbortHandler) // who left one way only must not take what there is for an answer
	}
	if x.sent {
		x.endInBand(e)
		return
	}
	x.rec.Status = e.HTTPStatus()
	_ = x.boundWrite(time.Now()) // fails where the caller has left
	x.ownHeaders()
	if !x.bodyTaken(e) {
		closeAfter(x.w, x.r) // what is left of the body is not read
	}
	x.rec.BytesOut += x.g.writeError(x.w, x.caller, e, x.rec.ID)
}

// bodyTaken reports whether the request's body was read to its end, so that the connection can be used on.
func (x *exchange) bodyTaken(e *fairlead.Error) bool {
	switch e.Code {
	case fairlead.CodeBodyTooLarge, fairlead.CodeBodyTimeout, fairlead.CodeBodyIncomplete, fairlead.CodeOverloaded, fairlead.CodeUnsupportedMedia:
		return x.walking
	}
	return true
}

// endInBand ends a stream that is under way with an error of the caller's dialect, and no clean end. Any
// other answer that is under way has no place for one: its connection is broken off.
func (x *exchange) endInBand(e *fairlead.Error) {
	if x.answer != nil && x.answer.Stream == nil {
		panic(http.ErrAbortHandler)
	}
	_ = x.write(x.caller.WriteStreamError(e, x.rec.ID)) // whoever asked may have left
}

// writeError answers with an error in a dialect and gives the bytes written.
func (g *Gateway) writeError(w http.ResponseWriter, d dialect.Dialect, e *fairlead.Error, id string) int64 {
	body := d.WriteError(e, id)
	h := w.Header()
	setHeader(h, "X-Request-Id", id)
	setHeader(h, "Content-Type", "application/json")
	setHeader(h, "Content-Length", strconv.Itoa(len(body)))
	if e.RetryAfter > 0 {
		setHeader(h, "Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
	if e.Final {
		setHeader(h, "X-Should-Retry", "false")
	}
	w.WriteHeader(e.HTTPStatus())
	n, _ := w.Write(body) // whoever asked may have left
	return int64(n)
}

// callerID is the caller's own request id, cut to what a log line can bear.
func callerID(r *http.Request) string {
	id := r.Header.Get("X-Request-Id")
	if len(id) > 128 {
		id = id[:128]
	}
	return strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return -1
		}
		return c
	}, id)
}

// forwarded takes from a caller's headers what upstream requests may carry.
func forwarded(h http.Header) provider.Forward {
	return provider.Forward{
		AnthropicVersion: h.Get("Anthropic-Version"),
		AnthropicBeta:    strings.Join(h["Anthropic-Beta"], ","),
		OpenAIBeta:       h.Get("Openai-Beta"),
		Traceparent:      h.Get("Traceparent"),
	}
}

// noSuchModel says that there is no model of a name for a key: one that it may not use is none to it.
func noSuchModel(s *fairlead.Snapshot, asked string, allowed *fairlead.KeyTerms) error {
	names := namesFor(s, allowed)
	message := "no model has the name " + strconv.Quote(cut(asked))
	if found := near.Names(asked, names, 3); len(found) > 0 {
		message += "; near: " + strings.Join(found, ", ")
	}
	return &fairlead.Error{Code: fairlead.CodeModelNotFound, Message: message, Param: "model"}
}

func cut(s string) string {
	if len(s) > 100 {
		return s[:100] + "…"
	}
	return s
}

// unroutable says why a model that exists cannot serve a request.
func unroutable(model string, p *fairlead.Plan) error {
	reasons := make([]string, 0, len(p.LeftOut))
	lacking, unpriced := true, false
	for _, l := range p.LeftOut {
		if l.Reason == fairlead.ReasonKey { // what the key may not use is nothing to its holder
			continue
		}
		r := l.Endpoint.ID + ": " + string(l.Reason)
		if l.Detail != "" {
			r += " (" + l.Detail + ")"
		}
		reasons = append(reasons, r)
		unpriced = unpriced || l.Reason == fairlead.ReasonNoPrice
		lacking = lacking && (l.Reason == fairlead.ReasonAbility || l.Reason == fairlead.ReasonDialect)
	}
	if len(reasons) == 0 && len(p.LeftOut) > 0 {
		return fairlead.Errorf(fairlead.CodeNotAllowed, "the key may use no endpoint of "+model)
	}
	message := "no endpoint of " + model + " may be used for this request: " + strings.Join(reasons, "; ")
	if lacking && len(reasons) > 0 {
		return &fairlead.Error{Code: fairlead.CodeUnsupportedParameter, Message: message, Param: "model"}
	}
	if unpriced {
		return &fairlead.Error{
			Code: fairlead.CodeNoPrice, Message: message, Final: true,
			Hint: "state the price of an endpoint, or price: free",
		}
	}
	return &fairlead.Error{Code: fairlead.CodeNoEndpoint, Message: message, RetryAfter: 5 * time.Second}
}
