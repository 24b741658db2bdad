package gateway

import (
	"net/http"
	"strings"

	"fairlead"
)

// address is a row of the table of what is served where.
type address struct {
	path    string // below the root and below /api
	method  string
	op      fairlead.Operation // 0: not an exchange
	dialect fairlead.Dialect   // of the caller
	serve   func(*Gateway, http.ResponseWriter, *http.Request, *address)
}

// addresses is all that the data plane serves. A path that ends in "/" also serves what is below it.
var addresses = []address{
	{"/v1/chat/completions", http.MethodPost, fairlead.OpChat, fairlead.OpenAI, (*Gateway).exchange},
	{"/v1/messages", http.MethodPost, fairlead.OpChat, fairlead.Anthropic, (*Gateway).exchange},
	{"/v1/messages/count_tokens", http.MethodPost, fairlead.OpCountTokens, fairlead.Anthropic, (*Gateway).exchange},
	{"/v1/completions", http.MethodPost, fairlead.OpCompletions, fairlead.OpenAI, (*Gateway).exchange},
	{"/v1/responses", http.MethodPost, fairlead.OpResponses, fairlead.OpenAI, (*Gateway).exchange},
	{"/v1/embeddings", http.MethodPost, fairlead.OpEmbeddings, fairlead.OpenAI, (*Gateway).exchange},
	{"/v1/moderations", http.MethodPost, fairlead.OpModerations, fairlead.OpenAI, (*Gateway).exchange},
	{"/v1/models", http.MethodGet, 0, "", (*Gateway).models},
	{"/v1/models/", http.MethodGet, 0, "", (*Gateway).models},
	{"/livez", http.MethodGet, 0, "", (*Gateway).livez},
	{"/readyz", http.MethodGet, 0, "", (*Gateway).readyz},
}

// addressBook finds rows by path.
type addressBook struct {
	exact map[string]*address
	below []*address
}

func newAddressBook() addressBook {
	b := addressBook{exact: map[string]*address{}}
	for i := range addresses {
		a := &addresses[i]
		if strings.HasSuffix(a.path, "/") {
			b.below = append(b.below, a)
			continue
		}
		b.exact[a.path] = a
	}
	return b
}

func (b *addressBook) find(path string) *address {
	if rest, ok := strings.CutPrefix(path, "/api"); ok && strings.HasPrefix(rest, "/v1/") {
		path = rest
	}
	if a := b.exact[path]; a != nil {
		return a
	}
	for _, a := range b.below {
		if len(path) > len(a.path) && strings.HasPrefix(path, a.path) {
			return a
		}
	}
	return nil
}

// callersDialect guesses the language of a caller whose path does not tell.
func callersDialect(r *http.Request) fairlead.Dialect {
	if strings.Contains(r.URL.Path, "/messages") || r.Header.Get("Anthropic-Version") != "" {
		return fairlead.Anthropic
	}
	return fairlead.OpenAI
}
