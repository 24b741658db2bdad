package compile_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/rogpeppe/go-internal/txtar"

	"fairlead"
	"fairlead/compile"
)

// TestCanonical tables what texts become.
func TestCanonical(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"order, space and comments go", "# c\nversion: 1\nmodels: {}\nproviders:\n  vllm: {region: eu, base_url: 'http://a/v1'}\n", `{"providers":{"vllm":{"base_url":"http://a/v1","region":"eu"}},"version":1}`},
		{"a provider without fields stays", "version: 1\nproviders: {vllm: , ollama: {}}", `{"providers":{"ollama":{},"vllm":{}},"version":1}`},
		{"the same in JSON", `{"providers":{"vllm":null,"ollama":{}},"version":1,"models":null,"settings":{"records":{}}}`, `{"providers":{"ollama":{},"vllm":{}},"version":1}`},
		{"strings stay strings, numbers numbers", `version: 1
providers: {vllm: {}}
models: {a/m: {context: 0x10, endpoints: [{provider: vllm, weight: 0, price: {input: "0.150", output: "1"}}]}}
settings: {retry_budget: 1.50e-1, attempts: +5}`, `{"models":{"a/m":{"context":16,"endpoints":[{"price":{"input":"0.150","output":"1"},"provider":"vllm","weight":0}]}},"providers":{"vllm":{}},"settings":{"attempts":5,"retry_budget":0.15},"version":1}`},
		{"nothing less than nothing", "version: 1\nsettings: {retry_budget: -0.0}", `{"settings":{"retry_budget":0},"version":1}`},
		{"sizes and durations have one spelling", "version: 1\nsettings: {max_body: 1048576, max_bodies: 2048MiB, timeouts: {total: 600s, idle: auto, connect: 0, headers: 5400s, first_token: 90s}}", `{"settings":{"max_bodies":"2GiB","max_body":"1MiB","timeouts":{"connect":"0s","first_token":"1m30s","headers":"1h30m","idle":"auto","total":"10m"}},"version":1}`},
		{"an empty list says nothing, but for supports", "version: 1\nproviders: {vllm: {credentials: []}}\nmodels: {a/m: {aliases: [], endpoints: [{provider: vllm, supports: [], limits: {}}], route: {fallbacks: [], placement: {regions: []}}}}", `{"models":{"a/m":{"endpoints":[{"provider":"vllm","supports":[]}]}},"providers":{"vllm":{}},"version":1}`},
		{"what is an absence elsewhere is a statement", "version: 1\nproviders: {vllm: {retention: {}, quirks: {stream_options: false}}}", `{"providers":{"vllm":{"quirks":{"stream_options":false},"retention":{}}},"version":1}`},
		{"aliases are written out", "version: 1\nproviders: {vllm: {}}\nmodels:\n  a/m: {endpoints: &e [{provider: vllm}]}\n  a/n: {endpoints: *e}", `{"models":{"a/m":{"endpoints":[{"provider":"vllm"}]},"a/n":{"endpoints":[{"provider":"vllm"}]}},"providers":{"vllm":{}},"version":1}`},
		{"no HTML escapes", `{"version":1,"providers":{"vllm":{}},"models":{"a/m":{"endpoints":[{"provider":"vllm","model":"<\u0026>\u00fc\ud83d\ude00\"\/"}]}}}`, `{"models":{"a/m":{"endpoints":[{"model":"<&>ü😀\"/","provider":"vllm"}]}},"providers":{"vllm":{}},"version":1}`},
	} {
		doc, cfg, found := compile.Canonical([]byte(c.text), "f")
		if string(doc) != c.want || cfg == nil {
			t.Errorf("%s:\n got %s\nwant %s\n%s", c.name, doc, c.want, found)
		}
	}
}

// TestCanonicalRefuses holds that a text which is refused gives nothing but its findings, those of Read.
func TestCanonicalRefuses(t *testing.T) {
	files, _ := filepath.Glob("testdata/findings/*.txtar")
	if len(files) == 0 {
		t.Fatal("no cases")
	}
	for _, file := range files {
		ar, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		doc, cfg, found := compile.Canonical(ar.Files[0].Data, "f")
		_, want := compile.Read(ar.Files[0].Data, "f")
		if refused := want.Err() != nil; refused != (doc == nil) || refused != (cfg == nil) || !reflect.DeepEqual(found, want) {
			t.Errorf("%s: document %s\n%swant\n%s", file, doc, found, want)
		}
	}
	page := "version: 1\nproviders: {vllm: {}}\nx: &l [" + string(bytes.Repeat([]byte("aaaaaaaaaaaaaaaa,"), 100)) + "]\n"
	if doc, _, found := compile.Canonical([]byte(page), "f"); doc != nil || found[0].Line != 3 {
		t.Errorf("an unknown field gives %s\n%s", doc, found)
	}
}

// FuzzCanonical holds that a canonical document is its own, means the same, and is read as the configuration
// that it was made of.
func FuzzCanonical(f *testing.F) {
	f.Add([]byte(example))
	f.Add(large(8))
	f.Add([]byte(`{"version":1,"providers":{"vllm":null},"models":{"a/m":{"endpoints":[{"provider":"vllm","supports":[]}]}}}`))
	files, _ := filepath.Glob("testdata/findings/*.txtar")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(txtar.Parse(text).Files[0].Data)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		doc, cfg, found := compile.Canonical(text, "f")
		if (doc == nil) != (found.Err() != nil) || (cfg == nil) != (doc == nil) {
			t.Fatalf("document %s, config %v\n%s", doc, cfg, found)
		}
		if doc == nil {
			return
		}
		v := jsontext.Value(doc)
		if !v.IsValid() {
			t.Fatalf("not JSON: %s", doc)
		}
		if compact := v.Clone(); compact.Compact() != nil || !bytes.Equal(compact, doc) {
			t.Fatalf("not compact: %s", doc)
		}
		again, same, found := compile.Canonical(doc, "f")
		if !bytes.Equal(again, doc) {
			t.Fatalf("canonical of\n%s\nis\n%s\n%s", doc, again, found)
		}
		if !reflect.DeepEqual(cfg, same) {
			t.Fatalf("%s is read as\n%+v\nand was\n%+v", doc, same, cfg)
		}
		if merged, err := compile.Merge(doc, []byte(`{}`)); err != nil || !bytes.Equal(merged, doc) {
			t.Fatalf("%s is, patched with nothing, %s, %v", doc, merged, err)
		}
		reweigh(t, doc, cfg)
	})
}

// FuzzJSON holds that JSON is judged as the YAML that it is, in the same words, at the same places.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`{"version":1,"providers":{"vllm":{}},"models":{"a/m":{"endpoints":[{"provider":"vllm","weight":0}]}}}`,
		"{\n  \"version\": 1.0,\n  \"providers\": {\"x\": {\"credentials\": [{\"value\": \"sk\"}]}},\n  \"version\": 2, \"settings\": {\"attempts\": \"3\"}\n}",
		`{"version":1,"settings":{"timeouts":{"connect":0,"idle":"auto","total":1.5},"max_body":5,"retry_budget":2},"modles":{}}`,
		`{"version":1,"providers":null,"models":{"a/m":null,"b":[],"c/d":{"endpoints":[null],"route":{"continue":true,"hedge":null}}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, c := range text { // JSON and YAML differ in control characters, escapes, and what ends a line
			if c > '~' || c == '\\' || (c < ' ' && c != '\n') {
				return
			}
		}
		if text = bytes.TrimLeft(text, " \n"); len(text) == 0 || text[0] != '{' || !jsontext.Value(text).IsValid(jsontext.AllowDuplicateNames(true)) {
			return
		}
		cfg, found := compile.Read(text, "f")
		want, said := compile.ReadYAML(text, "f")
		if !reflect.DeepEqual(cfg, want) || !reflect.DeepEqual(found, said) {
			t.Fatalf("%s\nas JSON:\n%sas YAML:\n%s", text, found, said)
		}
	})
}

// reweigh holds that each endpoint can be given a weight by its id, and that nothing else changes by that.
func reweigh(t *testing.T, doc []byte, cfg *fairlead.Config) {
	s, _ := compile.Compile(cfg, 1, nil)
	for _, e := range s.Endpoints[:min(len(s.Endpoints), 5)] {
		other, err := compile.SetWeight(doc, e.ID, 12345)
		if err != nil {
			t.Fatalf("%s: %v", e.ID, err)
		}
		_, changed, _ := compile.Canonical(other, "f")
		r, err := compile.Reweigh(doc, cfg, e.ID, 12345)
		if err != nil || !bytes.Equal(r.Document, other) || !reflect.DeepEqual(r.Config, changed) {
			t.Fatalf("%s: Reweigh gives another document or another Config than reading it does: %v\n%s", e.ID, err, r.Document)
		}
		if want := compile.Between(doc, other); !bytes.Equal(r.Patch, want) {
			t.Fatalf("%s: the patch is %s, want %s", e.ID, r.Patch, want)
		}
		if got, want := compile.NewChecked(cfg).Reweighed(r.Config, r.Model).Findings(), compile.Check(changed); !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: %v is said, want %v", e.ID, got, want)
		}
		ds := compile.Diff(cfg, changed)
		if e.Weight != 12345 && (len(ds) != 1 || ds[0].Name != e.ID || ds[0].Field != "weight" || ds[0].To != "12345") {
			t.Fatalf("%s: %s", e.ID, ds.Text())
		}
	}
}
