package jsonscan

import "bytes"

// Walk goes once through a value that was checked before, from front to back. It goes into objects and
// arrays where it stands, so that what is in them is not passed over first, as it is by Members and
// Elements:
//
//	w := v.Walk()
//	for ok := w.Array(); ok; ok = w.More() {
//		for ok := w.Object(); ok; ok = w.More() {
//			switch string(w.Name()) {
//			case "text":
//				text = w.Value()
//			}
//		}
//	}
//
// Each loop runs to its end, or the loops around it end as well. A value that nobody takes is passed over.
// Unchecked bytes end the walk early.
type Walk struct {
	src   []byte
	i     int
	ahead bool // a member or element begins at i and is not taken yet
}

// Walk begins a walk at the value.
func (v Value) Walk() Walk { return Walk{src: v, i: space(v, 0), ahead: true} }

// Object goes into an object; false, as More, where it has no member or where the value is none.
func (w *Walk) Object() bool { return w.open('{') }

// Array goes into an array; false, as More, where it has no element or where the value is none.
func (w *Walk) Array() bool { return w.open('[') }

// open steps to what stands first behind the bracket, or past an empty container.
func (w *Walk) open(bracket byte) bool {
	if !w.ahead || w.i >= len(w.src) || w.src[w.i] != bracket {
		return false
	}
	w.i = space(w.src, w.i+1)
	w.ahead = w.i < len(w.src) && w.src[w.i] != bracket+2 // ']' and '}' stand two past '[' and '{'
	if !w.ahead {
		w.i++
	}
	return w.ahead
}

// More goes to the container's next member or element; false, and out of the container, where there is none.
func (w *Walk) More() bool {
	if w.ahead {
		w.Value()
	}
	w.i = space(w.src, w.i)
	w.ahead = w.i < len(w.src) && w.src[w.i] == ','
	if w.i++; w.ahead {
		w.i = space(w.src, w.i)
	}
	return w.ahead
}

// Name takes the name of a member, unescaped. It comes before the value, and once.
func (w *Walk) Name() []byte {
	name, escaped := w.name()
	if escaped {
		name = appendUnescaped(nil, name)
	}
	return name
}

// name takes a name as it stands between its quotes, and says whether it has escapes.
func (w *Walk) name() (name []byte, escaped bool) {
	start := w.i
	if !w.ahead || start >= len(w.src) || w.src[start] != '"' {
		w.stop()
		return nil, false
	}
	end, _ := plain(w.src, start+1)
	if end >= len(w.src) || w.src[end] != '"' {
		if end = skipString(w.src, start) - 1; end < 0 {
			w.stop()
			return nil, false
		}
		escaped = bytes.IndexByte(w.src[start+1:end], '\\') >= 0
	}
	if w.i = space(w.src, end+1); w.i >= len(w.src) || w.src[w.i] != ':' {
		w.stop()
		return nil, false
	}
	w.i = space(w.src, w.i+1)
	return w.src[start+1 : end], escaped
}

// Kind tells the kind of the value that stands ahead, 0 where there is none.
func (w *Walk) Kind() Kind {
	if !w.ahead {
		return 0
	}
	return kindAt(w.src, w.i)
}

// Value takes the value; nil where there is none.
func (w *Walk) Value() Value {
	start := w.i
	if !w.ahead {
		return nil
	}
	end := skip(w.src, start)
	if end <= start {
		w.stop()
		return nil
	}
	w.i, w.ahead = end, false
	return w.src[start:end:end]
}

// Text takes a value and gives the length in bytes of a string's text, unescaped, in the same pass; 0 for
// all other kinds.
func (w *Walk) Text() (v Value, n int) {
	start := w.i
	if w.Kind() != KindString {
		return w.Value(), 0
	}
	end, n := measure(w.src, start)
	if end < 0 {
		w.stop()
		return nil, 0
	}
	w.i, w.ahead = end, false
	return w.src[start:end:end], n
}

// Offset is where the walk stands in the text: behind Object, More and Name at what Name or Value takes next.
func (w *Walk) Offset() int { return w.i }

// stop ends the walk: what follows cannot be told.
func (w *Walk) stop() { w.i, w.ahead = len(w.src), false }

// skip gives the end of the value at i; -1 where it has none.
func skip(src []byte, i int) int {
	if i >= len(src) {
		return -1
	}
	switch src[i] {
	case '"':
		return skipString(src, i)
	case '{', '[':
		return skipContainer(src, i)
	}
	for i < len(src) && src[i] > ' ' && src[i] != ',' && src[i] != '}' && src[i] != ']' {
		i++
	}
	return i
}

func skipContainer(src []byte, i int) int {
	for depth := 0; i < len(src); i++ {
		switch src[i] {
		case '"':
			if i = skipString(src, i) - 1; i < 0 {
				return -1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}

// skipString gives the end of the string whose quote stands at i; -1 where it has none.
func skipString(src []byte, i int) int {
	i++
	if near := min(i+16, len(src)); near > i {
		if j, _ := plain(src[:near], i); j < near && src[j] == '"' {
			return j + 1 // most names and many values are short: a call costs more than they do
		}
	}
	for i < len(src) {
		n := bytes.IndexByte(src[i:], '"')
		if n < 0 {
			return -1
		}
		run := 0 // of backslashes before the quote: an odd number escapes it
		for n > run && src[i+n-1-run] == '\\' {
			run++
		}
		i += n + 1
		if run%2 == 0 {
			return i
		}
	}
	return -1
}
