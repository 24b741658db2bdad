package compile_test

import (
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/compile"
)

const stable = `
version: 1
providers:
  p: {dialect: openai, base_url: "http://p/v1", credentials: [{value: "${env:P}"}]}
  q: {dialect: openai, base_url: "http://q/v1"}
models:
  a/m: {endpoints: [{provider: p}, {provider: q}]}
  a/*: {endpoints: [{provider: q}]}
`

// apartOf lists what is apart, and what is not the other side's although it is not.
func apartOf(s, beside *fairlead.Snapshot) (list []string) {
	for _, p := range s.Providers {
		if p.Apart {
			list = append(list, p.Name)
		}
		i := slices.IndexFunc(beside.Providers, func(o *fairlead.Provider) bool { return o.Name == p.Name })
		if i >= 0 && p.Apart == (beside.Providers[i] == p) {
			list = append(list, "not the same: "+p.Name)
		}
	}
	for _, e := range s.Endpoints {
		if e.Apart {
			list = append(list, e.ID)
		}
	}
	return list
}

// TestBeside holds what a trial has in common with what it is tried beside, and what it has apart.
func TestBeside(t *testing.T) {
	env := map[string]string{"P": "one", "P2": "two"}
	resolve := compile.Local(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	whole := func(text string, beside *fairlead.Snapshot) *fairlead.Snapshot {
		s, found := compile.FromState(compile.StateInput{Document: canonical(t, text), Resolve: resolve, Beside: beside})
		if s == nil {
			t.Fatal(found)
		}
		return s
	}
	beside := whole(stable, nil)
	if list := apartOf(beside, &fairlead.Snapshot{}); list != nil {
		t.Errorf("beside nothing, apart are %v", list)
	}
	for _, c := range []struct{ name, from, to, want string }{
		{"nothing", "", "", ""},
		{"other weights and prices", "[{provider: p}, ", `[{provider: p, weight: 3, price: {input: "1", output: "2"}}, `, ""},
		{"another model", "a/m: ", "a/other: ", ""},
		{"another provider beside", "  q:", "  r: {dialect: openai, base_url: \"http://r/v1\"}\n  q:", ""},
		{"an address", "http://p/", "http://p2/", "p a/m@p"},
		{"a credential", "{env:P}", "{env:P2}", "p a/m@p"},
		{"a setting of all providers", "models:", "settings: {timeouts: {connect: 7s}}\nmodels:", "p q a/*@q a/m@p a/m@q"},
		{"the upstream's name", "[{provider: p}, ", "[{provider: p, model: m2}, ", "a/m@p"},
		{"a wildcard's name", "a/*: {endpoints: [{provider: q}]}", "a/*: {endpoints: [{provider: q, model: \"big/*\"}]}", "a/*@q"},
	} {
		text := strings.Replace(stable, c.from, c.to, 1)
		if text == stable && c.from != "" {
			t.Fatalf("%s: nothing is replaced", c.name)
		}
		if got := strings.Join(apartOf(whole(text, beside), beside), " "); got != c.want {
			t.Errorf("%s: apart are %q, want %q", c.name, got, c.want)
		}
	}
}

// TestIncrementalBeside holds over random ways of both sides that what is made of the last snapshot is what is made
// of the whole.
func TestIncrementalBeside(t *testing.T) {
	apart, common, steps := 0, 0, 0
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 11))
		var one, other compile.Incremental
		c := randomConfig(r)
		values, weights := map[string]string{}, map[string]int{}
		tried := edited(r, c)
		if seed%2 == 0 {
			tried = c
		}
		for n := range 15 {
			vary(r, c, values, weights)
			if r.IntN(3) == 0 {
				vary(r, tried, values, weights)
			}
			in := compile.StateInput{
				Document: compile.Document(c), Weights: maps.Clone(weights), Revision: int64(n), At: time.Unix(int64(n), 0),
				Resolve: compile.Local(func(name string) (string, bool) { v, ok := values[name]; return v, ok }),
			}
			if in.Beside, _ = one.FromState(in); in.Beside == nil {
				continue
			}
			in.Document = compile.Document(tried)
			want, said := compile.FromState(in)
			got, found := other.FromState(in)
			if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(found, said) {
				t.Fatalf("seed %d, step %d:\nfound\n%swant\n%s\n got %s\nwant %s", seed, n, found, said, tell(got), tell(want))
			}
			if got == nil {
				continue
			}
			steps++
			for _, word := range apartOf(got, in.Beside) {
				if strings.HasPrefix(word, "not the same") {
					t.Fatalf("seed %d, step %d: %s", seed, n, word)
				}
				apart++
			}
			for _, p := range got.Providers {
				if slices.Contains(in.Beside.Providers, p) {
					common++
				}
			}
		}
	}
	if steps < 300 || apart < 100 || common < 300 {
		t.Errorf("%d steps with %d apart and %d in common are too few", steps, apart, common)
	}
}
