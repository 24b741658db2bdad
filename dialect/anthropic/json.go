package anthropic

import (
	"bytes"
	"strconv"

	"fairlead/internal/jsonscan"
)

// writer appends JSON to buf and sets the commas. Names are the package's own and need no escaping.
type writer struct{ buf []byte }

// name begins a member.
func (w *writer) name(name string) {
	if w.buf[len(w.buf)-1] != '{' {
		w.buf = append(w.buf, ',')
	}
	w.buf = append(w.buf, '"')
	w.buf = append(w.buf, name...)
	w.buf = append(w.buf, '"', ':')
}

// next begins an element of an array.
func (w *writer) next() {
	if w.buf[len(w.buf)-1] != '[' {
		w.buf = append(w.buf, ',')
	}
}

// raw appends s as it is.
func (w *writer) raw(s string) { w.buf = append(w.buf, s...) }

// str writes a member that is a string.
func (w *writer) str(name, s string) {
	w.name(name)
	w.buf = jsonscan.AppendString(w.buf, s)
}

// nonempty writes a member that is a string, unless it is empty.
func (w *writer) nonempty(name, s string) {
	if s != "" {
		w.str(name, s)
	}
}

// num writes a member that is an integer.
func (w *writer) num(name string, n int64) {
	w.name(name)
	w.buf = strconv.AppendInt(w.buf, n, 10)
}

// json writes a member whose value is JSON already; none where it is empty.
func (w *writer) json(name string, value []byte) {
	if len(value) > 0 {
		w.name(name)
		w.buf = append(w.buf, value...)
	}
}

// is reports whether v is the string s, which needs no escaping. A string that was spelt with escapes is
// read the slow way.
func is(v jsonscan.Value, s string) bool {
	if bytes.IndexByte(v, '\\') < 0 {
		return v.Kind() == jsonscan.KindString && string(unquoted(v)) == s
	}
	t, ok := v.Text()
	return ok && t == s
}

// text reads a string member; an absent one, a null and any other kind are "".
func text(v jsonscan.Value, name string) string {
	m, _ := v.Get(name)
	s, _ := m.Text()
	return s
}

// given finds a member that is there and not null.
func given(v jsonscan.Value, name string) (jsonscan.Value, bool) {
	m, ok := v.Get(name)
	return m, ok && !m.IsNull()
}
