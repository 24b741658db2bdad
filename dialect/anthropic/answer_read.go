package anthropic

import (
	"errors"
	"fmt"
	"strconv"

	"fairlead"
	"fairlead/dialect"
	"fairlead/internal/jsonscan"
)

var (
	errNotMessage = errors.New("not a message")
	// errHalf is a message without a reason to stop: half of one, whatever the status says.
	errHalf = fmt.Errorf("read stop_reason: %w", errNoReason)
)

// ReadAnswer reads the body of a message.
func (Dialect) ReadAnswer(body []byte) (*dialect.Answer, error) {
	var o jsonscan.Object
	content, err := message(&o, body)
	if err != nil {
		return nil, err
	}
	a := new(dialect.Answer)
	v, _ := o.Get("id")
	a.ID, _ = v.Text()
	v, _ = o.Get("model")
	a.Model, _ = v.Text()
	for b := range content.Elements() {
		part, ok, err := answerPart(b)
		if err != nil {
			return nil, err
		}
		if ok {
			a.Parts = append(a.Parts, part)
		}
		if len(a.Parts) > maxParts {
			return nil, fmt.Errorf("read content: too many blocks: %w", errNotMessage)
		}
	}
	reason, _ := o.Get("stop_reason")
	if !reason.Truthy() {
		return nil, errHalf
	}
	a.Finish = finish(reason)
	v, _ = o.Get("stop_sequence")
	a.StopSequence, _ = v.Text()
	details, _ := o.Get("stop_details")
	if s := text(details, "explanation"); s != "" {
		a.Parts = append(a.Parts, dialect.Part{Kind: dialect.PartRefusal, Text: s})
	}
	usage, _ := o.Get("usage")
	a.Usage, a.HasUsage = Dialect{}.ReadUsage(usage)
	return a, nil
}

// message scans an answer of the messages operation and gives its content. An error of the provider's
// that came with a status of 200 is a *dialect.Fault.
func message(o *jsonscan.Object, body []byte) (jsonscan.Value, error) {
	if err := o.Scan(body); err != nil {
		return nil, fmt.Errorf("scan message: %w", err)
	}
	if f := errorInside(o); f != nil {
		return nil, f
	}
	content, _ := o.Get("content")
	if content.Kind() != jsonscan.KindArray {
		return nil, errNotMessage
	}
	if reason, _ := o.Get("stop_reason"); is(reason, "error") {
		return nil, errorReason()
	}
	return content, nil
}

// errorReason is the fault of an answer that ends with the reason "error": the API has none like it,
// but servers that imitate it end so what they could not finish.
func errorReason() *dialect.Fault {
	return &dialect.Fault{Status: 502, Type: "stop_reason", Code: "error", Message: "the answer ended with stop_reason error"}
}

// errorInside finds an error in what should be an answer or an event.
func errorInside(o *jsonscan.Object) *dialect.Fault {
	typ, _ := o.Get("type")
	inner, _ := o.Get("error")
	if !is(typ, "error") && !inner.Truthy() {
		return nil
	}
	f := readFault(o)
	f.Status = statusOf(f)
	return f
}

// answerPart reads one block of an answer; ok is false for those that the neutral form has no part for.
func answerPart(v jsonscan.Value) (p dialect.Part, ok bool, err error) {
	switch text(v, "type") {
	case "text":
		p = dialect.Part{Kind: dialect.PartText, Text: text(v, "text")}
		ok = p.Text != ""
	case "thinking":
		p = dialect.Part{Kind: dialect.PartThinking, Text: text(v, "thinking"), Signature: text(v, "signature")}
		ok = p.Text != "" || p.Signature != ""
	case "redacted_thinking":
		p = dialect.Part{Kind: dialect.PartRedacted, Data: text(v, "data")}
		ok = p.Data != ""
	case "tool_use":
		if p, err = readToolUse(v); err != nil {
			return p, false, fmt.Errorf("read tool_use: %w", errNotMessage)
		}
		ok = true
	}
	return p, ok, nil
}

// finish reads a stop_reason. A reason that is not known is FinishUnknown.
func finish(reason jsonscan.Value) dialect.Finish {
	s, _ := reason.Text()
	switch s {
	case "end_turn", "stop_sequence", "pause_turn":
		return dialect.FinishStop
	case "max_tokens", "model_context_window_exceeded":
		return dialect.FinishLength
	case "tool_use":
		return dialect.FinishTools
	case "refusal":
		return dialect.FinishFilter
	}
	return dialect.FinishUnknown
}

// ReadUsage reads a usage object.
func (Dialect) ReadUsage(v jsonscan.Value) (fairlead.Usage, bool) {
	var t tally
	t.add(v)
	return t.usage, t.seen
}

// maxTokens bounds every count of tokens: no model comes near, and sums of them stay exact.
const maxTokens = 1 << 40

// tally keeps the usage of one answer. The counts of a stream are totals so far, of which the last
// stands; but an absent count, or a 0 from servers that know it only at the start, takes nothing away.
type tally struct {
	usage fairlead.Usage
	seen  bool
}

// add reads a usage object; any other value changes nothing.
func (t *tally) add(v jsonscan.Value) {
	if v.Kind() != jsonscan.KindObject {
		return
	}
	for name, m := range v.Members() {
		switch string(name) {
		case "input_tokens":
			t.count(&t.usage.Input, m)
		case "cache_read_input_tokens":
			t.count(&t.usage.CacheRead, m)
		case "cache_creation_input_tokens":
			t.count(&t.usage.CacheWrite, m)
		case "output_tokens":
			t.count(&t.usage.Output, m)
		case "output_tokens_details":
			if n, ok := m.Get("thinking_tokens"); ok {
				t.count(&t.usage.Reasoning, n)
			}
		}
	}
}

func (t *tally) count(dst *int64, v jsonscan.Value) {
	n, ok := v.Int()
	if !ok && v.Kind() == jsonscan.KindNumber { // a float, or past 64 bits
		f, err := strconv.ParseFloat(string(v), 64)
		n, ok = int64(min(max(f, -1), maxTokens)), err == nil
	}
	if !ok || n < 0 {
		return
	}
	t.seen = true
	if n > 0 {
		*dst = min(n, maxTokens)
	}
}

// Inspect looks at an answer that passes unchanged. Counting tokens consumes none: its usage is 0.
func (Dialect) Inspect(op fairlead.Operation, body []byte, o *jsonscan.Object) (dialect.Inspection, error) {
	var in dialect.Inspection
	if op == fairlead.OpCountTokens {
		in.HasUsage = true
		return in, countTokens(o, body)
	}
	content, err := message(o, body)
	if err != nil {
		return in, err
	}
	blocks := 0
	for b := range content.Elements() {
		n, some := blockBytes(b)
		in.Bytes += n
		if some {
			blocks++
		}
	}
	reason, _ := o.Get("stop_reason")
	if !reason.Truthy() {
		return in, errHalf
	}
	end := finish(reason)
	in.Silent = blocks == 0 && end != dialect.FinishLength
	in.Empty = blocks == 0 && end == dialect.FinishStop
	usage, _ := o.Get("usage")
	in.Usage, in.HasUsage = Dialect{}.ReadUsage(usage)
	return in, nil
}

// blockBytes counts the text, thinking and tool input of a block; some is false where it holds nothing.
func blockBytes(v jsonscan.Value) (n int, some bool) {
	typ, _ := v.Get("type")
	switch {
	case is(typ, "text"):
		m, _ := v.Get("text")
		n = m.StringBytes()
	case is(typ, "thinking"):
		m, _ := v.Get("thinking")
		n = m.StringBytes()
	case is(typ, "tool_use"), is(typ, "server_tool_use"):
		m, _ := v.Get("input")
		return len(m), true
	default:
		return 0, true
	}
	return n, n > 0
}

func countTokens(o *jsonscan.Object, body []byte) error {
	if err := o.Scan(body); err != nil {
		return fmt.Errorf("scan token count: %w", err)
	}
	if f := errorInside(o); f != nil {
		return f
	}
	v, _ := o.Get("input_tokens")
	if n, ok := v.Int(); !ok || n < 0 {
		return errors.New("not a token count")
	}
	return nil
}
