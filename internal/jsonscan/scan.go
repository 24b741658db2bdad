package jsonscan

import "unicode/utf8"

// scanner checks a text by recursive descent. Its methods take the offset where something begins and give
// the one past its end, or -1 once err is set.
type scanner struct {
	src     []byte
	members []Member // of the outermost object
	names   [][]byte // of all open objects, the innermost last
	most    int      // of names
	deepest int      // depth of any container since the last member of the outermost object began
	err     Error
}

func (s *scanner) fail(kind ErrorKind, offset int) int {
	s.err = Error{Kind: kind, Offset: offset}
	return -1
}

// document checks the whole text.
func (s *scanner) document() int {
	i := space(s.src, 0)
	if i == len(s.src) || s.src[i] != '{' {
		return s.fail(Syntax, i)
	}
	if i = s.object(i, 1); i < 0 {
		return -1
	}
	if i = space(s.src, i); i < len(s.src) {
		return s.fail(Syntax, i)
	}
	return i
}

// value checks a value of a container at depth.
func (s *scanner) value(i, depth int) int {
	if i >= len(s.src) {
		return s.fail(Syntax, i)
	}
	switch s.src[i] {
	case '"':
		end, _ := s.str(i)
		return end
	case '{':
		return s.object(i, depth+1)
	case '[':
		return s.array(i, depth+1)
	case 't':
		return s.literal(i, "true")
	case 'f':
		return s.literal(i, "false")
	case 'n':
		return s.literal(i, "null")
	}
	return s.number(i)
}

func (s *scanner) object(i, depth int) int {
	if depth > MaxDepth {
		return s.fail(Depth, i)
	}
	s.deepest = max(s.deepest, depth)
	src := s.src
	open := openObject{base: len(s.names)}
	if i = space(src, i+1); i < len(src) && src[i] == '}' {
		return i + 1
	}
	for {
		nameStart := i
		nameEnd := s.name(i, &open)
		if nameEnd < 0 {
			return -1
		}
		if i = space(src, nameEnd); i >= len(src) || src[i] != ':' {
			return s.fail(Syntax, i)
		}
		start := space(src, i+1)
		if depth == 1 {
			s.deepest = 1
		}
		end := s.value(start, depth)
		if end < 0 {
			return -1
		}
		if depth == 1 {
			name := s.names[len(s.names)-1]
			s.members = append(s.members, Member{name, nameStart, nameEnd, start, end, s.deepest - 1})
		}
		if i = space(src, end); i >= len(src) {
			return s.fail(Syntax, i)
		}
		switch src[i] {
		case ',':
			i = space(src, i+1)
		case '}':
			s.names = s.names[:open.base]
			return i + 1
		default:
			return s.fail(Syntax, i)
		}
	}
}

// name checks the name of a member and that its object has no other of it.
func (s *scanner) name(i int, open *openObject) int {
	if i >= len(s.src) || s.src[i] != '"' {
		return s.fail(Syntax, i)
	}
	end, escaped := s.str(i)
	if end < 0 {
		return -1
	}
	name := s.src[i+1 : end-1 : end-1]
	if escaped {
		name = appendUnescaped(nil, name)
	}
	if len(s.names) >= s.most {
		return s.fail(Names, i)
	}
	if open.has(s.names, name) {
		s.err = Error{Kind: Duplicate, Offset: i, Name: cutName(name)}
		return -1
	}
	s.names = append(s.names, name)
	return end
}

func (s *scanner) array(i, depth int) int {
	if depth > MaxDepth {
		return s.fail(Depth, i)
	}
	s.deepest = max(s.deepest, depth)
	src := s.src
	if i = space(src, i+1); i < len(src) && src[i] == ']' {
		return i + 1
	}
	for {
		if i = s.value(i, depth); i < 0 {
			return -1
		}
		if i = space(src, i); i >= len(src) {
			return s.fail(Syntax, i)
		}
		switch src[i] {
		case ',':
			i = space(src, i+1)
		case ']':
			return i + 1
		default:
			return s.fail(Syntax, i)
		}
	}
}

func (s *scanner) literal(i int, word string) int {
	if end := i + len(word); end <= len(s.src) && string(s.src[i:end]) == word {
		return end
	}
	return s.fail(Syntax, i)
}

func (s *scanner) number(i int) int {
	src := s.src
	if i < len(src) && src[i] == '-' {
		i++
	}
	integer := i
	if i = digits(src, i); i == integer || (src[integer] == '0' && i > integer+1) {
		return s.fail(Syntax, integer)
	}
	if i < len(src) && src[i] == '.' {
		fraction := i + 1
		if i = digits(src, fraction); i == fraction {
			return s.fail(Syntax, i)
		}
	}
	if i < len(src) && src[i]|0x20 == 'e' {
		if i++; i < len(src) && (src[i] == '+' || src[i] == '-') {
			i++
		}
		exponent := i
		if i = digits(src, i); i == exponent {
			return s.fail(Syntax, i)
		}
	}
	return i
}

// str checks a string, quotes included, and says whether it has escapes.
func (s *scanner) str(i int) (end int, escaped bool) {
	src, start := s.src, i+1
	i, high := plain(src, start)
	for i < len(src) && src[i] == '\\' {
		escaped = true
		if i+1 < len(src) && shortEscapes[src[i+1]] {
			i += 2
		} else if i = s.escape(i); i < 0 {
			return -1, false
		}
		var more uint64
		i, more = plain(src, i)
		high |= more
	}
	if i >= len(src) || src[i] != '"' {
		return s.fail(Syntax, i), false
	}
	if high != 0 && !utf8.Valid(src[start:i]) {
		return s.fail(UTF8, start+invalidUTF8(src[start:i])), false
	}
	return i + 1, escaped
}

// shortEscapes are the letters that are a whole escape after a backslash.
var shortEscapes = [256]bool{'"': true, '\\': true, '/': true, 'b': true, 'f': true, 'n': true, 'r': true, 't': true}

// escape checks the \u escape that begins at the backslash at i; both halves of a surrogate pair at once.
func (s *scanner) escape(i int) int {
	if i+1 >= len(s.src) || s.src[i+1] != 'u' {
		return s.fail(Syntax, i)
	}
	unit, ok := hex4(s.src, i+2)
	switch {
	case !ok:
		return s.fail(Syntax, i)
	case !isSurrogate(unit):
		return i + 6
	}
	if _, ok := lowHalf(s.src, i+6, unit); !ok {
		return s.fail(UTF8, i)
	}
	return i + 12
}
