package anthropic

import (
	"errors"

	"fairlead/dialect"
	"fairlead/internal/jsonscan"
	"fairlead/internal/sse"
)

// maxOpen bounds the blocks that a provider may have open at once; the API has one.
const maxOpen = 128

// maxInput bounds the inputs of tools that came with the starts of their blocks and wait for the ends.
const maxInput = 8 << 20

// errNoReason is a message_stop before any reason to stop: the message was cut short, whatever the server
// says, and must not reach a caller as a whole one.
var errNoReason = errors.New("the message stopped without a reason")

// block is an open content block of a stream that is read.
type block struct {
	index int64
	kind  blockKind
	tool  int    // of a tool block: its number
	input string // of a tool block: what to deliver if no delta brings any
}

// decoder reads a stream.
type decoder struct {
	obj      jsonscan.Object
	open     []block
	tools    int
	tally    tally
	finished bool // the reason to stop is known
	stopped  bool // the proper end was seen
}

// NewDecoder makes a reader of one stream.
func (Dialect) NewDecoder() dialect.Decoder { return new(decoder) }

// Complete reports whether the stream came to its proper end: a reason to stop, then message_stop.
func (d *decoder) Complete() bool { return d.stopped }

// Decode appends the events of one frame.
func (d *decoder) Decode(dst []dialect.Event, f sse.Frame) ([]dialect.Event, error) {
	typ, err := scanFrame(&d.obj, &f)
	if err != nil || d.stopped {
		return dst, err
	}
	switch typ {
	case "message_start":
		return d.messageStart(dst), nil
	case "content_block_start":
		return d.blockStart(dst)
	case "content_block_delta":
		return d.blockDelta(dst)
	case "content_block_stop":
		return d.blockStop(dst), nil
	case "message_delta":
		return d.messageDelta(dst)
	case "message_stop":
		if !d.finished {
			return dst, errNoReason
		}
		d.stopped = true
		dst = append(dst, dialect.Event{Kind: dialect.EventEnd})
	}
	return dst, nil
}

func (d *decoder) messageStart(dst []dialect.Event) []dialect.Event {
	m, _ := d.obj.Get("message")
	usage, _ := m.Get("usage")
	d.tally.add(usage)
	return append(dst, dialect.Event{
		Kind: dialect.EventStart, ID: text(m, "id"), Model: text(m, "model"),
		Usage: d.tally.usage, HasUsage: d.tally.seen,
	})
}

// index reads the event's block index; -1 where it has none.
func (d *decoder) index() int64 {
	v, _ := d.obj.Get("index")
	if n, ok := v.Int(); ok {
		return n
	}
	return -1
}

func (d *decoder) blockStart(dst []dialect.Event) ([]dialect.Event, error) {
	if len(d.open) == maxOpen {
		return dst, errors.New("too many content blocks are open")
	}
	v, _ := d.obj.Get("content_block")
	b := block{index: d.index(), kind: kindOf(v)}
	switch b.kind {
	case textBlock:
		dst = appendText(dst, dialect.EventText, v, "text")
	case thinkingBlock:
		dst = appendText(dst, dialect.EventReasoning, v, "thinking")
		dst = appendText(dst, dialect.EventSignature, v, "signature")
	case redactedBlock:
		dst = appendText(dst, dialect.EventRedacted, v, "data")
	case toolBlock:
		b.tool, b.input = d.tools, "{}"
		d.tools++
		if input, _ := v.Get("input"); input.Kind() == jsonscan.KindObject && !empty(input) {
			b.input = string(input)
		}
		if d.waiting(len(b.input)) > maxInput {
			return dst, errors.New("too much tool input waits for the end of its block")
		}
		dst = append(dst, dialect.Event{
			Kind: dialect.EventToolStart, Tool: b.tool, ID: text(v, "id"), Name: text(v, "name"),
		})
	}
	d.open = append(d.open, b)
	return dst, nil
}

// waiting counts the bytes of input that wait, n more among them.
func (d *decoder) waiting(n int) int {
	for i := range d.open {
		n += len(d.open[i].input)
	}
	return n
}

// appendText appends an event with the text of a member, unless that is empty.
func appendText(dst []dialect.Event, kind dialect.EventKind, v jsonscan.Value, name string) []dialect.Event {
	if s := text(v, name); s != "" {
		dst = append(dst, dialect.Event{Kind: kind, Text: s})
	}
	return dst
}

func (d *decoder) blockDelta(dst []dialect.Event) ([]dialect.Event, error) {
	v, _ := d.obj.Get("delta")
	typ, _ := v.Get("type")
	switch string(unquoted(typ)) {
	case "text_delta":
		return appendText(dst, dialect.EventText, v, "text"), nil
	case "thinking_delta":
		return appendText(dst, dialect.EventReasoning, v, "thinking"), nil
	case "signature_delta":
		return appendText(dst, dialect.EventSignature, v, "signature"), nil
	case "input_json_delta":
		return d.inputDelta(dst, text(v, "partial_json"))
	}
	return dst, nil
}

func (d *decoder) inputDelta(dst []dialect.Event, fragment string) ([]dialect.Event, error) {
	b := d.find(d.index())
	if b == nil {
		return dst, errors.New("tool input outside of a block")
	}
	if b.kind != toolBlock || fragment == "" {
		return dst, nil
	}
	b.input = ""
	return append(dst, dialect.Event{Kind: dialect.EventToolInput, Tool: b.tool, Text: fragment}), nil
}

// find gives the open block with an index, nil where there is none.
func (d *decoder) find(index int64) *block {
	for i := len(d.open) - 1; i >= 0; i-- {
		if d.open[i].index == index {
			return &d.open[i]
		}
	}
	return nil
}

func (d *decoder) blockStop(dst []dialect.Event) []dialect.Event {
	index := d.index()
	for i := len(d.open) - 1; i >= 0; i-- {
		if d.open[i].index == index {
			dst = appendInput(dst, &d.open[i])
			d.open = append(d.open[:i], d.open[i+1:]...)
			break
		}
	}
	return dst
}

// appendInput delivers the input of a tool block that ends without any delta.
func appendInput(dst []dialect.Event, b *block) []dialect.Event {
	if b.kind == toolBlock && b.input != "" {
		dst = append(dst, dialect.Event{Kind: dialect.EventToolInput, Tool: b.tool, Text: b.input})
	}
	return dst
}

func (d *decoder) messageDelta(dst []dialect.Event) ([]dialect.Event, error) {
	v, _ := d.obj.Get("delta")
	reason, _ := v.Get("stop_reason")
	if is(reason, "error") {
		return dst, errorReason()
	}
	if !d.finished && reason.Truthy() {
		d.finished = true
		for i := range d.open { // a server that does not stop its blocks
			dst = appendInput(dst, &d.open[i])
		}
		d.open = nil
		details, _ := v.Get("stop_details")
		dst = append(dst, dialect.Event{
			Kind: dialect.EventFinish, Finish: finish(reason),
			StopSequence: text(v, "stop_sequence"), Text: text(details, "explanation"),
		})
	}
	usage, _ := d.obj.Get("usage")
	d.tally.add(usage)
	if d.tally.seen {
		dst = append(dst, dialect.Event{Kind: dialect.EventUsage, Usage: d.tally.usage, HasUsage: true})
	}
	return dst, nil
}
