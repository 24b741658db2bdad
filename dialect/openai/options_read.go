package openai

import (
	"fairlead/dialect"
	"fairlead/internal/jsonscan"
)

// readTools reads tools, which are functions.
func readTools(r *dialect.Request, v jsonscan.Value) error {
	return each(v, func(e jsonscan.Value) error {
		if _, err := object(e); err != nil {
			return err
		}
		kind, err := member(e, "type", text)
		switch {
		case err != nil:
			return err
		case kind != "function":
			return unsupported("type", "must be function: no other kind of tool can be translated")
		}
		f, ok := e.Get("function")
		if !ok {
			return invalid("function", "is missing")
		}
		t, err := readFunction(f)
		if err != nil {
			return at("function", err)
		}
		if c, ok := e.Get("cache_control"); ok && !c.IsNull() {
			t.Cache = []byte(c)
		}
		r.Tools = append(r.Tools, t)
		return tooMany(len(r.Tools), maxReadTools)
	})
}

// readFunctions reads the legacy list of bare functions.
func readFunctions(r *dialect.Request, v jsonscan.Value) error {
	return each(v, func(e jsonscan.Value) error {
		t, err := readFunction(e)
		if err != nil {
			return err
		}
		r.Tools = append(r.Tools, t)
		return tooMany(len(r.Tools), maxReadTools)
	})
}

func readFunction(v jsonscan.Value) (t dialect.Tool, err error) {
	if _, err = object(v); err != nil {
		return t, err
	}
	if t.Name, err = member(v, "name", text); err != nil {
		return t, err
	}
	if t.Name == "" {
		return t, invalid("name", "must be a non-empty string")
	}
	if t.Description, err = member(v, "description", text); err != nil {
		return t, err
	}
	if t.Schema, err = member(v, "parameters", object); err != nil {
		return t, err
	}
	t.Strict, err = member(v, "strict", optional)
	return t, err
}

// readToolChoice reads a mode, or the function that must be called.
func readToolChoice(r *dialect.Request, v jsonscan.Value) error {
	if v.Kind() == jsonscan.KindString {
		mode, err := oneOf(v, "none", "auto", "required")
		r.ToolChoice = dialect.ToolChoice{Mode: dialect.ToolMode(mode)}
		if mode == "required" {
			r.ToolChoice.Mode = dialect.ToolAny
		}
		return err
	}
	if v.Kind() != jsonscan.KindObject {
		return invalid("", "must be a string or an object")
	}
	kind, err := member(v, "type", text)
	switch {
	case err != nil:
		return err
	case kind != "function":
		return unsupported("type", "must be function: no other choice can be translated")
	}
	f, _ := v.Get("function")
	name, err := named(f)
	r.ToolChoice = dialect.ToolChoice{Mode: dialect.ToolNamed, Name: name}
	if err != nil {
		return at("function", err)
	}
	return nil
}

// readFunctionCall reads the legacy tool_choice, which goes behind tool_choice itself.
func readFunctionCall(r *dialect.Request, v jsonscan.Value) (err error) {
	choice := dialect.ToolChoice{Mode: dialect.ToolNamed}
	if v.Kind() == jsonscan.KindString {
		var mode string
		mode, err = oneOf(v, "none", "auto")
		choice.Mode = dialect.ToolMode(mode)
	} else {
		choice.Name, err = named(v)
	}
	if r.ToolChoice.Mode == dialect.ToolDefault {
		r.ToolChoice = choice
	}
	return err
}

// named reads {"name": ...}.
func named(v jsonscan.Value) (string, error) {
	if v.Kind() != jsonscan.KindObject {
		return "", invalid("", "must be an object")
	}
	name, err := member(v, "name", text)
	if err == nil && name == "" {
		err = invalid("name", "must be a non-empty string")
	}
	return name, err
}

func readFormat(r *dialect.Request, v jsonscan.Value) error {
	if _, err := object(v); err != nil {
		return err
	}
	kind, err := member(v, "type", text)
	if err != nil {
		return err
	}
	switch kind {
	case "text":
		return nil
	case "json_object":
		r.Format = &dialect.Format{}
		return nil
	case "json_schema":
		s, _ := v.Get("json_schema")
		if r.Format, err = readSchema(s); err != nil {
			return at("json_schema", err)
		}
		return nil
	}
	return unsupported("type", "must be text, json_object or json_schema")
}

func readSchema(v jsonscan.Value) (*dialect.Format, error) {
	name, err := named(v)
	if err != nil {
		return nil, err
	}
	f := &dialect.Format{Name: name}
	if f.Description, err = member(v, "description", text); err != nil {
		return nil, err
	}
	if f.Strict, err = member(v, "strict", optional); err != nil {
		return nil, err
	}
	if f.Schema, err = member(v, "schema", object); err == nil && f.Schema == nil {
		err = invalid("schema", "is missing")
	}
	return f, err
}

// readReasoningOptions reads OpenRouter's reasoning object.
func readReasoningOptions(r *dialect.Request, v jsonscan.Value) error {
	if _, err := object(v); err != nil {
		return err
	}
	t := &dialect.Thinking{}
	var err error
	if t.Effort, err = member(v, "effort", efforts); err != nil {
		return err
	}
	if t.Budget, err = member(v, "max_tokens", integers(0, maxTokens)); err != nil {
		return err
	}
	on, err := member(v, "enabled", optional)
	if err != nil {
		return err
	}
	hidden, err := member(v, "exclude", boolean)
	if err != nil {
		return err
	}
	if t.Effort == "" && t.Budget == 0 && on == nil {
		return nil
	}
	t.Off = t.Effort == "none" || (on != nil && !*on)
	t.Adaptive = !t.Off && t.Effort == "" && t.Budget == 0
	if hidden {
		t.Display = "omitted"
	}
	r.Thinking = t
	return nil
}

func readModalities(_ *dialect.Request, v jsonscan.Value) error {
	return each(v, func(e jsonscan.Value) error {
		if s, ok := e.Text(); !ok || s != "text" {
			return unsupported("", "must be text: no other modality can be translated")
		}
		return nil
	})
}

// each reads every element of an array.
func each(v jsonscan.Value, read func(jsonscan.Value) error) error {
	if v.Kind() != jsonscan.KindArray {
		return invalid("", "must be an array")
	}
	i := 0
	for e := range v.Elements() {
		if err := read(e); err != nil {
			return atIndex(i, err)
		}
		i++
	}
	return nil
}
