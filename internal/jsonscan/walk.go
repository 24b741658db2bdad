package jsonscan

import "bytes"

// walk goes through the members or elements of one container, on text that was checked before.
type walk struct {
	src []byte
	i   int
}

// open steps into the container, which begins with bracket, up to its first member or element; false
// where there is none.
func (w *walk) open(bracket byte) bool {
	w.i = space(w.src, 0)
	if w.i == len(w.src) || w.src[w.i] != bracket {
		return false
	}
	w.i = space(w.src, w.i+1)
	return w.i < len(w.src) && w.src[w.i] != bracket+2 // ']' and '}' stand two past '[' and '{'
}

// more steps over the comma to the next member or element; false where there is none.
func (w *walk) more() bool {
	w.i = space(w.src, w.i)
	if w.i >= len(w.src) || w.src[w.i] != ',' {
		return false
	}
	w.i = space(w.src, w.i+1)
	return true
}

// member reads a name, as it stands between its quotes, and a value; nil where there is none.
func (w *walk) member() (name []byte, value Value) {
	start := w.i
	if start >= len(w.src) || w.src[start] != '"' {
		return nil, nil
	}
	end := skipString(w.src, start)
	if end < 0 {
		return nil, nil
	}
	name = w.src[start+1 : end-1]
	if w.i = space(w.src, end); w.i >= len(w.src) || w.src[w.i] != ':' {
		return nil, nil
	}
	w.i = space(w.src, w.i+1)
	return name, w.value()
}

// value reads a value; nil where there is none.
func (w *walk) value() Value {
	start := w.i
	end := skip(w.src, start)
	if end <= start {
		return nil
	}
	w.i = end
	return w.src[start:end:end]
}

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
		if j, _ := plain(src[:near], i, 0); j < near && src[j] == '"' {
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

// isName compares a name as it stands between its quotes.
func isName(raw []byte, name string) bool {
	if string(raw) == name {
		// What has a backslash stands for another name, even if this is spelt like it.
		return bytes.IndexByte(raw, '\\') < 0
	}
	return len(raw) > len(name) && bytes.IndexByte(raw, '\\') >= 0 && string(appendUnescaped(nil, raw)) == name
}

func unescapedName(raw []byte) []byte {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw
	}
	return appendUnescaped(nil, raw)
}
