package jsonscan_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"fairlead/internal/jsonscan"
)

func TestSplice(t *testing.T) {
	type E = jsonscan.Edit
	for _, c := range []struct {
		src   string
		edits []E
		want  string
	}{
		{"abc", nil, ">abc"},
		{"abc", []E{{0, 1, []byte("xy")}}, ">xybc"},
		{"abc", []E{{1, 1, []byte("x")}, {1, 2, nil}, {3, 3, []byte("d")}}, ">axcd"},
		{"abc", []E{{0, 3, nil}}, ">"},
		{"", []E{{0, 0, []byte("a")}}, ">a"},
	} {
		if got := string(jsonscan.Splice([]byte(">"), []byte(c.src), c.edits...)); got != c.want {
			t.Errorf("%q %v: got %q, want %q", c.src, c.edits, got, c.want)
		}
	}
}

func TestRewrite(t *testing.T) {
	set := func(name, value string) jsonscan.Change {
		return jsonscan.Change{Name: name, Value: jsonscan.Value(value)}
	}
	remove := func(name string) jsonscan.Change { return jsonscan.Change{Name: name} }
	for _, c := range []struct {
		src     string
		changes []jsonscan.Change
		want    string
	}{
		{`{"a":1,"b":2}`, nil, `{"a":1,"b":2}`},
		{` { "a" : 1 } `, []jsonscan.Change{set("a", `"x"`)}, ` { "a" : "x" } `},
		{`{"\u0061":1}`, []jsonscan.Change{set("a", `2`)}, `{"\u0061":2}`},
		{`{}`, []jsonscan.Change{set("a", `1`), set("q\"", `2`)}, `{"a":1,"q\"":2}`},
		{` { } `, []jsonscan.Change{set("a", `1`)}, ` {"a":1 } `},
		{`{"a":1 }`, []jsonscan.Change{set("b", `2`)}, `{"a":1,"b":2 }`},
		{`{"a":1,"b":2,"c":3}`, []jsonscan.Change{remove("a")}, `{"b":2,"c":3}`},
		{`{"a":1,"b":2,"c":3}`, []jsonscan.Change{remove("b")}, `{"a":1,"c":3}`},
		{`{"a":1,"b":2,"c":3}`, []jsonscan.Change{remove("c")}, `{"a":1,"b":2}`},
		{`{"a":1,"b":2,"c":3}`, []jsonscan.Change{remove("b"), remove("a")}, `{"c":3}`},
		{`{"a":1,"b":2,"c":3}`, []jsonscan.Change{remove("a"), remove("c")}, `{"b":2}`},
		{`{"a":1,"b":2,"c":3}`, []jsonscan.Change{remove("b"), remove("c"), set("d", `4`)}, `{"a":1,"d":4}`},
		{`{"a":1,"b":2,"c":3}`, []jsonscan.Change{remove("a"), set("b", `9`), remove("c"), set("d", `4`)}, `{"b":9,"d":4}`},
		{`{"a":1, "b":2}`, []jsonscan.Change{remove("a"), remove("b")}, `{}`},
		{`{"a":1, "b":2}`, []jsonscan.Change{remove("a"), remove("b"), set("c", `3`)}, `{"c":3}`},
		{`{"a":1}`, []jsonscan.Change{remove("x")}, `{"a":1}`},
	} {
		got := string(mustScan(t, c.src).Rewrite(nil, c.changes...))
		if got != c.want {
			t.Errorf("%s %v: got %s, want %s", c.src, c.changes, got, c.want)
		}
	}
}

// FuzzRewrite replaces, removes and adds members, as the bits of choice say, and reads the outcome with
// the oracle.
func FuzzRewrite(f *testing.F) {
	for i, src := range seeds {
		f.Add([]byte(src), uint64(i)*0x9e3779b97f4a7c15, "name", "text \" \x00")
	}
	f.Fuzz(func(t *testing.T, src []byte, choice uint64, name, text string) {
		var o jsonscan.Object
		if o.Scan(src) != nil || !utf8.ValidString(name) || !utf8.ValidString(text) {
			return
		}
		value := jsonscan.Value(jsonscan.AppendString(nil, text))
		members := oracleMembers(src)
		var changes []jsonscan.Change
		var want []pair
		for i, m := range members {
			switch choice >> (2 * (i % 32)) & 3 {
			case 1:
				changes = append(changes, jsonscan.Change{Name: m.name, Value: value})
				m.value = string(value)
			case 2:
				changes = append(changes, jsonscan.Change{Name: m.name})
				continue
			}
			want = append(want, m)
		}
		if !slices.ContainsFunc(members, func(m pair) bool { return m.name == name }) {
			changes = append([]jsonscan.Change{{Name: name, Value: value}}, changes...)
			want = append(want, pair{name, string(value)})
		}
		got := o.Rewrite([]byte("x"), changes...)
		found, _, ok := oracle(got[1:])
		if !ok || !reflect.DeepEqual(found, want) {
			t.Fatalf("%s with %v:\n%s\ngot  %q\nwant %q", src, changes, got, found, want)
		}
		checkSplice(t, &o, value)
	})
}

// checkSplice replaces every value by hand.
func checkSplice(t *testing.T, o *jsonscan.Object, value []byte) {
	var edits []jsonscan.Edit
	for _, m := range o.Members {
		edits = append(edits, jsonscan.Edit{Start: m.Start, End: m.End, Text: value})
	}
	out := jsonscan.Splice(nil, o.Src, edits...)
	found, _, ok := oracle(out)
	if !ok || len(found) != len(o.Members) {
		t.Fatalf("%s spliced: %s", o.Src, out)
	}
	for i, m := range found {
		if m.name != string(o.Members[i].Name) || m.value != string(value) {
			t.Fatalf("%s spliced: %s", o.Src, out)
		}
	}
}

func TestAppendString(t *testing.T) {
	var all strings.Builder
	for c := range rune(0x2100) {
		all.WriteRune(c)
	}
	for _, s := range []string{"", "a", all.String(), "😀", "a\xffb\xc3", "\xed\xa0\x80", "a\ufffdb", "\u2028\u2029</script>", "\x7f"} {
		checkAppendString(t, s)
	}
}

func FuzzAppendString(f *testing.F) {
	f.Add("plain")
	f.Add("\x00\x1f \"\\/\xff é 😀")
	f.Fuzz(checkAppendString)
}

// checkAppendString holds that jsontext writes the same and that the text comes back.
func checkAppendString(t *testing.T, s string) {
	valid := strings.ToValidUTF8(s, "\uFFFD")
	if !utf8.ValidString(s) {
		valid = string([]rune(s)) // one U+FFFD a byte and not one a run
	}
	got := jsonscan.AppendString([]byte("x"), s)[1:]
	want, err := jsontext.AppendQuote(nil, valid)
	if err != nil || string(got) != string(want) {
		t.Fatalf("%q: got %s, want %s (%v)", s, got, want, err)
	}
	if text, ok := jsonscan.Value(got).Text(); !ok || text != valid {
		t.Fatalf("%q: comes back as %q", s, text)
	}
}

func ExampleObject_Rewrite() {
	var o jsonscan.Object
	if err := o.Scan([]byte(`{"model": "fast", "messages": [], "models": ["a"]}`)); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", o.Rewrite(nil,
		jsonscan.Change{Name: "model", Value: jsonscan.AppendString(nil, "gpt-4o-mini")},
		jsonscan.Change{Name: "models"},
		jsonscan.Change{Name: "stream_options", Value: jsonscan.Value(`{"include_usage":true}`)},
	))
	// Output: {"model": "gpt-4o-mini", "messages": [],"stream_options":{"include_usage":true}}
}
