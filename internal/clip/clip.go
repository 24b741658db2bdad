// Package clip bounds texts that others have written.
package clip

import (
	"strings"
	"unicode/utf8"
)

// Text makes a text valid UTF-8 and shortens it to so many bytes at most, at the end of a letter.
func Text(s string, most int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}
