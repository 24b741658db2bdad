package control_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"go.yaml.in/yaml/v3"

	"fairlead/compile"
	"fairlead/control"
)

// TestYAMLInParts holds that a document which is written part after part reads as it was, and names each of its members once.
func TestYAMLInParts(t *testing.T) {
	doc, _, found := compile.Canonical([]byte(many(4000, "0.15")), "")
	check(t, found.Err())
	if len(doc) < 3*control.YAMLPart {
		t.Fatalf("a document of %d bytes has few parts", len(doc))
	}
	shown, err := control.YAML(doc)
	check(t, err)
	again, _, found := compile.Canonical(shown, "")
	check(t, found.Err())
	if !bytes.Equal(doc, again) {
		t.Error("the document shown is another one")
	}
	if n := strings.Count(string(shown), "models:"); n != 1 {
		t.Errorf("the models begin %d times", n)
	}
}

// FuzzYAMLInParts holds that parts make no difference: the text is that of one whole tree, for whatever models are called.
func FuzzYAMLInParts(f *testing.F) {
	f.Add("vendor/m", "alias")
	f.Add("on/1e3", "- é\u2028: #")
	f.Add("a/"+strings.Repeat("b", 200), "a\nb")
	f.Fuzz(func(t *testing.T, name, alias string) {
		models := map[string]any{}
		for i := range 3 {
			models[fmt.Sprint(name, i)] = map[string]any{"aliases": []any{alias, strings.Repeat("x", control.YAMLPart/2)}}
		}
		doc, err := json.Marshal(map[string]any{"models": models, "version": 1}, json.Deterministic(true))
		if err != nil {
			return // no UTF-8
		}
		got, err := control.YAML(doc)
		if err != nil {
			t.Fatal(err)
		}
		var read, want any
		if err := yaml.Unmarshal(got, &read); err != nil {
			t.Fatalf("%v\n%.300s", err, got)
		}
		check(t, yaml.Unmarshal(doc, &want))
		a, b := fmt.Sprint(read), fmt.Sprint(want)
		if a != b {
			t.Fatalf("%q, %q: read as\n%.300s\nwant\n%.300s", name, alias, a, b)
		}
	})
}

func TestYAMLOfNothing(t *testing.T) {
	for doc, want := range map[string]string{`{}`: "{}\n", `{"models":{},"version":1}`: "models: {}\nversion: 1\n"} {
		if got, err := control.YAML([]byte(doc)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", doc, got, err)
		}
	}
}

// BenchmarkYAML shows a document of many endpoints.
func BenchmarkYAML(b *testing.B) {
	doc, _, found := compile.Canonical([]byte(many(10_000, "0.15")), "")
	check(b, found.Err())
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := control.YAML(doc); err != nil {
			b.Fatal(err)
		}
	}
}
