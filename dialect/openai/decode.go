package openai

import (
	"fmt"

	"fairlead/dialect"
	"fairlead/internal/jsonscan"
	"fairlead/internal/sse"
)

const (
	maxCalls = 1024    // tool calls of one answer
	maxHeld  = 4 << 10 // bytes of arguments before their call's name
	maxIDs   = 1 << 20 // bytes of all ids together: some proxies put a signature of kilobytes into each
)

// NewDecoder makes a decoder for one stream of chat completion chunks.
func (Dialect) NewDecoder() dialect.Decoder { return &decoder{} }

// decoder reads the first choice of a stream.
type decoder struct {
	chunk
	id       string // of the answer
	started  bool
	finished bool
	ended    bool
	calls    []streamedCall
	ids      int // bytes of their ids
}

// streamedCall is a tool call whose fragments are coming in.
type streamedCall struct {
	index   int64 // as the server counts, noIndex where it does not
	id      string
	started bool   // its EventToolStart was given
	held    string // arguments that came before its name
}

// Indexes that no server sends.
const (
	noIndex     = -1
	legacyIndex = -2 // function_call
)

// Decode gives the events of one frame.
func (d *decoder) Decode(dst []dialect.Event, f sse.Frame) ([]dialect.Event, error) {
	if f.Comment() {
		return dst, nil
	}
	switch kind, err := d.chunk.read(f); {
	case err != nil:
		return dst, err
	case kind == kindDone:
		if d.finished && !d.ended {
			d.ended = true
			dst = append(dst, dialect.Event{Kind: dialect.EventEnd})
		}
		return dst, nil
	case kind == kindNothing:
		return dst, nil
	}
	if err := d.chat(); err != nil {
		return dst, err
	}
	var c choice
	w := d.choices.Walk()
	for ok := w.Array(); ok; ok = w.More() {
		if err := c.read(&w); err != nil {
			return dst, err
		}
		dst = d.start(dst)
		if c.index != 0 || d.finished {
			continue
		}
		var err error
		if dst, err = d.choice(dst, &c); err != nil {
			return dst, err
		}
	}
	if u, ok := readUsage(d.usage); ok {
		dst = d.start(dst)
		dst = append(dst, dialect.Event{Kind: dialect.EventUsage, Usage: u, HasUsage: true})
	}
	return dst, nil
}

// Complete reports whether a finish_reason was seen.
func (d *decoder) Complete() bool { return d.finished }

// start begins the answer with the first chunk that says something: Azure's first has no id.
func (d *decoder) start(dst []dialect.Event) []dialect.Event {
	if d.started {
		return dst
	}
	d.started = true
	e := dialect.Event{Kind: dialect.EventStart, Created: createdOf(d.created)}
	e.ID, _ = d.chunk.id.Text()
	e.Model, _ = d.model.Text()
	d.id = e.ID
	return append(dst, e)
}

// choice gives the events of one delta: reasoning, text, refusal, tool calls, finish.
func (d *decoder) choice(dst []dialect.Event, c *choice) ([]dialect.Event, error) {
	t := &c.turn
	dst = t.reasoningEvents(dst)
	pieces, err := contentPieces(t.content)
	if err != nil {
		return dst, err
	}
	for _, p := range pieces {
		kind := dialect.EventText
		if p.thinking {
			kind = dialect.EventReasoning
		}
		dst = textEvent(dst, kind, p.text)
	}
	refusal, _ := t.refusal.Text()
	dst = textEvent(dst, dialect.EventRefusal, refusal)
	for v := range t.toolCalls.Elements() {
		if dst, err = d.fragment(dst, v); err != nil {
			return dst, err
		}
	}
	if t.functionCall != nil {
		if dst, err = d.function(dst, legacyIndex, "", t.functionCall); err != nil {
			return dst, err
		}
	}
	if !c.finished {
		return dst, nil
	}
	return d.finish(dst, c.finish)
}

func textEvent(dst []dialect.Event, kind dialect.EventKind, text string) []dialect.Event {
	if text == "" {
		return dst
	}
	return append(dst, dialect.Event{Kind: kind, Text: text})
}

// reasoningEvents gives the reasoning of a delta. Where it comes both as plain text and in details, the
// details add signatures and encrypted reasoning only.
func (t *turn) reasoningEvents(dst []dialect.Event) []dialect.Event {
	plain, _ := t.reasoning.Text()
	dst = textEvent(dst, dialect.EventReasoning, plain)
	for v := range t.details.Elements() {
		d, ok := readDetail(v)
		switch {
		case !ok:
			continue
		case d.encrypted:
			dst = append(dst, dialect.Event{Kind: dialect.EventRedacted, Text: d.data})
			continue
		case plain == "":
			dst = textEvent(dst, dialect.EventReasoning, d.text)
		}
		dst = textEvent(dst, dialect.EventSignature, d.signature)
	}
	return dst
}

// fragment reads an element of tool_calls.
func (d *decoder) fragment(dst []dialect.Event, v jsonscan.Value) ([]dialect.Event, error) {
	if v.Kind() != jsonscan.KindObject {
		return dst, fmt.Errorf("read tool call: %w", errMalformed)
	}
	index := int64(noIndex)
	if i, ok := v.Get("index"); ok && !i.IsNull() {
		if index, ok = i.Int(); !ok || index < 0 {
			return dst, fmt.Errorf("read tool call index: %w", errMalformed)
		}
	}
	id, _ := textOf(v, "id")
	f, _ := v.Get("function")
	return d.function(dst, index, id, f)
}

// function gives the events of a call's fragment.
func (d *decoder) function(dst []dialect.Event, index int64, id string, f jsonscan.Value) ([]dialect.Event, error) {
	name, _ := textOf(f, "name")
	n := d.find(index, id, name)
	if n == maxCalls {
		return dst, fmt.Errorf("read tool calls: more than %d: %w", maxCalls, errMalformed)
	}
	if n == len(d.calls) {
		d.calls = append(d.calls, streamedCall{index: index})
	}
	c := &d.calls[n]
	if c.id == "" {
		c.id = id
		d.ids += len(id)
	}
	if d.ids > maxIDs {
		return dst, fmt.Errorf("read tool calls: ids of more than %d bytes: %w", maxIDs, errMalformed)
	}
	input, _ := f.Get("arguments")
	fragment, ok := input.Text()
	if !ok && input.Kind() == jsonscan.KindObject {
		fragment = string(input)
	}
	if !c.started {
		if name == "" {
			if c.held += fragment; len(c.held) > maxHeld {
				return dst, fmt.Errorf("read tool call: no name: %w", errMalformed)
			}
			return dst, nil
		}
		c.started = true
		if c.id == "" {
			c.id = callID(d.id, n)
		}
		dst = append(dst, dialect.Event{Kind: dialect.EventToolStart, Tool: n, ID: c.id, Name: name})
		fragment, c.held = c.held+fragment, ""
	}
	if fragment != "" {
		dst = append(dst, dialect.Event{Kind: dialect.EventToolInput, Tool: n, Text: fragment})
	}
	return dst, nil
}

// find gives the number of the call that a fragment belongs to, or the next one. Some servers count all
// calls as 0 and tell them apart by id; some do not count and send each call whole.
func (d *decoder) find(index int64, id, name string) int {
	for n := len(d.calls) - 1; n >= 0; n-- {
		c := &d.calls[n]
		switch {
		case c.index != index:
			continue
		case index == noIndex && id == "" && name != "" && c.started:
			return len(d.calls)
		case id != "" && c.id != "" && id != c.id && (name != "" || index == noIndex):
			if index == noIndex {
				continue
			}
			return len(d.calls)
		}
		return n
	}
	return len(d.calls)
}

// finish ends the answer. A call that never got its name cannot be made.
func (d *decoder) finish(dst []dialect.Event, f dialect.Finish) ([]dialect.Event, error) {
	for i := range d.calls {
		if !d.calls[i].started {
			return dst, fmt.Errorf("read tool call: no name: %w", errMalformed)
		}
	}
	if f == dialect.FinishStop && len(d.calls) > 0 {
		f = dialect.FinishTools
	}
	d.finished = true
	return append(dst, dialect.Event{Kind: dialect.EventFinish, Finish: f}), nil
}
