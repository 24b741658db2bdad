package openai

import (
	"fmt"

	"fairlead"
	"fairlead/dialect"
	"fairlead/internal/jsonscan"
)

// Inspect looks at a whole answer of any of this wire's operations.
func (Dialect) Inspect(op fairlead.Operation, body []byte, scratch *jsonscan.Object) (dialect.Inspection, error) {
	raw := answer{object: scratch}
	if err := raw.read(body); err != nil {
		return dialect.Inspection{}, err
	}
	var seen dialect.Inspection
	var err error
	switch op {
	case fairlead.OpResponses:
		err = raw.inspectResponse(&seen)
	case fairlead.OpEmbeddings:
		err = raw.needArray("data")
	case fairlead.OpModerations:
		err = raw.needArray("results")
	default:
		err = raw.inspectChoices(op, &seen)
	}
	if err != nil {
		return dialect.Inspection{}, err
	}
	seen.Usage, seen.HasUsage = readUsage(raw.get("usage"))
	return seen, nil
}

func (a *answer) needArray(name string) error {
	if a.get(name).Kind() != jsonscan.KindArray {
		return fmt.Errorf("read %s: %w", name, errMalformed)
	}
	return nil
}

// inspectChoices looks at the choices of chat and of completions. An answer is empty if all its choices
// say nothing and none of them was stopped from saying more. A choice of chat that does not say why it ended
// may be half of one; imitations of completions leave it out.
func (a *answer) inspectChoices(op fairlead.Operation, seen *dialect.Inspection) error {
	var c choice
	n := 0
	seen.Empty, seen.Silent = true, true
	w := a.get("choices").Walk()
	for ok := w.Array(); ok; ok = w.More() {
		if err := c.read(&w); err != nil {
			return err
		}
		if op == fairlead.OpChat && !c.finished {
			return errNoReason
		}
		n++
		said := c.turn.look()
		said.add(c.text, dialect.PhaseText)
		seen.Bytes += said.bytes
		stopped := !c.finished || c.finish == dialect.FinishStop
		seen.Silent = seen.Silent && !said.meaningful && c.finish != dialect.FinishLength
		seen.Empty = seen.Empty && stopped && !said.meaningful
	}
	return choiceCount(n)
}

// inspectResponse looks at a response object.
func (a *answer) inspectResponse(seen *dialect.Inspection) error {
	status, _ := a.get("status").Text()
	if status == "failed" {
		return faultOf(a.object.Src)
	}
	if err := a.needArray("output"); err != nil {
		return err
	}
	items, said := 0, false
	for item := range a.get("output").Elements() {
		items++
		n := itemBytes(item)
		seen.Bytes += n
		said = said || n > 0 || !plainItem(item)
	}
	seen.Silent = !said && !bounded(jsonscan.Value(a.object.Src))
	seen.Empty = items == 0 && (status == "completed" || status == "")
	return nil
}

// bounded reports whether a response ended at the bound on its output.
func bounded(response jsonscan.Value) bool {
	details, _ := response.Get("incomplete_details")
	reason, _ := textOf(details, "reason")
	return reason == "max_output_tokens"
}

// plainItem reports whether an output item says nothing but its text: a message, or reasoning that is not sealed.
func plainItem(item jsonscan.Value) bool {
	switch kind, _ := textOf(item, "type"); kind {
	case "message":
		return true
	case "reasoning":
		sealed, _ := item.Get("encrypted_content")
		return !sealed.Truthy()
	}
	return false
}

// itemBytes counts the text of an output item: content, summaries, arguments.
func itemBytes(item jsonscan.Value) int {
	n := 0
	for name, v := range item.Members() {
		switch string(name) {
		case "content", "summary":
			for part := range v.Elements() {
				for name, v := range part.Members() {
					if s := string(name); s == "text" || s == "refusal" {
						n += v.StringBytes()
					}
				}
			}
		case "arguments", "input":
			n += v.StringBytes()
		}
	}
	return n
}
