package openai

import (
	"fmt"
	"strconv"
	"strings"

	"fairlead/dialect"
	"fairlead/internal/jsonscan"
)

// errNoReason is a choice without a reason why it ended: half of an answer, whatever the status says.
var errNoReason = fmt.Errorf("read finish_reason: none: %w", errMalformed)

// answer is the scanned top level of a whole answer of any operation.
type answer struct {
	object *jsonscan.Object
}

// read scans a body. An error that the provider put into it is a *dialect.Fault.
func (a *answer) read(body []byte) error {
	if err := scanAnswer(a.object, body); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if v := a.get("error"); v.Truthy() {
		return faultOf(a.object.Src)
	}
	if v := a.get("success"); v.Kind() == jsonscan.KindBool && !v.Truthy() { // Workers AI
		return faultOf(a.object.Src)
	}
	return nil
}

func (a *answer) get(name string) jsonscan.Value {
	v, _ := a.object.Get(name)
	return v
}

// choiceCount refuses a whole answer without choices. How many there are is the caller's wish, and bounded by
// the length of what is read.
func choiceCount(n int) error {
	if n == 0 {
		return fmt.Errorf("read choices: none: %w", errMalformed)
	}
	return nil
}

// firstChoice reads all choices and gives the one of the lowest index.
func (a *answer) firstChoice() (first choice, err error) {
	n := 0
	w := a.get("choices").Walk()
	for ok := w.Array(); ok; ok = w.More() {
		var c choice
		if err := c.read(&w); err != nil {
			return c, err
		}
		if n++; n == 1 || c.index < first.index {
			first = c
		}
	}
	return first, choiceCount(n)
}

// ReadAnswer reads a whole chat completion: its first choice.
func (Dialect) ReadAnswer(body []byte) (*dialect.Answer, error) {
	raw := answer{object: new(jsonscan.Object)}
	if err := raw.read(body); err != nil {
		return nil, err
	}
	first, err := raw.firstChoice()
	if err != nil {
		return nil, err
	}
	a := &dialect.Answer{}
	a.ID, _ = raw.get("id").Text()
	a.Model, _ = raw.get("model").Text()
	a.Created = createdOf(raw.get("created"))
	a.Usage, a.HasUsage = readUsage(raw.get("usage"))

	switch {
	case !first.hasTurn:
		return nil, fmt.Errorf("read message: %w", errMalformed)
	case !first.finished:
		return nil, errNoReason
	}
	if a.Parts, err = first.turn.answerParts(a.ID); err != nil {
		return nil, err
	}
	a.Finish = first.finish
	if first.finish == dialect.FinishStop && hasTools(a.Parts) {
		a.Finish = dialect.FinishTools
	}
	return a, nil
}

// createdOf reads Unix seconds, which some servers send as a float.
func createdOf(v jsonscan.Value) int64 {
	n, ok := v.Int()
	if !ok && v.Kind() == jsonscan.KindNumber {
		f, err := strconv.ParseFloat(string(v), 64)
		if err == nil && f > 0 && f < maxTokens {
			n = int64(f)
		}
	}
	return max(n, 0)
}

func hasTools(parts []dialect.Part) bool {
	for i := range parts {
		if parts[i].Kind == dialect.PartToolUse {
			return true
		}
	}
	return false
}

// answerParts reads the parts of a whole answer's message. Providers' arguments are kept whatever they are.
func (t *turn) answerParts(answerID string) ([]dialect.Part, error) {
	pieces, err := contentPieces(t.content)
	if err != nil {
		return nil, err
	}
	parts := t.thinking()
	if len(parts)+len(pieces) > maxParts {
		return nil, fmt.Errorf("read content: too many parts: %w", errMalformed)
	}
	var said strings.Builder
	for _, p := range pieces {
		if p.thinking {
			parts = append(parts, dialect.Part{Kind: dialect.PartThinking, Text: p.text})
		} else {
			said.WriteString(p.text)
		}
	}
	if said.Len() > 0 {
		parts = append(parts, dialect.Part{Kind: dialect.PartText, Text: said.String()})
	}
	if s, _ := t.refusal.Text(); s != "" {
		parts = append(parts, dialect.Part{Kind: dialect.PartRefusal, Text: s})
	}
	number := 0
	add := func(c call, ok bool) error {
		if !ok {
			return fmt.Errorf("read tool call: %w", errMalformed)
		}
		if c.id == "" {
			c.id = callID(answerID, number)
		}
		if number++; len(parts) >= maxParts {
			return fmt.Errorf("read tool calls: too many: %w", errMalformed)
		}
		input, raw, ok := c.input()
		if !ok {
			input = wrapInvalid(raw)
		}
		parts = append(parts, dialect.Part{Kind: dialect.PartToolUse, ID: c.id, Name: c.name, Input: input})
		return nil
	}
	for v := range t.toolCalls.Elements() {
		if err := add(readCall(v)); err != nil {
			return nil, err
		}
	}
	if t.functionCall != nil {
		if err := add(readFunctionOf(t.functionCall)); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// callID names a call for servers that give it no id. It holds the answer's id, for a caller's history
// may have calls of several answers.
func callID(answerID string, number int) string {
	if answerID != "" {
		answerID += "_"
	}
	return "call_" + answerID + strconv.Itoa(number)
}

// piece is a part of an answer's content.
type piece struct {
	text     string
	thinking bool
}

// contentPieces reads content: a string, or Mistral's array of text and thinking.
func contentPieces(v jsonscan.Value) ([]piece, error) {
	switch v.Kind() {
	case 0:
		return nil, nil
	case jsonscan.KindString:
		s, _ := v.Text()
		return []piece{{text: s}}, nil
	case jsonscan.KindArray:
		pieces := arrayPieces(v)
		if len(pieces) > maxParts {
			return nil, fmt.Errorf("read content: too many parts: %w", errMalformed)
		}
		return pieces, nil
	}
	return nil, fmt.Errorf("read content: %w", errMalformed)
}

func arrayPieces(v jsonscan.Value) []piece {
	var pieces []piece
	for e := range v.Elements() {
		if len(pieces) > maxParts {
			break // contentPieces refuses so many
		}
		switch kind, _ := textOf(e, "type"); kind {
		case "text":
			s, _ := textOf(e, "text")
			pieces = append(pieces, piece{text: s})
		case "thinking":
			thought, _ := e.Get("thinking")
			s, _ := thought.Text()
			texts := []string{s}
			for inner := range thought.Elements() {
				s, _ = textOf(inner, "text")
				texts = append(texts, s)
			}
			pieces = append(pieces, piece{text: strings.Join(texts, ""), thinking: true})
		}
	}
	return pieces
}
