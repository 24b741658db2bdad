package openai

import (
	"bytes"

	"fairlead"
	"fairlead/dialect"
	"fairlead/internal/jsonscan"
)

// routed are the fields that Facts decides by. Servers that match names whatever their case could take a
// variant for the field itself, and do another thing than what was routed.
var routed = []string{
	"model", "stream", "stream_options", "max_tokens", "max_completion_tokens", "max_output_tokens", "messages",
	"store", "background", "conversation", "previous_response_id",
}

// Facts reads what routing needs from a body of any of this wire's operations. It runs for every request
// (BenchmarkFacts).
func (Dialect) Facts(op fairlead.Operation, body *jsonscan.Object) (dialect.Facts, error) {
	if found, ok := body.CaseVariant(routed...); ok {
		return dialect.Facts{}, &fairlead.Error{
			Code: fairlead.CodeDuplicateField, Param: found,
			Message: "a routed field is spelt in another case",
		}
	}
	f := dialect.Facts{Stateless: true}
	var options stateOptions
	for i := range body.Members {
		m := &body.Members[i]
		if err := factOf(&f, &options, op, m, body.Value(m)); err != nil {
			return dialect.Facts{}, sentence(at(string(m.Name), err))
		}
	}
	if f.Model == "" {
		return dialect.Facts{}, sentence(invalid("model", "must be a non-empty string"))
	}
	if op == fairlead.OpChat && !options.messages {
		return dialect.Facts{}, sentence(invalid("messages", "must be a non-empty array"))
	}
	// These two have no stream, whatever is asked for.
	f.Stream = f.Stream && op != fairlead.OpEmbeddings && op != fairlead.OpModerations
	f.Stateless = options.stateless(op)
	f.MaxOutput = options.bound()
	f.Choices = options.choices()
	if f.Thinks {
		f.Needs |= fairlead.Reasoning
	}
	return f, nil
}

// stateOptions are the fields whose meaning depends on others.
type stateOptions struct {
	messages         bool
	stored, notSaved bool // store is true, is false
	continued        bool // background, conversation or previous_response_id
	oldMax, newMax   int64
	each, prompts    int // choices for each prompt
}

// choices is how many are asked for, of each prompt some.
func (o *stateOptions) choices() int {
	if n := max(o.each, 1) * max(o.prompts, 1); n > 1 {
		return n
	}
	return 0
}

// promptCount counts the prompts of completions: several are an array of texts or of arrays of tokens.
func promptCount(v jsonscan.Value) (n int) {
	w := v.Walk()
	for ok := w.Array(); ok && n < maxChoices && w.Kind() != jsonscan.KindNumber; ok = w.More() {
		n++
	}
	return n
}

// stateless reports whether the provider keeps nothing of the exchange. Responses are kept unless the
// caller says otherwise.
func (o *stateOptions) stateless(op fairlead.Operation) bool {
	if op == fairlead.OpResponses {
		return o.notSaved && !o.continued
	}
	return !o.stored
}

func (o *stateOptions) bound() int64 {
	if o.newMax > 0 {
		return o.newMax
	}
	return o.oldMax
}

// factOf reads one top-level field.
func factOf(f *dialect.Facts, o *stateOptions, op fairlead.Operation, m *jsonscan.Member, v jsonscan.Value) (err error) {
	name := string(m.Name)
	if v.IsNull() && name != "model" && name != "messages" {
		return nil
	}
	switch name {
	case "model":
		var ok bool
		if f.Model, ok = v.Text(); !ok || f.Model == "" {
			return invalid("", "must be a non-empty string")
		}
	case "messages":
		o.messages = readContents(f, v, m.Levels)
	case "input":
		readContents(f, v, m.Levels)
	case "n":
		n, _ := v.Int()
		o.each = int(min(max(n, 0), maxChoices))
	case "prompt":
		if op == fairlead.OpCompletions {
			o.prompts = promptCount(v)
		}
	case "stream":
		f.Stream, err = boolean(v)
	case "stream_options":
		if _, err = object(v); err == nil {
			f.StreamUsage, err = member(v, "include_usage", boolean)
		}
	case "max_tokens":
		o.oldMax, err = integer(v, 0, maxTokens)
	case "max_completion_tokens", "max_output_tokens":
		o.newMax, err = integer(v, 0, maxTokens)
	case "store":
		var store bool
		store, err = boolean(v)
		o.stored, o.notSaved = store, err == nil && !store
	case "background":
		o.continued = o.continued || v.Truthy()
	case "conversation", "previous_response_id":
		o.continued = true
	case "tools", "functions":
		if holdsAny(v) {
			f.Needs |= fairlead.Tools
		}
	case "response_format":
		f.Needs |= formatNeeds(v)
	case "text":
		if op == fairlead.OpResponses {
			format, _ := v.Get("format")
			f.Needs |= formatNeeds(format)
		}
	case "logprobs", "top_logprobs":
		if v.Truthy() {
			f.Needs |= fairlead.Logprobs
		}
	case "reasoning_effort", "reasoning", "thinking":
		f.Thinks = f.Thinks || thinks(v)
	}
	return err
}

func formatNeeds(v jsonscan.Value) fairlead.Abilities {
	switch kind, _ := textOf(v, "type"); kind {
	case "json_schema":
		return fairlead.JSONSchema
	case "json_object":
		return fairlead.JSONObject
	}
	return 0
}

// thinks reads the ways to ask for reasoning: an effort, OpenRouter's and the responses' object
// {effort, max_tokens, enabled}, and the object {type: enabled} of others.
func thinks(v jsonscan.Value) bool {
	if effort, ok := v.Text(); ok {
		return effort != "" && effort != "none" && effort != "minimal"
	}
	if on, ok := v.Get("enabled"); ok && on.Kind() == jsonscan.KindBool {
		return on.Truthy()
	}
	if effort, ok := v.Get("effort"); ok {
		return thinks(effort)
	}
	if kind, ok := textOf(v, "type"); ok {
		return kind == "enabled" || kind == "adaptive"
	}
	budget, _ := v.Get("max_tokens")
	return budget.Truthy()
}

// plainLevels are the array of messages and the messages: what an endpoint may need to be able to do
// stands in arrays within them.
const plainLevels = 2

// readContents finds what the parts of messages, or of the input of responses, need of an endpoint and
// how much of them is media, and tool calls in the history of a request that offers no tools any more.
// found is whether there is any. Most conversations are plain texts, which their levels tell without a walk.
func readContents(f *dialect.Facts, v jsonscan.Value, levels int) (found bool) {
	if levels <= plainLevels {
		return holdsAny(v)
	}
	w := v.Walk()
	for ok := w.Array(); ok; ok = w.More() {
		found = true
		for ok := w.Object(); ok; ok = w.More() {
			switch string(w.Name()) {
			case "content", "output": // output is that of a function call, in responses
				for ok := w.Array(); ok; ok = w.More() {
					readPart(f, w.Value())
				}
			case "tool_calls":
				if holdsAny(w.Value()) {
					f.Needs |= fairlead.Tools
				}
			}
		}
	}
	return found
}

// readPart reads a part of a content. Chat completions have the data in an
// object of the kind's name, responses in the part itself.
func readPart(f *dialect.Facts, part jsonscan.Value) {
	var data jsonscan.Value
	switch kind, _ := part.Get("type"); string(kind) {
	case `"image_url"`:
		f.Needs |= fairlead.Vision
		f.Images++
		if data, _ = part.Get("image_url"); data.Kind() == jsonscan.KindObject {
			data, _ = data.Get("url")
		}
	case `"input_image"`:
		f.Needs |= fairlead.Vision
		f.Images++
		data, _ = part.Get("image_url")
	case `"file"`:
		f.Needs |= fairlead.Files
		file, _ := part.Get("file")
		data, _ = file.Get("file_data")
	case `"input_file"`:
		f.Needs |= fairlead.Files
		data, _ = part.Get("file_data")
	case `"input_audio"`:
		f.Needs |= fairlead.Audio
		audio, _ := part.Get("input_audio")
		data, _ = audio.Get("data")
	default:
		return
	}
	f.MediaParts++
	f.Media += base64Bytes(data)
}

// base64Bytes counts the data of a part: that of a data: URL, or bare base64; none of a URL.
func base64Bytes(v jsonscan.Value) int64 {
	if v.Kind() != jsonscan.KindString {
		return 0
	}
	data := v[1 : len(v)-1]
	if bytes.HasPrefix(data, []byte("data:")) {
		_, data, _ = bytes.Cut(data, []byte(","))
	} else if bytes.Contains(data[:min(len(data), 16)], []byte("://")) {
		return 0
	}
	return int64(len(data))
}
