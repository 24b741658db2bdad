package fakellm

import (
	"strings"
)

// ask is what a request wants, whichever wire it came by.
type ask struct {
	wire         shape
	model        string
	stream       bool
	includeUsage bool
	turns        []turn
	textBytes    int // of every text in the request
	images       int // in the request

	tools    []tool
	choice   string // auto, none, any, or the name of a tool
	named    bool   // choice is a name
	parallel bool

	maxTokens int // -1 = no bound
	stops     []string
	n         int
	thinking  bool
	schema    any  // of the JSON that is wanted; nil = text
	prefill   bool // the wire's way to have the last assistant turn continued was used
	final     bool // that way was continue_final_message or prefix
	inputs    []string
	dims      int
	base64    bool
}

// turn is one message.
type turn struct {
	role    string // system, user, assistant or tool
	text    string
	images  []string // media type, or the scheme of a URL
	calls   []call
	results []result
	first   string // the type of the first block, Anthropic only
}

type tool struct {
	name   string
	schema any
}

type call struct{ id, name, args string }

type result struct{ id, text string }

// prompt counts the tokens of the request: its texts by four bytes, and 85 for an image.
func (a *ask) prompt() int { return count(a.textBytes) + 85*a.images }

// add appends a turn and counts it.
func (a *ask) add(t turn) {
	a.textBytes += len(t.text)
	for _, c := range t.calls {
		a.textBytes += len(c.args)
	}
	for _, r := range t.results {
		a.textBytes += len(r.text)
	}
	a.images += len(t.images)
	a.turns = append(a.turns, t)
}

// lastUser is what an echo answers: the texts and images of the last user turn.
func (a *ask) lastUser() *turn {
	for i := len(a.turns) - 1; i >= 0; i-- {
		if a.turns[i].role == "user" && (a.turns[i].text != "" || len(a.turns[i].images) > 0) {
			return &a.turns[i]
		}
	}
	return &turn{}
}

// results are the tool results that no assistant turn has answered yet.
func (a *ask) results() []result {
	var list []result
	for i := len(a.turns) - 1; i >= 0 && a.turns[i].role != "assistant"; i-- {
		list = append(append([]result(nil), a.turns[i].results...), list...)
	}
	return list
}

// said is the text of a trailing assistant turn.
func (a *ask) said() string {
	if n := len(a.turns); n > 0 && a.turns[n-1].role == "assistant" {
		return a.turns[n-1].text
	}
	return ""
}

// leastAnchor is the shortest part of an interrupted text that counts as an anchor, in bytes.
const leastAnchor = 12

// anchor finds an instruction to go on: an assistant turn, then a user turn that quotes its end. It
// gives the interrupted text and the longest end of it that the user quotes.
func (a *ask) anchor() (said, quoted string) {
	n := len(a.turns)
	if n < 2 || a.turns[n-1].role != "user" || a.turns[n-2].role != "assistant" {
		return "", ""
	}
	said, user := a.turns[n-2].text, a.turns[n-1].text
	for i := max(0, len(said)-400); i <= len(said)-leastAnchor; i++ {
		if strings.Contains(user, said[i:]) {
			return said, said[i:]
		}
	}
	return "", ""
}

// wirePrefills reports whether the wire has a trailing assistant turn continued without more ado:
// Anthropic's does, OpenAI's does not.
func (a *ask) wirePrefills() bool { return a.wire == anthropic }
