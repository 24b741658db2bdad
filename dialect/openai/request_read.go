package openai

import (
	"encoding/json"
	"errors"

	"fairlead"
	"fairlead/dialect"
	"fairlead/internal/clip"
	"fairlead/internal/jsonscan"
)

// maxTokens bounds every count of tokens: no model comes near, and sums of them stay exact.
const maxTokens = 1 << 40

// ReadRequest reads the body of a chat completion by the rules in the package documentation.
func (Dialect) ReadRequest(body []byte) (*dialect.Request, error) {
	var o jsonscan.Object
	if err := o.Scan(body); err != nil {
		return nil, scanError(err)
	}
	r := &dialect.Request{}
	for i := range o.Members {
		m := &o.Members[i]
		v := o.Value(m)
		if v.IsNull() {
			continue
		}
		read, ok := fields[string(m.Name)]
		if !ok {
			return nil, sentence(unsupported(clip.Text(string(m.Name), maxWord), "is not a field that can be translated for this endpoint"))
		}
		if err := read(r, v); err != nil {
			return nil, sentence(at(string(m.Name), err))
		}
	}
	switch {
	case r.Model == "":
		return nil, sentence(invalid("model", "must be a non-empty string"))
	case len(r.Messages) == 0 && len(r.System) == 0:
		return nil, sentence(invalid("messages", "must have content"))
	}
	return r, nil
}

// scanError tells a caller what is wrong with the JSON of a body.
func scanError(err error) error {
	e := &fairlead.Error{Code: fairlead.CodeInvalidJSON, Message: "the body is not valid: " + err.Error(), Err: err}
	var scan *jsonscan.Error
	if errors.As(err, &scan) {
		switch scan.Kind {
		case jsonscan.Duplicate:
			e.Code, e.Param = fairlead.CodeDuplicateField, scan.Name
		case jsonscan.Depth:
			e.Code = fairlead.CodeTooDeep
		}
	}
	return e
}

// fields says for each top-level field what becomes of it. Values are never null. Where one field goes
// before another, its reader does not depend on their order in the body.
var fields = map[string]func(*dialect.Request, jsonscan.Value) error{
	"model":    set(func(r *dialect.Request) *string { return &r.Model }, text),
	"messages": readMessages,

	"max_completion_tokens": set(func(r *dialect.Request) *int64 { return &r.MaxTokens }, bound),
	"max_tokens": func(r *dialect.Request, v jsonscan.Value) error {
		n, err := bound(v)
		if r.MaxTokens == 0 {
			r.MaxTokens = n
		}
		return err
	},
	"temperature": set(func(r *dialect.Request) *json.Number { return &r.Temperature }, between(0, 2)),
	"top_p":       set(func(r *dialect.Request) *json.Number { return &r.TopP }, between(0, 1)),
	"top_k":       set(func(r *dialect.Request) *int64 { return &r.TopK }, integers(0, maxTokens)),
	"stop":        set(func(r *dialect.Request) *[]string { return &r.Stop }, stops),
	"stream":      set(func(r *dialect.Request) *bool { return &r.Stream }, boolean),
	"stream_options": func(r *dialect.Request, v jsonscan.Value) (err error) {
		if _, err = object(v); err == nil {
			r.StreamUsage, err = member(v, "include_usage", boolean)
		}
		return err
	},

	"n":                   set(func(r *dialect.Request) *int64 { return &r.N }, integers(1, 128)),
	"seed":                set(func(r *dialect.Request) *json.Number { return &r.Seed }, seed),
	"logprobs":            set(func(r *dialect.Request) *bool { return &r.Logprobs }, boolean),
	"top_logprobs":        set(func(r *dialect.Request) *int64 { return &r.TopLogprobs }, integers(0, 20)),
	"logit_bias":          set(func(r *dialect.Request) *json.RawMessage { return &r.LogitBias }, object),
	"frequency_penalty":   set(func(r *dialect.Request) *json.Number { return &r.FrequencyPenalty }, between(-2, 2)),
	"presence_penalty":    set(func(r *dialect.Request) *json.Number { return &r.PresencePenalty }, between(-2, 2)),
	"service_tier":        set(func(r *dialect.Request) *string { return &r.ServiceTier }, text),
	"metadata":            set(func(r *dialect.Request) *json.RawMessage { return &r.Metadata }, object),
	"verbosity":           set(func(r *dialect.Request) *string { return &r.Verbosity }, enum("low", "medium", "high")),
	"safety_identifier":   set(func(r *dialect.Request) *string { return &r.User }, text),
	"parallel_tool_calls": set(func(r *dialect.Request) **bool { return &r.Parallel }, optional),
	"user": func(r *dialect.Request, v jsonscan.Value) error {
		s, err := text(v)
		if r.User == "" {
			r.User = s
		}
		return err
	},

	"tools":           readTools,
	"functions":       readFunctions,
	"tool_choice":     readToolChoice,
	"function_call":   readFunctionCall,
	"response_format": readFormat,
	"reasoning":       readReasoningOptions,
	"reasoning_effort": func(r *dialect.Request, v jsonscan.Value) error {
		effort, err := efforts(v)
		if r.Thinking == nil && err == nil {
			r.Thinking = &dialect.Thinking{Off: effort == "none", Effort: effort}
		}
		return err
	},

	"modalities": readModalities,
	"store": func(_ *dialect.Request, v jsonscan.Value) error {
		if store, err := boolean(v); err != nil || !store {
			return err
		}
		return unsupported("", "cannot be true: this endpoint stores nothing")
	},
	"audio":              refuse,
	"prediction":         refuse,
	"web_search_options": refuse,
	"moderation":         refuse,

	"prompt_cache_key":       drop,
	"prompt_cache_retention": drop,
	"prompt_cache_options":   drop,
}

// set makes a reader that puts a value into a field of the request.
func set[T any](field func(*dialect.Request) *T, read func(jsonscan.Value) (T, error)) func(*dialect.Request, jsonscan.Value) error {
	return func(r *dialect.Request, v jsonscan.Value) (err error) {
		*field(r), err = read(v)
		return err
	}
}

func refuse(*dialect.Request, jsonscan.Value) error {
	return unsupported("", "is not supported by this endpoint")
}

func drop(*dialect.Request, jsonscan.Value) error { return nil }

func between(least, most float64) func(jsonscan.Value) (json.Number, error) {
	return func(v jsonscan.Value) (json.Number, error) { return number(v, least, most) }
}

func integers(least, most int64) func(jsonscan.Value) (int64, error) {
	return func(v jsonscan.Value) (int64, error) { return integer(v, least, most) }
}

func enum(names ...string) func(jsonscan.Value) (string, error) {
	return func(v jsonscan.Value) (string, error) { return oneOf(v, names...) }
}

func bound(v jsonscan.Value) (int64, error) { return integer(v, 1, maxTokens) }

func efforts(v jsonscan.Value) (string, error) {
	return oneOf(v, "none", "minimal", "low", "medium", "high", "xhigh", "max")
}

func optional(v jsonscan.Value) (*bool, error) {
	b, err := boolean(v)
	return &b, err
}

func seed(v jsonscan.Value) (json.Number, error) {
	if _, ok := v.Int(); !ok {
		return "", invalid("", "must be an integer")
	}
	return json.Number(v), nil
}

func stops(v jsonscan.Value) ([]string, error) {
	if s, ok := v.Text(); ok {
		if s == "" {
			return nil, nil
		}
		return []string{s}, nil
	}
	if v.Kind() != jsonscan.KindArray {
		return nil, invalid("", "must be a string or an array of strings")
	}
	var list []string
	i := 0
	for e := range v.Elements() {
		s, err := text(e)
		if err != nil {
			return nil, atIndex(i, err)
		}
		if s != "" {
			list = append(list, s)
		}
		if err := tooMany(len(list), maxReadStops); err != nil {
			return nil, atIndex(i, err)
		}
		i++
	}
	return list, nil
}
