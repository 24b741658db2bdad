package compile_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/compile"
)

// canonical makes the canonical document of a text that has no errors.
func canonical(t testing.TB, text string) []byte {
	t.Helper()
	doc, _, found := compile.Canonical([]byte(text), "f")
	if doc == nil {
		t.Fatal(found)
	}
	return doc
}

const two = `
version: 1
providers: {vllm: {}, sglang: {}}
models:
  a/m: {aliases: [fast], endpoints: [{provider: vllm, weight: 30}, {provider: vllm, name: b}]}
  a/n: {endpoints: [{provider: sglang}], route: {fallbacks: [a/m]}}
  "a/*": {endpoints: [{provider: vllm}]}
`

// TestMergeAndPatch holds what a merge patch does to a document, and that the patch between the two is the
// least one.
func TestMergeAndPatch(t *testing.T) {
	doc := canonical(t, two)
	for _, c := range []struct{ name, patch, want, back string }{
		{"nothing", `{}`, two, `{}`},
		{"a field", `{"settings":{"attempts":5}}`, two + "settings: {attempts: 5}", `{"settings":null}`},
		{"a list is replaced whole", `{"models":{"a/n":{"endpoints":[{"provider":"vllm"}]}}}`, strings.Replace(two, "[{provider: sglang}]", "[{provider: vllm}]", 1), `{"models":{"a/n":{"endpoints":[{"provider":"sglang"}]}}}`},
		{"null takes away", `{"models":{"a/m":{"aliases":null},"nope":null}}`, strings.Replace(two, "aliases: [fast], ", "", 1), `{"models":{"a/m":{"aliases":["fast"]}}}`},
		{"names within are added", `{"models":{"a/o":{"endpoints":[{"provider":"vllm"}]}}}`, two + "  a/o: {endpoints: [{provider: vllm}]}", `{"models":{"a/o":null}}`},
	} {
		merged, err := compile.Merge(doc, []byte(c.patch))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if want := canonical(t, c.want); !bytes.Equal(merged, want) {
			t.Errorf("%s:\n got %s\nwant %s", c.name, merged, want)
		}
		if fast := compile.Between(merged, doc); string(fast) != c.back {
			t.Errorf("%s: the patch back between canonical documents is %s, want %s", c.patch, fast, c.back)
		}
		if back, err := compile.Patch(merged, doc); err != nil || string(back) != c.back {
			t.Errorf("%s: the patch back is %s, %v; want %s", c.name, back, err, c.back)
		}
	}
}

func TestMergeRefuses(t *testing.T) {
	for _, c := range []struct {
		patch string
		want  fairlead.Code
	}{
		{``, fairlead.CodeInvalidJSON},
		{`{"a":1`, fairlead.CodeInvalidJSON},
		{`{} {}`, fairlead.CodeInvalidJSON},
		{"{\"a\":\"\xff\"}", fairlead.CodeInvalidJSON},
		{`version: 1`, fairlead.CodeInvalidJSON},
		{`[]`, fairlead.CodeInvalidRequest},
		{`null`, fairlead.CodeInvalidRequest},
		{`{"a":1,"\u0061":2}`, fairlead.CodeDuplicateField},
		{strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200), fairlead.CodeTooDeep},
		{`{"a":"` + strings.Repeat("x", 9<<20) + `"}`, fairlead.CodeBodyTooLarge},
	} {
		_, err := compile.Merge([]byte(`{}`), []byte(c.patch))
		var e *fairlead.Error
		if !errors.As(err, &e) || e.Code != c.want {
			t.Errorf("%.40s: %v, want %s", c.patch, err, c.want)
		}
	}
}

// TestSetWeight holds that nothing but the one weight changes, whatever its id looks like.
func TestSetWeight(t *testing.T) {
	doc := canonical(t, two+`  "b/x@vllm~b": {endpoints: [{provider: vllm, name: b, supports: []}]}`)
	for _, c := range []struct {
		id        string
		weight    int
		old, want string
	}{
		{"a/m@vllm", 0, `{"provider":"vllm","weight":30}`, `{"provider":"vllm","weight":0}`},
		{"a/m@vllm", 30, `x`, `x`},
		{"a/m@vllm~b", 7, `{"name":"b","provider":"vllm"}],"route"`, `x`},
		{"a/*@vllm", 5, `"a/*":{"endpoints":[{"provider":"vllm"}`, `"a/*":{"endpoints":[{"provider":"vllm","weight":5}`},
		{"b/x@vllm~b@vllm~b", 1e9, `"supports":[]}`, `"supports":[],"weight":1000000000}`},
	} {
		got, err := compile.SetWeight(doc, c.id, c.weight)
		if err != nil {
			t.Fatalf("%s: %v", c.id, err)
		}
		want := strings.Replace(string(doc), c.old, c.want, 1)
		if c.id == "a/m@vllm~b" {
			want = strings.Replace(string(doc), `{"name":"b","provider":"vllm"}`, `{"name":"b","provider":"vllm","weight":7}`, 1)
		}
		if string(got) != want {
			t.Errorf("%s:\n got %s\nwant %s", c.id, got, want)
		}
		if again := canonical(t, string(got)); !bytes.Equal(again, got) {
			t.Errorf("%s: %s is not canonical", c.id, got)
		}
	}
	for _, c := range []struct {
		id     string
		weight int
		code   fairlead.Code
		hint   string
	}{
		{"a/m@vlm", 1, fairlead.CodeNotFound, `did you mean "a/m@vllm"?`},
		{"a/m", 1, fairlead.CodeNotFound, "known are: a/*@vllm, a/m@vllm, a/m@vllm~b, a/n@sglang"},
		{"", 1, fairlead.CodeNotFound, ""},
		{"a/m@vllm", -1, fairlead.CodeInvalidRequest, ""},
		{"a/m@vllm", 1e9 + 1, fairlead.CodeInvalidRequest, ""},
	} {
		_, err := compile.SetWeight(doc, c.id, c.weight)
		var e *fairlead.Error
		if !errors.As(err, &e) || e.Code != c.code || !strings.Contains(e.Hint, c.hint) {
			t.Errorf("%q, %d: %v, want %s and the hint %s", c.id, c.weight, err, c.code, c.hint)
		}
	}
}

func TestPeers(t *testing.T) {
	doc := canonical(t, two+`  "b/x@vllm~b": {endpoints: [{provider: vllm, name: b, supports: []}]}`)
	for id, want := range map[string]string{
		"a/m@vllm": "[a/m@vllm~b]", "a/m@vllm~b": "[a/m@vllm]", "a/*@vllm": "[]", "b/x@vllm~b@vllm~b": "[]",
		"a/m@vlm": "not_found", "a/m": "not_found", "": "not_found",
	} {
		peers, err := compile.Peers(doc, id)
		got := fmt.Sprint(peers)
		if err != nil {
			got = string(fairlead.AsError(err).Code)
		}
		if got != want {
			t.Errorf("%q has %s, want %s", id, got, want)
		}
	}
}

// TestFromState holds that weights are laid over, that those of unknown endpoints are told and left out, and
// that what is judged is what is in force.
func TestFromState(t *testing.T) {
	doc, at := canonical(t, two), time.Unix(1e9, 0)
	for _, c := range []struct {
		name    string
		weights map[string]int
		want    string // weights by id, in the order of the snapshot
		found   []string
	}{
		{"none", nil, "[100 30 100 100]", nil},
		{"one", map[string]int{"a/m@vllm": 5}, "[100 5 100 100]", nil},
		{"several", map[string]int{"a/m@vllm~b": 7, "a/n@sglang": 1, "a/*@vllm": 0}, "[0 30 7 1]", []string{"warning: models.a/*: all endpoints are drained (weight 0): requests for it fail"}},
		{"unknown", map[string]int{"a/m@nope": 5, "nope": 1, "a/n@sglang~b": 3}, "[100 30 100 100]", []string{
			"warning: weights.a/m@nope: there is no endpoint with this id; the weight that is laid over it is left out",
			"warning: weights.a/n@sglang~b: there is no endpoint with this id; the weight that is laid over it is left out",
			"warning: weights.nope: there is no endpoint with this id; the weight that is laid over it is left out",
		}},
		{"wrong", map[string]int{"a/m@vllm": -1}, "", []string{"error: models.a/m.endpoints[0].weight: must be 0 to 1000000000 (0 drains the endpoint)"}},
	} {
		s, found := compile.FromState(compile.StateInput{Document: doc, Weights: c.weights, Revision: 7, At: at})
		var said []string
		for _, f := range found {
			said = append(said, f.String())
		}
		if !reflect.DeepEqual(said, c.found) {
			t.Errorf("%s: findings %q, want %q", c.name, said, c.found)
		}
		if (s == nil) != (c.want == "") {
			t.Errorf("%s: snapshot %v", c.name, s)
		}
		if s == nil {
			continue
		}
		var weights []int
		for _, e := range s.Endpoints {
			weights = append(weights, e.Weight)
		}
		if got := fmt.Sprint(weights); got != c.want || s.Revision != 7 || !s.At.Equal(at) {
			t.Errorf("%s: weights %s of revision %d at %s, want %s", c.name, got, s.Revision, s.At, c.want)
		}
	}
	for _, bad := range []string{``, `{}`, `nonsense`, `{"version":1,"models":{"a/m":{"endpoints":[{"provider":"x"}]}}}`} {
		if s, found := compile.FromState(compile.StateInput{Document: []byte(bad)}); s != nil || found.Err() == nil {
			t.Errorf("%q: snapshot %v\n%s", bad, s, found)
		}
	}
}

// TestReferences holds which references a configuration has, those of the provider table among them, and that
// what is not resolved is told by name.
func TestReferences(t *testing.T) {
	doc := canonical(t, `
version: 1
providers:
  openai: {}
  ollama: {}
  groq: {base_url: "http://gpu:1/v1"}
  mistral: {credentials: [{value: "${secret:m}"}, {name: spare, value: "${secret:none}"}, {value: "${file:/none/a}"}, {value: "${secret:none}"}]}
`)
	_, cfg, _ := compile.Canonical(doc, "f")
	var got []string
	for _, u := range compile.References(cfg) {
		got = append(got, u.Provider+" "+u.Credential+" "+u.Reference.String())
	}
	want := []string{"mistral main ${secret:m}", "mistral spare ${secret:none}", "mistral main-3 ${file:/none/a}", "mistral main-4 ${secret:none}", "openai main ${env:OPENAI_API_KEY}"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("references\n%q, want\n%q", got, want)
	}
	resolve := env("OPENAI_API_KEY=o").WithSecrets(func(name string) (fairlead.Secret, bool, error) {
		if name == "m" {
			return fairlead.Secret{}, true, errors.New("it cannot be opened")
		}
		return fairlead.NewSecret("hunter2"), false, nil
	})
	_, found := compile.FromState(compile.StateInput{Document: doc, Resolve: resolve})
	if got, want := fmt.Sprint(found.Unresolved()), "[${file:/none/a} ${secret:m} ${secret:none}]"; got != want {
		t.Errorf("unresolved %s, want %s", got, want)
	}
	if text := found.String(); !strings.Contains(text, "${secret:m} is not resolved: it cannot be opened") || !strings.Contains(text, "${secret:none} is not resolved: no secret of this name is stored") || strings.Contains(text, "hunter2") {
		t.Error(text)
	}
	resolve = env().WithSecrets(func(name string) (fairlead.Secret, bool, error) { return fairlead.NewSecret("of " + name), true, nil })
	if s, _ := compile.FromState(compile.StateInput{Document: doc, Resolve: resolve}); s.Providers[1].Credentials[1].Value.Reveal() != "of none" {
		t.Error("a stored secret is not used")
	}
}

func BenchmarkDocument(b *testing.B) {
	for _, n := range []int{100, 1_000, 10_000} {
		doc := canonical(b, string(large(n)))
		run := func(name string, f func()) {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(doc)))
				for b.Loop() {
					f()
				}
			})
		}
		run("canonical", func() { compile.Canonical(doc, "f") })
		run("fromstate", func() { compile.FromState(compile.StateInput{Document: doc}) })
		run("setweight", func() { _, _ = compile.SetWeight(doc, "author/model-7@groq", 25) })
		other, err := compile.SetWeight(doc, "author/model-7@groq", 25)
		if err != nil {
			b.Fatal(err)
		}
		patch, _ := compile.Patch(doc, other)
		run("patch", func() { _, _ = compile.Patch(doc, other) })
		run("merge", func() { _, _ = compile.Merge(doc, patch) })
	}
}
