package jsonscan_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"fairlead/internal/jsonscan"
)

func TestScanAgainstOracle(t *testing.T) {
	for _, src := range seeds {
		checkScan(t, []byte(src))
	}
}

// Strings are checked two words of eight bytes at a time: whatever must be noticed is put at every place of
// the first two turns.
func TestScanEveryPlace(t *testing.T) {
	for _, piece := range []string{"\xff", "é", "\xc3", "€", "\xe2\x82", "😀", "\xf0\x9f\x98", "\x00", "\x1f", "\x7f", `\n`, `\`, `"`, `\u00e9`, `\ud800`, "!", "#", "[", "]", "\xa2", "\xdc", "\x9f"} {
		for before := range 36 {
			for after := range 20 {
				checkScan(t, []byte(`{"`+strings.Repeat("a", before)+piece+strings.Repeat("b", after)+`":"c"}          `))
			}
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, src := range seeds {
		f.Add([]byte(src))
	}
	f.Fuzz(checkScan)
}

// checkScan holds that Scan takes what jsontext takes, an object not too deep, and finds the same in it.
func checkScan(t *testing.T, src []byte) {
	members, depth, ok := oracle(src)
	ok = ok && depth <= jsonscan.MaxDepth
	var o jsonscan.Object
	err := o.Scan(src)
	if (err == nil) != ok {
		t.Fatalf("scan %q: %v; oracle takes it: %v (depth %d)", src, err, ok, depth)
	}
	if err != nil {
		var e *jsonscan.Error
		if !errors.As(err, &e) || e.Kind == 0 || e.Offset < 0 || e.Offset > len(src) {
			t.Fatalf("scan %q: error %#v", src, err)
		}
		if o.Src != nil || len(o.Members) != 0 {
			t.Fatalf("scan %q failed and left members", src)
		}
		return
	}
	if got := scanned(&o); !reflect.DeepEqual(got, members) {
		t.Fatalf("scan %q:\ngot  %q\nwant %q", src, got, members)
	}
	for i := range o.Members {
		m := &o.Members[i]
		name, _ := jsonscan.Value(src[m.NameStart:m.NameEnd]).Text()
		if name != string(m.Name) {
			t.Fatalf("scan %q: name %q stands at %q", src, m.Name, src[m.NameStart:m.NameEnd])
		}
		if levels := oracleDepth(o.Value(m)); levels != m.Levels {
			t.Fatalf("scan %q: %s has %d levels, want %d", src, m.Name, m.Levels, levels)
		}
	}
}

func TestScanErrors(t *testing.T) {
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"%d":0`, i)
		}
		return b.String()[1:]
	}
	deep := func(n int, open, end string) string {
		return `{"a":` + strings.Repeat(open, n-1) + `0` + strings.Repeat(end, n-1) + `}`
	}
	type E = jsonscan.Error
	for _, c := range []struct {
		name, src string
		want      *E
	}{
		{"empty", "", &E{Kind: jsonscan.Syntax}},
		{"no object", " [1]", &E{Kind: jsonscan.Syntax, Offset: 1}},
		{"rest", `{} {}`, &E{Kind: jsonscan.Syntax, Offset: 3}},
		{"value missing", `{"a":}`, &E{Kind: jsonscan.Syntax, Offset: 5}},
		{"cut in a string", `{"a":"b`, &E{Kind: jsonscan.Syntax, Offset: 7}},
		{"control character", "{\"a\":\"b\n\"}", &E{Kind: jsonscan.Syntax, Offset: 7}},
		{"bad escape", `{"a":"b\q"}`, &E{Kind: jsonscan.Syntax, Offset: 7}},
		{"duplicate", `{"a":1, "a":2}`, &E{Kind: jsonscan.Duplicate, Offset: 8, Name: "a"}},
		{"escaped duplicate", `{"model":1,"mod\u0065l":2}`, &E{Kind: jsonscan.Duplicate, Offset: 11, Name: "model"}},
		{"inner duplicate", `{"a":[{"b":1,"b":1}]}`, &E{Kind: jsonscan.Duplicate, Offset: 13, Name: "b"}},
		{"same name in two objects", `{"a":{"b":1},"b":{"b":1}}`, nil},
		{"duplicate among many", `{` + many(1000) + `,"77":0}`, &E{Kind: jsonscan.Duplicate, Offset: 1 + len(many(1000)) + 1, Name: "77"}},
		{"first of many twice", `{` + many(33) + `,"0":0}`, &E{Kind: jsonscan.Duplicate, Offset: 1 + len(many(33)) + 1, Name: "0"}},
		{"last of many twice", `{` + many(33) + `,"32":0}`, &E{Kind: jsonscan.Duplicate, Offset: 1 + len(many(33)) + 1, Name: "32"}},
		{"long duplicate", `{"` + strings.Repeat("é", 40) + `":1,"` + strings.Repeat("é", 40) + `":1}`, &E{Kind: jsonscan.Duplicate, Offset: 86, Name: strings.Repeat("é", 32)}},
		{"long duplicate cut inside of a letter", `{"x` + strings.Repeat("é", 40) + `":1,"x` + strings.Repeat("é", 40) + `":1}`, &E{Kind: jsonscan.Duplicate, Offset: 87, Name: "x" + strings.Repeat("é", 31)}},
		{"invalid UTF-8", "{\"a\":\"bcd\xff\"}", &E{Kind: jsonscan.UTF8, Offset: 9}},
		{"overlong UTF-8 in a name", "{\"a\xc0\x80\":1}", &E{Kind: jsonscan.UTF8, Offset: 3}},
		{"lone surrogate", `{"a":"x\ud800"}`, &E{Kind: jsonscan.UTF8, Offset: 7}},
		{"objects at the bound", deep(256, `{"a":`, `}`), nil},
		{"objects past the bound", deep(257, `{"a":`, `}`), &E{Kind: jsonscan.Depth, Offset: 5 * 256}},
		{"arrays at the bound", deep(256, `[`, `]`), nil},
		{"arrays past the bound", deep(257, `[`, `]`), &E{Kind: jsonscan.Depth, Offset: 5 + 255}},
		{"a thousand deep, never closed", `{"a":` + strings.Repeat(`[`, 1000), &E{Kind: jsonscan.Depth, Offset: 5 + 255}},
		{"names at the bound", `{` + many(jsonscan.MaxNames) + `}`, nil},
		{"names past the bound", `{` + many(jsonscan.MaxNames+1) + `}`, &E{Kind: jsonscan.Names, Offset: 1 + len(many(jsonscan.MaxNames)) + 1}},
		{"names past the bound in two objects", `{"x":{` + many(jsonscan.MaxNames) + `}}`, &E{Kind: jsonscan.Names, Offset: 6 + len(many(jsonscan.MaxNames-1)) + 1}},
		{"many names one after the other", `{"x":[{` + many(40000) + `},{` + many(40000) + `}]}`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var o jsonscan.Object
			err := o.Scan([]byte(c.src))
			if c.want == nil {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var e *E
			if !errors.As(err, &e) || *e != *c.want {
				t.Fatalf("got %+v, want %+v", err, *c.want)
			}
		})
	}
}

func TestErrorText(t *testing.T) {
	for want, e := range map[string]jsonscan.Error{
		`invalid JSON at byte 3`:                  {Kind: jsonscan.Syntax, Offset: 3},
		`duplicate name "a\nb" at byte 4`:         {Kind: jsonscan.Duplicate, Offset: 4, Name: "a\nb"},
		`nested deeper than 256 levels at byte 5`: {Kind: jsonscan.Depth, Offset: 5},
		`invalid UTF-8 at byte 6`:                 {Kind: jsonscan.UTF8, Offset: 6},
		`too many names at byte 7`:                {Kind: jsonscan.Names, Offset: 7},
	} {
		if got := e.Error(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// An Object gives nothing of an earlier text away, whatever the next one is.
func TestScanAgain(t *testing.T) {
	var o jsonscan.Object
	for i, src := range append(seeds, seeds...) {
		err := o.Scan([]byte(src))
		var fresh jsonscan.Object
		if freshErr := fresh.Scan([]byte(src)); (err == nil) != (freshErr == nil) {
			t.Fatalf("%d %q: reused %v, fresh %v", i, src, err, freshErr)
		}
		if got, want := scanned(&o), scanned(&fresh); !reflect.DeepEqual(got, want) {
			t.Fatalf("%d %q: reused %q, fresh %q", i, src, got, want)
		}
	}
	o.Reset()
	if _, ok := o.Get("a"); ok || o.Src != nil {
		t.Fatal("Reset left a text")
	}
}

// One large text does not make its Object large for ever.
func TestScanLetsGo(t *testing.T) {
	var names strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&names, `"%d":0,`, i)
	}
	var o jsonscan.Object
	for _, src := range []string{`{` + names.String() + `"a":1}`, `{"a":1}`} {
		if err := o.Scan([]byte(src)); err != nil {
			t.Fatal(err)
		}
	}
	if n := cap(o.Members); n > 100 {
		t.Errorf("one member in a slice for %d", n)
	}
}

func TestFind(t *testing.T) {
	o := mustScan(t, ` {"model" : "m", "str\u0065am":true,"é":[1, 2] } `)
	for _, c := range []struct{ name, want string }{
		{"model", `"m"`}, {"stream", `true`}, {"é", `[1, 2]`}, {"Model", ""}, {"", ""}, {"str\\u0065am", ""},
	} {
		got, ok := o.Get(c.name)
		if string(got) != c.want || ok != (c.want != "") {
			t.Errorf("%q: got %q, %v", c.name, got, ok)
		}
	}
	m, ok := o.Find("stream")
	if !ok || string(o.Src[m.NameStart:m.NameEnd]) != `"str\u0065am"` || string(o.Src[m.Start:m.End]) != "true" {
		t.Errorf("stream: %+v", m)
	}
}

func TestCaseVariant(t *testing.T) {
	routed := []string{"model", "stream", "max_tokens"}
	for _, c := range []struct{ src, want string }{
		{`{"model":1,"stream":2,"max_tokens":3}`, ""},
		{`{"Model":1}`, "Model"},
		{`{"model":1,"MODEL":2}`, "MODEL"},
		{`{"\u004dodel":1}`, "Model"},
		{`{"a":1,"max_to\u212aens":3}`, "max_to\u212aens"}, // the Kelvin sign folds to k
		{`{"ſtream":1}`, "ſtream"},                         // the long s folds to s
		{`{"maxtokens":1,"max-tokens":2,"models":3,"mode":4,"":5,"nodel":6}`, ""},
		{`{"mοdel":1}`, ""}, // a Greek omicron is another letter
	} {
		got, ok := mustScan(t, c.src).CaseVariant(routed...)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("%s: got %q, %v; want %q", c.src, got, ok, c.want)
		}
	}
}

func TestScanDoesNotAllocate(t *testing.T) {
	src := chat(1 << 10)
	var o jsonscan.Object
	if got := testing.AllocsPerRun(100, func() {
		if err := o.Scan(src); err != nil {
			t.Fatal(err)
		}
	}); got != 0 {
		t.Errorf("%v allocations a scan", got)
	}
}

func TestScanUpTo(t *testing.T) {
	var o jsonscan.Object
	if err := o.ScanUpTo([]byte(`{"a":{"b":1,"c":2},"d":3}`), 3); err != nil {
		t.Errorf("three names open: %v", err)
	}
	var e *jsonscan.Error
	if err := o.ScanUpTo([]byte(`{"a":{"b":1,"c":2},"d":3}`), 2); !errors.As(err, &e) || e.Kind != jsonscan.Names {
		t.Errorf("one more than is taken: %v", err)
	}
}
