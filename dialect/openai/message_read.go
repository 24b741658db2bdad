package openai

import (
	"strconv"

	"fairlead/dialect"
	"fairlead/internal/jsonscan"
)

// maxParts bounds the parts of all messages together: a part in memory is many times as large as the
// smallest one on the wire. Anthropic takes no more messages than this.
const maxParts = 100_000

// Bounds of the other lists, for the same reason.
const (
	maxReadStops = 1024
	maxReadTools = 10_000
)

// messageReader reads the messages of one request.
type messageReader struct {
	r     *dialect.Request
	calls int // legacy function calls so far; they have no ids of their own
	parts int // so far
}

func readMessages(r *dialect.Request, v jsonscan.Value) error {
	m := messageReader{r: r}
	err := each(v, func(e jsonscan.Value) error {
		if err := m.read(e); err != nil {
			return err
		}
		return tooMany(m.parts, maxParts)
	})
	resultsFirst(r.Messages)
	return err
}

// read reads one message into System or the turns.
func (m *messageReader) read(v jsonscan.Value) error {
	if _, err := object(v); err != nil {
		return err
	}
	t := turnOf(v)
	role, err := oneOf(t.role, "system", "developer", "user", "assistant", "tool", "function")
	if err != nil {
		return at("role", err)
	}
	var parts []dialect.Part
	switch role {
	case "system", "developer":
		parts, err = readContent(t.content, systemParts)
		m.r.System = append(m.r.System, parts...)
		m.parts += len(parts)
		return err
	case "user":
		parts, err = readContent(t.content, userParts)
		m.append(dialect.User, parts...)
		return err
	case "assistant":
		parts, err = m.assistant(&t)
		m.append(dialect.Assistant, parts...)
		return err
	}
	result, err := m.result(&t, role == "function")
	m.append(dialect.User, result)
	m.parts += len(result.Parts)
	return err
}

// append adds parts to the turns.
func (m *messageReader) append(role dialect.Role, parts ...dialect.Part) {
	m.r.Messages = appendTurn(m.r.Messages, role, parts)
	m.parts += len(parts)
}

// tooMany refuses the element of a list that is past its bound.
func tooMany(n, most int) error {
	if n > most {
		return invalid("", "is one more than are taken")
	}
	return nil
}

// assistant reads reasoning, text, refusal and tool calls, in this order.
func (m *messageReader) assistant(t *turn) ([]dialect.Part, error) {
	if t.audio != nil {
		return nil, at("audio", unsupported("", "is not supported by this endpoint"))
	}
	parts := t.thinking()
	if t.content != nil {
		content, err := readContent(t.content, assistantParts)
		if err != nil {
			return nil, err
		}
		parts = append(parts, content...)
	}
	if t.refusal != nil {
		s, err := text(t.refusal)
		if err != nil {
			return nil, at("refusal", err)
		}
		if s != "" {
			parts = append(parts, dialect.Part{Kind: dialect.PartRefusal, Text: s})
		}
	}
	if t.toolCalls != nil {
		err := each(t.toolCalls, func(v jsonscan.Value) error {
			p, err := readRequestCall(v)
			if err != nil {
				return err
			}
			parts = append(parts, p)
			return tooMany(len(parts), maxParts)
		})
		if err != nil {
			return nil, at("tool_calls", err)
		}
	}
	if t.functionCall != nil {
		c, ok := readFunctionOf(t.functionCall)
		if !ok {
			return nil, at("function_call", invalid("name", "must be a non-empty string"))
		}
		m.calls++
		c.id = m.legacyID()
		p, err := c.part()
		if err != nil {
			return nil, at("function_call", err)
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// legacyID names the last function call, by its number.
func (m *messageReader) legacyID() string { return "call_function_" + strconv.Itoa(m.calls) }

func readRequestCall(v jsonscan.Value) (p dialect.Part, err error) {
	if _, err = object(v); err != nil {
		return p, err
	}
	if kind, _ := textOf(v, "type"); kind != "function" && kind != "" {
		return p, unsupported("type", "must be function: no other call can be translated")
	}
	c, ok := readCall(v)
	switch {
	case !ok:
		return p, invalid("function.name", "must be a non-empty string")
	case c.id == "":
		return p, invalid("id", "must be a non-empty string")
	}
	if p, err = c.part(); err != nil {
		err = at("function", err)
	}
	return p, err
}

// part makes a tool use of a call in a request, where arguments have to be sound.
func (c *call) part() (dialect.Part, error) {
	input, _, ok := c.input()
	if !ok {
		return dialect.Part{}, invalid("arguments", "must hold a JSON object")
	}
	return dialect.Part{Kind: dialect.PartToolUse, ID: c.id, Name: c.name, Input: input}, nil
}

// result reads a tool message, or the legacy function message, which answers the last function call.
func (m *messageReader) result(t *turn, legacy bool) (p dialect.Part, err error) {
	p.Kind = dialect.PartToolResult
	switch id, ok := t.toolCallID.Text(); {
	case legacy && m.calls == 0:
		return p, invalid("role", "function answers no function_call")
	case legacy:
		p.ID = m.legacyID()
	case !ok || id == "":
		return p, invalid("tool_call_id", "must be a non-empty string")
	default:
		p.ID = id
	}
	if t.content == nil && legacy {
		return p, nil
	}
	p.Parts, err = readContent(t.content, toolParts)
	return p, err
}

// appendTurn adds parts to the last message where it is of the same role, else as a new one. Without parts
// nothing is added.
func appendTurn(messages []dialect.Message, role dialect.Role, parts []dialect.Part) []dialect.Message {
	if len(parts) == 0 {
		return messages
	}
	if len(messages) == 0 || messages[len(messages)-1].Role != role {
		messages = append(messages, dialect.Message{Role: role})
	}
	last := &messages[len(messages)-1]
	last.Parts = append(last.Parts, parts...)
	return messages
}

// resultsFirst puts the tool results of each message before its other parts, both in their order.
func resultsFirst(messages []dialect.Message) {
	for i := range messages {
		var results, others []dialect.Part
		for _, p := range messages[i].Parts {
			if p.Kind == dialect.PartToolResult {
				results = append(results, p)
			} else {
				others = append(others, p)
			}
		}
		if len(results) > 0 {
			messages[i].Parts = append(results, others...)
		}
	}
}
