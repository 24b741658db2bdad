package fakellm

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// words is the vocabulary of made-up text.
var words = [...]string{
	"anchor", "bay", "beacon", "berth", "bow", "breeze", "buoy", "cable", "cape", "chart", "cleat", "coast",
	"course", "crew", "current", "deck", "dock", "drift", "ebb", "fairlead", "fathom", "ferry", "fleet", "flood",
	"fog", "gale", "galley", "gull", "harbour", "haven", "helm", "hull", "island", "jetty", "keel", "knot",
	"lantern", "league", "lee", "line", "log", "mast", "moor", "oar", "pilot", "port", "quay", "reef",
	"rigging", "rope", "rudder", "sail", "salt", "shoal", "shore", "sloop", "sound", "spray", "star", "stern",
	"strait", "tide", "wake", "wind",
}

// mix scrambles a number (the finaliser of SplitMix64), so that near seeds give unlike text.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// hash is FNV-1a: the text of a model name must stay the same from one build to the next.
func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// appendToken appends the i-th token of the text of a seed. All but the first begin with a space, as
// real tokens do, so that no part of a text ends with one. size is its length in bytes; 0 = a word's own.
func appendToken(b []byte, seed uint64, i, size int) []byte {
	if i > 0 {
		b = append(b, ' ')
		size--
	}
	r := mix(seed ^ mix(uint64(i)))
	if size < 0 || (size == 0 && i == 0) {
		return append(b, words[r%uint64(len(words))]...)
	}
	for k := range size {
		if k%8 == 7 {
			r = mix(r)
		}
		b = append(b, 'a'+byte(r>>(8*(k%8)))%26)
	}
	return b
}

// tokens gives the first n tokens of the text of a seed, as parts of one string.
func tokens(seed uint64, n, size int) []string {
	b := make([]byte, 0, n*max(size, 8))
	ends := make([]int, n)
	for i := range ends {
		b = appendToken(b, seed, i, size)
		ends[i] = len(b)
	}
	text, list, start := string(b), make([]string, n), 0
	for i, end := range ends {
		list[i], start = text[start:end], end
	}
	return list
}

// takeMark begins every text of a model that varies: it names the text, so that any fake provider
// can go on with a take of another.
const takeMark = "[take "

// take gives n tokens of one take.
func take(id uint32, n, size int) []string {
	if n == 0 {
		return nil
	}
	list := tokens(uint64(id), n, size)
	list[0] = fmt.Sprintf("%s%08x]", takeMark, id)
	return list
}

// takeOf reads the id of the take that a text belongs to.
func takeOf(text string) (uint32, bool) {
	rest, ok := strings.CutPrefix(text, takeMark)
	if !ok || len(rest) < 9 || rest[8] != ']' {
		return 0, false
	}
	id, err := strconv.ParseUint(rest[:8], 16, 32)
	return uint32(id), err == nil
}

// after cuts what was already said from a text. It reports false where the text does not begin so.
func after(list []string, said string) ([]string, bool) {
	for i, t := range list {
		switch {
		case said == "":
			return list[i:], true
		case strings.HasPrefix(said, t):
			said = said[len(t):]
		case strings.HasPrefix(t, said):
			return append([]string{t[len(said):]}, list[i+1:]...), true
		default:
			return nil, false
		}
	}
	return nil, said == ""
}

// pieces cuts a text into tokens of about four bytes, never inside a character.
func pieces(text string) []string {
	list := make([]string, 0, len(text)/4+1)
	for len(text) > 0 {
		n := min(4, len(text))
		for n < len(text) && !utf8.RuneStart(text[n]) {
			n++
		}
		list = append(list, text[:n])
		text = text[n:]
	}
	return list
}

// group joins every n tokens to one chunk.
func group(list []string, n int) []string {
	if n <= 1 {
		return list
	}
	chunks := make([]string, 0, len(list)/n+1)
	for i := 0; i < len(list); i += n {
		chunks = append(chunks, strings.Join(list[i:min(i+n, len(list))], ""))
	}
	return chunks
}

// quote writes a JSON string as providers do: UTF-8 as it is, only what must be escaped is.
func quote(s string) string {
	b := make([]byte, 0, len(s)+2)
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c < 0x20:
			b = fmt.Appendf(b, `\u%04x`, c)
		case c >= utf8.RuneSelf:
			_, n := utf8.DecodeRuneInString(s[i:])
			b = append(b, strings.ToValidUTF8(s[i:i+n], "\uFFFD")...)
			i += n
			continue
		default:
			b = append(b, c)
		}
		i++
	}
	return string(append(b, '"'))
}

// count gives the tokens of texts of so many bytes together.
func count(bytes int) int { return (bytes + 3) / 4 }
