package compile_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"fairlead"
	"fairlead/compile"
)

var update = flag.Bool("update", false, "write the findings that were got into the golden files")

// TestFindings holds every finding to its line and wording: one document a case.
func TestFindings(t *testing.T) {
	files, err := filepath.Glob("testdata/findings/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(file)
			if err != nil || len(ar.Files) != 2 {
				t.Fatalf("want two parts, config.yaml and findings: %v", err)
			}
			c, findings := compile.Read(ar.Files[0].Data, "config.yaml")
			got := findings.String()
			if *update {
				ar.Files[1].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want := string(ar.Files[1].Data); got != want {
				t.Errorf("findings:\n%s\nwant:\n%s", got, want)
			}
			if strings.Contains(got, "hunter2") {
				t.Error("a finding repeats a secret")
			}
			if (c == nil) != (findings.Err() != nil) {
				t.Errorf("config %v, error %v: exactly one must be nil", c, findings.Err())
			}
		})
	}
}

func TestDocumentTooLarge(t *testing.T) {
	_, findings := compile.Read(make([]byte, 8<<20+1), "big.yaml")
	if got := findings.String(); got != "big.yaml: error: the document has 8388609 bytes; at most 8388608 are taken\n" {
		t.Error(got)
	}
}

// TestManyFindings holds that a list is bounded, and that errors come before warnings then.
func TestManyFindings(t *testing.T) {
	var b strings.Builder
	b.WriteString("version: 1\nproviders:\n  p: {dialect: openai, base_url: http://127.0.0.1:9/v1}\nmodels:\n")
	for i := range 30_000 {
		b.WriteString("  a/m" + strings.Repeat("x", i%7) + itoa(i) + ": {endpoints: [{provider: p, weight: 0}]}\n")
	}
	b.WriteString("  a/last: {endpoints: [{provider: p, weight: -1}]}\n")
	_, findings := compile.Read([]byte(b.String()), "many.yaml")
	if len(findings) > 1000 || findings.Err() == nil {
		t.Fatalf("%d findings, error %v; want a bounded list with the error in it", len(findings), findings.Err())
	}
	if !strings.Contains(findings[0].Message, "must be 0 to") {
		t.Errorf("first finding: %s; want the error", findings[0])
	}
	if last := findings[len(findings)-1]; !strings.Contains(last.Message, "more findings") {
		t.Errorf("last finding: %s; want the number of those left out", last)
	}
}

// TestBounds holds that documents made to exhaust a reader are refused.
func TestBounds(t *testing.T) {
	var endpoints, models strings.Builder
	for i := range 200 {
		endpoints.WriteString("{provider: p, name: e" + itoa(i) + "}, ")
	}
	for i := range 1000 {
		models.WriteString("  a/m" + itoa(i) + ": *m\n")
	}
	cases := []struct{ name, doc, want string }{
		{
			"a list in a thousand models by aliases",
			"version: 1\nproviders: {p: {dialect: openai, base_url: http://127.0.0.1:9/v1}}\nmodels:\n  a/first: &m {endpoints: [" + endpoints.String() + "]}\n" + models.String(),
			"aliases stand for more than 100000 values",
		},
		{
			"lists in lists by aliases",
			"a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\nmodels: *f\n",
			"models: must be a mapping",
		},
		{"mappings in mappings", "version: 1\nmodels: " + strings.Repeat("{a/b: ", 20_000) + "1" + strings.Repeat("}", 20_000), "exceeded max depth"},
		{"lists in lists", strings.Repeat("- ", 20_000) + "x", "exceeded max depth"},
		{"not text", "version: 1\n\xff\xfe", "not YAML"},
		{"a control character", "version: 1\nproviders: {\x00: {}}", "not YAML"},
	}
	for _, c := range cases {
		_, findings := compile.Read([]byte(c.doc), "f")
		if findings.Err() == nil || !strings.Contains(findings.String(), c.want) {
			t.Errorf("%s: %.300s; want %q among them", c.name, findings, c.want)
		}
	}
}

// TestReadJSON holds that a Config written as JSON is read as the same Config: it is what the store
// keeps and the API sends.
func TestReadJSON(t *testing.T) {
	for _, doc := range []string{example, "version: 1\nproviders: {openai: {}}\nmodels: {openai/a: {endpoints: [{provider: openai, supports: []}]}}"} {
		c, findings := compile.Read([]byte(doc), "doc.yaml")
		if findings.Err() != nil {
			t.Fatal(findings)
		}
		for _, write := range []func(any) ([]byte, error){json.Marshal, func(v any) ([]byte, error) { return json.MarshalIndent(v, "", "\t") }} {
			text, err := write(c)
			if err != nil {
				t.Fatal(err)
			}
			again, findings := compile.Read(text, "doc.json")
			if findings.Err() != nil {
				t.Fatalf("%s\n%s", findings, text)
			}
			if !reflect.DeepEqual(c, again) {
				t.Errorf("read back:\n%+v\nwant:\n%+v", again, c)
			}
		}
	}
}

func TestErr(t *testing.T) {
	warning := compile.Finding{Severity: compile.Warning, Message: "w"}
	mistake := compile.Finding{Severity: compile.Error, Path: "a.b", File: "f", Line: 3, Column: 5, Message: "m", Hint: "h"}
	cases := []struct {
		name     string
		findings compile.Findings
		want     string
	}{
		{"none", nil, ""},
		{"warnings", compile.Findings{warning}, ""},
		{"one", compile.Findings{warning, mistake}, "invalid_request: the configuration has an error: f:3:5: error: a.b: m (h)"},
		{"two", compile.Findings{mistake, mistake}, "invalid_request: the configuration has 2 errors:\nf:3:5: error: a.b: m (h)\nf:3:5: error: a.b: m (h)"},
	}
	for _, c := range cases {
		err := c.findings.Err()
		switch {
		case c.want == "" && err != nil, c.want != "" && (err == nil || err.Error() != c.want):
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		case err != nil && fairlead.AsError(err).HTTPStatus() != 400:
			t.Errorf("%s: status %d, want 400", c.name, fairlead.AsError(err).HTTPStatus())
		}
	}
}
