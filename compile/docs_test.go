package compile_test

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"fairlead"
	"fairlead/compile"
	"fairlead/provider"
)

// TestDocs holds docs/configuration.md to the code: its examples compile, and it names every field,
// every ability and every place.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(text, -1)
	if len(examples) == 0 {
		t.Error("no example")
	}
	for _, e := range examples {
		if _, s, findings := compile.Load([]byte(e[1]), "example", 1, nil); s == nil || len(findings) > 0 {
			t.Errorf("%s\n%s", findings, e[1])
		}
	}
	names := append(fieldNames(reflect.TypeFor[fairlead.Config]()), fairlead.AbilityNames...)
	for _, p := range provider.Places {
		names = append(names, p.Name)
		if p.Env != "" {
			names = append(names, p.Env)
		}
	}
	for _, name := range names {
		if !regexp.MustCompile("[`{ ]" + regexp.QuoteMeta(name) + "[`:,}]").MatchString(text) {
			t.Errorf("the page does not name %s", name)
		}
	}
}

// TestDocumentedPatch holds the page's example of a merge patch: a canonical document, the patch, and what
// it makes of it.
func TestDocumentedPatch(t *testing.T) {
	page, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)```json\n(.*?)\n```").FindAllSubmatch(page, -1)
	if len(found) != 3 {
		t.Fatalf("%d examples in JSON", len(found))
	}
	doc, patch, want := found[0][1], found[1][1], string(found[2][1])
	if again := canonical(t, string(doc)); string(again) != string(doc) {
		t.Errorf("the document is not canonical; %s is", again)
	}
	merged, err := compile.Merge(doc, patch)
	if err != nil || string(merged) != want || string(canonical(t, want)) != want {
		t.Errorf("the patch makes %s, %v", merged, err)
	}
}

// TestDocumentedDefaults holds the defaults that the page states to those that an empty
// configuration gets.
func TestDocumentedDefaults(t *testing.T) {
	page, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	s := mustLoad(t, "version: 1", nil).Settings
	for _, row := range []string{
		fmt.Sprintf("| `max_body` | size | `%s` |", s.MaxBody),
		fmt.Sprintf("| `max_bodies` | size, at least `max_body` | `%s` |", s.MaxBodies),
		fmt.Sprintf("| `attempts` | 1 to 10 | %d |", s.Attempts),
		fmt.Sprintf("| `connect` | %s |", s.Timeouts.Connect),
		fmt.Sprintf("| `headers` | %s |", s.Timeouts.Headers),
		fmt.Sprintf("| `total` | %s |", strings.TrimSuffix(s.Timeouts.Total.String(), "0s")),
	} {
		if !strings.Contains(string(page), row) {
			t.Errorf("the page does not say %s", row)
		}
	}
}

// fieldNames lists the names of all fields below a type.
func fieldNames(t reflect.Type) []string {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return fieldNames(t.Elem())
	case reflect.Struct:
		var names []string
		for i := range t.NumField() {
			name := t.Field(i).Tag.Get("json")
			names = append(append(names, name), fieldNames(t.Field(i).Type)...)
		}
		return names
	}
	return nil
}
