package record

import (
	"encoding/json"
	"strconv"
)

// object appends a JSON object to b member by member, without allocating where b has room. Members that are empty or
// 0 are left out. BenchmarkCharges shows what that spares against package json.
type object struct {
	b     []byte
	begun bool
}

func newObject(b []byte) object { return object{b: append(b, '{')} }

func (o *object) name(name string) {
	if o.begun {
		o.b = append(o.b, ',')
	}
	o.begun = true
	o.b = append(append(append(o.b, '"'), name...), '"', ':')
}

func (o *object) text(name, v string) {
	if v != "" {
		o.name(name)
		o.b = appendText(o.b, v)
	}
}

func (o *object) number(name string, n int64) {
	if n != 0 {
		o.name(name)
		o.b = strconv.AppendInt(o.b, n, 10)
	}
}

func (o *object) yes(name string, v bool) {
	if v {
		o.name(name)
		o.b = append(o.b, "true"...)
	}
}

func (o *object) end() []byte { return append(o.b, '}') }

// appendTexts appends a list of strings.
func appendTexts(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, s)
	}
	return append(b, ']')
}

// appendText appends a string: as it is where it needs no escape.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			text, _ := json.Marshal(s) // a string can be written
			return append(b, text...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
