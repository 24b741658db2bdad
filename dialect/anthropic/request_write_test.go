package anthropic_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"fairlead"
	"fairlead/dialect"
)

var target = dialect.Target{Model: "up", MaxOutput: 8000, Usage: true}

// asked is a request with a question and what change makes of it.
func asked(change func(r *dialect.Request)) *dialect.Request {
	r := &dialect.Request{Model: "m", MaxTokens: 100, Messages: []dialect.Message{userSays("hi")}}
	if change != nil {
		change(r)
	}
	return r
}

// body is what asked is written as, with further members and, after a "|", other messages.
func body(members string) string {
	const messages = `[{"role":"user","content":[{"type":"text","text":"hi"}]}]`
	if members != "" {
		members += ","
	}
	return `{"model":"up","max_tokens":100,` + members + `"messages":` + messages + `}`
}

func TestWriteRequestFields(t *testing.T) {
	yes, no := true, false
	tools := []dialect.Tool{{Name: "f"}}
	const written = `"tools":[{"name":"f","input_schema":{"type":"object","properties":{}}}]`
	cases := []struct {
		name   string
		change func(r *dialect.Request)
		want   string
	}{
		{"plain", nil, body("")},
		{"sampling", func(r *dialect.Request) {
			r.Temperature, r.TopP, r.TopK, r.Stop, r.Stream = "1.0", "0.5", 4, []string{"a", "\n\"b"}, true
		}, body(`"temperature":1.0,"top_p":0.5,"top_k":4,"stop_sequences":["a","\n\"b"],"stream":true`)},
		{"dropped", func(r *dialect.Request) {
			r.Seed, r.Verbosity, r.ServiceTier, r.StreamUsage, r.N = "7", "low", "flex", true, 1
			r.Metadata, r.LogitBias = json.RawMessage(`{"a":"b"}`), json.RawMessage(`{ }`)
			r.FrequencyPenalty, r.PresencePenalty = "0", "0.0"
		}, body("")},
		{"user and tier", func(r *dialect.Request) { r.User, r.ServiceTier = "u", "standard_only" }, body(`"metadata":{"user_id":"u"},"service_tier":"standard_only"`)},
		{"system", func(r *dialect.Request) {
			r.System = []dialect.Part{textPart("a"), textPart(" "), {Kind: dialect.PartText, Text: "b", Cache: json.RawMessage(`{"type":"ephemeral"}`)}}
		}, body(`"system":[{"type":"text","text":"a"},{"type":"text","text":"b","cache_control":{"type":"ephemeral"}}]`)},
		{"no system", func(r *dialect.Request) { r.System = []dialect.Part{textPart("\n")} }, body("")},
		{"tool", func(r *dialect.Request) {
			r.Tools = []dialect.Tool{{Name: "f", Description: "d", Schema: json.RawMessage(` {"type":"object","x":1}`), Strict: &yes, Cache: json.RawMessage(`{"type":"ephemeral"}`)}}
		}, body(`"tools":[{"name":"f","description":"d","input_schema":{"type":"object","x":1},"strict":true,"cache_control":{"type":"ephemeral"}}]`)},
		{"schema without type", func(r *dialect.Request) {
			r.Tools = []dialect.Tool{{Name: "f", Schema: json.RawMessage(`{"properties":{"a":{}}}`), Strict: &no}, {Name: "g", Schema: json.RawMessage(`{ }`)}}
		}, body(`"tools":[{"name":"f","input_schema":{"type":"object","properties":{"a":{}}}},{"name":"g","input_schema":{"type":"object","properties":{}}}]`)},
		{"choice auto", func(r *dialect.Request) { r.Tools, r.ToolChoice.Mode = tools, dialect.ToolAuto }, body(written + `,"tool_choice":{"type":"auto"}`)},
		{"choice none", func(r *dialect.Request) { r.Tools, r.ToolChoice.Mode, r.Parallel = tools, dialect.ToolNone, &no }, body(written + `,"tool_choice":{"type":"none"}`)},
		{"choice named", func(r *dialect.Request) {
			r.Tools, r.ToolChoice = tools, dialect.ToolChoice{Mode: dialect.ToolNamed, Name: "f"}
		}, body(written + `,"tool_choice":{"type":"tool","name":"f"}`)},
		{"choice any, one at a time", func(r *dialect.Request) { r.Tools, r.ToolChoice.Mode, r.Parallel = tools, dialect.ToolAny, &no }, body(written + `,"tool_choice":{"type":"any","disable_parallel_tool_use":true}`)},
		{"one at a time", func(r *dialect.Request) { r.Tools, r.Parallel = tools, &no }, body(written + `,"tool_choice":{"type":"auto","disable_parallel_tool_use":true}`)},
		{"many at a time", func(r *dialect.Request) { r.Tools, r.Parallel = tools, &yes }, body(written)},
		{"choice without tools", func(r *dialect.Request) { r.ToolChoice.Mode, r.Parallel = dialect.ToolAuto, &no }, body("")},
		{"format", func(r *dialect.Request) {
			r.Format = &dialect.Format{Schema: json.RawMessage(`{"type":"object"}`), Name: "n", Strict: &yes}
		}, body(`"output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}}`)},
		{"any object", func(r *dialect.Request) { r.Format = &dialect.Format{} }, body(`"system":[{"type":"text","text":"Answer with one JSON object and nothing else: no code fence, no text before or after it."}]`)},
		{"model's bound", func(r *dialect.Request) { r.MaxTokens = 0 }, strings.Replace(body(""), "100", "8000", 1)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := asked(c.change)
			got, err := d.WriteRequest(r, target)
			if err != nil {
				t.Fatal(err)
			}
			sameJSON(t, got, c.want)
			if !reflect.DeepEqual(r, asked(c.change)) {
				t.Error("the request was changed")
			}
		})
	}
}

func TestWriteRequestWithoutAnyBound(t *testing.T) {
	got, err := d.WriteRequest(asked(func(r *dialect.Request) { r.MaxTokens = 0 }), dialect.Target{Model: "up"})
	if err != nil {
		t.Fatal(err)
	}
	sameJSON(t, got, strings.Replace(body(""), "100", "4096", 1))
}

func TestWriteRequestRefuses(t *testing.T) {
	const unsupported, invalid = fairlead.CodeUnsupportedParameter, fairlead.CodeInvalidRequest
	part := func(p dialect.Part) func(*dialect.Request) {
		return func(r *dialect.Request) { r.Messages[0].Parts = append(r.Messages[0].Parts, p) }
	}
	cases := []struct {
		change func(r *dialect.Request)
		code   fairlead.Code
		param  string
	}{
		{func(r *dialect.Request) { r.Temperature = "1.01" }, unsupported, "temperature"},
		{func(r *dialect.Request) { r.Temperature = "NaN" }, invalid, "temperature"},
		{func(r *dialect.Request) { r.TopP = "0x1" }, invalid, "top_p"},
		{func(r *dialect.Request) { r.N = 2 }, unsupported, "n"},
		{func(r *dialect.Request) { r.Logprobs = true }, unsupported, "logprobs"},
		{func(r *dialect.Request) { r.TopLogprobs = 1 }, unsupported, "top_logprobs"},
		{func(r *dialect.Request) { r.LogitBias = json.RawMessage(`{"50256":-100}`) }, unsupported, "logit_bias"},
		{func(r *dialect.Request) { r.FrequencyPenalty = "0.1" }, unsupported, "frequency_penalty"},
		{func(r *dialect.Request) { r.PresencePenalty = "-1" }, unsupported, "presence_penalty"},
		{func(r *dialect.Request) { r.Stop = []string{"a", "\n\n"} }, unsupported, "stop"},
		{func(r *dialect.Request) { r.Thinking = &dialect.Thinking{Effort: "extreme"} }, unsupported, "reasoning_effort"},
		{func(r *dialect.Request) { r.ToolChoice.Mode = dialect.ToolAny }, invalid, "tool_choice"},
		{func(r *dialect.Request) { r.Tools = []dialect.Tool{{Name: "f", Schema: json.RawMessage(`[]`)}} }, invalid, "tools[0].parameters"},
		{part(dialect.Part{Kind: dialect.PartAudio, MediaType: "audio/wav", Data: "eA=="}), unsupported, "messages[].content[].input_audio"},
		{part(dialect.Part{Kind: dialect.PartImage, MediaType: "image/bmp", Data: "eA=="}), unsupported, "messages[].content[].image_url"},
		{part(dialect.Part{Kind: dialect.PartFile, MediaType: "application/zip", Data: "eA=="}), unsupported, "messages[].content[].file"},
		{part(dialect.Part{Kind: dialect.PartFile, MediaType: "text/plain", Data: "/w=="}), unsupported, "messages[].content[].file"},
		{part(dialect.Part{Kind: dialect.PartFile, MediaType: "text/plain", Data: "no base64!"}), unsupported, "messages[].content[].file"},
		{part(dialect.Part{Kind: dialect.PartToolUse, ID: "a", Name: "f", Input: json.RawMessage(`[1]`)}), invalid, "messages[].tool_calls[].function.arguments"},
		{part(dialect.Part{Kind: dialect.PartToolResult, ID: "a", Parts: []dialect.Part{{Kind: dialect.PartFile}}}), unsupported, "messages[].content"},
	}
	for _, c := range cases {
		t.Run(c.param, func(t *testing.T) {
			_, err := d.WriteRequest(asked(c.change), target)
			wantError(t, err, c.code, c.param)
		})
	}
}

// Parts and turns of the cases below.
func call(id string) dialect.Part {
	return dialect.Part{Kind: dialect.PartToolUse, ID: id, Name: "f", Input: json.RawMessage(`{"a":1}`)}
}

func result(id string, parts ...dialect.Part) dialect.Part {
	return dialect.Part{Kind: dialect.PartToolResult, ID: id, Parts: parts}
}

func turn(role dialect.Role, parts ...dialect.Part) dialect.Message {
	return dialect.Message{Role: role, Parts: parts}
}

const user, agent = dialect.User, dialect.Assistant

var cache = json.RawMessage(`{"type":"ephemeral"}`)

// messageCases has a line for each rule of what the API takes as messages.
var messageCases = []struct {
	name string
	in   []dialect.Message
	want string
}{
	{"empty text", []dialect.Message{turn(user, textPart(""), textPart("a"), textPart(" \n"))}, `[{"role":"user","content":[{"type":"text","text":"a"}]}]`},
	{
		"neighbours merged once an empty turn is gone",
		[]dialect.Message{turn(user, textPart("a")), turn(agent, dialect.Part{Kind: dialect.PartThinking, Text: "hm"}), turn(user, textPart("b"))},
		`[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]`,
	},
	{
		"the assistant begins",
		[]dialect.Message{turn(agent, textPart("hello")), turn(user, textPart("hi"))},
		`[{"role":"user","content":[{"type":"text","text":"(start of conversation)"}]},
		  {"role":"assistant","content":[{"type":"text","text":"hello"}]},{"role":"user","content":[{"type":"text","text":"hi"}]}]`,
	},
	{"nobody begins", nil, `[{"role":"user","content":[{"type":"text","text":"(start of conversation)"}]}]`},
	{
		"prefill",
		[]dialect.Message{turn(user, textPart("a")), turn(agent, textPart("b \n"))},
		`[{"role":"user","content":[{"type":"text","text":"a"}]},{"role":"assistant","content":[{"type":"text","text":"b"}]}]`,
	},
	{
		"results first, ids encoded",
		[]dialect.Message{
			turn(user, textPart("a")), turn(agent, textPart("b"), call("call:1"), call("call_2")),
			turn(user, textPart("c"), result("call:1", textPart("4")), result("call_2")),
		},
		`[{"role":"user","content":[{"type":"text","text":"a"}]},
		  {"role":"assistant","content":[{"type":"text","text":"b"},{"type":"tool_use","id":"flx_Y2FsbDox","name":"f","input":{"a":1}},{"type":"tool_use","id":"call_2","name":"f","input":{"a":1}}]},
		  {"role":"user","content":[{"type":"tool_result","tool_use_id":"flx_Y2FsbDox","content":[{"type":"text","text":"4"}]},{"type":"tool_result","tool_use_id":"call_2"},{"type":"text","text":"c"}]}]`,
	},
	{
		"input missing, result failed and cached",
		[]dialect.Message{
			turn(user, textPart("a")), turn(agent, dialect.Part{Kind: dialect.PartToolUse, ID: "x", Name: "f"}),
			turn(user, dialect.Part{Kind: dialect.PartToolResult, ID: "x", IsError: true, Cache: cache, Parts: []dialect.Part{textPart(""), {Kind: dialect.PartImage, MediaType: "image/JPG", Data: "eA=="}}}),
		},
		`[{"role":"user","content":[{"type":"text","text":"a"}]},
		  {"role":"assistant","content":[{"type":"tool_use","id":"x","name":"f","input":{}}]},
		  {"role":"user","content":[{"type":"tool_result","tool_use_id":"x","content":[{"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"eA=="}}],"is_error":true,"cache_control":{"type":"ephemeral"}}]}]`,
	},
	{
		"images and files",
		[]dialect.Message{turn(
			user, dialect.Part{Kind: dialect.PartImage, URL: "https://x.example/i", Detail: "low", Cache: cache},
			dialect.Part{Kind: dialect.PartFile, MediaType: "application/pdf", Data: "cGRm", Name: "d.pdf"},
			dialect.Part{Kind: dialect.PartFile, URL: "https://x.example/d"},
			dialect.Part{Kind: dialect.PartFile, MediaType: "text/csv; charset=utf-8", Data: "YSxi"},
		)},
		`[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://x.example/i"},"cache_control":{"type":"ephemeral"}},
		  {"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"cGRm"},"title":"d.pdf"},
		  {"type":"document","source":{"type":"url","url":"https://x.example/d"}},
		  {"type":"document","source":{"type":"text","media_type":"text/plain","data":"a,b"}}]}]`,
	},
	{
		"a refusal of an earlier turn",
		[]dialect.Message{turn(user, textPart("a")), turn(agent, dialect.Part{Kind: dialect.PartRefusal, Text: "no"}), turn(user, textPart("b"))},
		`[{"role":"user","content":[{"type":"text","text":"a"}]},{"role":"assistant","content":[{"type":"text","text":"no"}]},{"role":"user","content":[{"type":"text","text":"b"}]}]`,
	},
}

func TestWriteRequestMessages(t *testing.T) {
	for _, c := range messageCases {
		t.Run(c.name, func(t *testing.T) {
			got, err := d.WriteRequest(asked(func(r *dialect.Request) { r.Messages = c.in }), target)
			if err != nil {
				t.Fatal(err)
			}
			sameJSON(t, got, `{"model":"up","max_tokens":100,"messages":`+c.want+`}`)
		})
	}
}
