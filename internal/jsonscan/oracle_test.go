package jsonscan_test

import (
	"bytes"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"fairlead/internal/jsonscan"
)

// pair is a member as the oracle sees it.
type pair struct{ name, value string }

// oracle reads src with jsontext, which refuses duplicate names and invalid UTF-8 as we do: its members
// and how deep it nests; not ok where it is no valid text or no object.
func oracle(src []byte) (members []pair, depth int, ok bool) {
	if !jsontext.Value(src).IsValid() || jsontext.Value(src).Kind() != jsontext.KindBeginObject {
		return nil, 0, false
	}
	return oracleMembers(src), oracleDepth(src), true
}

// oracleDepth tells how deep a valid value nests.
func oracleDepth(src []byte) (depth int) {
	d := jsontext.NewDecoder(bytes.NewReader(src))
	for {
		if _, err := d.ReadToken(); err != nil {
			return depth
		}
		depth = max(depth, d.StackDepth())
	}
}

// oracleMembers reads the members of a valid object.
func oracleMembers(src []byte) (members []pair) {
	d := jsontext.NewDecoder(bytes.NewReader(src))
	if _, err := d.ReadToken(); err != nil {
		return nil
	}
	for {
		name, err := d.ReadToken()
		if err != nil || name.Kind() != jsontext.KindString {
			return members
		}
		text := name.String()
		value, err := d.ReadValue()
		if err != nil {
			return members
		}
		members = append(members, pair{text, string(value)})
	}
}

// scanned gives an object's members as the oracle does.
func scanned(o *jsonscan.Object) (members []pair) {
	for i := range o.Members {
		m := &o.Members[i]
		members = append(members, pair{string(m.Name), string(o.Value(m))})
	}
	return members
}

func mustScan(t *testing.T, src string) *jsonscan.Object {
	t.Helper()
	var o jsonscan.Object
	if err := o.Scan([]byte(src)); err != nil {
		t.Fatalf("scan %.80q: %v", src, err)
	}
	return &o
}

// seeds are texts that the tables of cases and every fuzz test begin with.
var seeds = []string{
	`{}`, ` { } `, "\t\r\n{\n}\n", `{"a":1}`, `{"":null}`,
	`{"model":"openai/gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"hi"}]}`,
	`{"a":{"b":[1,{"c":[]},{}],"d":"x"},"e":[[],[[]]]}`,
	`{"n":[0,-0,1,-1,10,1.5,1e3,1E+3,1e-3,0.0e0,-12.50E-09]}`,
	`{"s":"\"\\\/\b\f\n\r\t\u0041\u00e9\u20ac\ud83d\ude00"}`,
	`{"s":"plain é € 😀 and a longer run of text than eight bytes"}`,
	`{"mod\u0065l":1}`, `{"\ud83d\ude00":1}`, `{"t":true,"f":false,"n":null}`,
	"{\"tab in name\\t\":\"\x7f\"}",
	``, ` `, `{`, `}`, `[]`, `1`, `"a"`, `null`, `{}{}`, `{} x`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{"a" 1}`, `{a:1}`,
	`{'a':1}`, `{"a":1 "b":2}`, `{"a":[1,]}`, `{"a":[,1]}`, `{"a":[1 2]}`, `{"a":[1}`, `{"a":{]}`, `{"a":1]`, `{"a":[}`, `{"a":[1`, `{"a":[1 `, `{"a":{"b":1 `,
	`{"a":01}`, `{"a":-}`, `{"a":-01}`, `{"a":1.}`, `{"a":.5}`, `{"a":+1}`, `{"a":1e}`, `{"a":1e+}`, `{"a":0x1}`, `{"a":NaN}`, `{"a":Infinity}`,
	`{"a":1`, `{"a":1.`, `{"a":-`, `{"a":1e`, `{"a":1e-`, `{"a":tru`, `{"a":t`, `{"a":nul`, `{"a":"`, `{"a":"\`, `{"a":"\u`, `{"a":"\u00`, `{"a`, `{"a":`,
	`{"a":tru}`, `{"a":True}`, `{"a":nulll}`, `{"a":truefalse}`, `{"a":trug}`, `{"a":falsy}`, `{"a":nuls}`,
	`{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"\u12g4"}`, `{"a":"\U0041"}`,
	"{\"a\":\"\n\"}", "{\"a\":\"\x00\"}", "{\"a\":\"\x1f\"}", "{\"a\":\"long enough to be a word \x01\"}", "\xef\xbb\xbf{}", "{}\x00", "{\v}", "{\u00a0}", "{\f}",
	`{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"model":1,"mod\u0065l":2}`, `{"a":{"b":1,"b":2}}`, `{"a":[{"b":1,"c":2,"b":3}]}`, `{"a":1,"A":2}`, `{"":1,"":2}`,
	`{"a":{"x":1},"b":{"x":1}}`, `{"\u0000":1,"\u0000":2}`, `{"a/b":1,"a\/b":2}`, `{"é":1,"\u00e9":2}`, `{"😀":1,"\ud83d\ude00":2}`,
	"{\"a\":\"\xff\"}", "{\"a\":\"\xc3\"}", "{\"a\":\"\xc0\xaf\"}", "{\"a\":\"\xed\xa0\x80\"}", "{\"a\":\"\xf4\x90\x80\x80\"}", "{\"\xff\":1}", "{\xff:1}", "{\"a\":\"eight by\xe2\x82tes\"}",
	`{"a":"\ud800"}`, `{"a":"\udc00"}`, `{"a":"\ud800x"}`, `{"a":"\ud800\n"}`, `{"a":"\ud800\u0041"}`, `{"a":"\ud800\ud800"}`, `{"a":"\udc00\udc00"}`, `{"a":"\udfff\udfff"}`, `{"a":"\udbff\udfff"}`, `{"a":"\ud83d\uDE0"}`, `{"\ud800":1}`,
}
