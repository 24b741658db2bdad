package provider

import (
	"net/http"
	"net/url"

	"fairlead"
	"fairlead/dialect"
)

// paths says where each dialect serves an operation, below a provider's base URL: that ends with /v1
// for openai and without it for anthropic, where the vendors' SDKs append too.
var paths = map[fairlead.Dialect]map[fairlead.Operation]string{
	fairlead.OpenAI: {
		fairlead.OpChat:        "/chat/completions",
		fairlead.OpCompletions: "/completions",
		fairlead.OpResponses:   "/responses",
		fairlead.OpEmbeddings:  "/embeddings",
		fairlead.OpModerations: "/moderations",
	},
	fairlead.Anthropic: {
		fairlead.OpChat:        "/v1/messages",
		fairlead.OpCountTokens: "/v1/messages/count_tokens",
	},
}

// anthropicVersion is the version of the Messages API that is asked for where the caller names none.
const anthropicVersion = "2023-06-01"

// Call is one request to a provider: bytes, and where they go.
type Call struct {
	URL    *url.URL
	Method string
	Header []Field
	Body   []byte
	Again  bool // nothing is stored by it: it may be sent a second time
}

// Field is one line of a request's header.
type Field = fairlead.Field

// NewCall writes the call of one attempt: address, headers and body, bytes to bytes. to is the
// language of the step's provider. Where it is the caller's too, the body is the caller's own but for
// the model, what the place's quirks demand, and what it would refuse because of another provider's
// turns (dialect.Mender); else it is written from the neutral form. Errors are *fairlead.Error: the
// request cannot be expressed at this endpoint.
func NewCall(a *Ask, s fairlead.Step, to dialect.Dialect) (Call, error) {
	p := s.Endpoint.Provider
	body, err := writeBody(a, s, to)
	if err != nil {
		return Call{}, err
	}
	u := *p.BaseURL
	u.Path += paths[p.Dialect][a.Op]
	cred, _ := p.Credential()
	return Call{
		URL:    &u,
		Method: http.MethodPost,
		Header: headers(a, p, cred),
		Body:   body,
		Again:  a.Facts.Stateless,
	}, nil
}

func writeBody(a *Ask, s fairlead.Step, to dialect.Dialect) ([]byte, error) {
	e := s.Endpoint
	target := dialect.Target{
		Model:     e.UpstreamModel(s.Asked),
		MaxOutput: e.Model.MaxOutput,
		Usage:     !e.Provider.Quirks.NoStreamOptions,
	}
	if to.Name() == a.Caller.Name() {
		if m, ok := to.(dialect.Mender); ok && a.Op == fairlead.OpChat {
			if body, ok := m.Mend(a.Body, target, a.Facts.Thinks); ok {
				return body, nil
			}
		}
		return splice(a, target.Model, &e.Provider.Quirks), nil
	}
	r, err := a.Neutral()
	if err != nil {
		return nil, err
	}
	body, err := to.WriteRequest(r, target)
	if err != nil || len(e.Provider.Quirks.Rename) == 0 {
		return body, err
	}
	return renamed(body, &e.Provider.Quirks), nil
}

func headers(a *Ask, p *fairlead.Provider, cred fairlead.Credential) []Field {
	h := make([]Field, 0, 8)
	accept := "application/json"
	if a.Facts.Stream {
		accept = "text/event-stream"
	}
	h = append(h, Field{Name: "Content-Type", Value: "application/json"}, Field{Name: "Accept", Value: accept})
	if cred.Value.Set() {
		h = append(h, authField(p.Auth, cred.Value.Reveal()))
	}
	if p.Dialect == fairlead.Anthropic {
		h = append(h, Field{Name: "Anthropic-Version", Value: either(a.Forward.AnthropicVersion, anthropicVersion)})
		h = appendSet(h, "Anthropic-Beta", a.Forward.AnthropicBeta)
	}
	if p.Dialect == fairlead.OpenAI {
		h = appendSet(h, "OpenAI-Beta", a.Forward.OpenAIBeta)
	}
	return appendSet(h, "Traceparent", a.Forward.Traceparent)
}

func authField(style fairlead.AuthStyle, secret string) Field {
	if style == fairlead.AuthXAPIKey {
		return Field{Name: "X-Api-Key", Value: secret}
	}
	return Field{Name: "Authorization", Value: "Bearer " + secret}
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
