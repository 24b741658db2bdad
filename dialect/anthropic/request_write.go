package anthropic

import (
	"bytes"
	"encoding/json"
	"strings"

	"fairlead/dialect"
	"fairlead/internal/jsonscan"
)

// jsonObjectHint asks for what the API has no field for.
const jsonObjectHint = "Answer with one JSON object and nothing else: no code fence, no text before or after it."

// emptySchema is a tool's schema where the caller gave none.
const emptySchema = `{"type":"object","properties":{}}`

// WriteRequest writes a body of the messages operation.
func (Dialect) WriteRequest(r *dialect.Request, t dialect.Target) ([]byte, error) {
	if err := expressible(r); err != nil {
		return nil, err
	}
	think, err := wanted(r)
	if err != nil {
		return nil, err
	}
	limit := think.fit(r, t)
	list := turns(r, think.on())
	if think.on() && refusesThinking(r, list) {
		think = thought{mode: "disabled"}
		list = turns(r, false)
	}
	w := writer{buf: make([]byte, 0, 1024)}
	w.raw("{")
	w.str("model", t.Model)
	w.num("max_tokens", limit)
	writeSystem(&w, r)
	if err := writeTurns(&w, list); err != nil {
		return nil, err
	}
	if err := writeTools(&w, r); err != nil {
		return nil, err
	}
	writeThinking(&w, &think)
	writeOutputConfig(&w, r, &think)
	writeSampling(&w, r, &think)
	if r.Stream {
		w.json("stream", []byte("true"))
	}
	if r.User != "" {
		w.name("metadata")
		w.raw("{")
		w.str("user_id", r.User)
		w.raw("}")
	}
	if r.ServiceTier == "auto" || r.ServiceTier == "standard_only" {
		w.str("service_tier", r.ServiceTier)
	}
	w.raw("}")
	return w.buf, nil
}

// expressible refuses what the API has no field for and what would change the answer if it were dropped.
func expressible(r *dialect.Request) error {
	temperature, _ := r.Temperature.Float64()
	switch {
	case r.Temperature != "" && !json.Valid([]byte(r.Temperature)):
		return invalid("temperature", "temperature must be a number")
	case r.TopP != "" && !json.Valid([]byte(r.TopP)):
		return invalid("top_p", "top_p must be a number")
	case temperature > 1:
		return unsupported("temperature", "Anthropic endpoints take a temperature of at most 1")
	case r.N > 1:
		return unsupported("n", "Anthropic endpoints give one choice")
	case r.Logprobs:
		return unsupported("logprobs", "Anthropic endpoints give no log probabilities")
	case r.TopLogprobs > 0:
		return unsupported("top_logprobs", "Anthropic endpoints give no log probabilities")
	case biased(r.LogitBias):
		return unsupported("logit_bias", "Anthropic endpoints take no logit bias")
	case nonzero(r.FrequencyPenalty):
		return unsupported("frequency_penalty", "Anthropic endpoints take no penalties")
	case nonzero(r.PresencePenalty):
		return unsupported("presence_penalty", "Anthropic endpoints take no penalties")
	}
	for _, s := range r.Stop {
		if strings.TrimSpace(s) == "" {
			return unsupported("stop", "Anthropic endpoints take no stop sequence of white space only")
		}
	}
	return nil
}

func nonzero(n json.Number) bool {
	f, err := n.Float64()
	return n != "" && (err != nil || f != 0)
}

func biased(bias json.RawMessage) bool {
	v := jsonscan.Value(bytes.TrimSpace(bias))
	return v.Truthy() && (v.Kind() != jsonscan.KindObject || !empty(v))
}

func writeSystem(w *writer, r *dialect.Request) {
	object := r.Format != nil && len(r.Format.Schema) == 0
	begun := false
	block := func(p *dialect.Part) {
		if !begun {
			w.name("system")
			w.raw("[")
			begun = true
		}
		w.next()
		writeText(w, p)
	}
	for i := range r.System {
		if !blank(r.System[i].Text) {
			block(&r.System[i])
		}
	}
	if object {
		block(&dialect.Part{Text: jsonObjectHint})
	}
	if begun {
		w.raw("]")
	}
}

func writeTools(w *writer, r *dialect.Request) error {
	if len(r.Tools) > 0 {
		w.name("tools")
		w.raw("[")
		for i := range r.Tools {
			w.next()
			if err := writeTool(w, &r.Tools[i]); err != nil {
				return inside("tools", element(i, err))
			}
		}
		w.raw("]")
	}
	return writeToolChoice(w, r)
}

func writeTool(w *writer, t *dialect.Tool) error {
	w.raw("{")
	w.str("name", t.Name)
	w.nonempty("description", t.Description)
	schema := []byte(emptySchema)
	if v := jsonscan.Value(bytes.TrimSpace(t.Schema)); len(v) > 0 && !v.IsNull() {
		if v.Kind() != jsonscan.KindObject {
			return invalid("parameters", "the schema must be an object")
		}
		schema = typed(v)
	}
	w.json("input_schema", schema)
	if t.Strict != nil && *t.Strict {
		w.json("strict", []byte("true"))
	}
	w.json("cache_control", t.Cache)
	w.raw("}")
	return nil
}

// typed gives a schema of a tool with its type, which the API demands and OpenAI's does not.
func typed(schema jsonscan.Value) []byte {
	if empty(schema) {
		return []byte(emptySchema)
	}
	if _, ok := schema.Get("type"); ok {
		return schema
	}
	return append([]byte(`{"type":"object",`), schema[1:]...)
}

func writeToolChoice(w *writer, r *dialect.Request) error {
	choice := r.ToolChoice
	single := r.Parallel != nil && !*r.Parallel
	if len(r.Tools) == 0 {
		if choice.Mode == dialect.ToolAny || choice.Mode == dialect.ToolNamed {
			return invalid("tool_choice", "tool_choice demands a tool, but there are no tools")
		}
		return nil
	}
	if choice.Mode == dialect.ToolDefault {
		if !single {
			return nil
		}
		choice.Mode = dialect.ToolAuto
	}
	w.name("tool_choice")
	w.raw("{")
	w.str("type", string(choice.Mode))
	if choice.Mode == dialect.ToolNamed {
		w.str("name", choice.Name)
	}
	if single && choice.Mode != dialect.ToolNone {
		w.json("disable_parallel_tool_use", []byte("true"))
	}
	w.raw("}")
	return nil
}

func writeThinking(w *writer, t *thought) {
	if t.mode == "" {
		return
	}
	w.name("thinking")
	w.raw("{")
	w.str("type", t.mode)
	if t.mode == "enabled" {
		w.num("budget_tokens", t.budget)
	}
	w.nonempty("display", t.display)
	w.raw("}")
}

func writeOutputConfig(w *writer, r *dialect.Request, t *thought) {
	schema := r.Format != nil && len(r.Format.Schema) > 0
	if !schema && t.effort == "" {
		return
	}
	w.name("output_config")
	w.raw("{")
	w.nonempty("effort", t.effort)
	if schema {
		w.name("format")
		w.raw("{")
		w.str("type", "json_schema")
		w.json("schema", r.Format.Schema)
		w.raw("}")
	}
	w.raw("}")
}

// writeSampling writes how tokens are chosen and when to stop. The API refuses the sampling parameters
// while thinking is on.
func writeSampling(w *writer, r *dialect.Request, t *thought) {
	if !t.on() {
		w.json("temperature", []byte(r.Temperature))
		w.json("top_p", []byte(r.TopP))
		if r.TopK > 0 {
			w.num("top_k", r.TopK)
		}
	}
	if len(r.Stop) == 0 {
		return
	}
	w.name("stop_sequences")
	w.raw("[")
	for _, s := range r.Stop {
		w.next()
		w.buf = jsonscan.AppendString(w.buf, s)
	}
	w.raw("]")
}
