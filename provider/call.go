package provider

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"fairlead"
	"fairlead/dialect"
)

// anthropicVersion is the version of the Messages API that is asked for where the caller names none.
const anthropicVersion = "2023-06-01"

// largeRoom is how much memory a call may have to keep it for another one.
const largeRoom = 16 << 10

// Call is one request to a provider: bytes, and where they go. Its memory is for one call after
// another: BenchmarkCall shows what that spares.
type Call struct {
	URL    *url.URL // that of all such calls: not to be changed
	Method string
	Header []Field
	Body   []byte
	Again  bool // nothing is stored by it: it may be sent a second time

	room  []byte // of Body, where that is not the caller's own
	model []byte // the model's name in JSON
}

// Field is one line of a request's header.
type Field = fairlead.Field

// Reset forgets the call, once nobody reads it any more. It keeps no large memory.
func (c *Call) Reset() {
	clear(c.Header)
	*c = Call{Header: c.Header[:0], room: c.room[:0], model: c.model[:0]}
	if cap(c.room) > largeRoom {
		c.room = nil
	}
	if cap(c.model) > largeRoom {
		c.model = nil
	}
}

// Drop lets go of the body's memory.
func (c *Call) Drop() { c.Body, c.room = nil, nil }

// Write makes c the call of one attempt: address, headers and body, bytes to bytes. Where the provider's
// language is the caller's too, the body is the caller's own but for the model, what the place's quirks
// demand, and what it would refuse because of another provider's turns (dialect.Mender); else it is
// written from the neutral form. Errors are *fairlead.Error: the request cannot be expressed at this
// endpoint.
func (c *Call) Write(w *Way, a *Ask, s fairlead.Step) error {
	c.Reset()
	body, err := c.body(w, a, s)
	if err == nil && a.Final {
		body, err = unfinished(body)
	}
	if err != nil {
		return err
	}
	c.URL, c.Method, c.Body, c.Again = w.urls[a.Op], http.MethodPost, body, a.Facts.Stateless
	c.headers(w, a)
	return nil
}

func (c *Call) body(w *Way, a *Ask, s fairlead.Step) ([]byte, error) {
	e := s.Endpoint
	target := dialect.Target{
		Model:     e.UpstreamModel(s.Asked),
		MaxOutput: e.Model.MaxOutput,
		Usage:     !w.provider.Quirks.NoStreamOptions,
	}
	if w.to.Name() == a.Caller.Name() {
		if m, ok := w.to.(dialect.Mender); ok && a.Op == fairlead.OpChat {
			if body, ok := m.Mend(a.Body, target, a.Facts.Thinks); ok {
				return body, nil
			}
		}
		return c.splice(a, target.Model, &w.provider.Quirks), nil
	}
	r, err := a.Neutral()
	if err != nil {
		return nil, err
	}
	body, err := w.to.WriteRequest(r, target)
	if err != nil || len(w.provider.Quirks.Rename) == 0 {
		return body, err
	}
	return renamed(body, &w.provider.Quirks), nil
}

func (c *Call) headers(w *Way, a *Ask) {
	accept := "application/json"
	if a.Facts.Stream {
		accept = "text/event-stream"
	}
	h := c.Header
	if h == nil {
		h = make([]Field, 0, 8)
	}
	h = append(h, Field{Name: "Content-Type", Value: "application/json"}, Field{Name: "Accept", Value: accept})
	if w.auth != "" {
		h = append(h, Field{Name: w.auth, Value: w.shown.Reveal()})
	}
	if w.provider.Dialect == fairlead.Anthropic {
		h = append(h, Field{Name: "Anthropic-Version", Value: either(a.Forward.AnthropicVersion, anthropicVersion)})
		h = appendSet(h, "Anthropic-Beta", a.Forward.AnthropicBeta)
	}
	if w.provider.Dialect == fairlead.OpenAI {
		h = appendSet(h, "OpenAI-Beta", a.Forward.OpenAIBeta)
	}
	c.Header = appendSet(h, "Traceparent", a.Forward.Traceparent)
}

func appendSet(h []Field, name, value string) []Field {
	if value == "" {
		return h
	}
	return append(h, Field{Name: name, Value: value})
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// Page makes c the call for a page at the provider's own host, such as /health: path with or without a
// query.
func (c *Call) Page(w *Way, path string) error {
	c.Reset()
	raw, query, _ := strings.Cut(path, "?")
	plain, err := url.PathUnescape(raw)
	if err != nil {
		return fmt.Errorf("read path of page: %w", err)
	}
	u := *w.provider.BaseURL
	u.Path, u.RawPath, u.RawQuery = plain, raw, query
	c.URL, c.Method, c.Again = &u, http.MethodGet, true
	c.Header = append(c.Header, Field{Name: "Accept", Value: "*/*"})
	if w.auth != "" {
		c.Header = append(c.Header, Field{Name: w.auth, Value: w.shown.Reveal()})
	}
	return nil
}
