package upstream

import (
	"encoding/json"

	"fairlead"
	"fairlead/dialect"
)

// legs is an answer that is put together of several attempts'.
type legs struct {
	told          *dialect.Told
	request       *dialect.Request // what of it decides whether an answer may be gone on with
	guess         int64            // the prompt as it was estimated, in tokens
	least         int64            // the texts of it alone, likewise: what is reckoned back is not below that
	thinks        bool
	deterministic bool
	encoder       dialect.Encoder // of the caller's stream
	per           fairlead.TokenBytes
	spoke         bool           // the legs before the one under way have given something of an answer
	delivered     int64          // bytes of text and reasoning of the legs before the one under way
	prompt        fairlead.Usage // what the first leg reported, of which the prompt counts
	hasPrompt     bool
	tries         int
	stops         []legStop // of the plan's steps
	method        method    // of the attempt under way
	base          string    // what was said before it
	words         string    // the anchor of that
	anchored      int       // bytes of what was said of which words is the anchor
	doubted       bool      // an attempt had nothing to add
	marks         []mark    // of the legs that were given
}

// legStop is a step of the plan as one that may go on.
type legStop struct {
	asked [methods]bool
	broke bool // it has broken off this answer, or failed to go on with it
}

// mark tells the caller of a leg.
type mark struct {
	Endpoint string `json:"endpoint"`
	Method   string `json:"method"`
	Fallback bool   `json:"fallback,omitempty"`
}

// said is what was said so far.
func (l *legs) said() string {
	if len(l.base) != len(l.told.Text) {
		l.base = string(l.told.Text)
	}
	return l.base
}

// anchor is the end of that, which a provider can be asked to repeat. Neither is asked for while a leg gives its
// text, so that base and words stay what it was asked with.
func (l *legs) anchor() string {
	if said := l.said(); l.anchored != len(said) {
		l.words, l.anchored = anchor(said), len(said)
	}
	return l.words
}

// marked is the value of the member "fairlead" in the answer's last frames.
func (l *legs) marked() []byte {
	text, err := json.Marshal(struct {
		Continued []mark `json:"continued"`
	}{l.marks})
	if err != nil { // it holds nothing but strings
		return nil
	}
	return text
}

// total is the usage of the whole answer: the prompt once, and the output that was delivered. reported is
// the leg's own; of its output skipped bytes were not given to the caller, and neither was its reasoning (thought,
// in bytes, where the provider does not count it apart), for the caller has had some or was not to have any.
// Tokens of the legs before are counted from bytes.
func (l *legs) total(reported fairlead.Usage, skipped, thought int) fairlead.Usage {
	u := reported
	u.Estimated = true
	reasoning := u.Reasoning
	if reasoning == 0 {
		reasoning = l.per.Tokens(int64(thought))
	}
	kept := max(u.Output-reasoning-l.per.Tokens(int64(skipped)), 0)
	u.Reasoning, u.AudioOutput = 0, 0
	u.Output = l.per.Tokens(l.delivered) + kept
	if l.hasPrompt {
		u.Input, u.CacheRead, u.CacheWrite = l.prompt.Input, l.prompt.CacheRead, l.prompt.CacheWrite
		u.AudioInput, u.ImageInput = l.prompt.AudioInput, l.prompt.ImageInput
		return u
	}
	added := l.per.Tokens(int64(l.added()))
	fresh := min(added, u.Input)
	u.Input, u.CacheRead = u.Input-fresh, max(u.CacheRead-(added-fresh), 0)
	u.Input += max(l.least-u.Prompt(), 0)
	return u
}

// estimate is the usage of the whole answer where the leg under way, which has given so many bytes, reports none.
func (l *legs) estimate(given int) fairlead.Usage {
	u := fairlead.Usage{Input: l.guess}
	if l.hasPrompt {
		u = l.prompt
	}
	u.Output, u.Reasoning, u.AudioOutput, u.Estimated = l.per.Tokens(l.delivered+int64(given)), 0, 0, true
	return u
}

// spoken counts the bytes of text in parts.
func spoken(parts []dialect.Part) (n int64) {
	for i := range parts {
		p := &parts[i]
		n += int64(len(p.Text)+len(p.Input)) + spoken(p.Parts)
	}
	return n
}

// promptTexts estimates the tokens of a request's texts.
func promptTexts(r *dialect.Request, per fairlead.TokenBytes) int64 {
	n := spoken(r.System)
	for i := range r.Messages {
		n += spoken(r.Messages[i].Parts)
	}
	return per.Tokens(n)
}

// added is what the request of the leg under way has beside the caller's own, in bytes.
func (l *legs) added() int {
	switch l.method {
	case methodRegenerate:
		return 0
	case methodAnchor:
		return len(trimmed(l.base)) + len(instruction) + len(l.words)
	}
	return len(trimmed(l.base))
}

// expense is what an endpoint will make again, at the operator's expense; 0 where its price is not known.
func (l *legs) expense(e *fairlead.Endpoint, m method) float64 {
	var again int
	switch m {
	case methodRegenerate:
		again = len(l.told.Text)
	case methodAnchor:
		again = len(l.anchor())
	}
	if e.Price == nil {
		return 0
	}
	cost, err := e.Price.Cost(fairlead.Usage{Output: l.per.Tokens(int64(again))})
	if err != nil {
		return 0
	}
	return float64(cost)
}
