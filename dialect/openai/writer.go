package openai

import (
	"strconv"

	"fairlead/internal/jsonscan"
)

// writer appends JSON and puts the commas by itself.
type writer struct {
	b     []byte
	start int // where the JSON begins: what stands before it is no element
}

// comma separates the next element from one before it.
func (w *writer) comma() {
	if n := len(w.b); n > w.start {
		switch w.b[n-1] {
		case '{', '[', ':':
		default:
			w.b = append(w.b, ',')
		}
	}
}

// open begins an object or array.
func (w *writer) open(bracket byte) {
	w.comma()
	w.b = append(w.b, bracket)
}

func (w *writer) close(bracket byte) { w.b = append(w.b, bracket) }

// name begins a member; its value follows. Names of this wire need no escapes.
func (w *writer) name(name string) {
	w.comma()
	w.b = append(w.b, '"')
	w.b = append(w.b, name...)
	w.b = append(w.b, '"', ':')
}

// value appends a string as an element, or as the value of the member that name began.
func (w *writer) value(s string) {
	w.comma()
	w.b = jsonscan.AppendString(w.b, s)
}

// text appends a member that is a string.
func (w *writer) text(name, value string) {
	w.name(name)
	w.b = jsonscan.AppendString(w.b, value)
}

// optional appends a member that is a string, unless it is empty.
func (w *writer) optional(name, value string) {
	if value != "" {
		w.text(name, value)
	}
}

// raw appends a member that is JSON already, unless it is empty.
func (w *writer) raw(name string, value []byte) {
	if len(value) > 0 {
		w.name(name)
		w.b = append(w.b, value...)
	}
}

func (w *writer) integer(name string, value int64) {
	w.name(name)
	w.b = strconv.AppendInt(w.b, value, 10)
}

func (w *writer) boolean(name string, value bool) {
	w.name(name)
	w.b = strconv.AppendBool(w.b, value)
}
