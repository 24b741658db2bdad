package upstream

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"
)

const (
	anchorIn  = 240 // bytes of the new text in which the anchor must begin
	spaceMost = 240 // bytes of space at the end of what was said that can be asked for again
)

// errNoSeam is a continuation that does not fit onto what was said.
var errNoSeam = errors.New("the new text does not go on where the other broke off")

// seam fits the text of another attempt onto what was said, so that no character is repeated or lost. It
// gives nothing of the new text until it knows where that goes on. It is pure, and takes time in proportion to
// what was said and to the new text.
type seam struct {
	said   string
	space  string // at the end of said: a provider is shown what was said without it, for some refuse that
	words  string // the anchor
	method method
	held   []byte // of the new text, not given yet
	same   int    // bytes of held that are what was said, from its beginning
	behind int    // the end of the anchor in held; 0 = not found
	closed bool   // the place is found: all goes through

	fenced   bool // a code fence is open in what was said
	repeats  bool // what was said is one text several times over: to repeat it all may be to go on
	repeated bool // the new text began with what was said, or its end: it is the same answer
	skipped  int  // bytes of the new text that were not given
}

// newSeam makes the seam behind what was said. words is the anchor that was asked for, if one was.
func newSeam(said, words string, m method) *seam {
	s := &seam{said: said, space: said[len(trimmed(said)):], words: words, method: m, closed: said == ""}
	if s.space == said && len(said) <= spaceMost {
		s.method = methodPrefill // there is nothing but space to go on from: any text does
	}
	switch s.method {
	case methodAnchor:
		s.fenced = strings.Count(said, fence)%2 == 1
	case methodPrefill, methodFinal:
		s.repeats = said != "" && strings.Index(said[1:]+said, said) < len(said)-1
	}
	return s
}

// take takes more of the new text and gives what of it follows what was said. errNoSeam says that the text
// is another one.
func (s *seam) take(text string) (string, error) {
	if s.closed {
		return text, nil
	}
	s.held = append(s.held, text...)
	return s.look(false)
}

// end takes the end of the new text.
func (s *seam) end() (string, error) {
	if s.closed {
		return "", nil
	}
	return s.look(true)
}

// look finds the place in what is held. Whatever was asked for, a provider may begin anew: where it repeats
// all that was said it is taken at its word.
func (s *seam) look(ended bool) (string, error) {
	if s.method == methodAnchor && len(s.words) < anchorLeast {
		return "", errNoSeam
	}
	if s.behind == 0 && len(s.said) >= s.method.proof() && !s.repeats {
		for s.same < min(len(s.held), len(s.said)) && s.held[s.same] == s.said[s.same] {
			s.same++
		}
		switch {
		case s.same == len(s.said):
			s.repeated = true
			return s.close(s.same), nil
		case s.same == len(s.held) && !ended:
			return "", nil
		}
	}
	switch s.method {
	case methodPrefill, methodFinal:
		return s.prefilled(ended)
	case methodAnchor:
		return s.anchored(ended)
	}
	return "", errNoSeam
}

// proof is how many bytes must be repeated to show that a text has begun anew. Few prove nothing where it was
// asked to go on: "ha" may be followed by another "ha".
func (m method) proof() int {
	switch m {
	case methodPrefill, methodFinal:
		return 4 * anchorLeast
	case methodAnchor:
		return 2 * anchorLeast
	}
	return 0
}

// close gives what is held from a byte on.
func (s *seam) close(from int) string {
	rest := string(s.held[from:])
	s.closed, s.skipped, s.held = true, from, nil
	return rest
}

// prefilled fits the text of a provider that goes on by itself, perhaps with the space that it was not shown.
// One that begins as the answer did has begun anew, with other words, unless lines that begin so are what the
// answer is made of.
func (s *seam) prefilled(ended bool) (string, error) {
	if s.same >= s.method.proof() && !strings.Contains(s.said[1:], s.said[:s.same]) {
		return "", errNoSeam
	}
	n := common(s.held, s.space)
	switch {
	case n == len(s.space):
		return s.close(n), nil
	case n == len(s.held) && !ended:
		return "", nil
	}
	return s.close(0), nil
}

// anchored fits the text of a provider that was asked to begin with the end of what was said.
func (s *seam) anchored(ended bool) (string, error) {
	for at := 0; s.behind == 0 && at < len(s.held) && at <= anchorIn; at++ {
		n, partly := matchLoosely(s.held[at:], s.words)
		switch {
		case partly && !ended && len(s.held) < anchorIn+2*anchorMost:
			return "", nil // more of it may come
		case n > 0 && s.introduced(at):
			s.behind = at + n
		}
	}
	switch {
	case s.behind > 0:
		return s.behindAnchor(ended)
	case len(s.held) > anchorIn || ended:
		return "", errNoSeam
	}
	return "", nil
}

// introduced reports whether what stands before the anchor, at a byte of held, may go before an answer that
// goes on: nothing, more of what was said, or a few words that announce it. Other words are the answer itself,
// which comes to the same place again. Where a quotation mark or a code fence begins there and is none of the
// answer's, the anchor is quoted, and what follows talks about it.
func (s *seam) introduced(at int) bool {
	said := strings.TrimSuffix(trimmed(s.said), s.words)
	before := beforeBoth(string(s.held[:at]), said)
	if before == "" {
		return true
	}
	if mark, _ := utf8.DecodeLastRuneInString(before); strings.ContainsRune(quotes, mark) {
		return false
	}
	if strings.Contains(before, fence) {
		return s.fenced && strings.LastIndex(before, "\n") > strings.LastIndex(before, fence)
	}
	before = trimmed(before)
	return strings.HasSuffix(before, ":") || strings.HasSuffix(before, "...") || strings.HasSuffix(before, "\u2026")
}

const (
	fence  = "```"
	quotes = "\"'`\u2018\u201c\u201e\u00ab"
)

// beforeBoth is what of a text remains where its end is taken off that is the end of what was said too, any space
// being as good as any other; "" where nothing but space does. A few characters are the same by chance.
func beforeBoth(text, said string) string {
	const chance = 4
	rest := trimmed(text)
	for n := 0; rest != ""; n++ {
		said = trimmed(said)
		if said == "" || rest[len(rest)-1] != said[len(said)-1] {
			if n < chance {
				return text
			}
			return rest
		}
		rest, said = trimmed(rest[:len(rest)-1]), said[:len(said)-1]
	}
	return ""
}

// behindAnchor passes over the space that what was said ends with. As long as that may still come it waits.
func (s *seam) behindAnchor(ended bool) (string, error) {
	s.repeated = true
	rest := s.held[s.behind:]
	if n := common(rest, s.space); n == len(s.space) {
		return s.close(s.behind + n), nil
	}
	text := bytes.TrimLeft(rest, whiteSpace)
	if len(text) == 0 && !ended && len(rest) <= 2*spaceMost {
		return "", nil
	}
	return s.close(len(s.held) - len(text)), nil
}

// common is how many bytes at the front of two texts are the same.
func common(a []byte, b string) (n int) {
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}
