package upstream

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

// join has a seam take a new text in chunks and gives all that it gives of it.
func join(said, words string, m method, text string, chunk int) (string, error) {
	s := newSeam(said, words, m)
	var all strings.Builder
	for len(text) > 0 {
		n := min(chunk, len(text))
		given, err := s.take(text[:n])
		all.WriteString(given)
		if err != nil {
			return all.String(), err
		}
		text = text[n:]
	}
	rest, err := s.end()
	all.WriteString(rest)
	return all.String(), err
}

const none = "no seam" // wanted of a text that does not go on

// Texts to go on with. The ends of long and of code are anchors as they stand; what is said twice has a longer one.
const (
	long   = "The fairlead guides a line round an obstacle, so that it neither chafes nor slips out of its sheave"
	code   = "func f() error {\n\tif err := g(); err != nil {\n\t\treturn fmt.Errorf(\"read the whole of it: %w\", err)\n\t}"
	quoted = "He wrote to her \"the fairlead guides a line round an obstacle"
	fenced = "So it is:\n```go\nfor i := range ten { fmt.Println(\"once more\", i)"
	twice  = "\tif err != nil {\n\t\treturn nil, errors.Join(err, c.Close())\n\t}\n\tone()\n\tif err != nil {\n\t\treturn nil, errors.Join(err, c.Close())\n\t}"
	kanji  = "索は障害物を避けて導かれ、擦れることも滑車から外れることもない。それがフェアリードの役目であり、船では昔から使われている"
)

// seamCase is a text that follows what was said.
type seamCase struct {
	name       string
	method     method
	said, text string
	want       string // given of it
}

// hold holds what is given of it, however it comes in.
func (c *seamCase) hold(t *testing.T) {
	t.Helper()
	for _, chunk := range []int{1, 2, 7, 1 << 20} {
		got, err := join(c.said, anchor(c.said), c.method, c.text, chunk)
		switch {
		case c.want == none && (!errors.Is(err, errNoSeam) || got != ""):
			t.Errorf("%s, in pieces of %d: gave %q, %v", c.name, chunk, got, err)
		case c.want != none && (err != nil || got != c.want):
			t.Errorf("%s, in pieces of %d: gave %q, %v; want %q", c.name, chunk, got, err, c.want)
		}
	}
}

func TestSeam(t *testing.T) {
	const final, prefill, regenerate = methodFinal, methodPrefill, methodRegenerate
	for _, c := range []seamCase{
		{"goes on", prefill, "It is", " 4 C", " 4 C"},
		{"goes on inside a word", final, "It is fo", "ur", "ur"},
		{"goes on with the space that it was not shown", prefill, "It is ", " 4 C", "4 C"},
		{"goes on without it", prefill, "It is ", "4 C", "4 C"},
		{"goes on with two lines where one was said", final, "a\n", "\n\nb", "\nb"},
		{"goes on with half of the space", prefill, "a\n\n", "\nb", "\nb"},
		{"goes on behind half a line end", prefill, "a\r", "\r\nb", "\nb"},
		{"has nothing but the space to add", prefill, "a\n\n", "\n\n", ""},
		{"has half of the space to add", prefill, "a\n\n", "\n", "\n"},
		{"has nothing to add", prefill, long, "", ""},
		{"goes on as it laughs", prefill, "ha ", "ha ha", "ha ha"},
		{"goes on with what was said", prefill, "Row, row, row your boat, ", "row, row", "row, row"},
		{"goes on in noughts", final, strings.Repeat("0", 100), strings.Repeat("0", 300), strings.Repeat("0", 300)},
		{"goes on with a line that was said before", prefill, strings.Repeat("ho ho ho and a bottle of rum\n", 4), "ho ho ho and a bottle of rum\nAmen", "ho ho ho and a bottle of rum\nAmen"},
		{"goes on with lines that begin alike", prefill, strings.Repeat("2026-11-21T05:00:00Z INFO the server handled request 1\n", 2), "2026-11-21T05:00:00Z INFO the server handled request 2\n", "2026-11-21T05:00:00Z INFO the server handled request 2\n"},
		{"begins anew although told to go on", prefill, long, long + ", which is", ", which is"},
		{"begins anew in other words", prefill, long, long[:60] + "something else", none},

		{"says the same", regenerate, "It is", "It is 4 C", " 4 C"},
		{"says the same in kanji", regenerate, kanji, kanji + "。", "。"},
		{"says the same and no more", regenerate, long, long, ""},
		{"says less", regenerate, long, long[:50], none},
		{"says nothing", regenerate, long, "", none},
		{"says another word", regenerate, "It is", "It was 4 C", none},
		{"says it in another case", regenerate, "It is", "it is 4 C", none},
		{"says the same noughts", regenerate, "000", "00000", "00"},
		{"says it behind a space", regenerate, "It is", " It is 4 C", none},
		{"follows space alone", regenerate, "\n\n", "Hello", "Hello"},
		{"follows space alone with the same space", regenerate, "\n\n", "\n\nHello", "Hello"},
	} {
		c.hold(t)
	}
}

func TestSeamAtAnchor(t *testing.T) {
	const ask = methodAnchor
	for _, c := range []seamCase{
		{"repeats the end", ask, long, anchor(long) + ", which", ", which"},
		{"repeats the end and is done", ask, long, anchor(long), ""},
		{"repeats it in other lines", ask, long, strings.ReplaceAll(anchor(long), " ", "\n") + ", which", ", which"},
		{"repeats code", ask, code, anchor(code) + "\n\treturn nil\n}", "\n\treturn nil\n}"},
		{"repeats code without its tabs", ask, code, strings.ReplaceAll(anchor(code), "\n\t", "\n") + "\n}", "\n}"},
		{"repeats the end of kanji", ask, kanji, anchor(kanji) + "。", "。"},
		{"keeps the space", ask, long + " ", anchor(long) + " which", "which"},
		{"drops the space", ask, long + " ", anchor(long) + "which", "which"},
		{"has another space", ask, long + " ", anchor(long) + "\nwhich", "which"},
		{"has a longer space", ask, long + "\n", anchor(long) + "\n\nwhich", "\nwhich"},
		{"ends with the space", ask, long + " \n", anchor(long) + " ", ""},
		{"says hello first", ask, long, "Of course, I go on:\n\n" + anchor(long) + ", which", ", which"},
		{"says hello in a sentence", ask, long, "Of course, I go on.\n\n" + anchor(long) + ", which", none},
		{"says hello and repeats more than the end", ask, long, "So:\n" + long[30:] + ", which", ", which"},
		{"hints at what came before", ask, long, "\u2026" + anchor(long) + ", which", ", which"},
		{"goes on at once, and comes to the end again", ask, long, ". I say it again.\n\n" + long + ". Amen.", none},
		{"repeats less, and comes to the end again", ask, code, code[len(code)-9:] + "\n}\n\n" + code, none},
		{"says hello at length", ask, long, strings.Repeat("Of course. ", 30) + anchor(long) + ", which", none},
		{"repeats more than the end", ask, long, long[30:] + ", which", ", which"},
		{"repeats all", ask, long, long + ", which", ", which"},
		{"repeats all in other lines", ask, long, strings.ReplaceAll(long, " ", "\n") + ", which", ", which"},
		{"does not repeat it", ask, long, ", which is all that there is to say about the matter", none},
		{"repeats half of it", ask, long, anchor(long)[:20], none},
		{"repeats it wrongly", ask, long, anchor(long)[:30] + "and so on, for as long as it takes", none},
		{"repeats it in blanks without end", ask, long, anchor(long)[:12] + strings.Repeat(" ", 4000), none},
		{"quotes it and talks", ask, long, "I repeat \"" + anchor(long) + "\" as I was told. Now", none},
		{"quotes it and repeats it", ask, long, "You said `" + anchor(long) + "`:\n" + anchor(long) + ", which", ", which"},
		{"repeats a quotation from its mark on", ask, quoted, quoted[strings.Index(quoted, "\""):] + "\".", "\"."},
		{"puts it into a fence", ask, long, "```\n" + anchor(long) + ", which\n```", none},
		{"opens the fence again", ask, fenced, "```go\n" + anchor(fenced) + " }\n```", " }\n```"},
		{"begins at the place before", ask, twice, twice + "\n\ttwo()", "\n\ttwo()"},
		{"begins behind the place before", ask, twice, twice[strings.Index(twice, "return"):] + "\n\ttwo()", "\n\ttwo()"},
		{"goes on at the place before", ask, twice, twice[strings.Index(twice, "return"):strings.LastIndex(twice, "\t}")], none},
		{"is too short to tell", ask, "It is", "It is 4 C", none},
		{"is noughts, which nobody can count", ask, strings.Repeat("0", 300), strings.Repeat("0", 340), none},
	} {
		c.hold(t)
	}
}

func TestAnchor(t *testing.T) {
	for _, c := range []struct{ name, said, want string }{
		{"nothing", "", ""},
		{"space", " \r\n\t", ""},
		{"short", "It is", "It is"},
		{"its last 40 characters", long, long[len(long)-40:]},
		{"without the space behind it", long + " \r\n", long[len(long)-40:]},
		{"characters, not bytes", kanji, string([]rune(kanji)[len([]rune(kanji))-40:])},
		{"more of it where that stands twice", twice, strings.TrimLeft(twice[len(twice)-80:], whiteSpace)},
		{"what differs in space alone stands twice", strings.ReplaceAll(long[50:], " ", "\n") + " and " + long[50:], strings.ReplaceAll(long[50:], " ", "\n")[len(long[50:])*2+5-80:] + " and " + long[50:]},
		{"laughter", strings.Repeat("ha ", 20), ""},
		{"a table of the same rows", strings.Repeat("| 1 | 2 |\n", 30), ""},
		{"a long text twice", strings.Repeat(long+" "+code+" "+kanji+" ", 2), ""},
	} {
		got := anchor(c.said)
		if c.name == "what differs in space alone stands twice" {
			if len(got) <= 40 || !strings.HasSuffix(c.said, got) {
				t.Errorf("%s: %q", c.name, got)
			}
			continue
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// behaved is what a provider that does as it is told says to go on with a text that was cut; in some of the
// ways in which they do. ok is false where a reader could not tell what it means either.
func behaved(said, rest string, m method, way uint8) (text string, ok bool) {
	space := said[len(trimmed(said)):]
	open := rest == "" || !isSpace(rest[0]) // what rest begins with is no part of the space
	if space == said {
		return said + rest, true
	}
	switch m {
	case methodRegenerate:
		return said + rest, true
	case methodPrefill, methodFinal:
		if way%2 == 1 && open {
			space = ""
		}
		text = space + rest
		n := common([]byte(text), said)
		again := n == len(said) || n >= m.proof() && !strings.Contains(said[1:], said[:n])
		return text, len(said) < m.proof() || !again || strings.Index(said[1:]+said, said) < len(said)-1
	}
	words := anchor(said)
	if way&1 != 0 {
		words = strings.ReplaceAll(words, " ", "\n")
	}
	if way&2 != 0 && open && space != "" {
		if other := []string{"", " ", "\n\n"}[way%3]; !strings.HasPrefix(other, space) { // a longer one is said
			space = other
		}
	}
	if way&4 != 0 {
		words = "So:\n" + words
	}
	return words + space + rest, len(anchor(said)) >= anchorLeast
}

// FuzzSeam holds that no character is lost or doubled: a provider that does as it is told is joined to the
// letter, and one that begins at some other place, or says something else, is joined right or not at all.
func FuzzSeam(f *testing.F) {
	for _, text := range []string{
		long, code, quoted, fenced, twice, kanji, strings.Repeat("ha ", 40), strings.Repeat("0", 200), "a\r\n\r\nb", " ", "\n\nHello, world",
		strings.Repeat("| 1 | 2 |\n", 20) + "| 3 | 4 |", strings.Repeat(code+"\n", 3), "x \U0001F600\U0001F600 y",
	} {
		for cut := 1; cut < len(text); cut += 1 + len(text)/4 {
			for m := methodFinal; m < methods; m++ {
				f.Add(text, uint16(cut), uint8(cut), uint8(m), uint8(cut), "another text, and nothing that was said before")
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string, cut uint16, chunk, how, way uint8, other string) {
		m := methodFinal + method(how)%(methods-methodFinal)
		if !utf8.ValidString(text) || text == "" {
			return
		}
		at := int(cut) % len(text)
		for !utf8.RuneStart(text[at]) {
			at--
		}
		said, rest, step := text[:at], text[at:], 1+int(chunk)
		if said == "" || len(said)-len(trimmed(said)) > spaceMost {
			return
		}
		words := anchor(said)
		if answer, ok := behaved(said, rest, m, way); ok {
			if got, err := join(said, words, m, answer, step); err != nil || got != rest {
				t.Fatalf("%s: %q and %q became %q, %v", m.why(), said, answer, got, err)
			}
		}
		if m != methodRegenerate && m != methodAnchor || trimmed(said) == "" {
			return
		}
		for from := 0; from < at; from += 1 + at/8 { // it begins too early
			if from > 0 && strings.HasPrefix(text[from:], said) {
				continue // one thing over and over: it might be another number of times
			}
			again := strings.TrimLeft(text[from:], whiteSpace)
			p := strings.Index(again, words)
			if from > len(trimmed(said))-len(words) && p >= 0 && strings.HasSuffix(trimmed(said), again[:p]+words) {
				continue // less of the end than was asked for, which comes again at once, reads as all of it
			}
			got, err := join(said, words, m, text[from:], step)
			if right := err == nil && got == rest; !right && (!errors.Is(err, errNoSeam) || got != "") {
				t.Fatalf("%s: %q and %q became %q, %v", m.why(), said, text[from:], got, err)
			}
		}
		if strings.HasPrefix(other, said) || words != "" && strings.Contains(flat(other), flat(words)) {
			return
		}
		if got, err := join(said, words, m, other, step); !errors.Is(err, errNoSeam) || got != "" {
			t.Fatalf("%s: %q and another text, %q, became %q, %v", m.why(), said, other, got, err)
		}
	})
}

// BenchmarkSeam joins 256 KiB to 256 KiB, a few bytes at a time.
func BenchmarkSeam(b *testing.B) {
	words := make([]string, 40<<10)
	for i := range words {
		words[i] = strings.Repeat(string(rune('a'+i%26)), 1+i%11)
	}
	text := strings.Join(words, " ")[:256<<10]
	blanks := text[:200<<10] + " and that is how it came to pass" + strings.Repeat(" ", 100)
	for name, c := range map[string]struct {
		said, text string
		method     method
	}{
		"prefill":    {text, " " + text, methodPrefill},
		"regenerate": {text, text + text, methodRegenerate},
		"anchor":     {text, anchor(text) + text, methodAnchor},
		"blanks":     {blanks, anchor(blanks)[:20] + strings.Repeat(" ", 256<<10), methodAnchor},
		"other":      {text, text[:250<<10] + "!" + text, methodAnchor},
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(c.said) + len(c.text)))
			for b.Loop() {
				_, _ = join(c.said, anchor(c.said), c.method, c.text, 3)
			}
		})
	}
}
