package anthropic

import (
	"errors"
	"fmt"

	"fairlead/dialect"
	"fairlead/internal/jsonscan"
	"fairlead/internal/sse"
)

// The events of a stream, those of each token first: eventType looks in this order.
var eventTypes = [...]string{
	"content_block_delta", "ping", "content_block_start", "content_block_stop", "message_start", "message_delta",
	"message_stop",
}

// The kinds of blocks and of what their deltas carry.
type blockKind uint8

const (
	otherBlock blockKind = iota // what the neutral form has no part for
	textBlock
	refusalBlock // written as text
	thinkingBlock
	redactedBlock
	toolBlock
)

// scanFrame scans the data of a frame and gives the event's type; "" where there is nothing to read. An
// error that the provider sent is a *dialect.Fault, any other error means a malformed frame.
func scanFrame(o *jsonscan.Object, f *sse.Frame) (string, error) {
	switch {
	case f.Error != nil:
		return "", inBand(f.Error)
	case f.Bare != nil:
		if err := o.Scan(f.Bare); err != nil {
			return "", fmt.Errorf("scan line: %w", err)
		}
		if fault := errorInside(o); fault != nil {
			return "", fault
		}
		return "", errors.New("a line is no field of an event")
	case string(f.Event) == "error":
		return "", inBand(f.Data)
	case len(f.Data) == 0, string(f.Data) == "[DONE]": // some proxies end every stream with OpenAI's mark
		return "", nil
	}
	if err := o.Scan(f.Data); err != nil {
		return "", fmt.Errorf("scan event: %w", err)
	}
	if fault := errorInside(o); fault != nil {
		return "", fault
	}
	return eventType(o, f.Event), nil
}

// inBand reads the data of an error event.
func inBand(data []byte) *dialect.Fault {
	f := readFaultText(data)
	f.Status = statusOf(f)
	return f
}

// eventType gives the type that the data states, or the event's name where it states none; "" for an
// event that is not known, which has to be skipped.
func eventType(o *jsonscan.Object, name []byte) string {
	if v, ok := o.Get("type"); ok && v.Kind() == jsonscan.KindString {
		name = v[1 : len(v)-1]
	}
	for _, t := range eventTypes {
		if t == string(name) {
			return t
		}
	}
	return ""
}

// unquoted gives a string's text without unescaping it: enough to compare it with a name, and free.
func unquoted(v jsonscan.Value) []byte {
	if v.Kind() != jsonscan.KindString {
		return nil
	}
	return v[1 : len(v)-1]
}

// kindOf reads the kind of a content block.
func kindOf(block jsonscan.Value) blockKind {
	typ, _ := block.Get("type")
	switch string(unquoted(typ)) {
	case "text":
		return textBlock
	case "thinking":
		return thinkingBlock
	case "redacted_thinking":
		return redactedBlock
	case "tool_use":
		return toolBlock
	}
	return otherBlock
}
