package anthropic

import (
	"strconv"
	"strings"

	"fairlead"
	"fairlead/dialect"
)

// WriteAnswer writes a message.
func (Dialect) WriteAnswer(a *dialect.Answer) []byte {
	w := writer{buf: make([]byte, 0, 1024)}
	w.raw(`{"type":"message","role":"assistant"`)
	w.str("id", messageID(a.ID))
	w.str("model", a.Model)
	w.name("content")
	w.raw("[")
	why := ending{finish: a.Finish, sequence: a.StopSequence}
	calls := 0
	for i := range a.Parts {
		p := a.Parts[i]
		switch p.Kind {
		case dialect.PartToolUse:
			p.ID = callID(p.ID, a.ID, calls)
			calls++
			why.tools = true
		case dialect.PartRefusal:
			why.refused = true
		}
		writeAnswerPart(&w, &p)
	}
	w.raw("]")
	writeEnding(&w, why)
	w.name("usage")
	writeUsage(&w, a.Usage)
	w.raw("}")
	return w.buf
}

func writeAnswerPart(w *writer, p *dialect.Part) {
	switch p.Kind {
	case dialect.PartText, dialect.PartRefusal:
		if p.Text != "" {
			w.next()
			writeText(w, p)
		}
	case dialect.PartThinking:
		w.next()
		writeThinkingBlock(w, p)
	case dialect.PartRedacted:
		w.next()
		writeRedacted(w, p)
	case dialect.PartToolUse:
		w.next()
		w.raw(`{"type":"tool_use"`)
		w.str("id", p.ID)
		w.str("name", p.Name)
		input := p.Input
		if len(input) == 0 {
			input = []byte("{}")
		}
		w.json("input", input)
		w.raw("}")
	}
}

// messageID gives an id the prefix of Anthropic's.
func messageID(id string) string {
	if strings.HasPrefix(id, "msg_") {
		return id
	}
	return "msg_" + id
}

// callID gives the id of an answer's tool call as callers of this dialect take it. Ids must be unique in
// a conversation, so one that the provider left out is made of the answer's.
func callID(id, answer string, call int) string {
	if id == "" {
		id = "toolu_" + strings.TrimPrefix(answer, "msg_") + "_" + strconv.Itoa(call)
	}
	return dialect.EncodeToolID(id)
}

// ending is why and how an answer stopped.
type ending struct {
	finish      dialect.Finish
	sequence    string
	explanation string // of a refusal
	tools       bool   // the answer calls tools
	refused     bool   // the answer holds a refusal
}

// reason gives the stop_reason. A provider of another dialect may call tools and say only that it
// stopped (OpenAI does where a tool was forced); callers of this dialect run tools by the reason alone.
func (e ending) reason() string {
	switch {
	case e.sequence != "":
		return "stop_sequence"
	case e.finish == dialect.FinishLength:
		return "max_tokens"
	case e.finish == dialect.FinishFilter || e.refused:
		return "refusal"
	case e.finish == dialect.FinishTools || e.tools:
		return "tool_use"
	}
	return "end_turn"
}

func writeEnding(w *writer, e ending) {
	reason := e.reason()
	w.str("stop_reason", reason)
	if e.sequence != "" {
		w.str("stop_sequence", e.sequence)
	} else {
		w.json("stop_sequence", []byte("null"))
	}
	if reason != "refusal" {
		w.json("stop_details", []byte("null"))
		return
	}
	w.name("stop_details")
	w.raw(`{"type":"refusal","category":null`)
	if e.explanation != "" {
		w.str("explanation", e.explanation)
	} else {
		w.json("explanation", []byte("null"))
	}
	w.raw("}")
}

// writeUsage writes the usage object.
func writeUsage(w *writer, u fairlead.Usage) {
	w.raw("{")
	w.num("input_tokens", u.Input)
	w.num("cache_creation_input_tokens", u.CacheWrite)
	w.num("cache_read_input_tokens", u.CacheRead)
	w.num("output_tokens", u.Output)
	if u.Reasoning > 0 {
		w.name("output_tokens_details")
		w.raw("{")
		w.num("thinking_tokens", u.Reasoning)
		w.raw("}")
	}
	w.raw("}")
}
