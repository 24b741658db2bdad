package compile_test

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"fairlead/compile"
)

// FuzzRead holds that no document makes the reader panic, that the same document gives the same
// verdict, and that what is taken compiles and survives being written as JSON.
func FuzzRead(f *testing.F) {
	f.Add([]byte(example))
	f.Add(large(8))
	files, _ := filepath.Glob("testdata/findings/*.txtar")
	for _, file := range files {
		ar, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(ar.Files[0].Data)
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		c, findings := compile.Read(doc, "f")
		again, same := compile.Read(doc, "f")
		if !reflect.DeepEqual(findings, same) || (c == nil) != (again == nil) {
			t.Fatalf("two verdicts:\n%s\n%s", findings, same)
		}
		if (c == nil) != (findings.Err() != nil) {
			t.Fatalf("config %v, findings %s", c, findings)
		}
		if c == nil {
			return
		}
		s, findings := compile.Compile(c, 1, nil)
		if s == nil {
			t.Fatalf("read without errors, but not compiled: %s", findings)
		}
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		if back, findings := compile.Read(text, "f"); back == nil {
			t.Fatalf("its JSON is not taken: %s\n%s", findings, text)
		}
	})
}
