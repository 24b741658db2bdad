package jsonscan

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

const (
	ones    = 0x0101010101010101
	highs   = 0x80 * ones
	twos    = 0x02 * ones
	blanks  = '!' * ones
	slashes = '\\' * ones
)

// stops marks, in the top bits of w's bytes, those that end a string's plain run: a quote, a backslash or
// a control character. Only the lowest mark is sure to be right: it may disturb the tests of those above.
//
// It is Mycroft's test for a byte below another. Flipping bit 1 makes the quote (0x22) a blank and leaves
// control characters below it, so that one test finds both.
func stops(w uint64) uint64 {
	return (((w ^ twos) - blanks) | ((w ^ slashes) - ones)) &^ w & highs
}

// word loads the eight bytes at i; the capacity spares the compiler's care for an empty rest.
func word(src []byte, i int) uint64 { return binary.LittleEndian.Uint64(src[i : i+8 : i+8]) }

// before gives the first of a word's marks as a number of bytes, and the bytes of w before it.
func before(w, marks uint64) (n int, rest uint64) {
	return bits.TrailingZeros64(marks) >> 3, w & (marks&-marks - 1)
}

// plain gives the first byte at or after i that ends a string's plain run; len(src) where there is none.
// high is not 0 if a byte that was passed is not ASCII.
//
// Most bytes of a body pass through here, so it looks at eight at once, and at two words a turn, which
// takes a third less than one (BenchmarkScan).
func plain(src []byte, i int) (end int, high uint64) {
	for ; i+16 <= len(src); i += 16 {
		w := word(src, i)
		if marks := stops(w); marks != 0 {
			n, rest := before(w, marks)
			return i + n, (high | rest) & highs
		}
		high |= w
		w = word(src, i+8)
		if marks := stops(w); marks != 0 {
			n, rest := before(w, marks)
			return i + 8 + n, (high | rest) & highs
		}
		high |= w
	}
	if i+8 <= len(src) {
		w := word(src, i)
		if marks := stops(w); marks != 0 {
			n, rest := before(w, marks)
			return i + n, (high | rest) & highs
		}
		high |= w
		i += 8
	}
	for ; i < len(src); i++ {
		c := src[i]
		if c == '"' || c == '\\' || c < ' ' {
			break
		}
		high |= uint64(c)
	}
	return i, high & highs
}

// space gives the first byte at or after i that is no white space.
func space(src []byte, i int) int {
	for i < len(src) && src[i] <= ' ' && (src[i] == ' ' || src[i] == '\n' || src[i] == '\r' || src[i] == '\t') {
		i++
	}
	return i
}

// digits gives the first byte at or after i that is no digit.
func digits(src []byte, i int) int {
	for i < len(src) && src[i]-'0' <= 9 {
		i++
	}
	return i
}

// invalidUTF8 gives where text stops being valid UTF-8.
func invalidUTF8(text []byte) int {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size <= 1 {
			return i
		}
		i += size
	}
	return len(text)
}
