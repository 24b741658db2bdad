package fakellm

import (
	"slices"
	"strings"
)

// chatMessage reads one message of a chat completion.
func chatMessage(r *reader, m object, at string) turn {
	t := turn{role: r.word(m, at, "role", true, "system", "developer", "user", "assistant", "tool", "function")}
	r.str(m, at, "name", false)
	switch t.role {
	case "system", "developer":
		t.role = "system"
		chatContent(r, m, at, &t, true, "text")
	case "user":
		chatContent(r, m, at, &t, true, "text", "image_url", "input_audio", "file")
	case "assistant":
		chatCalls(r, m, at, &t)
		chatContent(r, m, at, &t, len(t.calls) == 0 && m["function_call"] == nil, "text", "refusal")
	case "tool":
		id := r.str(m, at, "tool_call_id", true)
		var c turn
		chatContent(r, m, at, &c, true, "text")
		t.results = []result{{id: id, text: c.text}}
	case "function":
		r.str(m, at, "name", true)
		chatContent(r, m, at, &t, true, "text")
		t.role = "user"
	}
	return t
}

// chatContent reads content that is a string or parts of the kinds that the role may have.
func chatContent(r *reader, m object, at string, t *turn, required bool, kinds ...string) {
	at = join(at, "content")
	switch c := m["content"].(type) {
	case nil:
		if required {
			r.refuse(at, "invalid_type", "Invalid value for 'content': expected a string, got null.")
		}
	case string:
		t.text = c
	case []any:
		if len(c) == 0 {
			r.refuse(at, "empty_array", "Invalid '"+brackets(at)+"': empty array. Expected an array with minimum length 1, but got an empty array instead.")
		}
		for i, v := range c {
			chatPart(r, r.obj(v, item(at, i)), item(at, i), t, kinds)
		}
	default:
		r.refuse(at, "invalid_type", "Invalid type for '"+brackets(at)+"': expected one of a string or array of objects, but got "+kindOf(c)+" instead.")
	}
}

func chatPart(r *reader, p object, at string, t *turn, kinds []string) {
	switch r.word(p, at, "type", true, kinds...) {
	case "text":
		t.text += r.str(p, at, "text", true)
	case "refusal":
		t.text += r.str(p, at, "refusal", true)
	case "image_url":
		u := r.sub(p, at, "image_url")
		if u == nil {
			r.missing(join(at, "image_url"))
			return
		}
		r.word(u, at+".image_url", "detail", false, "auto", "low", "high", "original")
		t.images = append(t.images, imageKind(r, r.str(u, at+".image_url", "url", true), at+".image_url.url"))
	case "input_audio":
		a := r.sub(p, at, "input_audio")
		r.str(a, at+".input_audio", "data", true)
		t.images = append(t.images, "audio/"+r.word(a, at+".input_audio", "format", true, "wav", "mp3"))
	case "file":
		f := r.sub(p, at, "file")
		if f["file_id"] == nil && f["file_data"] == nil {
			r.missing(at + ".file.file_data")
		}
		t.images = append(t.images, "file")
	}
}

func chatCalls(r *reader, m object, at string, t *turn) {
	list := r.list(m, at, "tool_calls")
	if list != nil && len(list) == 0 {
		r.refuse(join(at, "tool_calls"), "empty_array", "Invalid '"+brackets(at)+".tool_calls': empty array. Expected an array with minimum length 1, but got an empty array instead.")
	}
	for i, v := range list {
		at := item(join(at, "tool_calls"), i)
		c := r.obj(v, at)
		kind := r.word(c, at, "type", true, "function", "custom")
		f := r.sub(c, at, kind)
		if f == nil {
			r.missing(join(at, "function"))
			return
		}
		args := "arguments"
		if kind == "custom" {
			args = "input"
		}
		name := r.str(f, join(at, kind), "name", true)
		if r.wrong == nil && !toolName.MatchString(name) {
			r.refuse(join(at, kind)+".name", "invalid_value", "Invalid '"+brackets(join(at, kind))+".name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.")
		}
		t.calls = append(t.calls, call{id: r.str(c, at, "id", true), name: name, args: r.str(f, join(at, kind), args, true)})
	}
}

// checkCalls holds OpenAI's rule for tools: every call is answered by the tool messages that follow
// it, and no tool message answers anything else.
func checkCalls(r *reader, a *ask) {
	var open []string
	for i, t := range a.turns {
		at := item("messages", i)
		if t.role == "tool" {
			k := slices.Index(open, t.results[0].id)
			if k < 0 {
				r.refuse(at+".role", "", "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.")
				return
			}
			open = slices.Delete(open, k, k+1)
			continue
		}
		if len(open) > 0 {
			break
		}
		for _, c := range t.calls {
			if slices.Contains(open, c.id) {
				r.refuse(at+".tool_calls", "invalid_value", "Duplicate value for 'tool_call_id' of '"+c.id+"' in message.")
			}
			open = append(open, c.id)
		}
	}
	if len(open) > 0 {
		r.refuse("messages", "", "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: "+strings.Join(open, ", "))
	}
}
