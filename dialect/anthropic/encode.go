package anthropic

import (
	"strconv"

	"fairlead"
	"fairlead/dialect"
)

// encoder writes a stream. The API's blocks never overlap, but the tool calls of other dialects may come
// interleaved, and text may come between them. So the encoder keeps a queue of blocks in the order in
// which they began: the first one is open and written as it comes, the others wait with what they were
// sent. Text and thinking end when anything else begins. A tool call ends when something waits behind it
// and its input is a whole JSON object, after which nothing of it can follow, or when the answer is
// finished. What is held back is what the provider sent for the blocks that wait, and Held counts it: where
// the input of a call never becomes whole there is no end to it.
//
// message_delta waits for the usage, which other dialects send after the reason to stop. An end without
// a reason to stop writes nothing: the caller must not take a cut stream for a whole one.
type encoder struct {
	o        dialect.EncodeOptions
	id       string
	started  bool
	queue    []*pending
	tools    map[int]*pending // of the queue, by number
	held     int              // what the blocks that wait cost
	index    int              // of the next block to open
	calls    int
	usage    fairlead.Usage
	why      ending
	finished bool
	told     bool // message_delta is written, with the usage as it is
	ended    bool
	mark     []byte // the member "fairlead" of the last events; nil = none
}

// NewEncoder makes a writer of one stream.
func (Dialect) NewEncoder(o dialect.EncodeOptions) dialect.Encoder { return &encoder{o: o} }

// blockCost is about what a block that waits takes beside its texts: itself, its places in the queue and in
// the map, and what short texts are rounded up to.
const blockCost = 320

// Held is what the blocks that wait take, in bytes.
func (e *encoder) Held() int { return e.held }

// Encode appends the frames of one event.
func (e *encoder) Encode(dst []byte, ev dialect.Event) []byte {
	if e.ended {
		return dst
	}
	if !e.started {
		dst = e.messageStart(dst, &ev)
	}
	switch ev.Kind {
	case dialect.EventText:
		dst = e.delta(dst, textBlock, ev.Text)
	case dialect.EventReasoning:
		dst = e.delta(dst, thinkingBlock, ev.Text)
	case dialect.EventRefusal:
		e.why.refused = true
		dst = e.delta(dst, refusalBlock, ev.Text)
	case dialect.EventSignature:
		dst = e.signature(dst, ev.Text)
	case dialect.EventRedacted:
		dst = e.push(dst, &pending{kind: redactedBlock, held: []byte(ev.Text)})
	case dialect.EventToolStart:
		dst = e.toolStart(dst, &ev)
	case dialect.EventToolInput:
		dst = e.toolInput(dst, &ev)
	case dialect.EventFinish:
		dst = e.finish(dst, &ev)
	case dialect.EventUsage:
		e.told = e.told && e.usage == ev.Usage
		e.usage = ev.Usage
		if e.finished {
			dst = e.messageDelta(dst)
		}
	case dialect.EventEnd:
		dst = e.end(dst)
	}
	return dst
}

func (e *encoder) messageStart(dst []byte, ev *dialect.Event) []byte {
	e.started = true
	model := e.o.Model
	e.id = e.o.RequestID
	if ev.Kind == dialect.EventStart {
		if ev.ID != "" {
			e.id = ev.ID
		}
		if ev.Model != "" {
			model = ev.Model
		}
		if ev.HasUsage {
			e.usage = ev.Usage
		}
	}
	w := writer{buf: append(dst, "event: message_start\ndata: "...)}
	w.raw(`{"type":"message_start","message":{`)
	w.str("id", messageID(e.id))
	w.raw(`,"type":"message","role":"assistant"`)
	w.str("model", model)
	w.raw(`,"content":[],"stop_reason":null,"stop_sequence":null,"usage":`)
	writeUsage(&w, e.usage)
	w.raw("}}\n\n")
	return w.buf
}

// tail gives the block that began last, nil where there is none.
func (e *encoder) tail() *pending {
	if len(e.queue) == 0 {
		return nil
	}
	return e.queue[len(e.queue)-1]
}

// push puts a block at the end of the queue. After message_delta none can be written.
func (e *encoder) push(dst []byte, p *pending) []byte {
	if e.told {
		return dst
	}
	if p.kind == toolBlock {
		if e.tools == nil {
			e.tools = map[int]*pending{}
		}
		e.tools[p.tool] = p
	}
	e.queue = append(e.queue, p)
	e.held += p.cost()
	if len(e.queue) == 1 {
		return e.open(dst, p)
	}
	return e.advance(dst, false)
}

// advance ends the first block and opens the next, as long as it may and something waits; with all it
// ends every one.
func (e *encoder) advance(dst []byte, all bool) []byte {
	for len(e.queue) > 0 {
		p := e.queue[0]
		if !all && (len(e.queue) == 1 || p.kind == toolBlock && !p.json.whole()) {
			break
		}
		if p.kind == toolBlock && p.json.state == unbegun {
			dst = e.blockDelta(dst, toolBlock, "{}") // some clients parse what they were sent, and "" is not JSON
		}
		dst = append(dst, "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":"...)
		dst = strconv.AppendInt(dst, int64(e.index-1), 10)
		dst = append(dst, "}\n\n"...)
		if p.kind == toolBlock {
			delete(e.tools, p.tool)
		}
		e.queue[0] = nil
		if e.queue = e.queue[1:]; len(e.queue) > 0 {
			dst = e.open(dst, e.queue[0])
		}
	}
	if len(e.queue) == 0 {
		e.queue = nil
	}
	return dst
}

// delta adds text to the block that began last where it is of the kind, else to a new one.
func (e *encoder) delta(dst []byte, kind blockKind, s string) []byte {
	if s == "" {
		return dst
	}
	if p := e.tail(); p != nil && p.kind == kind && !p.signed {
		return e.add(dst, p, s)
	}
	return e.push(dst, &pending{kind: kind, held: []byte(s)})
}

// add gives a block more: written where it is open, else held.
func (e *encoder) add(dst []byte, p *pending, s string) []byte {
	if p == e.queue[0] {
		return e.blockDelta(dst, p.kind, s)
	}
	p.held = append(p.held, s...)
	e.held += len(s)
	return dst
}

// signature signs the thinking that began last. Thinking that is withheld has a signature all the same.
func (e *encoder) signature(dst []byte, s string) []byte {
	p := e.tail()
	switch {
	case s == "":
		return dst
	case p == nil || p.kind != thinkingBlock || p.signed:
		return e.push(dst, &pending{kind: thinkingBlock, signature: s, signed: true})
	}
	p.signed = true
	if p == e.queue[0] {
		return e.signatureDelta(dst, s)
	}
	p.signature = s
	e.held += len(s)
	return dst
}

func (e *encoder) toolStart(dst []byte, ev *dialect.Event) []byte {
	if e.tools[ev.Tool] != nil {
		return dst
	}
	p := &pending{kind: toolBlock, tool: ev.Tool, id: callID(ev.ID, e.id, e.calls), name: ev.Name}
	e.calls++
	e.why.tools = true
	return e.push(dst, p)
}

// toolInput adds to a tool's input. What comes for a tool whose whole input was already written is not
// part of it and dropped.
func (e *encoder) toolInput(dst []byte, ev *dialect.Event) []byte {
	p := e.tools[ev.Tool]
	if p == nil || ev.Text == "" || e.told {
		return dst
	}
	p.json.add(ev.Text)
	dst = e.add(dst, p, ev.Text)
	return e.advance(dst, false)
}

func (e *encoder) finish(dst []byte, ev *dialect.Event) []byte {
	if e.finished {
		return dst
	}
	e.finished = true
	e.why.finish, e.why.sequence, e.why.explanation = ev.Finish, ev.StopSequence, ev.Text
	return e.advance(dst, true)
}

// messageDelta says why the answer stopped and what it used.
func (e *encoder) messageDelta(dst []byte) []byte {
	if e.told {
		return dst
	}
	e.told = true
	w := writer{buf: append(e.advance(dst, true), "event: message_delta\ndata: "...)}
	w.raw(`{"type":"message_delta","delta":{`)
	writeEnding(&w, e.why)
	w.raw(`},"usage":`)
	writeUsage(&w, e.usage)
	w.json("fairlead", e.mark)
	w.raw("}\n\n")
	return w.buf
}

func (e *encoder) end(dst []byte) []byte {
	e.ended = true
	if !e.finished {
		return dst
	}
	w := writer{buf: append(e.messageDelta(dst), "event: message_stop\ndata: {\"type\":\"message_stop\""...)}
	w.json("fairlead", e.mark)
	w.raw("}\n\n")
	return w.buf
}
