package anthropic

import (
	"bytes"
	"encoding/base64"
	"encoding/json"

	"fairlead/dialect"
	"fairlead/internal/jsonscan"
)

// blockTable says which types of blocks a place takes, and how each is read.
type blockTable map[string]func(v jsonscan.Value) (dialect.Part, error)

// The blocks that each place takes.
var (
	systemBlocks = blockTable{"text": readText}
	resultBlocks = blockTable{"text": readText, "image": readImage}
	userBlocks   = blockTable{
		"text": readText, "image": readImage, "document": readDocument, "tool_result": readToolResult,
	}
	assistantBlocks = blockTable{
		"text": readText, "thinking": readThinkingBlock, "redacted_thinking": readRedacted, "tool_use": readToolUse,
	}
)

func readMessages(r *dialect.Request, v jsonscan.Value) error {
	if v.Kind() != jsonscan.KindArray {
		return invalid("", "must be an array")
	}
	i, parts := 0, 0
	for e := range v.Elements() {
		n, err := readMessage(r, e)
		if parts += n; err == nil {
			err = tooMany(parts, maxParts)
		}
		if err != nil {
			return element(i, err)
		}
		i++
	}
	return nil
}

// readMessage adds a message's parts to the last message where that has the same role, and counts them.
func readMessage(r *dialect.Request, v jsonscan.Value) (int, error) {
	if v.Kind() != jsonscan.KindObject {
		return 0, invalid("", "must be an object")
	}
	role := text(v, "role")
	var blocks blockTable
	switch role {
	case "user":
		blocks = userBlocks
	case "assistant":
		blocks = assistantBlocks
	case "system":
		blocks = systemBlocks
	default:
		return 0, invalid("role", "must be user, assistant or system")
	}
	content, _ := v.Get("content")
	parts, err := readContent(content, blocks)
	switch {
	case err != nil:
		return 0, inside("content", err)
	case role == "system":
		r.System = append(r.System, parts...)
	case len(parts) > 0:
		r.Messages = appendTurn(r.Messages, dialect.Role(role), parts)
	}
	return count(parts), nil
}

// appendTurn adds parts to the last message where its role is the same, else as a message of their own.
func appendTurn(list []dialect.Message, role dialect.Role, parts []dialect.Part) []dialect.Message {
	if n := len(list); n > 0 && list[n-1].Role == role {
		list[n-1].Parts = append(list[n-1].Parts, parts...)
		return list
	}
	return append(list, dialect.Message{Role: role, Parts: parts})
}

// readContent reads content that is a string or an array of blocks; an empty text gives no part.
func readContent(v jsonscan.Value, blocks blockTable) ([]dialect.Part, error) {
	if s, ok := v.Text(); ok {
		if s == "" {
			return nil, nil
		}
		return []dialect.Part{{Kind: dialect.PartText, Text: s}}, nil
	}
	if v.Kind() != jsonscan.KindArray {
		return nil, invalid("", "must be a string or an array of blocks")
	}
	var parts []dialect.Part
	i, n := 0, 0
	for b := range v.Elements() {
		part, err := readBlock(b, blocks)
		if err == nil && (part.Kind != dialect.PartText || part.Text != "") {
			parts = append(parts, part)
			n += 1 + len(part.Parts)
			err = tooMany(n, maxParts)
		}
		if err != nil {
			return nil, element(i, err)
		}
		i++
	}
	return parts, nil
}

func readBlock(v jsonscan.Value, blocks blockTable) (dialect.Part, error) {
	typ := text(v, "type")
	if typ == "" {
		return dialect.Part{}, invalid("type", "must be a non-empty string")
	}
	read, ok := blocks[typ]
	if !ok {
		return dialect.Part{}, unsupported("type", "endpoints of other dialects take no such block here")
	}
	part, err := read(v)
	if err != nil {
		return part, err
	}
	part.Cache = readCache(v)
	return part, nil
}

func readText(v jsonscan.Value) (dialect.Part, error) {
	p := dialect.Part{Kind: dialect.PartText}
	err := member(&p.Text, v, "text")
	return p, err
}

// member reads a required member that is a string.
func member(dst *string, v jsonscan.Value, name string) error {
	m, _ := v.Get(name)
	if err := setText(dst, m); err != nil {
		return inside(name, err)
	}
	return nil
}

func readImage(v jsonscan.Value) (dialect.Part, error) {
	p := dialect.Part{Kind: dialect.PartImage}
	source, _ := v.Get("source")
	typ, _ := source.Get("type")
	var err error
	switch {
	case is(typ, "base64"):
		if err = member(&p.MediaType, source, "media_type"); err == nil {
			err = member(&p.Data, source, "data")
		}
	case is(typ, "url"):
		err = member(&p.URL, source, "url")
	default:
		err = unsupported("type", "endpoints of other dialects take base64 and url sources only")
	}
	if err != nil {
		return p, inside("source", err)
	}
	return p, nil
}

func readDocument(v jsonscan.Value) (dialect.Part, error) {
	p := dialect.Part{Kind: dialect.PartFile, Name: text(v, "title")}
	if c, ok := given(v, "context"); ok && c.Truthy() {
		return p, unsupported("context", "endpoints of other dialects take no context of a document")
	}
	if c, ok := given(v, "citations"); ok {
		if on, _ := c.Get("enabled"); on.Truthy() {
			return p, unsupported("citations", "endpoints of other dialects give no citations")
		}
	}
	source, _ := v.Get("source")
	typ, _ := source.Get("type")
	var err error
	switch {
	case is(typ, "base64"):
		if err = member(&p.MediaType, source, "media_type"); err == nil {
			err = member(&p.Data, source, "data")
		}
	case is(typ, "url"):
		err = member(&p.URL, source, "url")
	case is(typ, "text"):
		var s string
		if err = member(&s, source, "data"); err == nil {
			p.MediaType, p.Data = "text/plain", base64.StdEncoding.EncodeToString([]byte(s))
		}
	default:
		err = unsupported("type", "endpoints of other dialects take base64, url and text sources only")
	}
	if err != nil {
		return p, inside("source", err)
	}
	return p, nil
}

func readToolResult(v jsonscan.Value) (dialect.Part, error) {
	p := dialect.Part{Kind: dialect.PartToolResult}
	if err := member(&p.ID, v, "tool_use_id"); err != nil {
		return p, err
	}
	if content, ok := given(v, "content"); ok {
		var err error
		if p.Parts, err = readContent(content, resultBlocks); err != nil {
			return p, inside("content", err)
		}
	}
	if e, ok := given(v, "is_error"); ok {
		if p.IsError, ok = e.Bool(); !ok {
			return p, invalid("is_error", "must be a boolean")
		}
	}
	return p, nil
}

func readToolUse(v jsonscan.Value) (dialect.Part, error) {
	p := dialect.Part{Kind: dialect.PartToolUse}
	if err := member(&p.ID, v, "id"); err != nil {
		return p, err
	}
	if err := member(&p.Name, v, "name"); err != nil {
		return p, err
	}
	var ok bool
	if p.Input, ok = readInput(v); !ok {
		return p, invalid("input", "must be an object")
	}
	return p, nil
}

// readInput copies a tool's input; none given is {}.
func readInput(v jsonscan.Value) (json.RawMessage, bool) {
	input, ok := given(v, "input")
	if !ok {
		return json.RawMessage("{}"), true
	}
	return bytes.Clone(input), input.Kind() == jsonscan.KindObject
}

func readThinkingBlock(v jsonscan.Value) (dialect.Part, error) {
	p := dialect.Part{Kind: dialect.PartThinking, Signature: text(v, "signature")}
	err := member(&p.Text, v, "thinking")
	return p, err
}

func readRedacted(v jsonscan.Value) (dialect.Part, error) {
	p := dialect.Part{Kind: dialect.PartRedacted}
	err := member(&p.Data, v, "data")
	return p, err
}
