package fakellm

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// chatFields are the fields of a chat completion that some OpenAI-compatible server takes: OpenAI's,
// then those of vLLM, SGLang, llama.cpp and OpenRouter.
var chatFields = strings.Fields(`
	messages model max_tokens max_completion_tokens temperature top_p n stop seed frequency_penalty presence_penalty
	logit_bias logprobs top_logprobs user safety_identifier metadata store stream stream_options tools tool_choice
	parallel_tool_calls response_format reasoning_effort verbosity service_tier modalities audio prediction
	web_search_options moderation prompt_cache_key prompt_cache_retention prompt_cache_options functions function_call
	top_k min_p repetition_penalty length_penalty stop_token_ids ignore_eos min_tokens include_stop_str_in_output
	skip_special_tokens truncate_prompt_tokens prompt_logprobs structured_outputs guided_json guided_regex guided_choice
	chat_template chat_template_kwargs add_generation_prompt continue_final_message priority cache_salt request_id
	include_reasoning thinking_token_budget return_token_ids kv_transfer_params regex ebnf separate_reasoning grammar
	json_schema cache_prompt thinking reasoning provider models route transforms plugins usage user_id`)

var toolName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// readChat reads and checks a chat completion as OpenAI does.
func readChat(o object) (*ask, *problem) {
	r := &reader{shape: openai}
	a := &ask{maxTokens: -1, n: 1, parallel: true, choice: "auto"}
	if a.model = r.str(o, "", "model", false); a.model == "" {
		r.refuse("model", "", "you must provide a model parameter")
	}
	r.only(o, "", chatFields)
	sampling(r, o, a)
	readStream(r, o, a)
	readChatTools(r, o, a)
	readFormat(r, o, a)
	messages := r.list(o, "", "messages")
	switch {
	case o["messages"] == nil:
		r.missing("messages")
	case r.wrong == nil && len(messages) == 0:
		r.refuse("messages", "empty_array", "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.")
	}
	for i, m := range messages {
		a.add(chatMessage(r, r.obj(m, item("messages", i)), item("messages", i)))
	}
	checkCalls(r, a)
	readContinue(r, o, a, messages)
	return a, r.wrong
}

// sampling checks what chat and text completions share.
func sampling(r *reader, o object, a *ask) {
	r.number(o, "", "temperature", 0, 2)
	r.number(o, "", "top_p", 0, 1)
	r.number(o, "", "frequency_penalty", -2, 2)
	r.number(o, "", "presence_penalty", -2, 2)
	r.integer(o, "", "top_logprobs", 0, 20)
	r.integer(o, "", "seed", -1<<63, 1<<63)
	if n, ok := r.integer(o, "", "n", 1, 128); ok && r.wrong == nil {
		a.n = n
	}
	most, given := r.integer(o, "", "max_tokens", 1, 1<<31)
	newer, both := r.integer(o, "", "max_completion_tokens", 1, 1<<31)
	switch {
	case given && both:
		r.refuse("max_tokens", "invalid_parameter_combination", "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.")
	case given:
		a.maxTokens = most
	case both:
		a.maxTokens = newer
	}
	switch stop := o["stop"].(type) {
	case nil:
	case string:
		a.stops = []string{stop}
	default:
		for i, v := range r.list(o, "", "stop") {
			s, ok := v.(string)
			if !ok {
				r.mistyped(item("stop", i), "string", v)
			}
			a.stops = append(a.stops, s)
		}
		if len(a.stops) > 4 {
			r.refuse("stop", "array_above_max_length", "Invalid 'stop': array too long. Expected an array with maximum length 4.")
		}
	}
	r.word(o, "", "reasoning_effort", false, "none", "minimal", "low", "medium", "high", "xhigh", "max")
	r.word(o, "", "service_tier", false, "auto", "default", "flex", "scale", "priority", "fast")
	r.sub(o, "", "metadata")
	r.sub(o, "", "logit_bias")
}

func readStream(r *reader, o object, a *ask) {
	a.stream, _ = r.flag(o, "", "stream")
	options := r.sub(o, "", "stream_options")
	if options == nil {
		return
	}
	if !a.stream {
		r.refuse("stream_options", "invalid_parameter_combination", "The 'stream_options' parameter is only allowed when 'stream' is enabled.")
	}
	r.only(options, "stream_options", []string{"include_usage", "include_obfuscation", "continuous_usage_stats"})
	a.includeUsage, _ = r.flag(options, "stream_options", "include_usage")
}

func readChatTools(r *reader, o object, a *ask) {
	list := r.list(o, "", "tools")
	if list != nil && len(list) == 0 {
		r.refuse("tools", "empty_array", "Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty array instead.")
	}
	for i, v := range list {
		at := item("tools", i)
		t := r.obj(v, at)
		kind := r.word(t, at, "type", true, "function", "custom")
		if kind == "" || r.wrong != nil {
			return
		}
		f := r.sub(t, at, kind)
		if f == nil {
			r.missing(join(at, kind))
			return
		}
		name := r.str(f, join(at, kind), "name", true)
		if r.wrong == nil && !toolName.MatchString(name) {
			r.refuse(join(at, kind)+".name", "invalid_value", fmt.Sprintf("Invalid '%s': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.", brackets(join(at, kind)+".name")))
		}
		r.sub(f, join(at, kind), "parameters")
		a.tools = append(a.tools, tool{name: name, schema: f["parameters"]})
	}
	if p, given := r.flag(o, "", "parallel_tool_calls"); given {
		a.parallel = p
		if list == nil {
			r.refuse("parallel_tool_calls", "invalid_parameter_combination", "Invalid value for 'parallel_tool_calls': 'parallel_tool_calls' is only allowed when 'tools' are specified.")
		}
	}
	readChoice(r, o, a, list != nil)
}

func readChoice(r *reader, o object, a *ask, offered bool) {
	v, there := o["tool_choice"]
	if !there || v == nil {
		return
	}
	if word, ok := v.(string); ok {
		r.word(o, "", "tool_choice", false, "none", "auto", "required")
		a.choice = strings.Replace(word, "required", "any", 1)
	} else {
		c := r.obj(v, "tool_choice")
		kind := r.word(c, "tool_choice", "type", true, "function", "custom", "allowed_tools")
		if kind == "allowed_tools" {
			return
		}
		a.choice, a.named = r.str(r.sub(c, "tool_choice", kind), "tool_choice."+kind, "name", true), true
		if r.wrong == nil && !slices.ContainsFunc(a.tools, func(t tool) bool { return t.name == a.choice }) {
			r.refuse("tool_choice", "", fmt.Sprintf("Tool choice '%s' not found in 'tools' parameter.", a.choice))
		}
	}
	if !offered && a.choice != "none" {
		r.refuse("tool_choice", "", "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.")
	}
}

func readFormat(r *reader, o object, a *ask) {
	f := r.sub(o, "", "response_format")
	if f == nil {
		return
	}
	switch r.word(f, "response_format", "type", true, "text", "json_object", "json_schema") {
	case "json_object":
		a.schema = map[string]any{"type": "object"}
	case "json_schema":
		s := r.sub(f, "response_format", "json_schema")
		if s == nil {
			r.missing("response_format.json_schema")
			return
		}
		r.str(s, "response_format.json_schema", "name", true)
		if a.schema = s["schema"]; a.schema == nil {
			a.schema = map[string]any{"type": "object"}
		}
	}
}

// readContinue reads the two ways to have the last assistant turn continued.
func readContinue(r *reader, o object, a *ask, messages []any) {
	final, _ := r.flag(o, "", "continue_final_message")
	generate, given := r.flag(o, "", "add_generation_prompt")
	if r.wrong != nil {
		return
	}
	last, _ := messages[len(messages)-1].(map[string]any)
	trailing := last["role"] == "assistant"
	if final && (generate || !given) {
		r.refuse("", "", "Cannot set both `continue_final_message` and `add_generation_prompt` to True.")
	}
	if final && !trailing {
		r.refuse("messages", "", "Cannot set `continue_final_message` to True when the last message is not from the assistant.")
	}
	prefix, _ := last["prefix"].(bool)
	a.prefill, a.final = trailing, trailing && (final || prefix)
}

var dataURL = regexp.MustCompile(`^data:([a-z]+/[a-z0-9.+-]+);base64,`)

// imageKind gives the media type of a data URL or the scheme of another one.
func imageKind(r *reader, url, at string) string {
	if m := dataURL.FindStringSubmatch(url); m != nil {
		if !slices.Contains([]string{"image/png", "image/jpeg", "image/gif", "image/webp"}, m[1]) {
			r.refuse(at, "invalid_image_format", "You uploaded an unsupported image. Please make sure your image has of one the following formats: ['png', 'jpeg', 'gif', 'webp'].")
		}
		if data, err := base64.StdEncoding.DecodeString(url[len(m[0]):]); err != nil || len(data) == 0 {
			r.refuse(at, "invalid_base64", "Invalid base64 image data.")
		}
		return m[1]
	}
	scheme, _, ok := strings.Cut(url, "://")
	if !ok || (scheme != "http" && scheme != "https") {
		r.refuse(at, "invalid_image_url", "Invalid image URL. Expected a valid URL, but got a value with an invalid format.")
	}
	return scheme
}
