package jsonscan_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"fairlead/internal/jsonscan"
)

// tokens goes through a value in one walk and writes what it meets, strings and numbers as they stand.
func tokens(dst []byte, w *jsonscan.Walk) []byte {
	switch w.Kind() {
	case jsonscan.KindObject:
		dst = append(dst, '{')
		for ok := w.Object(); ok; ok = w.More() {
			dst = append(jsonscan.AppendString(dst, string(w.Name())), ':')
			dst = append(tokens(dst, w), ',')
		}
		return append(dst, '}')
	case jsonscan.KindArray:
		dst = append(dst, '[')
		for ok := w.Array(); ok; ok = w.More() {
			dst = append(tokens(dst, w), ',')
		}
		return append(dst, ']')
	}
	return append(dst, w.Value()...)
}

// oracleTokens is what tokens gives, by jsontext.
func oracleTokens(dst []byte, d *jsontext.Decoder) []byte {
	switch d.PeekKind() {
	case jsontext.KindBeginObject:
		dst = append(dst, next(d)...)
		for d.PeekKind() != jsontext.KindEndObject {
			t, _ := d.ReadToken()
			dst = append(jsonscan.AppendString(dst, t.String()), ':')
			dst = append(oracleTokens(dst, d), ',')
		}
		return append(dst, next(d)...)
	case jsontext.KindBeginArray:
		dst = append(dst, next(d)...)
		for d.PeekKind() != jsontext.KindEndArray {
			dst = append(oracleTokens(dst, d), ',')
		}
		return append(dst, next(d)...)
	}
	v, _ := d.ReadValue()
	return append(dst, v...)
}

func next(d *jsontext.Decoder) string {
	t, _ := d.ReadToken()
	return t.String()
}

// TestWalkAgainstOracle holds that one walk meets all that there is, whatever stands around it.
func TestWalkAgainstOracle(t *testing.T) {
	for _, src := range append(seeds, ` [ 1 , [ ] , { } , [ { "a" : [ ] } , "b" ] ] `, `{"a":{},"b":[],"c":[[]],"d":{"e":{}}}`, `"text"`, ` -1.5e3 `) {
		checkWalk(t, []byte(src))
	}
}

func FuzzWalk(f *testing.F) {
	for _, src := range seeds {
		f.Add([]byte(src))
	}
	f.Fuzz(checkWalk)
}

func checkWalk(t *testing.T, src []byte) {
	if !jsontext.Value(src).IsValid() {
		return
	}
	w := jsonscan.Value(src).Walk()
	got := tokens(nil, &w)
	if want := oracleTokens(nil, jsontext.NewDecoder(bytes.NewReader(src))); !bytes.Equal(got, want) {
		t.Fatalf("%q:\n got %s\nwant %s", src, got, want)
	}
	if w.Kind() != 0 || w.Object() || w.Array() || w.Value() != nil {
		t.Fatalf("%q: the walk goes on behind its end", src)
	}
}

// TestWalkPassesOver holds that what nobody takes is passed over: members, elements, and values that are
// no container where one was asked for.
func TestWalkPassesOver(t *testing.T) {
	v := jsonscan.Value(`{"a":{"x":[1,{}]},"b":[1,"two",{"n":3},[4]],"c":null,"t":"\u00e9\n","d":5}`)
	var seen []string
	w := v.Walk()
	for ok := w.Object(); ok; ok = w.More() {
		name := string(w.Name())
		switch name {
		case "b":
			for ok := w.Array(); ok; ok = w.More() {
				for ok := w.Object(); ok; ok = w.More() {
					seen = append(seen, fmt.Sprintf("b.%s=%s", w.Name(), w.Value()))
				}
			}
		case "c", "d":
			if w.Object() || w.Array() {
				t.Errorf("%s was gone into", name)
			}
			seen = append(seen, name)
		case "t":
			text, n := w.Text()
			seen = append(seen, fmt.Sprintf("t=%s %d", text, n))
		}
	}
	if got, want := fmt.Sprint(seen), `[b.n=3 c t="\u00e9\n" 3 d]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
