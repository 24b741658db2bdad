package upstream

import (
	"errors"
	"strings"
	"unicode/utf8"
)

const (
	anchorRunes = 40  // of what was said that a provider is asked to repeat
	anchorIn    = 240 // bytes of the new text in which the anchor must begin
	anchorLeast = 12  // bytes: what is shorter stands in any text
)

// errNoSeam is a continuation that does not fit onto what was said.
var errNoSeam = errors.New("the new text does not go on where the other broke off")

// seam fits the text of another attempt onto what was said, so that no character is repeated or lost. It
// gives nothing of the new text until it knows where that goes on. It is pure.
type seam struct {
	said   string
	method method
	held   []byte // of the new text, not given yet
	same   int    // bytes of held that are what was said, from its beginning
	closed bool   // the place is found: all goes through

	skipped int // bytes of the new text that were not given
}

func newSeam(said string, m method) *seam {
	return &seam{said: said, method: m, closed: said == ""}
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
	if len(s.said) >= s.method.proof() {
		for s.same < min(len(s.held), len(s.said)) && s.held[s.same] == s.said[s.same] {
			s.same++
		}
		switch {
		case s.same == len(s.said):
			return s.close(string(s.held[s.same:])), nil
		case s.same == len(s.held) && !ended:
			return "", nil
		}
	}
	switch s.method {
	case methodPrefill, methodFinal:
		return s.prefilled(string(s.held), ended)
	case methodAnchor:
		return s.anchored(string(s.held), ended)
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

func (s *seam) close(rest string) string {
	s.closed, s.skipped, s.held = true, len(s.held)-len(rest), nil
	return rest
}

// prefilled fits the text of a provider that goes on by itself. It was shown what was said without the space
// at its end (some refuse that), which it may give again.
func (s *seam) prefilled(held string, ended bool) (string, error) {
	space := s.said[len(trimmed(s.said)):]
	if len(held) < len(space) && strings.HasPrefix(space, held) && !ended {
		return "", nil
	}
	return s.close(strings.TrimPrefix(held, space)), nil
}

// anchored fits the text of a provider that was asked to begin with the end of what was said.
func (s *seam) anchored(held string, ended bool) (string, error) {
	words := anchor(s.said)
	if len(words) < anchorLeast {
		return "", errNoSeam
	}
	for at := 0; at < len(held) && at <= anchorIn; at++ {
		n, partly := matchLoosely(held[at:], words)
		switch {
		case partly && !ended:
			return "", nil // more of it may come
		case n > 0:
			return s.behindAnchor(held[at+n:], ended)
		}
	}
	if len(held) > anchorIn || ended {
		return "", errNoSeam
	}
	return "", nil
}

// behindAnchor passes over the space that what was said ends with. As long as that may still come it waits.
func (s *seam) behindAnchor(rest string, ended bool) (string, error) {
	space := s.said[len(trimmed(s.said)):]
	if space == "" {
		return s.close(rest), nil
	}
	text := strings.TrimLeft(rest, whiteSpace)
	if text == "" && !ended {
		return "", nil
	}
	if given := rest[:len(rest)-len(text)]; strings.HasPrefix(given, space) {
		return s.close(rest[len(space):]), nil
	}
	return s.close(text), nil
}

const whiteSpace = " \t\r\n"

// trimmed is what was said without the space at its end.
func trimmed(said string) string { return strings.TrimRight(said, whiteSpace) }

// anchor is the end of what was said, without the space at its ends.
func anchor(said string) string {
	said = trimmed(said)
	from := len(said)
	for range anchorRunes {
		if from == 0 {
			break
		}
		_, n := utf8.DecodeLastRuneInString(said[:from])
		from -= n
	}
	return strings.TrimLeft(said[from:], whiteSpace)
}

// matchLoosely reports how many bytes at the front of text are the words, where any space is as good as any
// other; partly: the text ends before they do.
func matchLoosely(text, words string) (n int, partly bool) {
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
