package anthropic

import (
	"bytes"
	"encoding/json"

	"fairlead/dialect"
	"fairlead/internal/jsonscan"
)

// requestFields reads each field of the top level that is not null; the rules are in the package
// documentation. A field that is not here is refused.
var requestFields = map[string]func(r *dialect.Request, v jsonscan.Value) error{
	"model":          func(r *dialect.Request, v jsonscan.Value) error { return setText(&r.Model, v) },
	"messages":       readMessages,
	"max_tokens":     readMaxTokens,
	"system":         readSystem,
	"temperature":    func(r *dialect.Request, v jsonscan.Value) error { return setNumber(&r.Temperature, v) },
	"top_p":          func(r *dialect.Request, v jsonscan.Value) error { return setNumber(&r.TopP, v) },
	"top_k":          func(r *dialect.Request, v jsonscan.Value) error { return setInt(&r.TopK, v) },
	"stop_sequences": readStop,
	"stream":         readStream,
	"tools":          readTools,
	"tool_choice":    readToolChoice,
	"thinking":       readThinking,
	"output_config":  readOutputConfig,
	"metadata":       readMetadata,
	"service_tier":   func(r *dialect.Request, v jsonscan.Value) error { return setText(&r.ServiceTier, v) },

	"cache_control":      drop,
	"context_management": drop,

	"container":     refuse,
	"mcp_servers":   readMCPServers,
	"fallbacks":     refuse,
	"inference_geo": refuse,
}

// ReadRequest reads a caller's body of the messages operation.
func (Dialect) ReadRequest(body []byte) (*dialect.Request, error) {
	var o jsonscan.Object
	if err := o.Scan(body); err != nil {
		return nil, scanError(err)
	}
	r := new(dialect.Request)
	for i := range o.Members {
		m := &o.Members[i]
		v := o.Value(m)
		if v.IsNull() {
			continue
		}
		read, known := requestFields[string(m.Name)]
		if !known {
			read = refuse
		}
		if err := read(r, v); err != nil {
			return nil, named(inside(fieldName(m.Name), err))
		}
	}
	return r, complete(r, &o)
}

// complete checks what only the whole request shows.
func complete(r *dialect.Request, o *jsonscan.Object) error {
	limit, _ := o.Get("max_tokens")
	switch {
	case r.Model == "":
		return invalid("model", "model must be a non-empty string")
	case limit == nil || limit.IsNull():
		return invalid("max_tokens", "max_tokens is required")
	case len(r.Messages) == 0:
		return invalid("messages", "messages must have content")
	}
	parts := count(r.System)
	for i := range r.Messages {
		parts += count(r.Messages[i].Parts)
	}
	if parts > maxParts {
		return invalid("messages", "messages and system have more blocks than are taken")
	}
	r.StreamUsage = r.Stream // every stream of this dialect ends with the usage
	return nil
}

// fieldName bounds a name of the caller's for an error.
func fieldName(name []byte) string { return string(name[:min(len(name), 64)]) }

func drop(*dialect.Request, jsonscan.Value) error { return nil }

func refuse(*dialect.Request, jsonscan.Value) error {
	return unsupported("", "endpoints of other dialects cannot express this field")
}

func setText(dst *string, v jsonscan.Value) error {
	s, ok := v.Text()
	if !ok {
		return invalid("", "must be a string")
	}
	*dst = s
	return nil
}

func setNumber(dst *json.Number, v jsonscan.Value) error {
	if v.Kind() != jsonscan.KindNumber {
		return invalid("", "must be a number")
	}
	*dst = json.Number(v)
	return nil
}

func setInt(dst *int64, v jsonscan.Value) error {
	n, ok := v.Int()
	if !ok || n < 0 {
		return invalid("", "must be an integer of at least 0")
	}
	*dst = n
	return nil
}

func readMaxTokens(r *dialect.Request, v jsonscan.Value) error {
	if err := setInt(&r.MaxTokens, v); err != nil {
		return err
	}
	if r.MaxTokens == 0 {
		return unsupported("", "endpoints of other dialects cannot only warm the cache")
	}
	return nil
}

func readStream(r *dialect.Request, v jsonscan.Value) error {
	var ok bool
	if r.Stream, ok = v.Bool(); !ok {
		return invalid("", "must be a boolean")
	}
	return nil
}

func readStop(r *dialect.Request, v jsonscan.Value) error {
	if v.Kind() != jsonscan.KindArray {
		return invalid("", "must be an array of strings")
	}
	for e := range v.Elements() {
		s, ok := e.Text()
		if !ok {
			return element(len(r.Stop), invalid("", "must be a string"))
		}
		if err := tooMany(len(r.Stop)+1, maxStops); err != nil {
			return element(len(r.Stop), err)
		}
		r.Stop = append(r.Stop, s)
	}
	return nil
}

// readSystem appends to what system messages, which may stand before it in the body, have given: its
// own parts go first.
func readSystem(r *dialect.Request, v jsonscan.Value) error {
	parts, err := readContent(v, systemBlocks)
	if err == nil {
		r.System = append(parts, r.System...)
	}
	return err
}

func readMetadata(r *dialect.Request, v jsonscan.Value) error {
	if v.Kind() != jsonscan.KindObject {
		return invalid("", "must be an object")
	}
	id, ok := given(v, "user_id")
	if !ok {
		return nil
	}
	if err := setText(&r.User, id); err != nil {
		return inside("user_id", err)
	}
	return nil
}

func readMCPServers(r *dialect.Request, v jsonscan.Value) error {
	if v.Kind() == jsonscan.KindArray && empty(v) {
		return nil
	}
	return refuse(r, v)
}

func readThinking(r *dialect.Request, v jsonscan.Value) error {
	t := thinking(r)
	typ, _ := v.Get("type")
	switch {
	case is(typ, "disabled"):
		t.Off = true
	case is(typ, "adaptive"):
		t.Adaptive = true
	case is(typ, "enabled"):
		budget, _ := v.Get("budget_tokens")
		if n, ok := budget.Int(); !ok || n < minBudget {
			return invalid("budget_tokens", "must be an integer of at least 1024")
		}
		t.Budget, _ = budget.Int()
	default:
		return invalid("type", "must be enabled, adaptive or disabled")
	}
	t.Display = text(v, "display")
	return nil
}

// thinking gives the request's Thinking, made where there is none.
func thinking(r *dialect.Request) *dialect.Thinking {
	if r.Thinking == nil {
		r.Thinking = new(dialect.Thinking)
	}
	return r.Thinking
}

func readOutputConfig(r *dialect.Request, v jsonscan.Value) error {
	if v.Kind() != jsonscan.KindObject {
		return invalid("", "must be an object")
	}
	for name, m := range v.Members() {
		var err error
		switch {
		case m.IsNull():
		case string(name) == "effort":
			err = setText(&thinking(r).Effort, m)
		case string(name) == "format":
			err = readFormat(r, m)
		default:
			err = refuse(r, m)
		}
		if err != nil {
			return inside(fieldName(name), err)
		}
	}
	return nil
}

func readFormat(r *dialect.Request, v jsonscan.Value) error {
	if typ, _ := v.Get("type"); !is(typ, "json_schema") {
		return unsupported("type", "must be json_schema")
	}
	schema, _ := v.Get("schema")
	if schema.Kind() != jsonscan.KindObject {
		return invalid("schema", "must be an object")
	}
	r.Format = &dialect.Format{Schema: bytes.Clone(schema)}
	return nil
}
