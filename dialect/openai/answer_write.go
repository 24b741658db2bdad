package openai

import (
	"strings"

	"fairlead/dialect"
)

// WriteAnswer writes a whole chat completion with one choice. An answer whose provider has no time of
// creation gets created 0 unless the caller of WriteAnswer set Created.
func (Dialect) WriteAnswer(a *dialect.Answer) []byte {
	w := &writer{b: make([]byte, 0, 1024)}
	w.open('{')
	w.text("id", a.ID)
	w.text("object", "chat.completion")
	w.integer("created", a.Created)
	w.text("model", a.Model)
	w.name("choices")
	w.open('[')
	w.open('{')
	w.integer("index", 0)
	w.name("message")
	appendMessage(w, a.Parts)
	w.raw("logprobs", []byte("null"))
	w.text("finish_reason", finishReason(a.Finish, hasTools(a.Parts)))
	w.close('}')
	w.close(']')
	if a.HasUsage {
		w.name("usage")
		appendUsage(w, a.Usage)
	}
	w.close('}')
	return w.b
}

// finishReason is this wire's word for a finish. What is not known is stop, or tool_calls where there are any.
func finishReason(f dialect.Finish, tools bool) string {
	switch {
	case f == dialect.FinishLength:
		return "length"
	case f == dialect.FinishFilter:
		return "content_filter"
	case f == dialect.FinishTools, f == dialect.FinishUnknown && tools:
		return "tool_calls"
	}
	return "stop"
}

// appendMessage writes an answer's message.
func appendMessage(w *writer, parts []dialect.Part) {
	said, hasText := joined(parts, dialect.PartText)
	refused, hasRefusal := joined(parts, dialect.PartRefusal)
	thought, _ := joined(parts, dialect.PartThinking)

	w.open('{')
	w.text("role", "assistant")
	if hasText || (!hasRefusal && !hasTools(parts)) {
		w.text("content", said)
	} else {
		w.raw("content", []byte("null"))
	}
	if hasRefusal {
		w.text("refusal", refused)
	} else {
		w.raw("refusal", []byte("null"))
	}
	w.optional("reasoning", thought)
	appendDetails(w, parts)
	appendCalls(w, parts, func(id string) string { return id })
	w.close('}')
}

// joined puts the texts of one kind together; ok is false where there is none.
func joined(parts []dialect.Part, kind dialect.PartKind) (s string, ok bool) {
	var b strings.Builder
	for i := range parts {
		if parts[i].Kind == kind {
			b.WriteString(parts[i].Text)
			ok = true
		}
	}
	return b.String(), ok
}

// appendDetails writes reasoning_details: what a caller has to send back for a provider that signs or
// encrypts its reasoning.
func appendDetails(w *writer, parts []dialect.Part) {
	index := int64(0)
	for i := range parts {
		p := &parts[i]
		if p.Kind != dialect.PartThinking && p.Kind != dialect.PartRedacted {
			continue
		}
		if index == 0 {
			w.name("reasoning_details")
			w.open('[')
		}
		w.open('{')
		if p.Kind == dialect.PartRedacted {
			w.text("type", "reasoning.encrypted")
			w.text("data", p.Data)
		} else {
			w.text("type", "reasoning.text")
			w.text("text", p.Text)
			w.optional("signature", p.Signature)
		}
		w.integer("index", index)
		w.close('}')
		index++
	}
	if index > 0 {
		w.close(']')
	}
}

// appendCalls writes tool_calls, if there are any.
func appendCalls(w *writer, parts []dialect.Part, spell func(id string) string) {
	if !hasTools(parts) {
		return
	}
	w.name("tool_calls")
	w.open('[')
	for i := range parts {
		p := &parts[i]
		if p.Kind != dialect.PartToolUse {
			continue
		}
		w.open('{')
		w.text("id", spell(p.ID))
		w.text("type", "function")
		w.name("function")
		w.open('{')
		w.text("name", p.Name)
		w.text("arguments", arguments(p))
		w.close('}')
		w.close('}')
	}
	w.close(']')
}

// arguments are a tool use's input as text.
func arguments(p *dialect.Part) string {
	if len(p.Input) == 0 {
		return "{}"
	}
	return string(p.Input)
}
