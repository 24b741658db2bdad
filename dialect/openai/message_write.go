package openai

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"fairlead/dialect"
)

// appendMessages writes the system message and the turns. Errors are relative to messages of the neutral
// form, whose turns count without the system message.
func appendMessages(w *writer, r *dialect.Request) error {
	w.name("messages")
	w.open('[')
	if system := withoutEmpty(r.System); len(system) > 0 {
		w.open('{')
		w.text("role", "system")
		if err := appendContent(w, system); err != nil {
			return err
		}
		w.close('}')
	}
	turns, err := writable(r.Messages)
	switch {
	case err != nil:
		return err
	case len(turns) == 0 && len(r.System) == 0:
		return unsupported("", "has nothing that this endpoint can be sent")
	}
	for i := range turns {
		if turns[i].Role == dialect.Assistant {
			err = appendAssistant(w, turns[i].Parts)
		} else {
			err = appendUser(w, turns[i].Parts)
		}
		if err != nil {
			return atIndex(i, err)
		}
	}
	w.close(']')
	return nil
}

// writable gives the turns as this wire can hold them: without thinking and empty text, text files as
// text, what tool results show behind the results, and neighbours of one role as one.
func writable(messages []dialect.Message) ([]dialect.Message, error) {
	var turns []dialect.Message
	for i := range messages {
		var parts, shown []dialect.Part
		for _, p := range withoutEmpty(messages[i].Parts) {
			switch p.Kind {
			case dialect.PartThinking, dialect.PartRedacted:
				continue
			case dialect.PartToolResult:
				p, shown = splitResult(p, shown)
			}
			parts = append(parts, p)
		}
		parts = append(shown, parts...)
		for j := range parts {
			if err := inlineText(&parts[j]); err != nil {
				return nil, atIndex(i, err)
			}
		}
		turns = appendTurn(turns, messages[i].Role, parts)
	}
	resultsFirst(turns)
	return turns, nil
}

func withoutEmpty(parts []dialect.Part) []dialect.Part {
	var kept []dialect.Part
	for _, p := range parts {
		if p.Text == "" && (p.Kind == dialect.PartText || p.Kind == dialect.PartRefusal) {
			continue
		}
		kept = append(kept, p)
	}
	return kept
}

// splitResult leaves a tool result its text and adds everything else to shown.
func splitResult(p dialect.Part, shown []dialect.Part) (dialect.Part, []dialect.Part) {
	inner := withoutEmpty(p.Parts)
	p.Parts = nil
	for _, part := range inner {
		if part.Kind == dialect.PartText {
			p.Parts = append(p.Parts, part)
		} else {
			shown = append(shown, part)
		}
	}
	return p, shown
}

// inlineText makes a text part of a text file.
func inlineText(p *dialect.Part) error {
	if p.Kind != dialect.PartFile || !strings.HasPrefix(p.MediaType, "text/") || p.URL != "" {
		return nil
	}
	b, err := base64.StdEncoding.DecodeString(p.Data)
	if err != nil || !utf8.Valid(b) {
		return invalid("file", "must be UTF-8 text in base64, as its media type says")
	}
	*p = dialect.Part{Kind: dialect.PartText, Text: string(b)}
	return nil
}

// appendUser writes a message for each tool result, and one for the rest.
func appendUser(w *writer, parts []dialect.Part) error {
	n := 0
	for n < len(parts) && parts[n].Kind == dialect.PartToolResult {
		w.open('{')
		w.text("role", "tool")
		w.text("tool_call_id", dialect.DecodeToolID(parts[n].ID))
		if err := appendContent(w, parts[n].Parts); err != nil {
			return err
		}
		w.close('}')
		n++
	}
	if n == len(parts) {
		return nil
	}
	w.open('{')
	w.text("role", "user")
	if err := appendContent(w, parts[n:]); err != nil {
		return err
	}
	w.close('}')
	return nil
}

// appendAssistant writes text, refusal and tool calls, in this order.
func appendAssistant(w *writer, parts []dialect.Part) error {
	var said []dialect.Part
	for _, p := range parts {
		switch p.Kind {
		case dialect.PartText:
			said = append(said, p)
		case dialect.PartRefusal, dialect.PartToolUse:
		default:
			return unsupported("", "has content that an assistant message cannot hold on this endpoint")
		}
	}
	w.open('{')
	w.text("role", "assistant")
	if len(said) > 0 {
		if err := appendContent(w, said); err != nil {
			return err
		}
	} else {
		w.raw("content", []byte("null"))
	}
	if refused, ok := joined(parts, dialect.PartRefusal); ok {
		w.text("refusal", refused)
	}
	appendCalls(w, parts, dialect.DecodeToolID)
	w.close('}')
	return nil
}

// appendContent writes the member content: one text as a string, which every server takes, else parts.
func appendContent(w *writer, parts []dialect.Part) error {
	if len(parts) == 0 {
		w.text("content", "")
		return nil
	}
	if len(parts) == 1 && parts[0].Kind == dialect.PartText {
		w.text("content", parts[0].Text)
		return nil
	}
	w.name("content")
	w.open('[')
	for i := range parts {
		w.open('{')
		if err := appendPart(w, &parts[i]); err != nil {
			return err
		}
		w.close('}')
	}
	w.close(']')
	return nil
}

func appendPart(w *writer, p *dialect.Part) error {
	switch p.Kind {
	case dialect.PartText:
		w.text("type", "text")
		w.text("text", p.Text)
		return nil
	case dialect.PartImage:
		w.text("type", "image_url")
		w.name("image_url")
		w.open('{')
		w.text("url", address(p))
		w.optional("detail", p.Detail)
		w.close('}')
		return nil
	case dialect.PartFile:
		return appendFile(w, p)
	case dialect.PartAudio:
		return appendAudio(w, p)
	}
	return unsupported("", "has content that its role cannot hold on this endpoint")
}

// address is a part's URL, or its data as one.
func address(p *dialect.Part) string {
	if p.URL != "" {
		return p.URL
	}
	return "data:" + p.MediaType + ";base64," + p.Data
}

func appendFile(w *writer, p *dialect.Part) error {
	if p.URL != "" {
		return unsupported("file", "cannot be given by URL on this endpoint")
	}
	name := p.Name
	if name == "" {
		name = "document.pdf" // servers demand a name
	}
	w.text("type", "file")
	w.name("file")
	w.open('{')
	w.text("filename", name)
	w.text("file_data", address(p))
	w.close('}')
	return nil
}

func appendAudio(w *writer, p *dialect.Part) error {
	format, ok := strings.CutPrefix(p.MediaType, "audio/")
	if format == "mpeg" {
		format = "mp3"
	}
	if _, known := audioTypes[format]; !ok || !known {
		return unsupported("input_audio", "must be wav or mp3 on this endpoint")
	}
	w.text("type", "input_audio")
	w.name("input_audio")
	w.open('{')
	w.text("data", p.Data)
	w.text("format", format)
	w.close('}')
	return nil
}
