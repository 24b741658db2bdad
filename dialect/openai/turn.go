package openai

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"fairlead/dialect"
	"fairlead/internal/jsonscan"
)

// turn is what a message, or the delta of one, holds, as it stands on the wire. Members that are absent
// or null are nil. Requests, answers and streams share it.
type turn struct {
	role, content, refusal, audio, images jsonscan.Value
	annotations                           jsonscan.Value // sources of the text
	reasoning                             jsonscan.Value // reasoning, else reasoning_content
	details                               jsonscan.Value // reasoning_details
	toolCalls, functionCall               jsonscan.Value
	toolCallID                            jsonscan.Value
	name                                  jsonscan.Value
	contentBytes                          int // of content that is a string
}

// turnOf reads a message of a request.
func turnOf(v jsonscan.Value) (t turn) {
	w := v.Walk()
	t.read(&w)
	return t
}

// read reads the message or delta that the walk has come to; nothing where it is no object.
func (t *turn) read(w *jsonscan.Walk) {
	*t = turn{}
	for ok := w.Object(); ok; ok = w.More() {
		name := w.Name()
		if w.Kind() == jsonscan.KindNull {
			continue
		}
		if string(name) == "content" {
			t.content, t.contentBytes = w.Text()
			continue
		}
		v := w.Value()
		switch string(name) {
		case "role":
			t.role = v
		case "refusal":
			t.refusal = v
		case "reasoning":
			if v.Truthy() {
				t.reasoning = v
			}
		case "reasoning_content":
			if !t.reasoning.Truthy() {
				t.reasoning = v
			}
		case "reasoning_details":
			t.details = v
		case "tool_calls":
			t.toolCalls = v
		case "function_call":
			t.functionCall = v
		case "tool_call_id":
			t.toolCallID = v
		case "name":
			t.name = v
		case "audio":
			t.audio = v
		case "images":
			t.images = v
		case "annotations":
			t.annotations = v
		}
	}
}

// plain reports whether the turn has nothing of what a text delta lacks.
func (t *turn) plain() bool {
	return t.refusal == nil && t.reasoning == nil && t.details == nil && t.toolCalls == nil &&
		t.functionCall == nil && t.audio == nil && t.images == nil && t.annotations == nil
}

// detail is one entry of reasoning_details.
type detail struct {
	text, signature string
	data            string // of reasoning.encrypted
	encrypted       bool
	index           string // as it stands on the wire; "" = none
}

// readDetail reads an entry; ok is false for one of a kind that is not known.
func readDetail(v jsonscan.Value) (d detail, ok bool) {
	kind, _ := textOf(v, "type")
	if index, has := v.Get("index"); has && !index.IsNull() {
		d.index = string(index)
	}
	switch kind {
	case "reasoning.text":
		d.text, _ = textOf(v, "text")
		d.signature, _ = textOf(v, "signature")
		return d, true
	case "reasoning.summary":
		d.text, _ = textOf(v, "summary")
		return d, true
	case "reasoning.encrypted":
		d.encrypted = true
		d.data, _ = textOf(v, "data")
		return d, true
	}
	return d, false
}

// textOf gives a member that is a string; "" and false where it is none.
func textOf(v jsonscan.Value, name string) (string, bool) {
	m, _ := v.Get(name)
	return m.Text()
}

// thinking reads the reasoning of a whole message, in order.
func (t *turn) thinking() []dialect.Part {
	var parts []dialect.Part
	var fragments []string   // of the last part's text
	index, open := "", false // of the last part; whether another fragment may belong to it
	flush := func() {
		if len(fragments) > 0 {
			parts[len(parts)-1].Text = strings.Join(fragments, "")
			fragments = fragments[:0]
		}
	}
	for e := range t.details.Elements() {
		d, ok := readDetail(e)
		if !ok {
			continue
		}
		if len(parts) > maxParts {
			break // a request with so many is refused, and no provider thinks in so many pieces
		}
		if d.encrypted {
			flush()
			parts = append(parts, dialect.Part{Kind: dialect.PartRedacted, Data: d.data})
			open = false
			continue
		}
		if !open || index != d.index {
			flush()
			parts = append(parts, dialect.Part{Kind: dialect.PartThinking})
		}
		fragments = append(fragments, d.text)
		parts[len(parts)-1].Signature = d.signature
		index, open = d.index, d.signature == ""
	}
	flush()
	return t.withPlain(parts)
}

// withPlain puts plain reasoning into parts whose details carry no text.
func (t *turn) withPlain(parts []dialect.Part) []dialect.Part {
	plain, _ := t.reasoning.Text()
	if plain == "" || slices.ContainsFunc(parts, func(p dialect.Part) bool { return p.Text != "" }) {
		return parts
	}
	for i := range parts {
		if parts[i].Kind == dialect.PartThinking {
			parts[i].Text = plain
			return parts
		}
	}
	return append([]dialect.Part{{Kind: dialect.PartThinking, Text: plain}}, parts...)
}

// call is one whole tool call.
type call struct {
	id, name  string
	arguments jsonscan.Value
}

// readCall reads a call of tool_calls; ok is false for one that is no function with a name.
func readCall(v jsonscan.Value) (c call, ok bool) {
	if kind, has := textOf(v, "type"); has && kind != "" && kind != "function" {
		return c, false
	}
	f, _ := v.Get("function")
	c, ok = readFunctionOf(f)
	c.id, _ = textOf(v, "id")
	return c, ok
}

// readFunctionOf reads {"name", "arguments"}, which is also the whole of a legacy function_call.
func readFunctionOf(v jsonscan.Value) (c call, ok bool) {
	c.name, _ = textOf(v, "name")
	c.arguments, _ = v.Get("arguments")
	return c, c.name != ""
}

// input gives the call's arguments as a JSON object. ok is false where they are none; raw is their text
// then. Some servers send the object itself where the wire has it in a string.
func (c *call) input() (object json.RawMessage, raw string, ok bool) {
	switch c.arguments.Kind() {
	case 0, jsonscan.KindNull:
		return json.RawMessage("{}"), "", true
	case jsonscan.KindObject:
		return json.RawMessage(c.arguments), "", true
	case jsonscan.KindString:
		raw, _ = c.arguments.Text()
	default:
		return nil, string(c.arguments), false
	}
	trimmed := strings.Trim(raw, " \t\r\n")
	if trimmed == "" || trimmed == "null" {
		return json.RawMessage("{}"), "", true
	}
	if b := []byte(trimmed); b[0] == '{' && json.Valid(b) {
		return b, "", true
	}
	return nil, raw, false
}

// wrapInvalid keeps arguments that are no JSON object in one.
func wrapInvalid(raw string) json.RawMessage {
	b := jsonscan.AppendString([]byte(`{"INVALID_JSON":`), raw)
	return append(b, '}')
}

// blank reports whether a text is nothing but white space.
func blank(b []byte) bool { return len(bytes.TrimSpace(b)) == 0 }
