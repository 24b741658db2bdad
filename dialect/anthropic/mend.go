package anthropic

import (
	"bytes"
	"strings"

	"fairlead/dialect"
	"fairlead/internal/jsonscan"
)

// thinkingMark stands in every body that has thinking or redacted thinking, or asks for thinking.
var thinkingMark = []byte(`thinking"`)

// Mend rewrites a caller's request that the API would refuse because an earlier turn was answered by
// another provider: thinking without a signature is left out, and where the tool turn that is under
// way has no signed thinking, thinking is off for this request and no thinking at all is sent. It works on
// the body as it came: messages, thinking and model are replaced, all else stays, whatever it is. ok is false
// where nothing needs mending.
func (Dialect) Mend(body []byte, t dialect.Target, thinks bool) (mended []byte, ok bool) {
	if !bytes.Contains(body, thinkingMark) {
		return nil, false
	}
	var o jsonscan.Object
	if o.Scan(body) != nil {
		return nil, false
	}
	messages, _ := o.Get("messages")
	turns, unsigned := readShapes(messages)
	changes := []jsonscan.Change{{Name: "model", Value: jsonscan.AppendString(nil, t.Model)}}
	spoils := unsignedThinking
	switch {
	case thinks && unsignedToolTurn(turns):
		spoils = anyThinking
		changes = append(changes, jsonscan.Change{Name: "thinking", Value: jsonscan.Value(`{"type":"disabled"}`)})
		changes = dropClearing(changes, &o)
	case !unsigned:
		return nil, false
	}
	kept, ok := mendMessages(messages, spoils)
	if !ok {
		return nil, false
	}
	changes = append(changes, jsonscan.Change{Name: "messages", Value: kept})
	return o.Rewrite(make([]byte, 0, len(body)+64), changes...), true
}

// dropClearing takes the edits that clear old thinking out of context_management: without thinking the API
// refuses them, and there is nothing to clear.
func dropClearing(changes []jsonscan.Change, body *jsonscan.Object) []jsonscan.Change {
	management, _ := body.Get("context_management")
	edits, _ := management.Get("edits")
	kept, changed := mendContent(edits, func(edit jsonscan.Value) bool {
		return strings.HasPrefix(text(edit, "type"), "clear_thinking")
	})
	var o jsonscan.Object
	if !changed || o.Scan(management) != nil {
		return changes
	}
	change := jsonscan.Change{Name: "context_management"}
	if kept != nil || len(o.Members) > 1 {
		change.Value = o.Rewrite(nil, jsonscan.Change{Name: "edits", Value: kept})
	}
	return append(changes, change)
}

// readShapes reduces the messages of a body to their shapes; unsigned reports whether there is thinking
// without a signature. Messages of other roles than the two stand beside the turns.
func readShapes(messages jsonscan.Value) (list []shape, unsigned bool) {
	for m := range messages.Elements() {
		role := dialect.Role(text(m, "role"))
		if role != dialect.User && role != dialect.Assistant {
			continue
		}
		content, _ := m.Get("content")
		if content.Kind() == jsonscan.KindString && content.Truthy() {
			list = appendShape(list, role, dialect.PartText)
		}
		for b := range content.Elements() {
			if unsignedThinking(b) {
				unsigned = true
			} else {
				list = appendShape(list, role, partKind(b))
			}
		}
	}
	return list, unsigned
}

// partKind gives the kind of a block that is part of the rule for tool turns, else 0.
func partKind(block jsonscan.Value) dialect.PartKind {
	switch text(block, "type") {
	case "thinking":
		return dialect.PartThinking
	case "redacted_thinking":
		return dialect.PartRedacted
	case "tool_use":
		return dialect.PartToolUse
	case "tool_result":
		return dialect.PartToolResult
	}
	return 0
}

// unsignedThinking reports whether a block is thinking that the API did not sign, whatever stands in place of
// the signature.
func unsignedThinking(block jsonscan.Value) bool {
	switch partKind(block) {
	case dialect.PartThinking:
		return text(block, "signature") == ""
	case dialect.PartRedacted:
		return text(block, "data") == ""
	}
	return false
}

func anyThinking(block jsonscan.Value) bool {
	kind := partKind(block)
	return kind == dialect.PartThinking || kind == dialect.PartRedacted
}

// mendMessages gives the messages without the blocks that spoil them, and without the messages that have
// nothing left. ok is false where none would be left.
func mendMessages(messages jsonscan.Value, spoils func(block jsonscan.Value) bool) (mended jsonscan.Value, ok bool) {
	w := writer{buf: append(make([]byte, 0, len(messages)), '[')}
	var o jsonscan.Object
	for m := range messages.Elements() {
		content, _ := m.Get("content")
		kept, changed := mendContent(content, spoils)
		switch {
		case !changed:
			w.next()
			w.buf = append(w.buf, m...)
		case kept == nil:
		case o.Scan(m) != nil:
			return nil, false
		default:
			w.next()
			w.buf = o.Rewrite(w.buf, jsonscan.Change{Name: "content", Value: kept})
		}
	}
	ok = len(w.buf) > len("[")
	w.raw("]")
	return w.buf, ok
}

// mendContent gives the blocks of a message that stay, nil where none does; changed is false where all do.
func mendContent(content jsonscan.Value, spoils func(block jsonscan.Value) bool) (kept jsonscan.Value, changed bool) {
	for b := range content.Elements() {
		if spoils(b) {
			changed = true
			break
		}
	}
	if !changed {
		return nil, false
	}
	w := writer{buf: append(make([]byte, 0, len(content)), '[')}
	for b := range content.Elements() {
		if !spoils(b) {
			w.next()
			w.buf = append(w.buf, b...)
		}
	}
	if len(w.buf) == len("[") {
		return nil, true
	}
	w.raw("]")
	return w.buf, true
}
