package compile_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/compile"
)

// TestIncremental holds over random ways through states that what is made of the last snapshot is what is made of
// the whole, that no snapshot changes afterwards, and that what is the same in two is used again.
func TestIncremental(t *testing.T) {
	steps, shared, refused := 0, 0, 0
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 7))
		var inc compile.Incremental
		var last *fairlead.Snapshot
		c := randomConfig(r)
		values, weights := map[string]string{}, map[string]int{}
		told := map[*fairlead.Snapshot]string{}
		for n := range 25 {
			if r.IntN(3) == 0 {
				c = edited(r, c)
			}
			vary(r, c, values, weights)
			in := compile.StateInput{
				Document: compile.Document(c), Weights: maps.Clone(weights), Revision: int64(n), At: time.Unix(int64(n), 0),
				Resolve: compile.Local(func(name string) (string, bool) { v, ok := values[name]; return v, ok }),
			}
			if r.IntN(15) == 0 {
				in.Document = broken(r, in.Document)
			}
			want, said := compile.FromState(in)
			got, found := inc.FromState(in)
			if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(found, said) {
				t.Fatalf("seed %d, step %d: document %s, weights %v\nfound\n%swant\n%s\n got %s\nwant %s", seed, n, in.Document, weights, found, said, tell(got), tell(want))
			}
			if got == nil {
				refused++
				continue
			}
			expectWhole(t, got)
			told[got] = tell(got)
			steps++
			if last != nil && sharesModel(last, got) {
				shared++
			}
			last = got
		}
		for s, was := range told {
			if now := tell(s); now != was {
				t.Fatalf("seed %d: a snapshot changed from\n%s\nto\n%s", seed, was, now)
			}
		}
	}
	if shared < steps/4 || refused == 0 {
		t.Errorf("of %d steps %d share models with the one before, and %d were refused", steps, shared, refused)
	}
}

// vary changes what a state has beside its document: values of references, and weights that are laid over.
func vary(r *rand.Rand, c *fairlead.Config, values map[string]string, weights map[string]int) {
	if r.IntN(4) == 0 {
		name := fmt.Sprintf("K%d", r.IntN(4))
		if values[name] = fmt.Sprint(r.IntN(3)); r.IntN(4) == 0 {
			delete(values, name)
		}
	}
	for name, m := range c.Models {
		for _, e := range m.Endpoints {
			id := name + "@" + e.Provider + "~" + e.Name
			switch r.IntN(10) {
			case 0:
				weights[id] = 10 * r.IntN(4)
			case 1:
				delete(weights, id)
			}
		}
	}
	switch r.IntN(30) {
	case 0:
		weights["a/none@p0"] = 5
	case 1:
		weights[""] = 5
	case 2:
		weights["a/m1@p0~n0"] = -5
	case 3, 4, 5:
		delete(weights, "a/m1@p0~n0")
	}
}

// broken cuts or changes a byte of a document.
func broken(r *rand.Rand, doc []byte) []byte {
	doc = slices.Clone(doc)
	i := r.IntN(len(doc))
	if r.IntN(3) == 0 {
		return doc[:i]
	}
	doc[i] = "{}[]\",:0ax"[r.IntN(10)]
	return doc
}

// expectWhole holds that all in a snapshot refers to what is in it.
func expectWhole(t *testing.T, s *fairlead.Snapshot) {
	t.Helper()
	own := map[*fairlead.Endpoint]bool{}
	for _, e := range s.Endpoints {
		own[e] = true
		if !slices.Contains(e.Model.Endpoints, e) || !slices.Contains(s.Providers, e.Provider) {
			t.Fatalf("endpoint %s belongs to another snapshot", e.ID)
		}
	}
	n := 0
	for name, m := range s.Models {
		if name != m.Name && s.Models[m.Name] != m {
			t.Fatalf("alias %s means another snapshot's model", name)
		}
		if name != m.Name {
			continue
		}
		n += len(m.Endpoints)
		for _, f := range m.Fallbacks {
			covered := s.Models[f.Name] == nil && !f.Wildcard
			if !covered && s.Models[f.Name] != f {
				t.Fatalf("%s falls back to another snapshot's %s", m.Name, f.Name)
			}
			for _, e := range f.Endpoints {
				if (!covered && !own[e]) || !slices.Contains(s.Providers, e.Provider) || e.Model != f {
					t.Fatalf("the fallback %s has an endpoint of another snapshot", f.Name)
				}
			}
		}
	}
	for _, m := range s.Wildcards {
		n += len(m.Endpoints)
	}
	if n != len(s.Endpoints) {
		t.Fatalf("the models have %d endpoints, the snapshot %d", n, len(s.Endpoints))
	}
}

func sharesModel(a, b *fairlead.Snapshot) bool {
	for name, m := range a.Models {
		if b.Models[name] == m {
			return true
		}
	}
	return false
}

// tell is all that a snapshot says.
func tell(s *fairlead.Snapshot) string {
	if s == nil {
		return "none"
	}
	var b strings.Builder
	for _, p := range s.Providers {
		var values []string
		for _, c := range p.Credentials {
			values = append(values, c.Name+"="+c.Value.Reveal())
		}
		fmt.Fprintln(&b, p.Name, p.BaseURL, values)
	}
	for _, e := range s.Endpoints {
		fmt.Fprintln(&b, e.ID, e.Weight, e.Upstream, e.Price, names(e.Model.Fallbacks))
	}
	return b.String()
}

// TestIncrementalKeeps holds what is the same in two snapshots after each kind of change.
func TestIncrementalKeeps(t *testing.T) {
	doc := canonical(t, two)
	value := "one"
	resolve := compile.Local(func(string) (string, bool) { return value, true })
	withKey := canonical(t, strings.Replace(two, "sglang: {}", `sglang: {credentials: [{value: "${env:A}"}]}`, 1))
	edit := func(old, new string) []byte { return []byte(strings.Replace(string(withKey), old, new, 1)) }
	for _, c := range []struct {
		name    string
		in      compile.StateInput
		value   string
		models  string // that are the same
		changed string // providers
	}{
		{"nothing", compile.StateInput{Document: withKey}, "one", "a/* a/m a/n", ""},
		{"a weight of a model that another falls back to", compile.StateInput{Document: withKey, Weights: map[string]int{"a/m@vllm": 7}}, "one", "a/*", ""},
		{"a weight of one that none does", compile.StateInput{Document: withKey, Weights: map[string]int{"a/n@sglang": 7}}, "one", "a/* a/m", ""},
		{"a weight in the document", compile.StateInput{Document: edit(`"weight":30`, `"weight":300`)}, "one", "a/*", ""},
		{"a credential's value", compile.StateInput{Document: withKey}, "two", "a/* a/m", "sglang"},
		{"more than weights", compile.StateInput{Document: edit(`"fast"`, `"slow"`)}, "one", "", ""},
		{"a provider", compile.StateInput{Document: edit(`"vllm":{}`, `"vllm":{"region":"x"}`)}, "one", "", "vllm"},
		{"another document", compile.StateInput{Document: doc}, "one", "", "sglang"},
	} {
		var inc compile.Incremental
		value = "one"
		first, _ := inc.FromState(compile.StateInput{Document: withKey, Resolve: resolve})
		value = c.value
		c.in.Resolve = resolve
		second, found := inc.FromState(c.in)
		if second == nil {
			t.Fatalf("%s: %s", c.name, found)
		}
		same, changed := []string{}, []string{}
		for _, e := range first.Endpoints {
			if slices.Contains(second.Endpoints, e) && !slices.Contains(same, e.Model.Name) {
				same = append(same, e.Model.Name)
			}
		}
		for i, p := range first.Providers {
			if second.Providers[i] != p {
				changed = append(changed, p.Name)
			}
		}
		if got := strings.Join(same, " "); got != c.models {
			t.Errorf("%s: the models %q are the same, want %q", c.name, got, c.models)
		}
		if got := strings.Join(changed, " "); got != c.changed {
			t.Errorf("%s: the providers %q are others, want %q", c.name, got, c.changed)
		}
	}
}

// BenchmarkIncremental is one change of a weight at an edge, in the document and laid over it: whole is what it costs
// without Incremental. Where all models fall back to the next one the last two cost ten times as much.
func BenchmarkIncremental(b *testing.B) {
	for _, n := range []int{100, 1_000, 10_000} {
		docs := [2][]byte{canonical(b, regexp.MustCompile(`fallbacks: .*\]`).ReplaceAllString(string(large(n)), "fallbacks: [author/model-0]"))}
		docs[1], _ = compile.SetWeight(docs[0], "author/model-7@groq", 25)
		laid := [2]map[string]int{{"author/model-7@groq": 25}, {"author/model-7@groq": 30}}
		run := func(name string, one func(i int)) {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					one(i % 2)
				}
			})
		}
		var inc compile.Incremental
		inc.FromState(compile.StateInput{Document: docs[0]})
		run("whole", func(i int) { compile.FromState(compile.StateInput{Document: docs[i]}) })
		run("document", func(i int) { inc.FromState(compile.StateInput{Document: docs[i]}) })
		run("laid", func(i int) { inc.FromState(compile.StateInput{Document: docs[0], Weights: laid[i]}) })
	}
}

// BenchmarkChecked is what control says of a document in which one weight is another: whole is what it costs without Checked.
func BenchmarkChecked(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		doc := canonical(b, regexp.MustCompile(`fallbacks: .*\]`).ReplaceAllString(string(large(n)), "fallbacks: [author/model-0]"))
		_, cfg, _ := compile.Canonical(doc, "f")
		r, err := compile.Reweigh(doc, cfg, "author/model-7@groq", 25)
		if err != nil {
			b.Fatal(err)
		}
		checked := compile.NewChecked(cfg)
		b.Run(fmt.Sprintf("whole/%d", n), func(b *testing.B) {
			for b.Loop() {
				compile.Check(r.Config)
			}
		})
		b.Run(fmt.Sprintf("reweighed/%d", n), func(b *testing.B) {
			for b.Loop() {
				checked.Reweighed(r.Config, r.Model).Findings()
			}
		})
	}
}
