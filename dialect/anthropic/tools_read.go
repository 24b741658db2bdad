package anthropic

import (
	"bytes"
	"encoding/json"

	"fairlead/dialect"
	"fairlead/internal/jsonscan"
)

func readTools(r *dialect.Request, v jsonscan.Value) error {
	if v.Kind() != jsonscan.KindArray {
		return invalid("", "must be an array")
	}
	for e := range v.Elements() {
		tool, err := readTool(e)
		if err == nil {
			err = tooMany(len(r.Tools)+1, maxTools)
		}
		if err != nil {
			return element(len(r.Tools), err)
		}
		r.Tools = append(r.Tools, tool)
	}
	return nil
}

func readTool(v jsonscan.Value) (t dialect.Tool, err error) {
	if typ, ok := given(v, "type"); ok && !is(typ, "custom") {
		return t, unsupported("type", "endpoints of other dialects have no tools that the provider runs")
	}
	if t.Name = text(v, "name"); t.Name == "" {
		return t, invalid("name", "must be a non-empty string")
	}
	t.Description = text(v, "description")
	if schema, ok := given(v, "input_schema"); ok {
		if schema.Kind() != jsonscan.KindObject {
			return t, invalid("input_schema", "must be an object")
		}
		t.Schema = bytes.Clone(schema)
	}
	if strict, ok := given(v, "strict"); ok {
		b, isBool := strict.Bool()
		if !isBool {
			return t, invalid("strict", "must be a boolean")
		}
		t.Strict = &b
	}
	t.Cache = readCache(v)
	return t, nil
}

func readToolChoice(r *dialect.Request, v jsonscan.Value) error {
	switch mode := dialect.ToolMode(text(v, "type")); mode {
	case dialect.ToolAuto, dialect.ToolAny, dialect.ToolNone:
		r.ToolChoice.Mode = mode
	case dialect.ToolNamed:
		r.ToolChoice = dialect.ToolChoice{Mode: mode, Name: text(v, "name")}
		if r.ToolChoice.Name == "" {
			return invalid("name", "must be a non-empty string")
		}
	default:
		return invalid("type", "must be auto, any, tool or none")
	}
	if off, ok := given(v, "disable_parallel_tool_use"); ok {
		b, isBool := off.Bool()
		if !isBool {
			return invalid("disable_parallel_tool_use", "must be a boolean")
		}
		if b {
			r.Parallel = new(bool)
		}
	}
	return nil
}

// readCache copies a cache_control.
func readCache(v jsonscan.Value) json.RawMessage {
	if c, ok := given(v, "cache_control"); ok && c.Kind() == jsonscan.KindObject {
		return bytes.Clone(c)
	}
	return nil
}
