package jsonscan

import (
	"bytes"
	"iter"
)

// Value is the text of one JSON value. Its methods trust that Scan has passed it: on other bytes they
// neither panic nor run on, but what they give means nothing. White space around the value is allowed.
// A nil or empty Value is an absent one.
type Value []byte

// Kind is the kind of a value: the first byte of its text, made one for all numbers and both truths.
type Kind byte

// The kinds; a Value without text has kind 0.
const (
	KindObject Kind = '{'
	KindArray  Kind = '['
	KindString Kind = '"'
	KindNumber Kind = '0'
	KindBool   Kind = 't'
	KindNull   Kind = 'n'
)

// Kind tells the value's kind, 0 where it has none.
func (v Value) Kind() Kind { return kindAt(v, space(v, 0)) }

// kindAt tells the kind of the value whose first byte is at i.
func kindAt(src []byte, i int) Kind {
	if i >= len(src) {
		return 0
	}
	switch c := src[i]; c {
	case '{', '[', '"', 't', 'n':
		return Kind(c)
	case 'f':
		return KindBool
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return KindNumber
	}
	return 0
}

// IsNull reports whether the value is null; an absent one is not.
func (v Value) IsNull() bool { return v.Kind() == KindNull }

// Bool gives the value of true or false; not ok for all others.
func (v Value) Bool() (b, ok bool) {
	if v.Kind() != KindBool {
		return false, false
	}
	return v[space(v, 0)] == 't', true
}

// Text gives a string's text, unescaped; not ok for all other kinds.
func (v Value) Text() (string, bool) {
	text, ok := v.inner()
	if !ok {
		return "", false
	}
	if bytes.IndexByte(text, '\\') < 0 {
		return string(text), true
	}
	return string(appendUnescaped(make([]byte, 0, len(text)), text)), true
}

// Word gives the text of a string or the digits of a number; "" for all else. Servers state codes either way.
func (v Value) Word() string {
	if v.Kind() == KindNumber {
		return string(bytes.TrimSpace(v))
	}
	s, _ := v.Text()
	return s
}

// AppendText appends a string's text, unescaped, to dst; nothing for all other kinds.
func (v Value) AppendText(dst []byte) []byte {
	text, _ := v.inner()
	return appendUnescaped(dst, text)
}

// StringBytes is the length in bytes of a string's text, unescaped; 0 for all other kinds.
func (v Value) StringBytes() int {
	i := space(v, 0)
	if i == len(v) || v[i] != '"' {
		return 0
	}
	_, n := measure(v, i)
	return n
}

// inner gives what stands between a string's quotes.
func (v Value) inner() ([]byte, bool) {
	i := space(v, 0)
	if i == len(v) || v[i] != '"' {
		return nil, false
	}
	end := skipString(v, i)
	if end < 0 {
		return nil, false
	}
	return v[i+1 : end-1], true
}

// Truthy is false for null, false, "", zero in any spelling, and an absent value; true for all others,
// empty objects and arrays among them.
func (v Value) Truthy() bool {
	switch v.Kind() {
	case KindBool:
		b, _ := v.Bool()
		return b
	case KindString:
		text, _ := v.inner()
		return len(text) > 0
	case KindNumber:
		return !isZero(v)
	case KindObject, KindArray:
		return true
	}
	return false
}

// Get gives the value of a member of an object; false where there is none or v is no object.
func (v Value) Get(name string) (Value, bool) {
	w := v.Walk()
	for ok := w.Object(); ok; ok = w.More() {
		raw, escaped := w.name()
		if string(raw) == name && !escaped || escaped && string(appendUnescaped(nil, raw)) == name {
			value := w.Value()
			return value, value != nil
		}
	}
	return nil, false
}

// Members walks the members of an object, names unescaped; none where v is no object.
func (v Value) Members() iter.Seq2[[]byte, Value] {
	return func(yield func([]byte, Value) bool) {
		w := v.Walk()
		for ok := w.Object(); ok; ok = w.More() {
			name := w.Name()
			value := w.Value()
			if value == nil || !yield(name, value) {
				return
			}
		}
	}
}

// Elements walks the elements of an array; none where v is no array.
func (v Value) Elements() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		w := v.Walk()
		for ok := w.Array(); ok; ok = w.More() {
			value := w.Value()
			if value == nil || !yield(value) {
				return
			}
		}
	}
}
