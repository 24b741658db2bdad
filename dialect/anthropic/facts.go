package anthropic

import (
	"bytes"

	"fairlead"
	"fairlead/dialect"
	"fairlead/internal/jsonscan"
)

// routed are the fields that fairlead reads: in another case some providers would read them too, so that
// a request could say one thing to us and another to them.
var routed = []string{
	"model", "messages", "max_tokens", "stream", "system", "tools", "tool_choice", "thinking", "output_config",
	"container", "mcp_servers",
}

// The types of blocks that demand an ability.
var (
	imageToken    = []byte(`"image"`)
	documentToken = []byte(`"document"`)
)

// Facts reads what routing and admission need. It runs for every request, so it reads a content block
// only where the body has a string that may be its type.
func (Dialect) Facts(op fairlead.Operation, body *jsonscan.Object) (dialect.Facts, error) {
	f := dialect.Facts{Stateless: true}
	if name, ok := body.CaseVariant(routed...); ok {
		return f, &fairlead.Error{
			Code: fairlead.CodeDuplicateField, Param: name,
			Message: "a routed field is spelt with other capital letters than the API's",
		}
	}
	if err := readRouted(&f, op, body); err != nil {
		return f, err
	}
	messages, _ := body.Get("messages")
	if messages.Kind() != jsonscan.KindArray {
		return f, invalid("messages", "messages must be an array")
	}
	if empty(messages) {
		return f, invalid("messages", "messages must not be empty")
	}
	if bytes.Contains(messages, imageToken) || bytes.Contains(messages, documentToken) {
		for m := range messages.Elements() {
			content, _ := m.Get("content")
			readMedia(&f, content, true)
		}
	}
	return f, nil
}

// readRouted reads the top level but for the messages.
func readRouted(f *dialect.Facts, op fairlead.Operation, body *jsonscan.Object) error {
	bounded := false
	for i := range body.Members {
		m := &body.Members[i]
		v := jsonscan.Value(body.Src[m.Start:m.End])
		if v.IsNull() {
			continue
		}
		ok := true
		switch string(m.Name) {
		case "model":
			f.Model, ok = v.Text()
		case "stream":
			f.Stream, ok = v.Bool()
		case "max_tokens":
			f.MaxOutput, ok = v.Int()
			ok = ok && f.MaxOutput >= 0 && f.MaxOutput <= maxTokens
			bounded = true
		case "tools":
			if ok = v.Kind() == jsonscan.KindArray; ok && !empty(v) {
				f.Needs |= fairlead.Tools
			}
		case "thinking":
			f.Thinks = thinks(v)
		case "output_config":
			if format, given := given(v, "format"); given && format.Truthy() {
				f.Needs |= fairlead.JSONSchema
			}
		case "container":
			f.Stateless = false
		case "mcp_servers":
			// The provider calls these servers' tools itself, which may do more than answer.
			f.Stateless = f.Stateless && (v.Kind() != jsonscan.KindArray || empty(v))
		}
		if !ok {
			return invalid(string(m.Name), string(m.Name)+" has the wrong type or an impossible value")
		}
	}
	f.Stream = f.Stream && op != fairlead.OpCountTokens // a count has no stream, whatever is asked for
	if f.Thinks {
		f.Needs |= fairlead.Reasoning
	}
	switch {
	case f.Model == "":
		return invalid("model", "model must be a non-empty string")
	case !bounded && op == fairlead.OpChat:
		return invalid("max_tokens", "max_tokens is required")
	}
	return nil
}

// thinks reads the thinking field: whether thinking is asked for.
func thinks(v jsonscan.Value) bool {
	typ, _ := v.Get("type")
	return is(typ, "enabled") || is(typ, "adaptive")
}

// empty reports whether an array or object has nothing in it.
func empty(v jsonscan.Value) bool {
	inside := bytes.TrimLeft(v[1:], " \t\r\n")
	return len(inside) <= 1
}

// readMedia finds the images and documents among blocks, and with results in the content of tool results:
// one level, for results do not nest.
func readMedia(f *dialect.Facts, content jsonscan.Value, results bool) {
	if content.Kind() != jsonscan.KindArray {
		return
	}
	for b := range content.Elements() {
		typ, _ := b.Get("type")
		switch {
		case is(typ, "image"):
			f.Needs |= fairlead.Vision
			f.Images++
		case is(typ, "document"):
			f.Needs |= fairlead.Files
		case results && is(typ, "tool_result"):
			inner, _ := b.Get("content")
			readMedia(f, inner, false)
			continue
		default:
			continue
		}
		source, _ := b.Get("source")
		readSource(f, source)
	}
}

// readSource counts the source of an image or a document, unless it is text.
func readSource(f *dialect.Facts, source jsonscan.Value) {
	typ, _ := source.Get("type")
	switch {
	case is(typ, "text"):
		return
	case is(typ, "content"): // a document of blocks, which may be images
		inner, _ := source.Get("content")
		readMedia(f, inner, false)
		return
	case is(typ, "base64"):
		if data, _ := source.Get("data"); data.Kind() == jsonscan.KindString {
			f.Media += int64(len(data) - len(`""`))
		}
	}
	f.MediaParts++
}
