package fakellm

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// blockReader reads Anthropic's content blocks and counts those marked for the cache.
type blockReader struct {
	*reader
	marks int
}

var (
	userBlocks      = strings.Fields("text image document search_result tool_result container_upload")
	assistantBlocks = strings.Fields(`text thinking redacted_thinking tool_use server_tool_use web_search_tool_result
		web_fetch_tool_result code_execution_tool_result bash_code_execution_tool_result
		text_editor_code_execution_tool_result tool_search_tool_result`)
	useID = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)
)

// message reads one message; the last one may be an empty assistant turn.
func (b *blockReader) message(m object, at string, last bool) turn {
	role := b.str(m, at, "role", true)
	if role == "system" {
		b.refuse("messages", "", `Unexpected role "system". The Messages API accepts a top-level `+"`system`"+` parameter, not "system" as an input message role.`)
	}
	t := turn{role: b.word(m, at, "role", true, "user", "assistant")}
	b.only(m, at, []string{"role", "content"})
	kinds := userBlocks
	if role == "assistant" {
		kinds = assistantBlocks
	}
	empty := false
	switch c := m["content"].(type) {
	case nil:
		b.missing(at + ".content")
	case string:
		t.text, t.first, empty = c, "text", c == ""
		if c != "" && strings.TrimSpace(c) == "" {
			b.refuse("messages", "", "text content blocks must contain non-whitespace text")
		}
	case []any:
		empty = len(c) == 0
		for i, v := range c {
			b.block(b.obj(v, item(at+".content", i)), item(at+".content", i), &t, kinds)
		}
	default:
		b.mistyped(at+".content", "list", c)
	}
	if empty && (!last || role != "assistant") {
		b.refuse(at, "", "all messages must have non-empty content except for the optional final assistant message")
	}
	return t
}

// block reads one content block into its turn.
func (b *blockReader) block(o object, at string, t *turn, kinds []string) {
	kind := b.str(o, at, "type", true)
	if b.wrong == nil && !slices.Contains(kinds, kind) {
		b.refuse(at, "", "Input tag '"+kind+"' found using 'type' does not match any of the expected tags: '"+strings.Join(kinds, "', '")+"'")
	}
	if t.first == "" {
		t.first = kind
	}
	b.mark(o)
	switch kind {
	case "text":
		text := b.str(o, at, "text", true)
		b.only(o, at, []string{"type", "text", "cache_control", "citations"})
		switch {
		case b.wrong != nil:
		case text == "":
			b.refuse("messages", "", "text content blocks must be non-empty")
		case strings.TrimSpace(text) == "":
			b.refuse("messages", "", "text content blocks must contain non-whitespace text")
		}
		t.text += text
	case "image", "document":
		t.images = append(t.images, b.source(o, at, kind))
	case "thinking":
		b.thinking(o, at)
	case "redacted_thinking":
		b.str(o, at, "data", true)
	case "tool_use":
		b.use(o, at, t)
	case "tool_result":
		b.toolResult(o, at, t)
	}
}

// source reads where an image or a document comes from.
func (b *blockReader) source(o object, at, kind string) string {
	s := b.sub(o, at, "source")
	at = join(at, "source")
	if s == nil {
		b.missing(at)
		return ""
	}
	switch b.word(s, at, "type", true, "base64", "url", "file", "text", "content") {
	case "base64":
		at += ".base64"
		media := "application/pdf"
		if kind == "image" {
			media = b.word(s, at, "media_type", true, "image/jpeg", "image/png", "image/gif", "image/webp")
		} else {
			b.word(s, at, "media_type", true, media)
		}
		data, err := base64.StdEncoding.DecodeString(b.str(s, at, "data", true))
		if err != nil || len(data) == 0 {
			b.refuse(at, "", "invalid base64 data")
		}
		return media
	case "url":
		url := b.str(s, at+".url", "url", true)
		scheme, _, ok := strings.Cut(url, "://")
		if !ok || (scheme != "http" && scheme != "https") {
			b.refuse(at+".url.url", "", "Only HTTPS URLs are supported.")
		}
		return scheme
	case "file":
		b.str(s, at+".file", "file_id", true)
		return "file"
	}
	return kind
}

// thinking holds that replayed thinking carries the signature that it was given out with.
func (b *blockReader) thinking(o object, at string) {
	text := b.str(o, at+".thinking", "thinking", true)
	signature := b.str(o, at+".thinking", "signature", true)
	if b.wrong == nil && signature != sign(text) {
		b.refuse(at, "", "Invalid `signature` in `thinking` block")
	}
}

func (b *blockReader) use(o object, at string, t *turn) {
	b.only(o, at+".tool_use", []string{"type", "id", "name", "input", "cache_control", "caller"})
	id := b.str(o, at+".tool_use", "id", true)
	if b.wrong == nil && !useID.MatchString(id) {
		b.refuse(at+".tool_use.id", "", "String should match pattern '^[a-zA-Z0-9_-]+$'")
	}
	name := b.str(o, at+".tool_use", "name", true)
	if b.wrong == nil && !anthropicTool.MatchString(name) {
		b.refuse(at+".tool_use.name", "", "String should match pattern '^[a-zA-Z0-9_-]{1,128}$'")
	}
	input := b.sub(o, at+".tool_use", "input")
	if input == nil {
		b.missing(at + ".tool_use.input")
	}
	args, _ := json.Marshal(input) // cannot fail: it came from JSON
	t.calls = append(t.calls, call{id: id, name: name, args: string(args)})
}

// toolResult reads a result, which must stand before anything else in its message.
func (b *blockReader) toolResult(o object, at string, t *turn) {
	if t.first != "tool_result" || t.text != "" {
		b.refuse(at, "", "`tool_result` blocks must come first in the content of a message")
	}
	b.only(o, at+".tool_result", []string{"type", "tool_use_id", "content", "is_error", "cache_control"})
	res := result{id: b.str(o, at+".tool_result", "tool_use_id", true)}
	b.flag(o, at+".tool_result", "is_error")
	switch c := o["content"].(type) {
	case nil:
	case string:
		res.text = c
	case []any:
		var inner turn
		for i, v := range c {
			path := item(at+".tool_result.content", i)
			b.block(b.obj(v, path), path, &inner, []string{"text", "image", "document", "search_result"})
		}
		res.text = inner.text
		t.images = append(t.images, inner.images...)
	default:
		b.mistyped(at+".tool_result.content", "list", c)
	}
	t.results = append(t.results, res)
}

// mark counts a block with cache_control and checks its form.
func (b *blockReader) mark(o object) {
	c := b.sub(o, "", "cache_control")
	if c == nil {
		return
	}
	b.marks++
	b.word(c, "cache_control", "type", true, "ephemeral")
	b.word(c, "cache_control", "ttl", false, "5m", "1h")
}

// sign makes the signature of a thinking block: bound to its text, and the same at every fake
// provider, as it is at every place of one vendor.
func sign(thinking string) string {
	sum := sha256.Sum256([]byte("fakellm thinking\n" + thinking))
	return base64.StdEncoding.EncodeToString(sum[:])
}
