package upstream

import (
	"strings"
	"unicode/utf8"
)

const (
	anchorRunes = 40  // of what was said that a provider is asked to repeat, or twice and four times as many
	anchorMost  = 400 // bytes: what stands more than once in so much is no anchor
	anchorLeast = 12  // bytes: what is shorter stands in any text
)

const whiteSpace = " \t\r\n"

// trimmed is what was said without the space at its end.
func trimmed(said string) string { return strings.TrimRight(said, whiteSpace) }

// anchor is the end of what was said, without the space at its ends: so much of it that it stands there once
// only. A provider that begins at another place then cannot be mistaken. "" = there is none.
func anchor(said string) string {
	said = trimmed(said)
	all := flat(said)
	for runes := anchorRunes; ; runes *= 2 {
		words := strings.TrimLeft(lastRunes(said, runes), whiteSpace)
		if len(words) > anchorMost {
			return ""
		}
		once := flat(words)
		if strings.Index(all, once) == len(all)-len(once) && !repetitive(once) {
			return words
		}
		if len(words) == len(said) || len(words) == 0 {
			return ""
		}
	}
}

// repetitive reports whether a text is made of one thing over and over, of which nobody knows how often it
// has to be repeated.
func repetitive(text string) bool {
	return len(text) > 1 && strings.Contains(text[1:], text[:len(text)/2])
}

// lastRunes is the end of a text.
func lastRunes(text string, n int) string {
	from := len(text)
	for ; n > 0 && from > 0; n-- {
		_, size := utf8.DecodeLastRuneInString(text[:from])
		from -= size
	}
	return text[from:]
}

// flat is a text in which any space is one blank.
func flat(text string) string {
	b := make([]byte, 0, len(text))
	for i := range len(text) {
		switch {
		case !isSpace(text[i]):
			b = append(b, text[i])
		case i == 0 || !isSpace(text[i-1]):
			b = append(b, ' ')
		}
	}
	return string(b)
}

// matchLoosely reports how many bytes at the front of text are the words, where any space is as good as any
// other; partly: the text ends before they do.
func matchLoosely(text []byte, words string) (n int, partly bool) {
	i := 0
	for j := 0; j < len(words); {
		if i == len(text) {
			return 0, true
		}
		if !isSpace(words[j]) {
			if text[i] != words[j] {
				return 0, false
			}
			i, j = i+1, j+1
			continue
		}
		from := i
		for i < len(text) && isSpace(text[i]) {
			i++
		}
		for j < len(words) && isSpace(words[j]) {
			j++
		}
		if from == i {
			return 0, false
		}
	}
	return i, false
}

func isSpace(c byte) bool { return strings.IndexByte(whiteSpace, c) >= 0 }
