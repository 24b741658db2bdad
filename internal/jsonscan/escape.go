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

// unescapedLen is the length of what appendUnescaped appends.
func unescapedLen(text []byte) int {
	n := len(text)
	for {
		i := bytes.IndexByte(text, '\\')
		if i < 0 {
			return n
		}
		r, size := unescape(text[i:])
		n += utf8.RuneLen(r) - size
		text = text[i+size:]
	}
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
