package openai_test

import (
	"encoding/json"
	"errors"
	"testing"

	"fairlead"
	"fairlead/dialect"
	"fairlead/dialect/openai"
)

// TestWriteRequest pins the bytes, for what upstreams see is what they were tested with.
func TestWriteRequest(t *testing.T) {
	no := false
	image := dialect.Part{Kind: dialect.PartImage, MediaType: "image/png", Data: "QUJD"}
	head := `{"model":"up","messages":[{"role":"user","content":"hi"}]`
	for _, c := range []struct {
		name   string
		change func(*dialect.Request)
		target dialect.Target
		want   string
	}{
		{"plain", func(*dialect.Request) {}, dialect.Target{}, head + `}`},
		{"stream with usage", func(r *dialect.Request) { r.Stream = true }, dialect.Target{Usage: true}, head + `,"stream":true,"stream_options":{"include_usage":true}}`},
		{"stream, not to be asked for usage", func(r *dialect.Request) { r.Stream, r.StreamUsage = true, true }, dialect.Target{}, head + `,"stream":true}`},
		{"no stream, no usage option", func(*dialect.Request) {}, dialect.Target{Usage: true}, head + `}`},
		{"bounds", func(r *dialect.Request) { r.MaxTokens, r.TopK, r.Temperature = 9, 5, "0.0" }, dialect.Target{MaxOutput: 50}, head + `,"max_completion_tokens":9,"temperature":0.0}`},
		{"choice without tools", func(r *dialect.Request) { r.ToolChoice.Mode, r.Parallel = dialect.ToolAuto, &no }, dialect.Target{}, head + `}`},
		{"low budget", func(r *dialect.Request) { r.Thinking = &dialect.Thinking{Budget: 4096} }, dialect.Target{}, head + `,"reasoning_effort":"low"}`},
		{"medium budget", func(r *dialect.Request) { r.Thinking = &dialect.Thinking{Budget: 12288} }, dialect.Target{}, head + `,"reasoning_effort":"medium"}`},
		{"high budget", func(r *dialect.Request) { r.Thinking = &dialect.Thinking{Budget: 12289, Display: "omitted"} }, dialect.Target{}, head + `,"reasoning_effort":"high"}`},
		{"effort none", func(r *dialect.Request) { r.Thinking = &dialect.Thinking{Off: true, Effort: "none"} }, dialect.Target{}, head + `,"reasoning_effort":"none"}`},
		{"off, whatever the effort", func(r *dialect.Request) { r.Thinking = &dialect.Thinking{Off: true, Effort: "high"} }, dialect.Target{}, head + `}`},
		{"tier auto", func(r *dialect.Request) { r.ServiceTier = "auto" }, dialect.Target{}, head + `}`},
		{"tier standard", func(r *dialect.Request) { r.ServiceTier = "standard_only" }, dialect.Target{}, head + `,"service_tier":"default"}`},
		{"system is first", func(r *dialect.Request) { r.System = []dialect.Part{said("s"), said("")} }, dialect.Target{}, `{"model":"up","messages":[{"role":"system","content":"s"},{"role":"user","content":"hi"}]}`},
		{
			"a tool turn", func(r *dialect.Request) {
				r.Messages = append(
					r.Messages,
					dialect.Message{Role: dialect.Assistant, Parts: []dialect.Part{
						{Kind: dialect.PartThinking, Text: "hm", Signature: "s"}, use(dialect.EncodeToolID("a:b"), "f", `{"a": 1}`), said("t"),
					}},
					dialect.Message{Role: dialect.User, Parts: []dialect.Part{
						said("and?"), result(dialect.EncodeToolID("a:b"), said("r"), image),
					}},
				)
			}, dialect.Target{}, `{"model":"up","messages":[{"role":"user","content":"hi"},` +
				`{"role":"assistant","content":"t","tool_calls":[{"id":"a:b","type":"function","function":{"name":"f","arguments":"{\"a\": 1}"}}]},` +
				`{"role":"tool","tool_call_id":"a:b","content":"r"},` +
				`{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,QUJD"}},{"type":"text","text":"and?"}]}]}`,
		},
		{
			"a turn of thinking alone vanishes", func(r *dialect.Request) {
				r.Messages = append(
					r.Messages,
					dialect.Message{Role: dialect.Assistant, Parts: []dialect.Part{{Kind: dialect.PartThinking, Text: "hm"}}},
					dialect.Message{Role: dialect.User, Parts: []dialect.Part{said("so?")}},
				)
			}, dialect.Target{}, `{"model":"up","messages":[{"role":"user","content":[{"type":"text","text":"hi"},{"type":"text","text":"so?"}]}]}`,
		},
		{
			"a file without a name", func(r *dialect.Request) {
				r.Messages[0].Parts = []dialect.Part{{Kind: dialect.PartFile, MediaType: "application/pdf", Data: "JVBE"}}
			}, dialect.Target{}, `{"model":"up","messages":[{"role":"user","content":[{"type":"file","file":{"filename":"document.pdf","file_data":"data:application/pdf;base64,JVBE"}}]}]}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := plain()
			c.change(r)
			c.target.Model = "up"
			got, err := openai.New().WriteRequest(r, c.target)
			if err != nil || string(got) != c.want || !json.Valid(got) {
				t.Errorf("got  %s, %v\nwant %s", got, err, c.want)
			}
		})
	}
}

func TestWriteRequestRefuses(t *testing.T) {
	with := func(role dialect.Role, p dialect.Part) func(*dialect.Request) {
		return func(r *dialect.Request) { r.Messages = []dialect.Message{{Role: role, Parts: []dialect.Part{p}}} }
	}
	for at, change := range map[string]func(*dialect.Request){
		"n":    func(r *dialect.Request) { r.N = 2 },
		"stop": func(r *dialect.Request) { r.Stop = make([]string, 5) },
		"messages": func(r *dialect.Request) {
			r.Messages = []dialect.Message{{Role: dialect.Assistant, Parts: []dialect.Part{{Kind: dialect.PartThinking, Text: "hm"}}}}
		},
		"messages[0].input_audio": with(dialect.User, dialect.Part{Kind: dialect.PartAudio, MediaType: "audio/ogg", Data: "x"}),
		"messages[0].file":        with(dialect.User, dialect.Part{Kind: dialect.PartFile, URL: "https://x"}),
		"messages[0]":             with(dialect.Assistant, dialect.Part{Kind: dialect.PartImage, URL: "https://x"}),
	} {
		r := plain()
		change(r)
		_, err := openai.New().WriteRequest(r, dialect.Target{Model: "up"})
		var e *fairlead.Error
		if !errors.As(err, &e) || e.Code != fairlead.CodeUnsupportedParameter || e.Param != at {
			t.Errorf("%s: got %v at %q", at, err, paramOf(err))
		}
	}
	r := plain()
	r.Messages[0].Parts = []dialect.Part{{Kind: dialect.PartFile, MediaType: "text/plain", Data: "/w=="}}
	if _, err := openai.New().WriteRequest(r, dialect.Target{Model: "up"}); paramOf(err) != "messages[0].file" {
		t.Errorf("a text file that is no UTF-8: got %v", err)
	}
}
