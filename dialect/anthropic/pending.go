package anthropic

import (
	"strconv"

	"fairlead/internal/jsonscan"
)

// pending is a block of the queue.
type pending struct {
	kind      blockKind
	tool      int
	id, name  string
	held      []byte // text, thinking, data or input that waits
	signature string // that waits
	signed    bool   // nothing may follow a signature
	json      balance
}

// cost is about what the block takes while it waits, in bytes.
func (p *pending) cost() int {
	return blockCost + len(p.id) + len(p.name) + len(p.held) + len(p.signature)
}

// open writes the start of a block and what it holds.
func (e *encoder) open(dst []byte, p *pending) []byte {
	e.held -= p.cost()
	w := writer{buf: append(dst, "event: content_block_start\ndata: "...)}
	w.raw(`{"type":"content_block_start"`)
	w.num("index", int64(e.index))
	e.index++
	w.name("content_block")
	switch p.kind {
	case thinkingBlock:
		w.raw(`{"type":"thinking","thinking":"","signature":""}`)
	case redactedBlock:
		w.raw(`{"type":"redacted_thinking"`)
		w.str("data", string(p.held))
		w.raw("}")
		p.held = nil
	case toolBlock:
		w.raw(`{"type":"tool_use"`)
		w.str("id", p.id)
		w.str("name", p.name)
		w.raw(`,"input":{}}`)
	default:
		w.raw(`{"type":"text","text":""}`)
	}
	w.raw("}\n\n")
	dst = w.buf
	if len(p.held) > 0 {
		dst = e.blockDelta(dst, p.kind, string(p.held))
		p.held = nil
	}
	if p.signature != "" {
		dst = e.signatureDelta(dst, p.signature)
	}
	return dst
}

// blockDelta writes a delta of the open block.
func (e *encoder) blockDelta(dst []byte, kind blockKind, s string) []byte {
	switch kind {
	case thinkingBlock:
		return e.appendDelta(dst, `thinking_delta","thinking":`, s)
	case toolBlock:
		return e.appendDelta(dst, `input_json_delta","partial_json":`, s)
	}
	return e.appendDelta(dst, `text_delta","text":`, s)
}

func (e *encoder) signatureDelta(dst []byte, s string) []byte {
	return e.appendDelta(dst, `signature_delta","signature":`, s)
}

func (e *encoder) appendDelta(dst []byte, head, s string) []byte {
	dst = append(dst, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":"...)
	dst = strconv.AppendInt(dst, int64(e.index-1), 10)
	dst = append(dst, `,"delta":{"type":"`...)
	dst = append(dst, head...)
	dst = jsonscan.AppendString(dst, s)
	return append(dst, "}}\n\n"...)
}

// balance follows the text of a tool's input, in fragments, to the end of its JSON object.
type balance struct {
	depth   int
	state   balanceState
	inText  bool
	escaped bool
}

type balanceState uint8

const (
	unbegun balanceState = iota
	within
	ended
	never // it is no object
)

// whole reports whether the object has ended.
func (b *balance) whole() bool { return b.state == ended }

// add follows one more fragment.
func (b *balance) add(s string) {
	for i := 0; i < len(s) && b.state < ended; i++ {
		b.step(s[i])
	}
}

func (b *balance) step(c byte) {
	switch {
	case b.state == unbegun:
		switch c {
		case ' ', '\t', '\r', '\n':
		case '{':
			b.state, b.depth = within, 1
		default:
			b.state = never
		}
	case b.escaped:
		b.escaped = false
	case b.inText:
		b.escaped = c == '\\'
		b.inText = c != '"'
	case c == '"':
		b.inText = true
	case c == '{' || c == '[':
		b.depth++
	case c == '}' || c == ']':
		if b.depth--; b.depth == 0 {
			b.state = ended
		}
	}
}
