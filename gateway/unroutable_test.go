package gateway

import (
	"math/rand/v2"
	"testing"

	"fairlead"
	"fairlead/route"
)

// TestUnroutable holds what a caller is told where a model has no endpoint for a request, by the plan that was made for it.
func TestUnroutable(t *testing.T) {
	open := &fairlead.Provider{Name: "p", Dialect: fairlead.OpenAI, Quirks: fairlead.Quirks{NeedsNoKey: true}}
	unpriced := &fairlead.Endpoint{ID: "a/m@p", Provider: open, Weight: 1}
	drained := &fairlead.Endpoint{ID: "a/m@p~b", Provider: open, Price: &fairlead.Price{}}
	deaf := &fairlead.Endpoint{ID: "a/m@p~c", Provider: open, Weight: 1, Supports: fairlead.NewSupports(fairlead.Embeddings)}
	for _, c := range []struct {
		name      string
		endpoints []*fairlead.Endpoint
		paying    bool
		code      fairlead.Code
		final     bool
		message   string
	}{
		{"no price", []*fairlead.Endpoint{unpriced}, true, fairlead.CodeNoPrice, true, "no endpoint of a/m may be used for this request: a/m@p: no_price"},
		{"no price, and drained", []*fairlead.Endpoint{drained, unpriced}, true, fairlead.CodeNoPrice, true, "no endpoint of a/m may be used for this request: a/m@p~b: drained; a/m@p: no_price"},
		{"drained", []*fairlead.Endpoint{drained}, true, fairlead.CodeNoEndpoint, false, "no endpoint of a/m may be used for this request: a/m@p~b: drained"},
		{"lacking", []*fairlead.Endpoint{deaf}, true, fairlead.CodeUnsupportedParameter, false, "no endpoint of a/m may be used for this request: a/m@p~c: ability (chat)"},
		{"who does not pay may use it", []*fairlead.Endpoint{unpriced}, false, "", false, ""},
	} {
		m := &fairlead.Model{Name: "a/m", Endpoints: c.endpoints}
		r := &fairlead.Request{Operation: fairlead.OpChat, Needs: fairlead.Chat, Paying: c.paying}
		plan := route.Plan(fairlead.Plan{}, m, r, rand.Float64)
		if len(plan.Steps) > 0 {
			if c.code != "" {
				t.Errorf("%s: there is a plan", c.name)
			}
			continue
		}
		e := fairlead.AsError(unroutable(m.Name, &plan))
		if e.Code != c.code || e.Final != c.final || e.Message != c.message || (e.RetryAfter > 0) != (c.code == fairlead.CodeNoEndpoint) {
			t.Errorf("%s: %+v", c.name, e)
		}
	}
}
