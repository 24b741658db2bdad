package mergepatch_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"fairlead/internal/mergepatch"
)

func TestMerge(t *testing.T) {
	for _, c := range []struct{ doc, patch, want string }{
		// The cases of RFC 7396, appendix A, whose documents are objects. A document is canonical afterwards.
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`{"e":null}`, `{"a":1}`, `{"a":1}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},

		{`{"a":1}`, `{}`, `{"a":1}`},
		{`{"b":2,"a":1}`, `{}`, `{"a":1,"b":2}`},
		{` { "a" : [ 1 , { "b" : null , "a" : 1.50 } , null ] } `, `{}`, `{"a":[1,{"a":1.50},null]}`},
		{`{"a":1}`, `{"a":{"z":1,"b":{"c":null,"a":[null]}}}`, `{"a":{"b":{"a":[null]},"z":1}}`},
		{`{"a":{"x":1}}`, `{"a":[]}`, `{"a":[]}`},
		{`{"a":{"x":1}}`, `{"a":{}}`, `{"a":{"x":1}}`},
		{`{"n":1e400}`, `{"m":-0.10}`, `{"m":-0.10,"n":1e400}`},
		{`{"a<b>&":"\u003c\u00e9\/\u2028"}`, `{"a\u003cb>&":"x<"}`, `{"a<b>&":"x<"}`},
		{`{"k":"\u003c\u00e9\/\n\u001f"}`, `{}`, `{"k":"<é/\n\u001f"}`},
		{`{"":{"":1}}`, `{"":{"":null,"a":""}}`, `{"":{"a":""}}`},
	} {
		got, err := mergepatch.Merge([]byte(c.doc), []byte(c.patch))
		if err != nil || string(got) != c.want {
			t.Errorf("%s with %s: got %s, %v, want %s", c.doc, c.patch, got, err, c.want)
		}
	}
}

func TestMake(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{`{}`, `{}`, `{}`},
		{`{"a":1,"b":[1,2]}`, `{"b":[1,2],"a":1}`, `{}`},
		{`{"a":1}`, `{}`, `{"a":null}`},
		{`{}`, `{"a":1}`, `{"a":1}`},
		{`{"a":1,"c":3}`, `{"b":2,"c":4}`, `{"a":null,"b":2,"c":4}`},
		{`{"a":{"b":1,"c":2}}`, `{"a":{"b":1,"c":3}}`, `{"a":{"c":3}}`},
		{`{"a":{"b":1}}`, `{"a":{}}`, `{"a":{"b":null}}`},
		{`{"a":[1,2]}`, `{"a":[1,3]}`, `{"a":[1,3]}`},
		{`{"a":{"b":1}}`, `{"a":[]}`, `{"a":[]}`},
		{`{"a":1}`, `{"a":{"b":{}}}`, `{"a":{"b":{}}}`},
		{`{"a":1.0}`, `{"a":1}`, `{"a":1}`},
		{`{"a":1}`, `{"a":null}`, `{"a":null}`},
		{`{"\u0061":"\u0062"}`, `{"a":"b"}`, `{}`},
	} {
		got, err := mergepatch.Make([]byte(c.from), []byte(c.to))
		if err != nil || string(got) != c.want {
			t.Errorf("from %s to %s: got %s, %v, want %s", c.from, c.to, got, err, c.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, bad := range []string{
		``, `null`, `1`, `[]`, `{`, `{}}`, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, "{\"a\":\"\xff\"}", `{"a":"\ud800"}`, `{"a":01}`,
		strings.Repeat(`{"a":`, 300) + "1" + strings.Repeat("}", 300),
	} {
		if got, err := mergepatch.Canonical([]byte(bad)); err == nil {
			t.Errorf("canonical of %.40q: %s", bad, got)
		}
		for _, pair := range [][2]string{{bad, `{}`}, {`{}`, bad}} {
			if got, err := mergepatch.Merge([]byte(pair[0]), []byte(pair[1])); err == nil {
				t.Errorf("merge of %.40q: %s", pair, got)
			}
			if got, err := mergepatch.Make([]byte(pair[0]), []byte(pair[1])); err == nil {
				t.Errorf("patch of %.40q: %s", pair, got)
			}
		}
	}
	d := mergepatch.Open([]byte(`{"a":1}`))
	if err := d.Merge([]byte(`{"a":2,"b":`)); err == nil || string(d.Bytes()) != `{"a":1}` {
		t.Errorf("a refused patch leaves %s, %v", d.Bytes(), err)
	}
}

// TestPatchesInARow holds that a document which took many patches is the one that they make one by one.
func TestPatchesInARow(t *testing.T) {
	one := []byte(`{"models":{"a":{"w":1},"b":{"w":2}}}`)
	d := mergepatch.Open(one)
	for i := range 200 {
		patch := fmt.Appendf(nil, `{"models":{"m%d":{"w":%d,"x":{"y":[%d]}},"m%d":null,"m%d":{"x":{"z":true}}},"n":%d}`, i%7, i, i, (i+1)%5+10, i%3+20, i)
		next, err := mergepatch.Merge(one, patch)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Merge(patch); err != nil {
			t.Fatal(err)
		}
		if got := d.Bytes(); !bytes.Equal(got, next) {
			t.Fatalf("after %d patches:\n%s\nwant\n%s", i+1, got, next)
		}
		one = next
	}
}

// FuzzMerge holds that a merge is what RFC 7396 says, played on encoding/json's values; that a made patch leads
// where it should; and that canonical form is one.
func FuzzMerge(f *testing.F) {
	for _, s := range [][2]string{
		{`{"a":{"b":1,"c":null},"d":[1,{"e":null}]}`, `{"a":{"b":null,"x":{"y":null}},"d":{"z":1}}`},
		{`{"k":"\u003c"}`, `{"K":"<","k":1.0}`},
		{`{}`, `{"":{"":{}}}`},
		{`{"a":"\ud83d\ude00"}`, `{"\ud83d\ude00":[[],{}]}`},
	} {
		f.Add([]byte(s[0]), []byte(s[1]))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		from, errFrom := mergepatch.Canonical(a)
		to, errTo := mergepatch.Canonical(b)
		if errFrom != nil || errTo != nil {
			return
		}
		if again, err := mergepatch.Canonical(from); err != nil || !bytes.Equal(again, from) {
			t.Fatalf("canonical %q becomes %q, %v", from, again, err)
		}
		if want := plain(t, a); !reflect.DeepEqual(plain(t, from), dropNulls(want)) {
			t.Fatalf("canonical of %q is another value: %q", a, from)
		}
		merged, err := mergepatch.Merge(a, b)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := plain(t, merged), dropNulls(rfc7396(dropNulls(plain(t, a)), plain(t, b))); !reflect.DeepEqual(got, want) {
			t.Fatalf("%q with %q: got %v, want %v", a, b, got, want)
		}
		if again, err := mergepatch.Canonical(merged); err != nil || !bytes.Equal(again, merged) {
			t.Fatalf("%q with %q: %q is not canonical: %q, %v", a, b, merged, again, err)
		}
		patch, err := mergepatch.Make(a, b)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := mergepatch.Merge(a, patch); err != nil || !bytes.Equal(got, to) {
			t.Fatalf("from %q to %q by %q: got %q, %v", a, b, patch, got, err)
		}
	})
}

// plain reads a text by another reader, numbers as written.
func plain(t *testing.T, text []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return v
}

// rfc7396 is the algorithm of the RFC's section 2, word by word.
func rfc7396(target, patch any) any {
	p, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	object, ok := target.(map[string]any)
	if !ok {
		object = map[string]any{}
	}
	for name, value := range p {
		if value == nil {
			delete(object, name)
		} else {
			object[name] = rfc7396(object[name], value)
		}
	}
	return object
}

func dropNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if value == nil {
				delete(v, name)
			} else {
				v[name] = dropNulls(value)
			}
		}
	case []any:
		for i := range v {
			v[i] = dropNulls(v[i])
		}
	}
	return v
}

// document is a configuration of n endpoints.
func document(n int) []byte {
	var b strings.Builder
	b.WriteString(`{"models":{`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"vendor/model-%06d":{"aliases":["m%d"],"context":128000,"endpoints":[{"limits":{"concurrency":64,"rpm":500},"model":"model-%d","price":{"input":"0.15","output":"0.60"},"provider":"openai","supports":["tools","vision"],"weight":100}],"route":{"optimize":"balanced"}}`, i, i, i)
	}
	b.WriteString(`},"providers":{"openai":{}},"version":1}`)
	return []byte(b.String())
}

func BenchmarkOnePatch(b *testing.B) {
	for _, n := range []int{100, 1000, 10_000} {
		doc, patch := document(n), []byte(`{"models":{"vendor/model-000050":{"endpoints":[{"provider":"openai","weight":25}]}}}`)
		b.Run(fmt.Sprintf("endpoints=%d/canonical", n), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(doc)))
			for b.Loop() {
				if _, err := mergepatch.Canonical(doc); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("endpoints=%d/open", n), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(doc)))
			for b.Loop() {
				d := mergepatch.Open(doc)
				if err := d.Merge(patch); err != nil {
					b.Fatal(err)
				}
				d.Bytes()
			}
		})
	}
}
