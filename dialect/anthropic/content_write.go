package anthropic

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"fairlead/dialect"
	"fairlead/internal/jsonscan"
)

// opening is the user's turn that is put before a conversation which begins with the assistant's.
const opening = "(start of conversation)"

// blank reports whether the API refuses the text of a block.
func blank(s string) bool { return strings.TrimSpace(s) == "" }

// turns gives the messages as the API takes them: parts that it refuses are left out, neighbours of one
// role merged, tool results first in their message, the user first of all. r stays as it is.
func turns(r *dialect.Request, thinking bool) []dialect.Message {
	list := make([]dialect.Message, 0, len(r.Messages)+1)
	for i := range r.Messages {
		m := &r.Messages[i]
		parts := make([]dialect.Part, 0, len(m.Parts))
		for j := range m.Parts {
			if sent(&m.Parts[j], thinking) {
				parts = append(parts, m.Parts[j])
			}
		}
		if len(parts) == 0 {
			continue
		}
		if len(list) == 0 && m.Role != dialect.User {
			list = appendTurn(list, dialect.User, []dialect.Part{{Kind: dialect.PartText, Text: opening}})
		}
		list = appendTurn(list, m.Role, parts)
	}
	if len(list) == 0 {
		return appendTurn(list, dialect.User, []dialect.Part{{Kind: dialect.PartText, Text: opening}})
	}
	for i := range list {
		if list[i].Role == dialect.User {
			list[i].Parts = resultsFirst(list[i].Parts)
		}
	}
	trimPrefill(&list[len(list)-1])
	return list
}

// sent reports whether a part goes to the provider at all.
func sent(p *dialect.Part, thinking bool) bool {
	switch p.Kind {
	case dialect.PartText, dialect.PartRefusal:
		return !blank(p.Text)
	case dialect.PartThinking:
		return thinking && p.Signature != ""
	case dialect.PartRedacted:
		return thinking && p.Data != ""
	}
	return true
}

func resultsFirst(parts []dialect.Part) []dialect.Part {
	sorted := make([]dialect.Part, 0, len(parts))
	for i := range parts {
		if parts[i].Kind == dialect.PartToolResult {
			sorted = append(sorted, parts[i])
		}
	}
	for i := range parts {
		if parts[i].Kind != dialect.PartToolResult {
			sorted = append(sorted, parts[i])
		}
	}
	return sorted
}

// trimPrefill cuts the white space at the end of a last turn of the assistant. The message's parts are a
// copy of the request's.
func trimPrefill(m *dialect.Message) {
	last := &m.Parts[len(m.Parts)-1]
	if m.Role == dialect.Assistant && last.Kind == dialect.PartText {
		last.Text = strings.TrimRight(last.Text, " \t\r\n")
	}
}

func writeTurns(w *writer, list []dialect.Message) error {
	w.name("messages")
	w.raw("[")
	for i := range list {
		w.next()
		w.raw("{")
		w.str("role", string(list[i].Role))
		if err := writeParts(w, list[i].Parts); err != nil {
			return err
		}
		w.raw("}")
	}
	w.raw("]")
	return nil
}

func writeParts(w *writer, parts []dialect.Part) error {
	w.name("content")
	w.raw("[")
	for i := range parts {
		w.next()
		if err := writePart(w, &parts[i]); err != nil {
			return err
		}
	}
	w.raw("]")
	return nil
}

// writePart writes one block. Errors name the part as OpenAI's callers spell it: a caller of this
// dialect's own is not translated.
func writePart(w *writer, p *dialect.Part) error {
	switch p.Kind {
	case dialect.PartText, dialect.PartRefusal:
		writeText(w, p)
	case dialect.PartImage:
		return writeImage(w, p)
	case dialect.PartFile:
		return writeFile(w, p)
	case dialect.PartThinking:
		writeThinkingBlock(w, p)
	case dialect.PartRedacted:
		writeRedacted(w, p)
	case dialect.PartToolUse:
		return writeToolUse(w, p)
	case dialect.PartToolResult:
		return writeToolResult(w, p)
	case dialect.PartAudio:
		return unsupported("messages[].content[].input_audio", "Anthropic endpoints take no audio")
	default:
		return unsupported("messages[].content[]", "Anthropic endpoints take no such part")
	}
	return nil
}

// end closes a block.
func (w *writer) end(p *dialect.Part) {
	w.json("cache_control", p.Cache)
	w.raw("}")
}

func writeText(w *writer, p *dialect.Part) {
	w.raw(`{"type":"text"`)
	w.str("text", p.Text)
	w.end(p)
}

func writeThinkingBlock(w *writer, p *dialect.Part) {
	w.raw(`{"type":"thinking"`)
	w.str("thinking", p.Text)
	w.str("signature", p.Signature)
	w.raw("}")
}

func writeRedacted(w *writer, p *dialect.Part) {
	w.raw(`{"type":"redacted_thinking"`)
	w.str("data", p.Data)
	w.raw("}")
}

func writeImage(w *writer, p *dialect.Part) error {
	media := strings.ToLower(p.MediaType)
	if media == "image/jpg" { // not registered, but common
		media = "image/jpeg"
	}
	switch {
	case p.URL != "":
		media = ""
	case media == "image/jpeg", media == "image/png", media == "image/gif", media == "image/webp":
	default:
		return unsupported("messages[].content[].image_url", "Anthropic endpoints take jpeg, png, gif and webp images")
	}
	w.raw(`{"type":"image"`)
	writeSource(w, media, p)
	w.end(p)
	return nil
}

// writeSource writes a base64 source of the media type, or a url one where there is none.
func writeSource(w *writer, media string, p *dialect.Part) {
	w.name("source")
	if media == "" {
		w.raw(`{"type":"url"`)
		w.str("url", p.URL)
	} else {
		w.raw(`{"type":"base64"`)
		w.str("media_type", media)
		w.str("data", p.Data)
	}
	w.raw("}")
}

func writeFile(w *writer, p *dialect.Part) error {
	media, _, _ := strings.Cut(strings.ToLower(p.MediaType), ";")
	w.raw(`{"type":"document"`)
	switch {
	case p.URL != "":
		writeSource(w, "", p)
	case media == "application/pdf":
		writeSource(w, media, p)
	default:
		content, err := base64.StdEncoding.DecodeString(p.Data)
		if !textual(media) || err != nil || !utf8.Valid(content) {
			return unsupported("messages[].content[].file", "Anthropic endpoints take PDF and UTF-8 text files")
		}
		w.name("source")
		w.raw(`{"type":"text","media_type":"text/plain"`)
		w.str("data", string(content))
		w.raw("}")
	}
	w.nonempty("title", p.Name)
	w.end(p)
	return nil
}

func textual(media string) bool {
	return strings.HasPrefix(media, "text/") || media == "application/json" || media == "application/xml"
}

// toolID spells an id for the API. Encoding twice would make another id of the same call.
func toolID(id string) string { return dialect.EncodeToolID(dialect.DecodeToolID(id)) }

func writeToolUse(w *writer, p *dialect.Part) error {
	input := jsonscan.Value(p.Input)
	if len(input) == 0 {
		input = jsonscan.Value("{}")
	}
	if input.Kind() != jsonscan.KindObject {
		return invalid("messages[].tool_calls[].function.arguments", "the arguments of a tool call must be a JSON object")
	}
	w.raw(`{"type":"tool_use"`)
	w.str("id", toolID(p.ID))
	w.str("name", p.Name)
	w.json("input", input)
	w.end(p)
	return nil
}

func writeToolResult(w *writer, p *dialect.Part) error {
	w.raw(`{"type":"tool_result"`)
	w.str("tool_use_id", toolID(p.ID))
	parts := make([]dialect.Part, 0, len(p.Parts))
	for _, inner := range p.Parts {
		switch {
		case inner.Kind != dialect.PartText && inner.Kind != dialect.PartImage:
			return unsupported("messages[].content", "Anthropic endpoints take text and images in tool results")
		case inner.Kind == dialect.PartImage, !blank(inner.Text):
			parts = append(parts, inner)
		}
	}
	if len(parts) > 0 {
		if err := writeParts(w, parts); err != nil {
			return err
		}
	}
	if p.IsError {
		w.json("is_error", []byte("true"))
	}
	w.end(p)
	return nil
}
