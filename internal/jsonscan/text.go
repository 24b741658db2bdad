package jsonscan

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

const (
	ones    = 0x0101010101010101
	highs   = 0x80 * ones
	quotes  = '"' * ones
	slashes = '\\' * ones
	spaces  = ' ' * ones
)

// plain gives the first byte at or after i that ends a string's plain run: a quote, a backslash or a
// control character; len(src) where there is none. high gathers the top bits of all bytes passed.
//
// It looks at eight bytes at once (Mycroft's test for a zero byte). A byte's test is disturbed only by a
// hit in a byte before it, so the first hit is right.
func plain(src []byte, i int, high uint64) (int, uint64) {
	for ; i+8 <= len(src); i += 8 {
		w := binary.LittleEndian.Uint64(src[i:])
		hit := ((w - spaces) | ((w ^ quotes) - ones) | ((w ^ slashes) - ones)) &^ w & highs
		if hit != 0 {
			high |= w & highs & (hit&-hit - 1)
			return i + bits.TrailingZeros64(hit)>>3, high
		}
		high |= w & highs
	}
	for ; i < len(src); i++ {
		c := src[i]
		if c == '"' || c == '\\' || c < ' ' {
			break
		}
		high |= uint64(c) & 0x80
	}
	return i, high
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
