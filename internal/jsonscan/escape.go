package jsonscan

import (
	"bytes"
	"unicode/utf8"
)

// appendUnescaped appends the text that stands between a string's quotes.
func appendUnescaped(dst, text []byte) []byte {
	for {
		i := bytes.IndexByte(text, '\\')
		if i < 0 {
			return append(dst, text...)
		}
		r, size := unescape(text[i:])
		dst = append(dst, text[:i]...)
		dst = utf8.AppendRune(dst, r)
		text = text[i+size:]
	}
}

// measure gives the end of the string whose quote stands at i, and the length of its text, unescaped; -1
// and 0 where it has no end.
func measure(src []byte, i int) (end, n int) {
	i++
	quote := bytes.IndexByte(src[i:], '"')
	if quote < 0 {
		return -1, 0
	}
	if n = bytes.IndexByte(src[i:i+quote], '\\'); n < 0 {
		return i + quote + 1, quote
	}
	for i += n; i < len(src); {
		switch c := src[i]; {
		case c == '"':
			return i + 1, n
		case c == '\\' && i+1 < len(src) && shortEscapes[src[i+1]]:
			n++
			i += 2
		case c == '\\':
			r, size := unescape(src[i:])
			n += utf8.RuneLen(r)
			i += size
		default: // a control character, which Scan refuses, or the first of a plain run
			run := i + 1
			i, _ = plain(src, run)
			n += 1 + i - run
		}
	}
	return -1, 0
}

// hex4 reads four hexadecimal digits.
func hex4(src []byte, i int) (unit rune, ok bool) {
	if i+4 > len(src) {
		return 0, false
	}
	for _, c := range src[i : i+4] {
		unit <<= 4
		switch {
		case c-'0' <= 9:
			unit |= rune(c - '0')
		case (c|0x20)-'a' < 6:
			unit |= rune((c|0x20)-'a') + 10
		default:
			return 0, false
		}
	}
	return unit, true
}

func isSurrogate(unit rune) bool { return unit&^0x7ff == 0xd800 }

// lowHalf reads the \u escape at i as the second half of the pair that unit begins.
func lowHalf(src []byte, i int, unit rune) (r rune, ok bool) {
	if unit >= 0xdc00 || i+6 > len(src) || src[i] != '\\' || src[i+1] != 'u' {
		return 0, false
	}
	low, ok := hex4(src, i+2)
	if !ok || low < 0xdc00 || low > 0xdfff {
		return 0, false
	}
	return 0x10000 + ((unit-0xd800)<<10 | (low - 0xdc00)), true
}

// unescape reads the escape at the start of text: the rune it stands for and its length. What no
// validated text has becomes U+FFFD.
func unescape(text []byte) (r rune, size int) {
	if len(text) < 2 {
		return utf8.RuneError, len(text)
	}
	switch c := text[1]; c {
	case '"', '\\', '/':
		return rune(c), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		unit, ok := hex4(text, 2)
		if !ok {
			return utf8.RuneError, 2
		}
		if !isSurrogate(unit) {
			return unit, 6
		}
		if r, ok := lowHalf(text, 6, unit); ok {
			return r, 12
		}
		return utf8.RuneError, 6
	}
	return utf8.RuneError, 2
}
