package mergepatch_test

import (
	"testing"

	"fairlead/internal/mergepatch"
)

// TestMerge tables RFC 7396, appendix A, but for documents and patches that are no objects.
func TestMerge(t *testing.T) {
	for _, c := range []struct{ doc, patch, want string }{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`{"a":"foo"}`, `{"b":{"c":null}}`, `{"a":"foo","b":{}}`},
		{`{"z":1.50,"a": "<\u0041>" }`, `{}`, `{"a":"<A>","z":1.50}`},
	} {
		got, err := mergepatch.Merge([]byte(c.doc), []byte(c.patch))
		if err != nil || string(got) != c.want {
			t.Errorf("Merge(%s, %s) = %s, %v; want %s", c.doc, c.patch, got, err, c.want)
		}
	}
	for _, bad := range []string{``, `{`, `{"a":1,"a":2}`, `{} {}`, "{\"a\":\"\xff\"}"} {
		if got, err := mergepatch.Merge([]byte(`{}`), []byte(bad)); err == nil {
			t.Errorf("the patch %q gives %s", bad, got)
		}
	}
}

// FuzzMake holds that the patch between two documents makes the one of the other.
func FuzzMake(f *testing.F) {
	f.Add(`{"a":{"b":1,"c":[1,2]},"d":"x"}`, `{"a":{"b":2},"e":{"f":{}}}`)
	f.Add(`{}`, `{"a":{}}`)
	f.Add(`{"a":[]}`, `{"a":{}}`)
	f.Fuzz(func(t *testing.T, a, b string) {
		from, err := mergepatch.Merge([]byte(`{}`), []byte(a)) // canonical, without null members
		to, err2 := mergepatch.Merge([]byte(`{}`), []byte(b))
		if err != nil || err2 != nil || from[0] != '{' || to[0] != '{' {
			return
		}
		patch, err := mergepatch.Make(from, to)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := mergepatch.Merge(from, patch); err != nil || string(got) != string(to) {
			t.Fatalf("%s patched with %s is %s, %v; want %s", from, patch, got, err, to)
		}
	})
}
