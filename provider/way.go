package provider

import (
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

// Way is what all calls to a provider have in common, made once for a provider of a snapshot; BenchmarkCall
// shows what that spares.
type Way struct {
	provider *fairlead.Provider
	to       dialect.Dialect
	urls     map[fairlead.Operation]*url.URL // of the operations that the dialect has
	auth     string                          // the header that shows the credential; "" where there is none
	shown    fairlead.Secret                 // its value
}

// NewWay makes the way to a provider, whose language is to, by one of its credentials.
func NewWay(p *fairlead.Provider, cred fairlead.Credential, to dialect.Dialect) *Way {
	w := &Way{provider: p, to: to, urls: map[fairlead.Operation]*url.URL{}}
	for op, path := range paths[p.Dialect] {
		u := *p.BaseURL
		u.Path += path
		w.urls[op] = &u
	}
	switch {
	case !cred.Value.Set():
	case p.Auth == fairlead.AuthXAPIKey:
		w.auth, w.shown = "X-Api-Key", cred.Value
	default:
		w.auth, w.shown = "Authorization", fairlead.NewSecret("Bearer "+cred.Value.Reveal())
	}
	return w
}

// To is the language of the provider.
func (w *Way) To() dialect.Dialect { return w.to }
