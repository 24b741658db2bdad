package anthropic_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"fairlead"
	"fairlead/dialect"
)

const everything = `{
 "model":"claude-x","max_tokens":2048,"temperature":0.50,"top_p":0.9,"top_k":40,
 "stop_sequences":["END","\u00e9"],"stream":true,"service_tier":"standard_only","metadata":{"user_id":"u1","other":1},
 "cache_control":{"type":"ephemeral"},"context_management":{"edits":[]},"container":null,"mcp_servers":[],
 "system":[{"type":"text","text":"Be brief","cache_control":{"type":"ephemeral","ttl":"1h"}},{"type":"text","text":""}],
 "thinking":{"type":"enabled","budget_tokens":1500,"display":"omitted"},
 "output_config":{"effort":"high","format":{"type":"json_schema","schema":{"type":"object"}}},
 "tools":[{"name":"wx","description":"weather","input_schema":{"type":"object"},"strict":true,"cache_control":{"type":"ephemeral"},"input_examples":[{}]},
          {"type":"custom","name":"bare"}],
 "tool_choice":{"type":"tool","name":"wx","disable_parallel_tool_use":true},
 "messages":[
  {"role":"user","content":"weather?"},
  {"role":"user","content":[{"type":"text","text":"in Oslo"},{"type":"text","text":""},
   {"type":"image","source":{"type":"base64","media_type":"image/png","data":"aW1n"}},
   {"type":"image","source":{"type":"url","url":"https://x.example/i.png"}},
   {"type":"document","title":"d.pdf","source":{"type":"base64","media_type":"application/pdf","data":"cGRm"}},
   {"type":"document","source":{"type":"url","url":"https://x.example/d.pdf"}},
   {"type":"document","source":{"type":"text","media_type":"text/plain","data":"plain"}}]},
  {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"Ep1"},{"type":"redacted_thinking","data":"r3d"},
   {"type":"text","text":"I look."},{"type":"tool_use","id":"toolu:1","name":"wx","input":{"city" : "Oslo"}}]},
  {"role":"system","content":"Now in French"},
  {"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu:1","content":"4 C"},
   {"type":"tool_result","tool_use_id":"t2","is_error":true,"content":[{"type":"text","text":"no"},
    {"type":"image","source":{"type":"url","url":"https://x.example/m.png"}}]}]}]}`

func TestReadRequest(t *testing.T) {
	got, err := d.ReadRequest([]byte(everything))
	if err != nil {
		t.Fatal(err)
	}
	yes, no := true, false
	ephemeral := json.RawMessage(`{"type":"ephemeral"}`)
	want := &dialect.Request{
		Model: "claude-x", MaxTokens: 2048, Temperature: "0.50", TopP: "0.9", TopK: 40,
		Stop: []string{"END", "é"}, Stream: true, StreamUsage: true, ServiceTier: "standard_only", User: "u1",
		System: []dialect.Part{
			{Kind: dialect.PartText, Text: "Be brief", Cache: json.RawMessage(`{"type":"ephemeral","ttl":"1h"}`)},
			textPart("Now in French"),
		},
		Thinking: &dialect.Thinking{Budget: 1500, Display: "omitted", Effort: "high"},
		Format:   &dialect.Format{Schema: json.RawMessage(`{"type":"object"}`)},
		Tools: []dialect.Tool{
			{Name: "wx", Description: "weather", Schema: json.RawMessage(`{"type":"object"}`), Strict: &yes, Cache: ephemeral},
			{Name: "bare"},
		},
		ToolChoice: dialect.ToolChoice{Mode: dialect.ToolNamed, Name: "wx"},
		Parallel:   &no,
		Messages: []dialect.Message{
			{Role: dialect.User, Parts: []dialect.Part{
				textPart("weather?"), textPart("in Oslo"),
				{Kind: dialect.PartImage, MediaType: "image/png", Data: "aW1n"},
				{Kind: dialect.PartImage, URL: "https://x.example/i.png"},
				{Kind: dialect.PartFile, MediaType: "application/pdf", Data: "cGRm", Name: "d.pdf"},
				{Kind: dialect.PartFile, URL: "https://x.example/d.pdf"},
				{Kind: dialect.PartFile, MediaType: "text/plain", Data: "cGxhaW4="},
			}},
			{Role: dialect.Assistant, Parts: []dialect.Part{
				{Kind: dialect.PartThinking, Text: "hm", Signature: "Ep1"},
				{Kind: dialect.PartRedacted, Data: "r3d"},
				textPart("I look."),
				{Kind: dialect.PartToolUse, ID: "toolu:1", Name: "wx", Input: json.RawMessage(`{"city" : "Oslo"}`)},
			}},
			{Role: dialect.User, Parts: []dialect.Part{
				{Kind: dialect.PartToolResult, ID: "toolu:1", Parts: []dialect.Part{textPart("4 C")}},
				{Kind: dialect.PartToolResult, ID: "t2", IsError: true, Parts: []dialect.Part{
					textPart("no"), {Kind: dialect.PartImage, URL: "https://x.example/m.png"},
				}},
			}},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestReadRequestKeepsNothingOfTheBody(t *testing.T) {
	body := []byte(everything)
	got, err := d.ReadRequest(body)
	if err != nil {
		t.Fatal(err)
	}
	before := len(got.Tools[0].Schema)
	clear(body)
	if string(got.Tools[0].Schema) != `{"type":"object"}` || before == 0 {
		t.Errorf("the schema is a part of the body: %q", got.Tools[0].Schema)
	}
	if got.Temperature != "0.50" || string(got.Messages[1].Parts[3].Input) != `{"city" : "Oslo"}` {
		t.Error("numbers or inputs are parts of the body")
	}
}

func TestReadRequestThinking(t *testing.T) {
	cases := []struct {
		fields string
		want   *dialect.Thinking
	}{
		{`"stream":false`, nil},
		{`"thinking":{"type":"disabled"}`, &dialect.Thinking{Off: true}},
		{`"thinking":{"type":"adaptive","display":"summarized"}`, &dialect.Thinking{Adaptive: true, Display: "summarized"}},
		{`"output_config":{"effort":"max"}`, &dialect.Thinking{Effort: "max"}},
		{`"output_config":{"effort":"low"},"thinking":{"type":"adaptive"}`, &dialect.Thinking{Adaptive: true, Effort: "low"}},
	}
	for _, c := range cases {
		got, err := d.ReadRequest([]byte(`{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],` + c.fields + `}`))
		if err != nil {
			t.Errorf("%s: %v", c.fields, err)
			continue
		}
		if !reflect.DeepEqual(got.Thinking, c.want) {
			t.Errorf("%s: got %+v, want %+v", c.fields, got.Thinking, c.want)
		}
	}
}

func TestReadRequestRefuses(t *testing.T) {
	const invalid, unsupported = fairlead.CodeInvalidRequest, fairlead.CodeUnsupportedParameter
	user := func(blocks string) string { return `"messages":[{"role":"user","content":[` + blocks + `]}]` }
	agent := func(blocks string) string { return `"messages":[{"role":"assistant","content":[` + blocks + `]}]` }
	const hello = `"messages":[{"role":"user","content":"x"}],`
	cases := []struct {
		fields string
		code   fairlead.Code
		param  string
	}{
		{hello + `"container":"c"`, unsupported, "container"},
		{hello + `"mcp_servers":[{}]`, unsupported, "mcp_servers"},
		{hello + `"fallbacks":[]`, unsupported, "fallbacks"},
		{hello + `"inference_geo":"us"`, unsupported, "inference_geo"},
		{hello + `"novelty":1`, unsupported, "novelty"},
		{hello + `"output_config":{"novelty":1}`, unsupported, "output_config.novelty"},
		{hello + `"output_config":{"format":{"type":"regex"}}`, unsupported, "output_config.format.type"},
		{hello + `"output_config":{"format":{"type":"json_schema"}}`, invalid, "output_config.format.schema"},
		{hello + `"output_config":1`, invalid, "output_config"},
		{hello + `"tools":[{"name":"a"},{"type":"web_search_20250305","name":"web_search"}]`, unsupported, "tools[1].type"},
		{hello + `"tools":[{"type":"custom"}]`, invalid, "tools[0].name"},
		{hello + `"tools":[{"name":"a","input_schema":[]}]`, invalid, "tools[0].input_schema"},
		{hello + `"tools":[{"name":"a","strict":1}]`, invalid, "tools[0].strict"},
		{hello + `"tools":{}`, invalid, "tools"},
		{hello + `"tool_choice":{"type":"some"}`, invalid, "tool_choice.type"},
		{hello + `"tool_choice":{"type":"tool"}`, invalid, "tool_choice.name"},
		{hello + `"thinking":{"type":"enabled","budget_tokens":1}`, invalid, "thinking.budget_tokens"},
		{hello + `"thinking":{"type":"on"}`, invalid, "thinking.type"},
		{hello + `"temperature":"hot"`, invalid, "temperature"},
		{hello + `"top_k":-1`, invalid, "top_k"},
		{hello + `"stream":0`, invalid, "stream"},
		{hello + `"stop_sequences":["a",1]`, invalid, "stop_sequences[1]"},
		{hello + `"metadata":{"user_id":1}`, invalid, "metadata.user_id"},
		{hello + `"system":[{"type":"image"}]`, unsupported, "system[0].type"},
		{hello + `"system":{}`, invalid, "system"},
		{`"messages":[]`, invalid, "messages"},
		{`"messages":[{"role":"user","content":""}]`, invalid, "messages"},
		{`"messages":[{"role":"tool","content":"x"}]`, invalid, "messages[0].role"},
		{`"messages":[{"role":"user"}]`, invalid, "messages[0].content"},
		{`"messages":["x"]`, invalid, "messages[0]"},
		{user(`{"text":"x"}`), invalid, "messages[0].content[0].type"},
		{user(`{"type":"text","text":1}`), invalid, "messages[0].content[0].text"},
		{user(`{"type":"search_result"}`), unsupported, "messages[0].content[0].type"},
		{user(`{"type":"container_upload"}`), unsupported, "messages[0].content[0].type"},
		{agent(`{"type":"server_tool_use"}`), unsupported, "messages[0].content[0].type"},
		{agent(`{"type":"tool_use","name":"a","input":{}}`), invalid, "messages[0].content[0].id"},
		{agent(`{"type":"tool_use","id":"a","name":"a","input":"{}"}`), invalid, "messages[0].content[0].input"},
		{agent(`{"type":"thinking"}`), invalid, "messages[0].content[0].thinking"},
		{user(`{"type":"image","source":{"type":"file","file_id":"f"}}`), unsupported, "messages[0].content[0].source.type"},
		{user(`{"type":"image","source":{"type":"base64","data":"x"}}`), invalid, "messages[0].content[0].source.media_type"},
		{user(`{"type":"document","source":{"type":"content","content":[]}}`), unsupported, "messages[0].content[0].source.type"},
		{user(`{"type":"document","context":"c","source":{}}`), unsupported, "messages[0].content[0].context"},
		{user(`{"type":"document","citations":{"enabled":true},"source":{}}`), unsupported, "messages[0].content[0].citations"},
		{user(`{"type":"tool_result","content":"x"}`), invalid, "messages[0].content[0].tool_use_id"},
		{
			user(`{"type":"text","text":"x"},{"type":"tool_result","tool_use_id":"a","content":[{"type":"document"}]}`),
			unsupported, "messages[0].content[1].content[0].type",
		},
	}
	for _, c := range cases {
		t.Run(c.fields, func(t *testing.T) {
			_, err := d.ReadRequest([]byte(`{"model":"m","max_tokens":9,` + c.fields + `}`))
			wantError(t, err, c.code, c.param)
		})
	}
}

func TestReadRequestRefusesBodies(t *testing.T) {
	const hello = `"messages":[{"role":"user","content":"x"}]`
	cases := []struct {
		body  string
		code  fairlead.Code
		param string
	}{
		{`[]`, fairlead.CodeInvalidJSON, ""},
		{`{"model":`, fairlead.CodeInvalidJSON, ""},
		{"{\"model\":\"\xff\"}", fairlead.CodeInvalidJSON, ""},
		{`{"model":"m","mod\u0065l":"n"}`, fairlead.CodeDuplicateField, "model"},
		{`{"max_tokens":9,` + hello + `}`, fairlead.CodeInvalidRequest, "model"},
		{`{"model":"m",` + hello + `}`, fairlead.CodeInvalidRequest, "max_tokens"},
		{`{"model":"m","max_tokens":0,` + hello + `}`, fairlead.CodeUnsupportedParameter, "max_tokens"},
	}
	for _, c := range cases {
		t.Run(c.body, func(t *testing.T) {
			_, err := d.ReadRequest([]byte(c.body))
			wantError(t, err, c.code, c.param)
		})
	}
}
