package openai

import (
	"encoding/json"

	"fairlead/dialect"
)

// maxStops is how many stop sequences OpenAI takes.
const maxStops = 4

// Budgets of thinking up to these many tokens are this effort.
const (
	lowBudget    = 4096
	mediumBudget = 12288
)

// WriteRequest writes the body of a chat completion by the rules in the package documentation.
func (Dialect) WriteRequest(r *dialect.Request, t dialect.Target) ([]byte, error) {
	switch {
	case r.N > 1:
		return nil, sentence(unsupported("n", "cannot be above 1 for this endpoint"))
	case len(r.Stop) > maxStops:
		return nil, sentence(unsupported("stop", "cannot have more than 4 sequences for this endpoint"))
	}
	w := &writer{b: make([]byte, 0, 4096)}
	w.open('{')
	w.text("model", t.Model)
	if err := appendMessages(w, r); err != nil {
		return nil, sentence(at("messages", err))
	}
	appendTools(w, r)
	appendSampling(w, r)
	appendFormat(w, r.Format)
	w.optional("reasoning_effort", effort(r.Thinking))
	w.optional("verbosity", r.Verbosity)
	w.optional("user", r.User)
	w.optional("service_tier", tier(r.ServiceTier))
	w.raw("metadata", r.Metadata)
	if r.Stream {
		w.boolean("stream", true)
		if t.Usage {
			w.raw("stream_options", []byte(`{"include_usage":true}`))
		}
	}
	w.close('}')
	return w.b, nil
}

func appendSampling(w *writer, r *dialect.Request) {
	if r.MaxTokens > 0 {
		w.integer("max_completion_tokens", r.MaxTokens)
	}
	for _, f := range [...]struct {
		name  string
		value json.Number
	}{
		{"temperature", r.Temperature},
		{"top_p", r.TopP},
		{"seed", r.Seed},
		{"frequency_penalty", r.FrequencyPenalty},
		{"presence_penalty", r.PresencePenalty},
	} {
		w.raw(f.name, []byte(f.value))
	}
	if len(r.Stop) > 0 {
		w.name("stop")
		w.open('[')
		for _, s := range r.Stop {
			w.value(s)
		}
		w.close(']')
	}
	if r.Logprobs {
		w.boolean("logprobs", true)
	}
	if r.TopLogprobs > 0 {
		w.integer("top_logprobs", r.TopLogprobs)
	}
	w.raw("logit_bias", r.LogitBias)
}

// appendTools writes tools and how they are chosen, which OpenAI refuses without tools.
func appendTools(w *writer, r *dialect.Request) {
	if len(r.Tools) == 0 {
		return
	}
	w.name("tools")
	w.open('[')
	for i := range r.Tools {
		appendTool(w, &r.Tools[i])
	}
	w.close(']')
	switch r.ToolChoice.Mode {
	case dialect.ToolAuto, dialect.ToolNone:
		w.text("tool_choice", string(r.ToolChoice.Mode))
	case dialect.ToolAny:
		w.text("tool_choice", "required")
	case dialect.ToolNamed:
		w.name("tool_choice")
		w.open('{')
		w.text("type", "function")
		w.name("function")
		w.open('{')
		w.text("name", r.ToolChoice.Name)
		w.close('}')
		w.close('}')
	}
	if r.Parallel != nil {
		w.boolean("parallel_tool_calls", *r.Parallel)
	}
}

func appendTool(w *writer, t *dialect.Tool) {
	w.open('{')
	w.text("type", "function")
	w.name("function")
	w.open('{')
	w.text("name", t.Name)
	w.optional("description", t.Description)
	w.raw("parameters", t.Schema)
	if t.Strict != nil {
		w.boolean("strict", *t.Strict)
	}
	w.close('}')
	w.close('}')
}

func appendFormat(w *writer, f *dialect.Format) {
	if f == nil {
		return
	}
	w.name("response_format")
	w.open('{')
	if f.Schema == nil {
		w.text("type", "json_object")
		w.close('}')
		return
	}
	w.text("type", "json_schema")
	w.name("json_schema")
	w.open('{')
	if f.Name == "" {
		w.text("name", "response") // this wire demands one, others have none
	} else {
		w.text("name", f.Name)
	}
	w.optional("description", f.Description)
	w.raw("schema", f.Schema)
	if f.Strict != nil {
		w.boolean("strict", *f.Strict)
	}
	w.close('}')
	w.close('}')
}

// effort is the reasoning_effort of a thinking option; "" where nothing is written. That thinking is off
// is said only if the caller said it in this wire's word: models that do not think refuse the field.
func effort(t *dialect.Thinking) string {
	switch {
	case t == nil:
		return ""
	case t.Off && t.Effort != "none":
		return ""
	case t.Effort != "":
		return t.Effort
	case t.Budget == 0:
		return ""
	case t.Budget <= lowBudget:
		return "low"
	case t.Budget <= mediumBudget:
		return "medium"
	}
	return "high"
}

// tier is this wire's word for a service tier; "" where it is the default.
func tier(name string) string {
	switch name {
	case "auto":
		return ""
	case "standard_only":
		return "default"
	}
	return name
}
