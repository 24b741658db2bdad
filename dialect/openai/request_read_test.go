package openai_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"fairlead"
	"fairlead/dialect"
	"fairlead/dialect/openai"
)

// read reads a body with a model and, unless more has messages, one message; more is the rest of it.
func read(more string) (*dialect.Request, error) {
	body := `{"model":"m"`
	if !strings.Contains(more, `"messages"`) {
		body += `,"messages":[{"role":"user","content":"hi"}]`
	}
	if more != "" {
		body += "," + more
	}
	return openai.New().ReadRequest([]byte(body + "}"))
}

func plain() *dialect.Request {
	return &dialect.Request{Model: "m", Messages: []dialect.Message{{Role: dialect.User, Parts: []dialect.Part{said("hi")}}}}
}

func said(s string) dialect.Part { return dialect.Part{Kind: dialect.PartText, Text: s} }

func use(id, name, input string) dialect.Part {
	return dialect.Part{Kind: dialect.PartToolUse, ID: id, Name: name, Input: json.RawMessage(input)}
}

func result(id string, parts ...dialect.Part) dialect.Part {
	return dialect.Part{Kind: dialect.PartToolResult, ID: id, Parts: parts}
}

func TestReadRequestFields(t *testing.T) {
	yes, no := true, false
	type request = dialect.Request
	think := func(th dialect.Thinking) func(*request) { return func(r *request) { r.Thinking = &th } }
	same := func(*request) {}
	for more, change := range map[string]func(*request){
		``:               same,
		`"max_tokens":5`: func(r *request) { r.MaxTokens = 5 },
		`"max_completion_tokens":7,"max_tokens":5`: func(r *request) { r.MaxTokens = 7 },
		`"max_tokens":5,"max_completion_tokens":7`: func(r *request) { r.MaxTokens = 7 },
		`"temperature":0`:                          func(r *request) { r.Temperature = "0" },
		`"temperature":1.50`:                       func(r *request) { r.Temperature = "1.50" },
		`"top_p":1e-1`:                             func(r *request) { r.TopP = "1e-1" },
		`"top_k":3`:                                func(r *request) { r.TopK = 3 },
		`"n":2`:                                    func(r *request) { r.N = 2 },
		`"stop":"END"`:                             func(r *request) { r.Stop = []string{"END"} },
		`"stop":["a","","b"]`:                      func(r *request) { r.Stop = []string{"a", "b"} },
		`"stop":""`:                                same,
		`"stop":null`:                              same,
		`"seed":-4`:                                func(r *request) { r.Seed = "-4" },
		`"frequency_penalty":-2`:                   func(r *request) { r.FrequencyPenalty = "-2" },
		`"presence_penalty":2`:                     func(r *request) { r.PresencePenalty = "2" },
		`"logit_bias":{"1":2}`:                     func(r *request) { r.LogitBias = json.RawMessage(`{"1":2}`) },
		`"logprobs":true,"top_logprobs":20`:        func(r *request) { r.Logprobs, r.TopLogprobs = true, 20 },
		`"user":"u"`:                               func(r *request) { r.User = "u" },
		`"user":"u","safety_identifier":"s"`:       func(r *request) { r.User = "s" },
		`"safety_identifier":"s","user":"u"`:       func(r *request) { r.User = "s" },
		`"metadata":{"a":"b"}`:                     func(r *request) { r.Metadata = json.RawMessage(`{"a":"b"}`) },
		`"service_tier":"flex"`:                    func(r *request) { r.ServiceTier = "flex" },
		`"verbosity":"low"`:                        func(r *request) { r.Verbosity = "low" },
		`"stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false}`: func(r *request) {
			r.Stream, r.StreamUsage = true, true
		},
		`"parallel_tool_calls":false`:     func(r *request) { r.Parallel = &no },
		`"reasoning_effort":"high"`:       think(dialect.Thinking{Effort: "high"}),
		`"reasoning_effort":"none"`:       think(dialect.Thinking{Off: true, Effort: "none"}),
		`"reasoning":{"max_tokens":2000}`: think(dialect.Thinking{Budget: 2000}),
		`"reasoning":{"enabled":true}`:    think(dialect.Thinking{Adaptive: true}),
		`"reasoning":{"enabled":false}`:   think(dialect.Thinking{Off: true}),
		`"reasoning":{}`:                  same,
		`"reasoning":{"effort":"low","exclude":true},"reasoning_effort":"high"`: think(dialect.Thinking{Effort: "low", Display: "omitted"}),
		`"reasoning_effort":"high","reasoning":{"effort":"low"}`:                think(dialect.Thinking{Effort: "low"}),
		`"response_format":{"type":"text"}`:                                     same,
		`"response_format":{"type":"json_object"}`:                              func(r *request) { r.Format = &dialect.Format{} },
		`"response_format":{"type":"json_schema","json_schema":{"name":"n","description":"d","schema":{"type":"object"},"strict":true}}`: func(r *request) {
			r.Format = &dialect.Format{Name: "n", Description: "d", Schema: json.RawMessage(`{"type":"object"}`), Strict: &yes}
		},
		`"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"},"strict":false},"cache_control":{"type":"ephemeral"}}]`: func(r *request) {
			r.Tools = []dialect.Tool{{
				Name: "f", Description: "d", Schema: json.RawMessage(`{"type":"object"}`), Strict: &no, Cache: json.RawMessage(`{"type":"ephemeral"}`),
			}}
		},
		`"tools":[{"type":"function","function":{"name":"f","parameters":null}}]`: func(r *request) { r.Tools = []dialect.Tool{{Name: "f"}} },
		`"functions":[{"name":"f"}],"function_call":"auto"`: func(r *request) {
			r.Tools, r.ToolChoice = []dialect.Tool{{Name: "f"}}, dialect.ToolChoice{Mode: dialect.ToolAuto}
		},
		`"function_call":{"name":"f"}`: func(r *request) { r.ToolChoice = dialect.ToolChoice{Mode: dialect.ToolNamed, Name: "f"} },
		`"tool_choice":"required"`:     func(r *request) { r.ToolChoice.Mode = dialect.ToolAny },
		`"tool_choice":"none"`:         func(r *request) { r.ToolChoice.Mode = dialect.ToolNone },
		`"tool_choice":{"type":"function","function":{"name":"f"}},"function_call":"none"`: func(r *request) {
			r.ToolChoice = dialect.ToolChoice{Mode: dialect.ToolNamed, Name: "f"}
		},
		`"modalities":["text"],"store":false,"audio":null,"prompt_cache_key":"k","prompt_cache_retention":"24h","prompt_cache_options":{},"unknown":null`: same,
	} {
		want := plain()
		change(want)
		got, err := read(more)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", more, got, err, want)
		}
	}
}

// refusals are bodies with the code and the field of their error.
var refusals = []struct {
	more string
	code fairlead.Code
	at   string
}{
	{`"mystery":1`, fairlead.CodeUnsupportedParameter, "mystery"},
	{`"audio":{"voice":"v"}`, fairlead.CodeUnsupportedParameter, "audio"},
	{`"prediction":{}`, fairlead.CodeUnsupportedParameter, "prediction"},
	{`"web_search_options":{}`, fairlead.CodeUnsupportedParameter, "web_search_options"},
	{`"moderation":{}`, fairlead.CodeUnsupportedParameter, "moderation"},
	{`"modalities":["text","audio"]`, fairlead.CodeUnsupportedParameter, "modalities[1]"},
	{`"store":true`, fairlead.CodeUnsupportedParameter, "store"},
	{`"tools":[{"type":"custom","custom":{"name":"c"}}]`, fairlead.CodeUnsupportedParameter, "tools[0].type"},
	{`"tools":[{"type":"function"}]`, fairlead.CodeInvalidRequest, "tools[0].function"},
	{`"tools":[{"type":"function","function":{"name":""}}]`, fairlead.CodeInvalidRequest, "tools[0].function.name"},
	{`"tools":[{"type":"function","function":{"name":"f","parameters":[]}}]`, fairlead.CodeInvalidRequest, "tools[0].function.parameters"},
	{`"tools":{}`, fairlead.CodeInvalidRequest, "tools"},
	{`"tool_choice":{"type":"allowed_tools"}`, fairlead.CodeUnsupportedParameter, "tool_choice.type"},
	{`"tool_choice":"any"`, fairlead.CodeInvalidRequest, "tool_choice"},
	{`"tool_choice":{"type":"function"}`, fairlead.CodeInvalidRequest, "tool_choice.function"},
	{`"response_format":{"type":"grammar"}`, fairlead.CodeUnsupportedParameter, "response_format.type"},
	{`"response_format":{"type":"json_schema"}`, fairlead.CodeInvalidRequest, "response_format.json_schema"},
	{`"response_format":{"type":"json_schema","json_schema":{"name":"n"}}`, fairlead.CodeInvalidRequest, "response_format.json_schema.schema"},
	{`"reasoning_effort":"huge"`, fairlead.CodeInvalidRequest, "reasoning_effort"},
	{`"reasoning":{"max_tokens":-1}`, fairlead.CodeInvalidRequest, "reasoning.max_tokens"},
	{`"temperature":2.1`, fairlead.CodeInvalidRequest, "temperature"},
	{`"temperature":"1"`, fairlead.CodeInvalidRequest, "temperature"},
	{`"temperature":1e999`, fairlead.CodeInvalidRequest, "temperature"},
	{`"top_p":-0.1`, fairlead.CodeInvalidRequest, "top_p"},
	{`"n":0`, fairlead.CodeInvalidRequest, "n"},
	{`"seed":1.5`, fairlead.CodeInvalidRequest, "seed"},
	{`"stop":["a",1]`, fairlead.CodeInvalidRequest, "stop[1]"},
	{`"stop":{}`, fairlead.CodeInvalidRequest, "stop"},
	{`"max_tokens":0`, fairlead.CodeInvalidRequest, "max_tokens"},
	{`"top_logprobs":21`, fairlead.CodeInvalidRequest, "top_logprobs"},
	{`"logit_bias":[]`, fairlead.CodeInvalidRequest, "logit_bias"},
	{`"stream":"yes"`, fairlead.CodeInvalidRequest, "stream"},
	{`"verbosity":"loud"`, fairlead.CodeInvalidRequest, "verbosity"},
	{`"messages":"hi"`, fairlead.CodeInvalidRequest, "messages"},
	{`"messages":[]`, fairlead.CodeInvalidRequest, "messages"},
	{`"messages":[{"role":"user","content":""}]`, fairlead.CodeInvalidRequest, "messages"},
	{`"messages":[1]`, fairlead.CodeInvalidRequest, "messages[0]"},
	{`"messages":[{"content":"x"}]`, fairlead.CodeInvalidRequest, "messages[0].role"},
	{`"messages":[{"role":"robot","content":"x"}]`, fairlead.CodeInvalidRequest, "messages[0].role"},
	{`"messages":[{"role":"user"}]`, fairlead.CodeInvalidRequest, "messages[0].content"},
	{`"messages":[{"role":"user","content":7}]`, fairlead.CodeInvalidRequest, "messages[0].content"},
	{`"messages":[{"role":"system","content":[{"type":"image_url"}]}]`, fairlead.CodeUnsupportedParameter, "messages[0].content[0].type"},
	{userPart(`7`), fairlead.CodeInvalidRequest, "messages[0].content[0]"},
	{userPart(`{}`), fairlead.CodeInvalidRequest, "messages[0].content[0].type"},
	{userPart(`{"type":"video_url"}`), fairlead.CodeUnsupportedParameter, "messages[0].content[0].type"},
	{userPart(`{"type":"text"}`), fairlead.CodeInvalidRequest, "messages[0].content[0].text"},
	{userPart(`{"type":"text","text":"a"},{"type":"image_url","image_url":"http://x/y"}`), fairlead.CodeInvalidRequest, "messages[0].content[1].image_url"},
	{userPart(`{"type":"image_url","image_url":{"url":"ftp://x"}}`), fairlead.CodeInvalidRequest, "messages[0].content[0].image_url.url"},
	{userPart(`{"type":"image_url","image_url":{"url":"data:image/png,x"}}`), fairlead.CodeInvalidRequest, "messages[0].content[0].image_url.url"},
	{userPart(`{"type":"image_url","image_url":{"url":"data:text/html;base64,eA=="}}`), fairlead.CodeInvalidRequest, "messages[0].content[0].image_url.url"},
	{userPart(`{"type":"image_url","image_url":{"url":"https://"}}`), fairlead.CodeInvalidRequest, "messages[0].content[0].image_url.url"},
	{userPart(`{"type":"image_url","image_url":{"url":"https://x","detail":"ultra"}}`), fairlead.CodeInvalidRequest, "messages[0].content[0].image_url.detail"},
	{userPart(`{"type":"file","file":{"file_id":"file-1"}}`), fairlead.CodeUnsupportedParameter, "messages[0].content[0].file.file_id"},
	{userPart(`{"type":"file","file":{"file_data":"JVBE"}}`), fairlead.CodeInvalidRequest, "messages[0].content[0].file.file_data"},
	{userPart(`{"type":"input_audio","input_audio":{"data":"eA==","format":"ogg"}}`), fairlead.CodeInvalidRequest, "messages[0].content[0].input_audio.format"},
	{userPart(`{"type":"input_audio","input_audio":{"format":"wav"}}`), fairlead.CodeInvalidRequest, "messages[0].content[0].input_audio.data"},
	{assistantTurn(`"audio":{"id":"a"}`), fairlead.CodeUnsupportedParameter, "messages[1].audio"},
	{assistantTurn(`"tool_calls":[{"type":"custom","id":"1"}]`), fairlead.CodeUnsupportedParameter, "messages[1].tool_calls[0].type"},
	{assistantTurn(`"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{"}}]`), fairlead.CodeInvalidRequest, "messages[1].tool_calls[0].function.arguments"},
	{assistantTurn(`"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"[1]"}}]`), fairlead.CodeInvalidRequest, "messages[1].tool_calls[0].function.arguments"},
	{assistantTurn(`"tool_calls":[{"type":"function","function":{"name":"f","arguments":"{}"}}]`), fairlead.CodeInvalidRequest, "messages[1].tool_calls[0].id"},
	{assistantTurn(`"tool_calls":[{"id":"1","type":"function","function":{"arguments":"{}"}}]`), fairlead.CodeInvalidRequest, "messages[1].tool_calls[0].function.name"},
	{assistantTurn(`"function_call":{"name":"f","arguments":"nope"}`), fairlead.CodeInvalidRequest, "messages[1].function_call.arguments"},
	{`"messages":[{"role":"tool","content":"x"}]`, fairlead.CodeInvalidRequest, "messages[0].tool_call_id"},
	{`"messages":[{"role":"function","name":"f","content":"x"}]`, fairlead.CodeInvalidRequest, "messages[0].role"},
}

func userPart(part string) string { return `"messages":[{"role":"user","content":[` + part + `]}]` }

func assistantTurn(members string) string {
	return `"messages":[{"role":"user","content":"x"},{"role":"assistant",` + members + `}]`
}

func TestReadRequestRefuses(t *testing.T) {
	for _, c := range refusals {
		_, err := read(c.more)
		var e *fairlead.Error
		if !errors.As(err, &e) || e.Code != c.code || e.Param != c.at || !strings.HasPrefix(e.Message, e.Param+" ") {
			t.Errorf("%s:\n got %v at %q, want %s at %q", c.more, err, paramOf(err), c.code, c.at)
		}
	}
}

func TestReadRequestBody(t *testing.T) {
	for body, want := range map[string]fairlead.Code{
		``:                             fairlead.CodeInvalidJSON,
		`[]`:                           fairlead.CodeInvalidJSON,
		`{"model":"m",}`:               fairlead.CodeInvalidJSON,
		"{\"model\":\"\xff\"}":         fairlead.CodeInvalidJSON,
		`{"model":"m","mod\u0065l":1}`: fairlead.CodeDuplicateField,
		`{"a":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + `}`: fairlead.CodeTooDeep,
		`{"messages":[{"role":"user","content":"x"}]}`:                      fairlead.CodeInvalidRequest,
	} {
		var e *fairlead.Error
		if _, err := openai.New().ReadRequest([]byte(body)); !errors.As(err, &e) || e.Code != want {
			t.Errorf("%.40s: got %v, want %s", body, err, want)
		}
	}
}
