package route_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"fairlead"
	"fairlead/route"
)

func place(d fairlead.Dialect, name string) *fairlead.Provider {
	return &fairlead.Provider{Name: name, Dialect: d, Quirks: fairlead.Quirks{NeedsNoKey: true}}
}

func endpoint(p *fairlead.Provider, weight int, supports ...fairlead.Abilities) *fairlead.Endpoint {
	e := &fairlead.Endpoint{ID: "a/m@" + p.Name, Provider: p, Weight: weight}
	if len(supports) > 0 {
		e.Supports = fairlead.NewSupports(supports[0])
	}
	return e
}

func chat(needs fairlead.Abilities) *fairlead.Request {
	return &fairlead.Request{Operation: fairlead.OpChat, Model: "a/m", Needs: needs | fairlead.Chat}
}

// paying is a chat that an account pays for.
func paying(needs fairlead.Abilities) *fairlead.Request {
	r := chat(needs)
	r.Paying = true
	return r
}

func paid(e *fairlead.Endpoint, p *fairlead.Price) *fairlead.Endpoint {
	e.Price = p
	return e
}

// by is a chat by a key.
func by(terms fairlead.KeyTerms) *fairlead.Request {
	r := chat(0)
	r.Allowed = &terms
	return r
}

// TestFallbacksOfAKey holds that a key comes to no model by a fallback that it may not ask for.
func TestFallbacksOfAKey(t *testing.T) {
	second := &fairlead.Model{Name: "b/n", Endpoints: []*fairlead.Endpoint{endpoint(place(fairlead.OpenAI, "two"), 1)}}
	third := &fairlead.Model{Name: "a/n", Endpoints: []*fairlead.Endpoint{endpoint(place(fairlead.OpenAI, "three"), 1)}}
	m := &fairlead.Model{Name: "a/m", Fallbacks: []*fairlead.Model{second, third}, Endpoints: []*fairlead.Endpoint{endpoint(place(fairlead.OpenAI, "one"), 1)}}
	if got := show(route.Plan(fairlead.Plan{}, m, by(fairlead.KeyTerms{Models: []string{"a/*"}}), rand.Float64)); got != "one three two:key()" {
		t.Errorf("planned %q", got)
	}
}

func show(p fairlead.Plan) string {
	var b strings.Builder
	for _, s := range p.Steps {
		fmt.Fprintf(&b, "%s ", s.Endpoint.Provider.Name)
	}
	for _, l := range p.LeftOut {
		fmt.Fprintf(&b, "%s:%s(%s) ", l.Endpoint.Provider.Name, l.Reason, l.Detail)
	}
	return strings.TrimSpace(b.String())
}

func TestEligibility(t *testing.T) {
	keyless := &fairlead.Provider{Name: "keyless", Dialect: fairlead.OpenAI}
	unresolved := &fairlead.Provider{Name: "unresolved", Dialect: fairlead.OpenAI, Credentials: []fairlead.Credential{{Name: "main"}}}
	good := place(fairlead.OpenAI, "good")
	claude := place(fairlead.Anthropic, "claude")
	embed := &fairlead.Request{Operation: fairlead.OpEmbeddings, Needs: fairlead.Embeddings}
	count := &fairlead.Request{Operation: fairlead.OpCountTokens, Needs: fairlead.CountTokens}
	for _, c := range []struct {
		name string
		e    *fairlead.Endpoint
		r    *fairlead.Request
		want string
	}{
		{"anything is tried without a list", endpoint(good, 1), chat(fairlead.Vision), "good"},
		{"weight 0 drains", endpoint(good, 0), chat(0), "good:drained()"},
		{"a list is closed", endpoint(good, 1, fairlead.Tools), chat(fairlead.Vision), "good:ability(vision)"},
		{"a list that has it", endpoint(good, 1, fairlead.Tools|fairlead.Vision), chat(fairlead.Vision), "good"},
		{"a list implies chat", endpoint(good, 1, fairlead.Tools), chat(0), "good"},
		{"an embedding endpoint is no chat endpoint", endpoint(good, 1, fairlead.Embeddings), chat(0), "good:ability(chat)"},
		{"a closed list must name the operation", endpoint(good, 1, fairlead.Tools), embed, "good:ability(embeddings)"},
		{"the operation is named", endpoint(good, 1, fairlead.Embeddings), embed, "good"},
		{"the dialect has no such operation", endpoint(claude, 1), embed, "claude:dialect(embeddings)"},
		{"count_tokens is Anthropic's", endpoint(good, 1), count, "good:dialect(count_tokens)"},
		{"chat is spoken by all", endpoint(claude, 1), chat(0), "claude"},
		{"no credential stated", endpoint(keyless, 1), chat(0), "keyless:no_credential()"},
		{"who pays may use what has a price", paid(endpoint(good, 1), &fairlead.Price{Input: 1}), paying(0), "good"},
		{"a price of nothing is one", paid(endpoint(good, 1), &fairlead.Price{}), paying(0), "good"},
		{"who pays may not use what has none", endpoint(good, 1), paying(0), "good:no_price()"},
		{"what else is wrong is said first", endpoint(keyless, 1), paying(0), "keyless:no_credential()"},
		{"an endpoint that the key may use", endpoint(good, 1), by(fairlead.KeyTerms{Endpoints: []string{"*@good"}}), "good"},
		{"one that it may not", endpoint(good, 1), by(fairlead.KeyTerms{Endpoints: []string{"*@bad"}}), "good:key()"},
		{"though it is drained", endpoint(good, 0), by(fairlead.KeyTerms{Endpoints: []string{"*@bad"}}), "good:key()"},
		{"of a model that it may not use", endpoint(good, 1), by(fairlead.KeyTerms{Models: []string{"b/*"}}), "good:key()"},
		{"credential unresolved", endpoint(unresolved, 1), chat(0), "unresolved:no_credential()"},
	} {
		m := &fairlead.Model{Name: "a/m", Endpoints: []*fairlead.Endpoint{c.e}}
		if got := show(route.Plan(fairlead.Plan{}, m, c.r, rand.Float64)); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestFallbacksFollowInOrderAndAreNotTransitive(t *testing.T) {
	third := &fairlead.Model{Name: "a/third", Endpoints: []*fairlead.Endpoint{endpoint(place(fairlead.OpenAI, "third"), 1)}}
	second := &fairlead.Model{Name: "a/second", Endpoints: []*fairlead.Endpoint{endpoint(place(fairlead.OpenAI, "second"), 1)}, Fallbacks: []*fairlead.Model{third}}
	first := &fairlead.Model{Name: "a/m", Endpoints: []*fairlead.Endpoint{endpoint(place(fairlead.OpenAI, "first"), 1)}, Fallbacks: []*fairlead.Model{second}}
	p := route.Plan(fairlead.Plan{}, first, chat(0), rand.Float64)
	if got := show(p); got != "first second" {
		t.Fatalf("got %q", got)
	}
	if s := p.Steps[1]; !s.Fallback || s.Asked != "a/second" {
		t.Errorf("the fallback step is %+v", s)
	}
	if s := p.Steps[0]; s.Fallback || s.Asked != "a/m" {
		t.Errorf("the first step is %+v", s)
	}
}

// TestWeightsAreShares draws many plans and holds the share of first places, and of second places
// given the first, within five standard deviations of the weights.
func TestWeightsAreShares(t *testing.T) {
	m := &fairlead.Model{Name: "a/m", Endpoints: []*fairlead.Endpoint{
		endpoint(place(fairlead.OpenAI, "x"), 70), endpoint(place(fairlead.OpenAI, "y"), 20), endpoint(place(fairlead.OpenAI, "z"), 10),
	}}
	rng := rand.New(rand.NewPCG(1, 2))
	const draws = 40_000
	seen := map[string]int{}
	var p fairlead.Plan
	for range draws {
		p = route.Plan(p, m, chat(0), rng.Float64)
		seen[show(p)]++
	}
	for order, want := range map[string]float64{
		"x y z": 0.7 * 2 / 3, "x z y": 0.7 / 3, "y x z": 0.2 * 7 / 8, "y z x": 0.2 / 8, "z x y": 0.1 * 7 / 9, "z y x": 0.1 * 2 / 9,
	} {
		got, sigma := float64(seen[order])/draws, math.Sqrt(want*(1-want)/draws)
		if math.Abs(got-want) > 5*sigma {
			t.Errorf("%s: share %.4f, want %.4f within %.4f", order, got, want, 5*sigma)
		}
	}
}

func manyEndpoints() *fairlead.Model {
	m := &fairlead.Model{Name: "a/m"}
	for i := range 64 {
		m.Endpoints = append(m.Endpoints, endpoint(place(fairlead.OpenAI, fmt.Sprint(i)), 1+i))
	}
	return m
}

// TestLongPlan holds that the first places of a long plan are drawn and that none is lost.
func TestLongPlan(t *testing.T) {
	m := manyEndpoints()
	even := func() float64 { return 0.5 } // the order is then that of the weights
	p := route.Plan(fairlead.Plan{}, m, chat(0), even)
	seen := map[*fairlead.Endpoint]bool{}
	for i, s := range p.Steps {
		seen[s.Endpoint] = true
		if i < 10 && s.Endpoint.Weight != 64-i {
			t.Errorf("place %d has the endpoint of weight %d", i, s.Endpoint.Weight)
		}
	}
	if len(seen) != 64 {
		t.Errorf("%d of 64 endpoints are in the plan", len(seen))
	}
}

func TestPlanAllocatesNothing(t *testing.T) {
	m := manyEndpoints()
	for i, e := range m.Endpoints {
		if i%2 == 0 {
			e.Price = &fairlead.Price{}
		}
	}
	for _, r := range []*fairlead.Request{chat(fairlead.Tools), paying(fairlead.Tools)} {
		p := route.Plan(fairlead.Plan{}, m, r, rand.Float64)
		if n := testing.AllocsPerRun(100, func() { p = route.Plan(p, m, r, rand.Float64) }); n != 0 {
			t.Errorf("a plan allocates %v times, paying %v", n, r.Paying)
		}
	}
}

func BenchmarkPlan64(b *testing.B) {
	m, r := manyEndpoints(), chat(fairlead.Tools)
	p := route.Plan(fairlead.Plan{}, m, r, rand.Float64)
	b.ReportAllocs()
	for b.Loop() {
		p = route.Plan(p, m, r, rand.Float64)
	}
}
