package fakellm

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// readText reads a text completion.
func readText(o object) (*ask, *problem) {
	r := &reader{shape: openai}
	a := newAsk(r, o)
	r.only(o, "", append(strings.Fields("prompt suffix best_of echo"), chatFields...))
	sampling(r, withoutLogprobs(o), a)
	readStream(r, o, a)
	switch p := o["prompt"].(type) {
	case nil:
		r.missing("prompt")
	case string:
		a.add(turn{role: "user", text: p})
	case []any:
		for _, text := range inputs(r, o, "prompt") {
			a.add(turn{role: "user", text: text})
		}
	default:
		r.mistyped("prompt", "string", p)
	}
	return a, r.wrong
}

// withoutLogprobs hides the field that is a number in text completions and a boolean in chats.
func withoutLogprobs(o object) object {
	rest := object{}
	for k, v := range o {
		if k != "logprobs" && k != "echo" {
			rest[k] = v
		}
	}
	return rest
}

func newAsk(r *reader, o object) *ask {
	a := &ask{maxTokens: -1, n: 1, parallel: true, choice: "auto"}
	if a.model = r.str(o, "", "model", false); a.model == "" {
		r.refuse("model", "", "you must provide a model parameter")
	}
	return a
}

// inputs reads a string, strings, token ids, or lists of token ids: one text each.
func inputs(r *reader, o object, key string) []string {
	switch v := o[key].(type) {
	case nil:
		r.missing(key)
	case string:
		return []string{v}
	case []any:
		if len(v) == 0 {
			r.refuse(key, "empty_array", "Invalid '"+key+"': input cannot be an empty array.")
			return nil
		}
		if _, ok := v[0].(json.Number); ok {
			return []string{ids(r, v, key)}
		}
		list := make([]string, 0, len(v))
		for i, x := range v {
			switch x := x.(type) {
			case string:
				list = append(list, x)
			case []any:
				list = append(list, ids(r, x, item(key, i)))
			default:
				r.mistyped(item(key, i), "string", x)
			}
		}
		return list
	default:
		r.mistyped(key, "string", v)
	}
	return nil
}

// ids writes token ids as a text of four bytes each, so that they count as one token each.
func ids(r *reader, list []any, at string) string {
	var b strings.Builder
	for i, v := range list {
		n, ok := v.(json.Number)
		id, err := strconv.ParseUint(string(n), 10, 32)
		if !ok || err != nil {
			r.mistyped(item(at, i), "integer", v)
			return ""
		}
		digits := strconv.FormatUint(id+1<<36, 36)
		b.WriteString(digits[len(digits)-4:])
	}
	return b.String()
}

func readEmbeddings(o object) (*ask, *problem) {
	r := &reader{shape: openai}
	a := newAsk(r, o)
	r.only(o, "", []string{"model", "input", "encoding_format", "dimensions", "user"})
	a.inputs = inputs(r, o, "input")
	if len(a.inputs) > 2048 {
		r.refuse("input", "array_above_max_length", "Invalid 'input': array too long. Expected an array with maximum length 2048.")
	}
	for i, text := range a.inputs {
		if text == "" {
			r.refuse(item("input", i), "invalid_value", "Invalid 'input': input cannot be an empty string.")
		}
		a.textBytes += len(text)
	}
	a.base64 = r.word(o, "", "encoding_format", false, "float", "base64") == "base64"
	a.dims = 64
	if d, given := r.integer(o, "", "dimensions", 1, 4096); given {
		a.dims = d
	}
	return a, r.wrong
}

func readModerations(o object) (*ask, *problem) {
	r := &reader{shape: openai}
	a := &ask{maxTokens: -1, model: r.str(o, "", "model", false)}
	if a.model == "" {
		a.model = "omni-moderation-latest" // the field may be left out
	}
	r.only(o, "", []string{"model", "input"})
	if list, ok := o["input"].([]any); ok && len(list) > 0 {
		if _, parts := list[0].(map[string]any); parts {
			var t turn
			for i, v := range list {
				chatPart(r, r.obj(v, item("input", i)), item("input", i), &t, []string{"text", "image_url"})
			}
			a.inputs = []string{t.text}
			return a, r.wrong
		}
	}
	a.inputs = inputs(r, o, "input")
	return a, r.wrong
}

var responsesFields = strings.Fields(`
	model input instructions previous_response_id conversation store background stream stream_options max_output_tokens
	max_tool_calls tools tool_choice parallel_tool_calls reasoning text include truncation prompt service_tier temperature
	top_p top_logprobs metadata prompt_cache_key prompt_cache_retention prompt_cache_options safety_identifier moderation
	context_management user`)

// readResponses reads a response request. Tools are taken and not called: this wire answers text.
func readResponses(o object) (*ask, *problem) {
	r := &reader{shape: openai}
	a := newAsk(r, o)
	r.only(o, "", responsesFields)
	r.number(o, "", "temperature", 0, 2)
	r.number(o, "", "top_p", 0, 1)
	r.list(o, "", "tools")
	a.stream, _ = r.flag(o, "", "stream")
	if most, given := r.integer(o, "", "max_output_tokens", 16, 1<<31); given {
		a.maxTokens = most
	}
	if s := r.str(o, "", "instructions", false); s != "" {
		a.add(turn{role: "system", text: s})
	}
	if id := r.str(o, "", "previous_response_id", false); id != "" {
		p := invalid("previous_response_id", "Previous response with id '"+id+"' not found.")
		p.code = "previous_response_not_found"
		return a, p // nothing is stored here
	}
	switch in := o["input"].(type) {
	case nil:
		r.missing("input")
	case string:
		a.add(turn{role: "user", text: in})
	case []any:
		for i, v := range in {
			responsesItem(r, a, r.obj(v, item("input", i)), item("input", i))
		}
	default:
		r.mistyped("input", "string", in)
	}
	return a, r.wrong
}

func responsesItem(r *reader, a *ask, o object, at string) {
	switch kind := r.str(o, at, "type", false); kind {
	case "", "message":
		t := turn{role: r.word(o, at, "role", true, "user", "assistant", "system", "developer")}
		switch c := o["content"].(type) {
		case string:
			t.text = c
		case []any:
			for i, v := range c {
				path := item(join(at, "content"), i)
				p := r.obj(v, path)
				switch r.word(p, path, "type", true, "input_text", "output_text", "input_image", "input_file", "refusal") {
				case "input_text", "output_text":
					t.text += r.str(p, path, "text", true)
				case "input_image":
					if url := r.str(p, path, "image_url", false); url != "" {
						t.images = append(t.images, imageKind(r, url, path+".image_url"))
					}
				}
			}
		default:
			r.mistyped(join(at, "content"), "string", c)
		}
		a.add(t)
	case "function_call":
		a.add(turn{role: "assistant", calls: []call{{id: r.str(o, at, "call_id", true), name: r.str(o, at, "name", true), args: r.str(o, at, "arguments", true)}}})
	case "function_call_output":
		id := r.str(o, at, "call_id", true)
		if !slices.ContainsFunc(a.turns, func(t turn) bool { return len(t.calls) == 1 && t.calls[0].id == id }) {
			r.refuse("input", "", "No tool call found for function call output with call_id "+id+".")
		}
		text, _ := o["output"].(string)
		a.add(turn{role: "tool", results: []result{{id: id, text: text}}})
	case "reasoning", "item_reference":
	default:
		r.refuse(join(at, "type"), "invalid_value", "Invalid value: '"+kind+"'.")
	}
}
