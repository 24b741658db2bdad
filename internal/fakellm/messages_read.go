package fakellm

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// messagesFields are the fields of a message request, betas included.
var messagesFields = strings.Fields(`
	model messages max_tokens system temperature top_p top_k stop_sequences stream tools tool_choice thinking
	output_config output_format cache_control metadata service_tier container inference_geo fallbacks
	context_management mcp_servers betas`)

// countFields are those of a token count: what does not change the count is refused.
var countFields = strings.Fields(`model messages system tools tool_choice thinking output_config cache_control mcp_servers context_management`)

var anthropicTool = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)

// readMessages reads and checks a message request as Anthropic does.
func readMessages(o object) (*ask, *problem) {
	r := &reader{shape: anthropic}
	a := readPrompt(r, o)
	r.only(o, "", messagesFields)
	if o["max_tokens"] == nil {
		r.missing("max_tokens")
	}
	a.maxTokens, _ = r.integer(o, "", "max_tokens", 0, 1<<31)
	a.stream, _ = r.flag(o, "", "stream")
	r.number(o, "", "temperature", 0, 1)
	r.number(o, "", "top_p", 0, 1)
	r.integer(o, "", "top_k", 0, 1<<31)
	for i, v := range r.list(o, "", "stop_sequences") {
		s, ok := v.(string)
		if !ok {
			r.mistyped(item("stop_sequences", i), "string", v)
		}
		if strings.TrimSpace(s) == "" {
			r.refuse("stop_sequences", "", "each stop sequence must contain non-whitespace")
		}
		a.stops = append(a.stops, s)
	}
	if m := r.sub(o, "", "metadata"); m != nil {
		r.only(m, "metadata", []string{"user_id"})
		r.str(m, "metadata", "user_id", false)
	}
	r.word(o, "", "service_tier", false, "auto", "standard_only")
	checkThinking(r, o, a)
	return a, r.wrong
}

// readCount reads a token count.
func readCount(o object) (*ask, *problem) {
	r := &reader{shape: anthropic}
	a := readPrompt(r, o)
	r.only(o, "", countFields)
	return a, r.wrong
}

// readPrompt reads what a message and a token count share.
func readPrompt(r *reader, o object) *ask {
	a := &ask{wire: anthropic, maxTokens: -1, n: 1, parallel: true, choice: "auto"}
	a.model = r.str(o, "", "model", true)
	blocks := &blockReader{reader: r}
	switch system := o["system"].(type) {
	case nil:
	case string:
		a.add(turn{role: "system", text: system})
	case []any:
		t := turn{role: "system"}
		for i, b := range system {
			blocks.block(r.obj(b, item("system", i)), item("system", i), &t, []string{"text"})
		}
		a.add(t)
	default:
		r.mistyped("system", "list", system)
	}
	messages := r.list(o, "", "messages")
	switch {
	case o["messages"] == nil:
		r.missing("messages")
	case r.wrong == nil && len(messages) == 0:
		r.refuse("messages", "", "at least one message is required")
	}
	first := len(a.turns)
	for i, m := range messages {
		at := item("messages", i)
		a.add(blocks.message(r.obj(m, at), at, i == len(messages)-1))
	}
	checkTurns(r, a.turns[first:])
	checkUses(r, a.turns[first:])
	if n := len(a.turns); n > first {
		a.prefill = a.turns[n-1].role == "assistant"
		if said := a.turns[n-1].text; a.prefill && said != strings.TrimRight(said, " \t\r\n") {
			r.refuse("messages", "", "final assistant content cannot end with trailing whitespace")
		}
	}
	readMessageTools(r, o, a, blocks)
	if format := r.sub(r.sub(o, "", "output_config"), "output_config", "format"); format != nil {
		r.word(format, "output_config.format", "type", true, "json_schema")
		a.schema = format["schema"]
	}
	if blocks.marks > 4 {
		r.refuse("", "", fmt.Sprintf("A maximum of 4 blocks with cache_control may be provided. Found %d.", blocks.marks))
	}
	return a
}

// checkTurns holds that user and assistant take turns and the user begins.
func checkTurns(r *reader, turns []turn) {
	for i, t := range turns {
		switch {
		case i == 0 && t.role == "assistant":
			r.refuse("messages", "", `first message must use the "user" role`)
		case i > 0 && t.role == turns[i-1].role:
			r.refuse("messages", "", fmt.Sprintf(`roles must alternate between "user" and "assistant", but found multiple %q roles in a row`, t.role))
		}
	}
}

// checkUses holds that every tool_use is answered in the next message, and that no tool_result
// answers anything else.
func checkUses(r *reader, turns []turn) {
	seen := map[string]bool{}
	for i, t := range turns {
		var before, answered []string
		if i > 0 {
			for _, c := range turns[i-1].calls {
				before = append(before, c.id)
			}
		}
		for k, res := range t.results {
			if !slices.Contains(before, res.id) {
				r.refuse(item(item("messages", i)+".content", k), "", fmt.Sprintf("unexpected `tool_use_id` found in `tool_result` blocks: %s. Each `tool_result` block must have a corresponding `tool_use` block in the previous message.", res.id))
			}
			if slices.Contains(answered, res.id) {
				r.refuse(item(item("messages", i)+".content", k), "", fmt.Sprintf("each tool_use must have a single result. Found multiple `tool_result` blocks with id: %s", res.id))
			}
			answered = append(answered, res.id)
		}
		for _, id := range before {
			if !slices.Contains(answered, id) {
				r.refuse(item("messages", i-1), "", fmt.Sprintf("`tool_use` ids were found without `tool_result` blocks immediately after: %s. Each `tool_use` block must have a corresponding `tool_result` block in the next message.", id))
			}
		}
		for _, c := range t.calls {
			if seen[c.id] {
				r.refuse("messages", "", "`tool_use` ids must be unique")
			}
			seen[c.id] = true
		}
	}
	if n := len(turns); n > 0 && len(turns[n-1].calls) > 0 {
		r.refuse(item("messages", n-1), "", fmt.Sprintf("`tool_use` ids were found without `tool_result` blocks immediately after: %s. Each `tool_use` block must have a corresponding `tool_result` block in the next message.", turns[n-1].calls[0].id))
	}
}

func readMessageTools(r *reader, o object, a *ask, blocks *blockReader) {
	list := r.list(o, "", "tools")
	for i, v := range list {
		at := item("tools", i)
		t := r.obj(v, at)
		name := r.str(t, at, "name", true)
		blocks.mark(t)
		if kind := r.str(t, at, "type", false); kind != "" && kind != "custom" {
			continue // a server tool: it has no schema, and the fake never runs it
		}
		at += ".custom"
		if !anthropicTool.MatchString(name) {
			r.refuse(at+".name", "", "String should match pattern '^[a-zA-Z0-9_-]{1,128}$'")
		}
		if slices.ContainsFunc(a.tools, func(t tool) bool { return t.name == name }) {
			r.refuse("tools", "", "Tool names must be unique.")
		}
		if t["input_schema"] == nil {
			r.missing(at + ".input_schema")
		}
		schema := r.sub(t, at, "input_schema")
		if kind := r.str(schema, at+".input_schema", "type", true); r.wrong == nil && kind != "object" {
			r.refuse(at+".input_schema.type", "", "Input should be 'object'")
		}
		a.tools = append(a.tools, tool{name: name, schema: map[string]any(schema)})
	}
	c := r.sub(o, "", "tool_choice")
	if c == nil {
		return
	}
	if len(list) == 0 {
		r.refuse("tool_choice", "", "may only be specified while providing tools")
	}
	a.choice = r.word(c, "tool_choice", "type", true, "auto", "any", "tool", "none")
	if a.choice == "tool" {
		a.choice, a.named = r.str(c, "tool_choice", "name", true), true
		if !slices.ContainsFunc(a.tools, func(t tool) bool { return t.name == a.choice }) {
			r.refuse("tool_choice", "", fmt.Sprintf("Tool '%s' not found in provided tools", a.choice))
		}
	}
	if alone, _ := r.flag(c, "tool_choice", "disable_parallel_tool_use"); alone {
		a.parallel = false
	}
}

// checkThinking holds the rules of extended thinking.
func checkThinking(r *reader, o object, a *ask) {
	t := r.sub(o, "", "thinking")
	if t == nil {
		return
	}
	kind := r.word(t, "thinking", "type", true, "enabled", "adaptive", "disabled")
	a.thinking = kind == "enabled" || kind == "adaptive"
	if kind != "enabled" {
		return
	}
	if t["budget_tokens"] == nil {
		r.missing("thinking.enabled.budget_tokens")
	}
	budget, _ := r.integer(t, "thinking.enabled", "budget_tokens", -1<<31, 1<<31)
	if r.wrong == nil && budget < 1024 {
		r.refuse("thinking.enabled.budget_tokens", "", "Input should be greater than or equal to 1024")
	}
	if budget >= a.maxTokens {
		r.refuse("", "", "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size")
	}
	if temperature, given := r.number(o, "", "temperature", 0, 1); given && temperature != 1 {
		r.refuse("", "", "`temperature` may only be set to 1 when thinking is enabled.")
	}
	if o["top_k"] != nil {
		r.refuse("", "", "`top_k` must be unset when thinking is enabled.")
	}
	if a.named || a.choice == "any" {
		r.refuse("", "", "Thinking may not be enabled when tool_choice forces tool use.")
	}
	checkReplayed(r, a, len(r.list(o, "", "messages")))
}

// checkReplayed holds that the assistant turn that the answer goes on from, behind the last set of
// tool calls and results, begins with its thinking.
func checkReplayed(r *reader, a *ask, messages int) {
	system := len(a.turns) - messages
	last := len(a.turns) - 1
	if last >= 0 && len(a.turns[last].results) > 0 {
		last--
	}
	if last < system || r.wrong != nil || a.turns[last].role != "assistant" {
		return
	}
	if first := a.turns[last].first; first != "thinking" && first != "redacted_thinking" {
		r.refuse(item("messages", last-system)+".content.0.type", "", "Expected `thinking` or `redacted_thinking`, but found `"+first+"`. When `thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set of `tool_use` and `tool_result` blocks). We recommend you include thinking blocks from previous turns. To avoid this requirement, disable `thinking`.")
	}
}
