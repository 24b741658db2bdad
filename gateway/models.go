package gateway

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"fairlead"
)

// models answers GET /v1/models and /v1/models/{id} in the caller's dialect: names and aliases. What
// a wildcard stands for is known to its provider alone, so it is served but not listed.
func (g *Gateway) models(w http.ResponseWriter, r *http.Request, _ *address) {
	s := g.snapshot.Load()
	if s == nil {
		g.refuse(w, r, &fairlead.Error{Code: fairlead.CodeDraining, Message: "this node has no configuration yet", RetryAfter: time.Second})
		return
	}
	pass, err := g.Door.Enter(r.Context(), r.Header)
	if err != nil {
		g.refuse(w, r, fairlead.AsError(err))
		return
	}
	if t := s.Trial; t != nil && tries(t, pass, fairlead.NewID("req_")) {
		s = t.Snapshot
	}
	var allowed *fairlead.KeyTerms
	if pass.Key != nil {
		allowed = &pass.Key.KeyTerms
	}
	anthropic := callersDialect(r) == fairlead.Anthropic
	_, id, one := strings.Cut(strings.TrimPrefix(r.URL.Path, "/api"), "/v1/models/")
	if one {
		if m, ok := s.Model(id); !ok || !allowed.AllowsModel(m, id) {
			g.refuse(w, r, fairlead.AsError(noSuchModel(s, id, allowed)))
			return
		}
		writeJSON(w, describe(s, id, anthropic))
		return
	}
	names := namesFor(s, allowed)
	slices.Sort(names)
	list := make([]any, len(names))
	for i, name := range names {
		list[i] = describe(s, name, anthropic)
	}
	if !anthropic {
		writeJSON(w, map[string]any{"object": "list", "data": list})
		return
	}
	page := map[string]any{"data": list, "has_more": false, "first_id": nil, "last_id": nil}
	if len(names) > 0 {
		page["first_id"], page["last_id"] = names[0], names[len(names)-1]
	}
	writeJSON(w, page)
}

// namesFor lists the names and aliases of the models that a key may use.
func namesFor(s *fairlead.Snapshot, allowed *fairlead.KeyTerms) []string {
	names := make([]string, 0, len(s.Models))
	for name, m := range s.Models {
		if allowed.AllowsModel(m, name) {
			names = append(names, name)
		}
	}
	return names
}

func describe(s *fairlead.Snapshot, name string, anthropic bool) any {
	if anthropic {
		return map[string]any{"type": "model", "id": name, "display_name": name, "created_at": s.At.UTC().Format(time.RFC3339)}
	}
	m, _ := s.Model(name)
	owner, _, named := strings.Cut(m.Name, "/")
	if !named {
		owner = "fairlead" // a wildcard of bare names has no author
	}
	return map[string]any{"id": name, "object": "model", "created": s.At.Unix(), "owned_by": owner}
}

func writeJSON(w http.ResponseWriter, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // only values made here are written
	}
	setHeader(w.Header(), "Content-Type", "application/json")
	setHeader(w.Header(), "Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // whoever asked may have left
}
