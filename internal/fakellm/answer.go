package fakellm

import (
	"fmt"
	"slices"
	"strings"
)

// answer is what a healthy model says, before it is put into a wire.
type answer struct {
	ask      *ask
	id       string // sixteen hexadecimal digits
	model    string
	created  int64
	thinking []string // chunks
	text     []string // chunks
	calls    []call
	finish   string // stop, length, tool, filter, sequence, or any other word as it is
	stop     string // the stop sequence that ended it
	thinkAs  string
	usage    string // where usage stands; see usages
	prompt, cached,
	reasoning, completion int // tokens; completion counts reasoning too
}

// answerTo composes what a model says to an ask. takeID is used by models that vary.
func answerTo(a *ask, b *Behaviour, seed uint64, takeID uint32) *answer {
	if b.seedSet {
		seed = b.seed
	}
	id := mix(seed ^ mix(uint64(takeID)) ^ uint64(a.textBytes))
	for _, t := range a.turns {
		id = mix(id ^ hash(t.text))
	}
	r := &answer{
		ask: a, id: hex16(id), model: a.model, finish: "stop", thinkAs: b.thinkAs, usage: b.usage,
		prompt: a.prompt(), cached: min(b.cached, a.prompt()),
	}
	think := b.think
	if think == 0 && a.thinking {
		think = 4
	}
	r.thinking = group(tokens(mix(seed+1), think, b.size), b.chunk)
	r.reasoning = think
	r.calls = callsFor(a, b, id)
	var list []string
	if len(r.calls) == 0 || b.tokensSet {
		list = r.cut(speech(a, b, seed, takeID))
	}
	if len(r.calls) > 0 {
		r.finish = "tool"
	}
	if b.finish != "" {
		r.finish = finishWord(b.finish)
	}
	r.completion = think + len(list)
	for _, c := range r.calls {
		r.completion += count(len(c.name) + len(c.args))
	}
	r.text = group(list, b.chunk)
	return r
}

// chunks is how many chunks of content the answer has when it is streamed; an answer that is not
// streamed takes as long as they would.
func (r *answer) chunks() int { return len(r.thinking) + len(r.text) + len(r.calls) }

// speech gives the tokens that the model would say if nothing bounded it.
func speech(a *ask, b *Behaviour, seed uint64, takeID uint32) []string {
	var list []string
	switch results := a.results(); {
	case len(results) > 0:
		var t strings.Builder
		t.WriteString("Tool results:")
		for _, r := range results {
			fmt.Fprintf(&t, " [%s] %s", r.id, r.text)
		}
		list = pieces(t.String())
	case b.echo:
		list = pieces(echo(a.lastUser()))
		for i := len(list); b.tokensSet && i < b.tokens; i++ {
			list = append(list, string(appendToken(nil, mix(seed), i+1, b.size)))
		}
		if b.tokensSet {
			list = list[:b.tokens]
		}
	case a.schema != nil:
		list = pieces(sample(a.schema, 0))
	case b.vary:
		list = take(takeID, b.tokens, b.size)
	default:
		list = tokens(mix(seed), b.tokens, b.size)
	}
	return resume(a, b, list)
}

// echo repeats a user's turn: its text, then its images by count and kind.
func echo(t *turn) string {
	if len(t.images) == 0 {
		return t.text
	}
	kinds := slices.Clone(t.images)
	slices.Sort(kinds)
	note := fmt.Sprintf("[%d images: %s]", len(kinds), strings.Join(kinds, ", "))
	if len(kinds) == 1 {
		note = "[1 image: " + kinds[0] + "]"
	}
	if t.text == "" {
		return note
	}
	return t.text + " " + note
}

// resume goes on from an interrupted answer where the request says so in a way that the model
// honours; else it gives the whole text, as a model does that was not asked in its way.
func resume(a *ask, b *Behaviour, list []string) []string {
	said, repeated := a.said(), ""
	honoured := a.final || (a.prefill && a.wirePrefills())
	if b.honour != "" {
		honoured = a.final && b.honours("final") || a.prefill && b.honours("prefill")
	}
	if !honoured || said == "" {
		if b.honour != "" && !b.honours("anchor") {
			return list
		}
		if said, repeated = a.anchor(); repeated == "" {
			return list
		}
	}
	if id, ok := takeOf(said); ok && b.vary {
		list = take(id, max(b.tokens, 1), b.size)
	}
	rest, ok := after(list, said)
	switch {
	case !ok:
		return list
	case repeated != "":
		return append(pieces(repeated), rest...)
	default:
		return rest
	}
}

func (b *Behaviour) honours(way string) bool {
	return slices.Contains(strings.Split(b.honour, "+"), way)
}

// cut applies the bounds of the request: stop sequences, then the most tokens.
func (r *answer) cut(list []string) []string {
	text := strings.Join(list, "")
	end := len(text)
	for _, s := range r.ask.stops {
		if i := strings.Index(text[:end], s); s != "" && i >= 0 {
			end, r.finish, r.stop = i, "sequence", s
		}
	}
	if r.stop != "" {
		kept := 0
		for i, t := range list {
			if kept+len(t) > end {
				list = append(slices.Clone(list[:i]), t[:end-kept])
				break
			}
			kept += len(t)
		}
		if n := len(list); n > 0 && list[n-1] == "" {
			list = list[:n-1]
		}
	}
	if most := r.ask.maxTokens; most >= 0 && len(list) > most {
		list, r.finish, r.stop = list[:most], "length", ""
	}
	return list
}

// callsFor makes tool calls where the model is one that calls tools, or is forced to.
func callsFor(a *ask, b *Behaviour, id uint64) []call {
	forced := a.named || a.choice == "any"
	if len(a.tools) == 0 || (a.choice == "none" && !a.named) || (!forced && (b.tools == 0 || len(a.results()) > 0)) {
		return nil
	}
	n := max(b.tools, 1)
	if !a.parallel {
		n = 1
	}
	offered := a.tools
	if a.named {
		i := slices.IndexFunc(a.tools, func(t tool) bool { return t.name == a.choice })
		offered = a.tools[i : i+1]
	}
	calls := make([]call, n)
	for i := range calls {
		t := offered[i%len(offered)]
		calls[i] = call{id: hex16(mix(id + uint64(i))), name: t.name, args: arguments(t.schema, i)}
	}
	return calls
}

// finishWord maps the reasons of both vendors to the words of an answer; others stay as they are.
func finishWord(reason string) string {
	for _, row := range finishes {
		if slices.Contains([]string{row.word, row.openai, row.anthropic}, reason) {
			return row.word
		}
	}
	return reason
}

// finishes is how each reason is spelt in both wires. Both vendors' words for stop come first.
var finishes = []struct{ word, openai, anthropic string }{
	{"stop", "stop", "end_turn"},
	{"sequence", "stop", "stop_sequence"},
	{"length", "length", "max_tokens"},
	{"tool", "tool_calls", "tool_use"},
	{"filter", "content_filter", "refusal"},
}

// reason spells why the answer ended in a wire.
func (r *answer) reason(sh shape) string {
	for _, row := range finishes {
		if row.word == r.finish {
			if sh == anthropic {
				return row.anthropic
			}
			return row.openai
		}
	}
	return r.finish
}
