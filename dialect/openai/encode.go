package openai

import (
	"fairlead"
	"fairlead/dialect"
)

// NewEncoder makes an encoder for one caller's stream of chat completion chunks.
func (Dialect) NewEncoder(o dialect.EncodeOptions) dialect.Encoder { return &encoder{options: o} }

type encoder struct {
	options  dialect.EncodeOptions
	head     []byte // what every chunk begins with, from the start on
	mark     []byte // the member "fairlead" of the last chunks; nil = none
	block    int64  // number of the reasoning block, for reasoning_details
	thinks   bool   // the block has text and no signature yet
	tools    bool
	finished bool
	total    fairlead.Usage
	hasTotal bool
}

// Encode gives the chunks of one event. [DONE] is written only after a finish: without one the answer did
// not end well, and a caller must not be told that it did.
func (e *encoder) Encode(dst []byte, event dialect.Event) []byte {
	if event.HasUsage {
		e.total, e.hasTotal = event.Usage, true
	}
	switch event.Kind {
	case dialect.EventStart:
		return e.start(dst, event)
	case dialect.EventUsage:
		e.total, e.hasTotal = event.Usage, true
		return dst
	case dialect.EventEnd:
		return e.end(dst)
	}
	if e.head == nil {
		dst = e.start(dst, dialect.Event{})
	}
	w := e.begin(dst)
	reason := ""
	switch event.Kind {
	case dialect.EventText:
		w.text("content", event.Text)
	case dialect.EventRefusal:
		w.text("refusal", event.Text)
	case dialect.EventReasoning, dialect.EventSignature, dialect.EventRedacted:
		e.reasoning(&w, event)
	case dialect.EventToolStart, dialect.EventToolInput:
		e.tools = true
		tool(&w, event)
	case dialect.EventFinish:
		e.finished = true
		w.optional("refusal", event.Text)
		reason = finishReason(event.Finish, e.tools)
	default:
		return dst
	}
	return e.finish(w, reason)
}

// start writes the chunk that says who speaks.
func (e *encoder) start(dst []byte, event dialect.Event) []byte {
	id, model, created := event.ID, event.Model, event.Created
	if id == "" {
		id = "chatcmpl-" + e.options.RequestID
	}
	if model == "" {
		model = e.options.Model
	}
	if created == 0 {
		created = e.options.Created
	}
	e.begun(id, model, created)
	w := e.begin(dst)
	w.text("role", "assistant")
	w.text("content", "")
	return e.finish(w, "")
}

// begun makes what every chunk begins with.
func (e *encoder) begun(id, model string, created int64) {
	head := beginFrame(nil)
	head.open('{')
	head.text("id", id)
	head.text("object", "chat.completion.chunk")
	head.integer("created", created)
	head.text("model", model)
	e.head = head.b
}

// begin opens a chunk with one choice and its delta.
func (e *encoder) begin(dst []byte) writer {
	w := writer{b: append(dst, e.head...), start: len(dst)}
	w.name("choices")
	w.open('[')
	w.open('{')
	w.integer("index", 0)
	w.name("delta")
	w.open('{')
	return w
}

// finish closes what begin opened. Callers that asked for usage get "usage":null until it comes.
func (e *encoder) finish(w writer, reason string) []byte {
	w.close('}')
	if reason == "" {
		w.raw("finish_reason", []byte("null"))
	} else {
		w.text("finish_reason", reason)
	}
	w.close('}')
	w.close(']')
	if e.options.Usage {
		w.raw("usage", []byte("null"))
	}
	if reason != "" {
		w.raw("fairlead", e.mark)
	}
	w.close('}')
	return endFrame(&w)
}

// reasoning writes reasoning both as text, which is read, and as details, which a caller sends back whole.
func (e *encoder) reasoning(w *writer, event dialect.Event) {
	if event.Kind == dialect.EventReasoning {
		w.text("reasoning", event.Text)
	}
	if event.Kind == dialect.EventRedacted && e.thinks {
		e.block++
	}
	w.name("reasoning_details")
	w.open('[')
	w.open('{')
	switch event.Kind {
	case dialect.EventReasoning:
		w.text("type", "reasoning.text")
		w.text("text", event.Text)
	case dialect.EventSignature:
		w.text("type", "reasoning.text")
		w.text("signature", event.Text)
	default:
		w.text("type", "reasoning.encrypted")
		w.text("data", event.Text)
	}
	w.integer("index", e.block)
	w.close('}')
	w.close(']')
	if e.thinks = event.Kind == dialect.EventReasoning; !e.thinks {
		e.block++
	}
}

// tool writes a fragment of a tool call: id, type and name in the first one only.
func tool(w *writer, event dialect.Event) {
	w.name("tool_calls")
	w.open('[')
	w.open('{')
	w.integer("index", int64(event.Tool))
	if event.Kind == dialect.EventToolStart {
		w.text("id", event.ID)
		w.text("type", "function")
	}
	w.name("function")
	w.open('{')
	if event.Kind == dialect.EventToolStart {
		w.text("name", event.Name)
	}
	w.text("arguments", event.Text)
	w.close('}')
	w.close('}')
	w.close(']')
}

// end writes the usage, if it was asked for and is known, and [DONE].
func (e *encoder) end(dst []byte) []byte {
	if !e.finished {
		return dst
	}
	if e.options.Usage && e.hasTotal {
		w := writer{b: append(dst, e.head...), start: len(dst)}
		w.raw("choices", []byte("[]"))
		w.name("usage")
		appendUsage(&w, e.total)
		w.raw("fairlead", e.mark)
		w.close('}')
		dst = endFrame(&w)
	}
	return append(dst, "data: [DONE]\n\n"...)
}

// beginFrame begins a frame with one line of data.
func beginFrame(dst []byte) writer {
	dst = append(dst, "data: "...)
	return writer{b: dst, start: len(dst)}
}

func endFrame(w *writer) []byte { return append(w.b, "\n\n"...) }
