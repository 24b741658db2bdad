package jsonscan_test

import (
	"bytes"
	"encoding/json"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"fairlead/internal/jsonscan"
)

func TestValue(t *testing.T) {
	type want struct {
		kind    jsonscan.Kind
		truthy  bool
		text    string
		integer any // an int64, or nil
	}
	for src, w := range map[string]want{
		``:                                       {},
		` `:                                      {},
		`x`:                                      {},
		`null`:                                   {kind: 'n'},
		`true`:                                   {kind: 't', truthy: true},
		` false `:                                {kind: 't'},
		`{}`:                                     {kind: '{', truthy: true},
		`[]`:                                     {kind: '[', truthy: true},
		`""`:                                     {kind: '"'},
		` "a" `:                                  {kind: '"', truthy: true, text: "a"},
		`"\u0000"`:                               {kind: '"', truthy: true, text: "\x00"},
		`"a\"\\\/\b\f\n\r\t"`:                    {kind: '"', truthy: true, text: "a\"\\/\b\f\n\r\t"},
		`"\u00e9é\ud83d\ude00\uD83D\uDE00"`:      {kind: '"', truthy: true, text: "éé😀😀"},
		`0`:                                      {kind: '0', integer: int64(0)},
		`-0`:                                     {kind: '0', integer: int64(0)},
		`0.00`:                                   {kind: '0', integer: int64(0)},
		`0e9`:                                    {kind: '0', integer: int64(0)},
		`0e999999999999999999999`:                {kind: '0', integer: int64(0)},
		`1`:                                      {kind: '0', truthy: true, integer: int64(1)},
		` -12 `:                                  {kind: '0', truthy: true, integer: int64(-12)},
		`100`:                                    {kind: '0', truthy: true, integer: int64(100)},
		`5.0`:                                    {kind: '0', truthy: true, integer: int64(5)},
		`0.5e1`:                                  {kind: '0', truthy: true, integer: int64(5)},
		`1E3`:                                    {kind: '0', truthy: true, integer: int64(1000)},
		`12e+1`:                                  {kind: '0', truthy: true, integer: int64(120)},
		`500e-2`:                                 {kind: '0', truthy: true, integer: int64(5)},
		`5.5`:                                    {kind: '0', truthy: true},
		`0.001`:                                  {kind: '0', truthy: true},
		`5e-1`:                                   {kind: '0', truthy: true},
		`9223372036854775807`:                    {kind: '0', truthy: true, integer: int64(math.MaxInt64)},
		`9223372036854775808`:                    {kind: '0', truthy: true},
		`-9223372036854775808`:                   {kind: '0', truthy: true, integer: int64(math.MinInt64)},
		`-9223372036854775809`:                   {kind: '0', truthy: true},
		`9.223372036854775807e18`:                {kind: '0', truthy: true, integer: int64(math.MaxInt64)},
		`18446744073709551615`:                   {kind: '0', truthy: true},
		`18446744073709551616`:                   {kind: '0', truthy: true},
		`184467440737095516159`:                  {kind: '0', truthy: true},
		`2e19`:                                   {kind: '0', truthy: true},
		`20000000000000000000`:                   {kind: '0', truthy: true},
		`1e18446744073709551616`:                 {kind: '0', truthy: true}, // 2^64: an exponent that wraps is 0
		`1e-18446744073709551616`:                {kind: '0', truthy: true},
		`1e19`:                                   {kind: '0', truthy: true},
		`1e999999999999999999999`:                {kind: '0', truthy: true},
		`1e-999999999999999999999`:               {kind: '0', truthy: true},
		`1` + strings.Repeat("0", 400) + `e-400`: {kind: '0', truthy: true, integer: int64(1)},
		`0.` + strings.Repeat("0", 400) + `7e401`: {kind: '0', truthy: true, integer: int64(7)},
		`1.` + strings.Repeat("0", 400):           {kind: '0', truthy: true, integer: int64(1)},
		`1.` + strings.Repeat("0", 400) + `1`:     {kind: '0', truthy: true},
	} {
		v := jsonscan.Value(src)
		if v.Kind() != w.kind || v.Truthy() != w.truthy || v.IsNull() != (w.kind == 'n') {
			t.Errorf("%.40s: kind %q, truthy %v, null %v", src, v.Kind(), v.Truthy(), v.IsNull())
		}
		if b, ok := v.Bool(); ok != (w.kind == 't') || b != (ok && w.truthy) {
			t.Errorf("%.40s: bool %v, %v", src, b, ok)
		}
		text, ok := v.Text()
		if text != w.text || ok != (w.kind == '"') || v.StringBytes() != len(w.text) || string(v.AppendText(nil)) != w.text {
			t.Errorf("%.40s: text %q, %v, %d bytes", src, text, ok, v.StringBytes())
		}
		if n, ok := v.Int(); ok != (w.integer != nil) || ok && n != w.integer {
			t.Errorf("%.40s: int %d, %v; want %v", src, n, ok, w.integer)
		}
	}
}

func TestValueGet(t *testing.T) {
	v := jsonscan.Value(` { "a" : {"b":"}]\"," } , "c\u0064" : [ 1 , [2,{"x":3}] , "4,5" ] , "a\\u0062":7, "" : null } `)
	for _, c := range []struct{ name, want string }{
		{"a", `{"b":"}]\"," }`},
		{"cd", `[ 1 , [2,{"x":3}] , "4,5" ]`},
		{"", `null`},
		{`a\u0062`, `7`},
		{"ab", ""},
		{`c\u0064`, ""},
		{"b", ""},
		{"x", ""},
	} {
		got, ok := v.Get(c.name)
		if string(got) != c.want || ok != (c.want != "") {
			t.Errorf("%q: got %s, %v", c.name, got, ok)
		}
	}
	list, _ := v.Get("cd")
	var elements []string
	for e := range list.Elements() {
		elements = append(elements, string(e))
	}
	if want := []string{`1`, `[2,{"x":3}]`, `"4,5"`}; !reflect.DeepEqual(elements, want) {
		t.Errorf("elements %q, want %q", elements, want)
	}
	for range list.Elements() {
		break // leaving early is allowed
	}
	for _, other := range []string{"", "1", `"a"`, "[]", "{}", "null"} {
		for name := range jsonscan.Value(other).Members() {
			t.Errorf("%s has a member %q", other, name)
		}
		for e := range jsonscan.Value(other).Elements() {
			t.Errorf("%s has an element %s", other, e)
		}
	}
}

// Bytes that Scan never passed come to an end too, most of them as if nothing were there.
func TestUncheckedBytes(t *testing.T) {
	for _, src := range []string{
		`"`, `"abc`, `"abc\`, `"abc\"`, `{`, `{"a`, `{"a"`, `{"a":`, `{"a":"`, `{"a":{"b":"c}`, `{"a":[[]`, `{"a" 1}`, `{1:2}`, `{"a":}`,
		`[`, `[,`, `[[`, `[{"a":"`, `["`, "\\", "}", "]", ":", "t", "f", "-", "e",
	} {
		v := jsonscan.Value(src)
		if text, ok := v.Text(); ok {
			t.Errorf("%s: text %q", src, text)
		}
		if got, ok := v.Get("a"); ok {
			t.Errorf("%s: a is %s", src, got)
		}
		for e := range v.Elements() {
			t.Errorf("%s: element %s", src, e)
		}
	}
	for src, want := range map[string]string{`"\x"`: "\uFFFD", `"\u12"`: "\uFFFD12", `"\ud800z"`: "\uFFFDz", "\"a\nb\"": "a\nb"} {
		if got, ok := jsonscan.Value(src).Text(); !ok || got != want {
			t.Errorf("%s: text %q, want %q", src, got, want)
		}
	}
	if n, ok := jsonscan.Value(`12e3x4`).Int(); !ok || n != 12000 {
		t.Errorf("12e3x4: %d, %v", n, ok)
	}
}

func TestValueDoesNotAllocate(t *testing.T) {
	v := jsonscan.Value(`{"a":[1,2.0,3e0],"b":{"c":"d\n"}}`)
	var sum int64
	if got := testing.AllocsPerRun(100, func() {
		sum = 0
		for _, member := range v.Members() {
			for e := range member.Elements() {
				n, _ := e.Int()
				sum += n
			}
			c, _ := member.Get("c")
			sum += int64(c.StringBytes())
		}
	}); got != 0 || sum != 8 {
		t.Errorf("%v allocations, sum %d", got, sum)
	}
}

func FuzzValue(f *testing.F) {
	for _, src := range seeds {
		f.Add([]byte(src))
	}
	f.Add([]byte(`[1,"a",[2],{"b":3}]`))
	f.Add([]byte(`-1.50e2`))
	f.Fuzz(func(t *testing.T, src []byte) {
		useValue(src, 0)
		if jsontext.Value(src).IsValid() && len(src) < 1<<12 {
			checkValue(t, bytes.TrimSpace(src))
		}
	})
}

// useValue calls everything on bytes that no one has checked: it must come back.
func useValue(v jsonscan.Value, depth int) {
	v.Text()
	v.StringBytes()
	v.Int()
	v.Bool()
	v.Truthy()
	v.Get("a")
	w := v.Walk()
	useWalk(&w, depth)
	if depth == 3 {
		return
	}
	for _, value := range v.Members() {
		useValue(value, depth+1)
	}
	for value := range v.Elements() {
		useValue(value, depth+1)
	}
}

// useWalk goes into everything, as far down as a loop in it might go wrong.
func useWalk(w *jsonscan.Walk, depth int) {
	for ok := w.Object(); ok; ok = w.More() {
		w.Name()
		if depth < 3 {
			useWalk(w, depth+1)
		}
	}
	for ok := w.Array(); ok; ok = w.More() {
		if depth < 3 {
			useWalk(w, depth+1)
		}
	}
	w.Text()
}

// checkValue holds a valid value's methods against jsontext and encoding/json.
func checkValue(t *testing.T, v jsonscan.Value) {
	kind := jsontext.Value(v).Kind()
	if kind == jsontext.KindFalse {
		kind = jsontext.KindTrue
	}
	if jsonscan.Kind(kind) != v.Kind() {
		t.Fatalf("%s: kind %q, want %q", v, v.Kind(), kind)
	}
	switch v.Kind() {
	case jsonscan.KindString:
		want, _ := jsontext.AppendUnquote(nil, v)
		if got, ok := v.Text(); !ok || got != string(want) || v.StringBytes() != len(want) {
			t.Fatalf("%s: text %q (%d bytes), want %q", v, got, v.StringBytes(), want)
		}
		w := v.Walk()
		if taken, n := w.Text(); n != len(want) || !bytes.Equal(taken, v) {
			t.Fatalf("%s: a walk takes %s as a text of %d bytes, want %d", v, taken, n, len(want))
		}
	case jsonscan.KindNumber:
		checkNumber(t, v)
	case jsonscan.KindObject:
		var got []pair
		for name, value := range v.Members() {
			got = append(got, pair{string(name), string(value)})
			if found, ok := v.Get(string(name)); !ok || !bytes.Equal(found, value) {
				t.Fatalf("%s: Get(%q) = %s", v, name, found)
			}
			checkValue(t, value)
		}
		if want := oracleMembers(v); !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: members %q, want %q", v, got, want)
		}
	case jsonscan.KindArray:
		var want []json.RawMessage
		if err := json.Unmarshal(v, &want); err != nil {
			t.Fatal(err)
		}
		i := 0
		for value := range v.Elements() {
			if i == len(want) || !bytes.Equal(value, want[i]) {
				t.Fatalf("%s: element %d is %s, want %s", v, i, value, want)
			}
			checkValue(t, value)
			i++
		}
		if i != len(want) {
			t.Fatalf("%s: %d elements, want %d", v, i, len(want))
		}
	}
}

func checkNumber(t *testing.T, v jsonscan.Value) {
	if i := bytes.IndexAny(v, "eE"); i >= 0 && len(v)-i > 5 {
		return // too large for the oracle; the table has such numbers
	}
	want, ok := new(big.Rat).SetString(string(v))
	if !ok {
		t.Fatalf("%s is no number to math/big", v)
	}
	got, isInt := v.Int()
	if wantInt := want.IsInt() && want.Num().IsInt64(); isInt != wantInt || isInt && got != want.Num().Int64() {
		t.Fatalf("%s: int %d, %v; want %s", v, got, isInt, want)
	}
	if v.Truthy() != (want.Sign() != 0) {
		t.Fatalf("%s: truthy %v", v, v.Truthy())
	}
}
