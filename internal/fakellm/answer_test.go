package fakellm

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestDeterminism(t *testing.T) {
	_, one := Start(t, Options{Seed: 7})
	_, two := Start(t, Options{Seed: 7})
	_, other := Start(t, Options{Seed: 8})
	text := func(url, model string) string {
		_, body := post(t, url+"/v1/chat/completions", chatBody(model, false))
		return value(t, body, "choices.0.message.content").(string)
	}
	if first := text(one, "x"); first != text(two, "x") || first != text(one, "x") {
		t.Error("same seed and model, other text")
	}
	for _, pair := range [][2]string{{text(one, "x"), text(other, "x")}, {text(one, "x"), text(one, "y")}} {
		if pair[0] == pair[1] {
			t.Errorf("another seed or model, same text: %q", pair[0])
		}
	}
	if text(one, "x:seed=5") != text(other, "y:seed=5") {
		t.Error("seed= must decide the text alone")
	}
	_, stream := post(t, one+"/v1/chat/completions", chatBody("x", true))
	if got := chatText(t, stream); got != text(one, "x") || len(strings.Fields(got)) != 24 {
		t.Errorf("streamed %q, plain %q", got, text(one, "x"))
	}
	_, message := post(t, one+"/v1/messages", messageBody("x", false))
	if got := value(t, message, "content.0.text"); got != text(one, "x") {
		t.Errorf("the other wire says %q", got)
	}
}

func TestSizes(t *testing.T) {
	_, url := Start(t, Options{})
	for _, c := range []struct {
		spec          string
		bytes, tokens int
		chunks        int
	}{
		{"tokens=425,size=4", 1700, 425, 425},
		{"tokens=10,size=100,chunk=3", 1000, 10, 4},
		{"tokens=0", 0, 0, 0},
		{"tokens=1,size=2", 2, 1, 1},
	} {
		_, body := post(t, url+"/v1/chat/completions", strings.Replace(chatBody("x:"+c.spec, true), `"stream":true`, `"stream":true,"stream_options":{"include_usage":true}`, 1))
		text := chatText(t, body)
		list := datas(body)
		usage := list[len(list)-2]
		chunks := strings.Count(body, `"delta":{"content":`)
		if len(text) != c.bytes || chunks != c.chunks || value(t, usage, "usage.completion_tokens") != float64(c.tokens) {
			t.Errorf("%s: %d bytes in %d chunks, %s", c.spec, len(text), chunks, usage)
		}
	}
}

func TestBounds(t *testing.T) {
	_, url := Start(t, Options{})
	for _, c := range []struct{ path, extra, model, text, reason string }{
		{"/v1/chat/completions", `,"max_tokens":3`, "x:tokens=9,seed=1", "", "length"},
		{"/v1/chat/completions", `,"stop":["c","b"]`, "echo", "hello there a", "stop"},
		{"/v1/chat/completions", `,"stop":"nowhere"`, "echo", "hello there abc", "stop"},
		{"/v1/messages", `,"stop_sequences":["nowhere","there"]`, "echo", "hello ", "stop_sequence"},
		{"/v1/chat/completions", ``, "x:finish=content_filter", "", "content_filter"},
		{"/v1/messages", ``, "x:finish=content_filter", "", "refusal"},
		{"/v1/chat/completions", ``, "x:finish=max_tokens", "", "length"},
		{"/v1/chat/completions", ``, "x:finish=insufficient_system_resource", "", "insufficient_system_resource"},
	} {
		body := fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":"hello there abc"}]%s}`, c.model, c.extra)
		text, reason := "choices.0.message.content", "choices.0.finish_reason"
		if c.path == "/v1/messages" {
			body = strings.Replace(body, "{", `{"max_tokens":100,`, 1)
			text, reason = "content.0.text", "stop_reason"
		}
		_, got := post(t, url+c.path, body)
		if value(t, got, reason) != c.reason || (c.text != "" && value(t, got, text) != c.text) {
			t.Errorf("%s %s: %s", c.model, c.extra, got)
		}
		if c.reason == "length" && strings.Contains(c.extra, "3") && len(strings.Fields(value(t, got, text).(string))) != 3 {
			t.Errorf("max_tokens=3 gave %s", got)
		}
		if c.reason == "stop_sequence" && value(t, got, "stop_sequence") != "there" {
			t.Errorf("stop_sequence: %s", got)
		}
	}
}

func TestEcho(t *testing.T) {
	_, url := Start(t, Options{})
	const parts = `[{"type":"text","text":"look: \u00e9\u4e16 \"x\"\n"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}},{"type":"image_url","image_url":{"url":"https://x/y"}}]`
	_, body := post(t, url+"/v1/chat/completions", `{"model":"echo","messages":[{"role":"user","content":`+parts+`}]}`)
	if got := value(t, body, "choices.0.message.content"); got != "look: é世 \"x\"\n [2 images: https, image/png]" {
		t.Errorf("chat: %q", got)
	}
	_, body = post(t, url+"/v1/messages", `{"model":"echo","max_tokens":99,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/gif","data":"AAAA"}},{"type":"text","text":"look"}]}]}`)
	if got := value(t, body, "content.0.text"); got != "look [1 image: image/gif]" {
		t.Errorf("messages: %q", got)
	}
	_, body = post(t, url+"/v1/chat/completions", chatBody("echo:tokens=50", false))
	if value(t, body, "usage.completion_tokens") != 50.0 || !strings.HasPrefix(value(t, body, "choices.0.message.content").(string), "hello there ") {
		t.Errorf("echo of 50 tokens: %s", body)
	}
	_, stream := post(t, url+"/v1/chat/completions", `{"model":"echo","stream":true,"n":2,"messages":[{"role":"user","content":"日本語のテキスト"}]}`)
	if got := strings.Count(stream, `"index":1,"delta":{"content"`); chatText(t, strings.ReplaceAll(stream, `{"index":1,"delta":{"content"`, `{"index":1,"delta":{"other"`)) != "日本語のテキスト" || got != 4 {
		t.Errorf("characters were cut, or choice 1 is missing: %s", stream)
	}
}

func TestTools(t *testing.T) {
	_, url := Start(t, Options{})
	const schema = `{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer"},"unit":{"enum":["C","F"]},"tags":{"type":"array","items":{"type":"string"}},"deep":{"type":"object","properties":{"on":{"type":"boolean"}}}}}`
	const args = `{"city":"city 1","days":1,"deep":{"on":true},"tags":["tags 1"],"unit":"C"}`
	chat := func(model, extra string) string {
		return `{"model":"` + model + `","tools":[{"type":"function","function":{"name":"wx","parameters":` + schema + `}},{"type":"function","function":{"name":"none"}}],"messages":[{"role":"user","content":"hi"}]` + extra + `}`
	}
	_, body := post(t, url+"/v1/chat/completions", chat("tools", ""))
	if value(t, body, "choices.0.message.tool_calls.0.function.arguments") != args || value(t, body, "choices.0.finish_reason") != "tool_calls" || value(t, body, "choices.0.message.content") != nil {
		t.Errorf("one call: %s", body)
	}
	for _, c := range []struct {
		model, extra string
		calls        int
	}{
		{"x", "", 0},
		{"x", `,"tool_choice":"required"`, 1},
		{"x", `,"tool_choice":{"type":"function","function":{"name":"none"}}`, 1},
		{"tools", `,"tool_choice":"none"`, 0},
		{"x:tools=3", "", 3},
		{"x:tools=3", `,"parallel_tool_calls":false`, 1},
	} {
		_, body := post(t, url+"/v1/chat/completions", chat(c.model, c.extra))
		calls, _ := value(t, body, "choices.0.message.tool_calls").([]any)
		if len(calls) != c.calls {
			t.Errorf("%s %s: %s", c.model, c.extra, body)
		}
	}
	// Two parallel calls come interleaved and add up to the same arguments.
	_, stream := post(t, url+"/v1/chat/completions", chat("x:tools=2", `,"stream":true`))
	got, order := map[int]string{}, []int{}
	for _, d := range datas(stream) {
		var c struct {
			Choices []struct {
				Delta struct {
					ToolCalls []struct {
						Index    int
						Function struct{ Arguments string }
					} `json:"tool_calls"`
				}
			}
		}
		if json.Unmarshal([]byte(d), &c) == nil && len(c.Choices) > 0 && len(c.Choices[0].Delta.ToolCalls) > 0 {
			call := c.Choices[0].Delta.ToolCalls[0]
			got[call.Index] += call.Function.Arguments
			order = append(order, call.Index)
		}
	}
	if got[0] != args || got[1] != "{}" || !slices.Equal(order[:5], []int{0, 1, 0, 1, 0}) {
		t.Errorf("interleaved: %v %v", got, order)
	}
	// Anthropic's come one after the other.
	message := `{"model":"x:tools=2,tokens=2","stream":true,"max_tokens":99,"tools":[{"name":"wx","input_schema":` + schema + `}],"messages":[{"role":"user","content":"hi"}]}`
	_, stream = post(t, url+"/v1/messages", message)
	if n := strings.Count(stream, `"content_block":{"type":"tool_use"`); n != 2 || !strings.Contains(stream, `"stop_reason":"tool_use"`) {
		t.Errorf("two tool blocks: %s", stream)
	}
	open := -1
	for _, d := range datas(stream) {
		index, _ := value(t, d, "index").(float64)
		switch value(t, d, "type") {
		case "content_block_start":
			if open >= 0 {
				t.Errorf("block %v starts inside block %d", index, open)
			}
			open = int(index)
		case "content_block_delta":
			if int(index) != open {
				t.Errorf("delta of block %v inside block %d", index, open)
			}
		case "content_block_stop":
			open = -1
		}
	}
}

func TestToolResults(t *testing.T) {
	_, url := Start(t, Options{})
	_, body := post(t, url+"/v1/chat/completions", `{"model":"tools","tools":[{"type":"function","function":{"name":"wx"}}],"messages":[{"role":"user","content":"hi"},{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"wx","arguments":"{}"}},{"id":"b","type":"function","function":{"name":"wx","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"4 C"},{"role":"tool","tool_call_id":"b","content":"rain"}]}`)
	if got := value(t, body, "choices.0.message.content"); got != "Tool results: [a] 4 C [b] rain" {
		t.Errorf("chat: %s", body)
	}
	_, body = post(t, url+"/v1/messages", `{"model":"tools","max_tokens":99,"tools":[{"name":"wx","input_schema":{"type":"object"}}],"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"wx","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"4 C"}]}]}`)
	if got := value(t, body, "content.0.text"); got != "Tool results: [a] 4 C" {
		t.Errorf("messages: %s", body)
	}
}

func TestThinking(t *testing.T) {
	_, url := Start(t, Options{})
	_, body := post(t, url+"/v1/chat/completions", chatBody("x:think=3", false))
	if got, _ := value(t, body, "choices.0.message.reasoning_content").(string); len(strings.Fields(got)) != 3 || value(t, body, "usage.completion_tokens_details.reasoning_tokens") != 3.0 || value(t, body, "usage.completion_tokens") != 27.0 {
		t.Errorf("plain: %s", body)
	}
	_, body = post(t, url+"/v1/chat/completions", chatBody("x:think=3,think_as=reasoning", true))
	if n := strings.Count(body, `"delta":{"reasoning":`); n != 3 {
		t.Errorf("%d deltas of reasoning: %s", n, body)
	}
	_, body = post(t, url+"/v1/messages", `{"model":"x","max_tokens":2000,"thinking":{"type":"enabled","budget_tokens":1024},"messages":[{"role":"user","content":"hi"}]}`)
	text, _ := value(t, body, "content.0.thinking").(string)
	if value(t, body, "content.0.type") != "thinking" || value(t, body, "content.0.signature") != sign(text) || value(t, body, "content.1.type") != "text" {
		t.Errorf("messages: %s", body)
	}
	_, stream := post(t, url+"/v1/messages", messageBody("x:think=2,tokens=2", true))
	want := []string{
		"message_start", "ping", "content_block_start", "content_block_delta", "content_block_delta", "content_block_delta", "content_block_stop",
		"content_block_start", "content_block_delta", "content_block_delta", "content_block_stop", "message_delta", "message_stop",
	}
	if got := events(stream); !slices.Equal(got, want) || strings.Count(stream, "signature_delta") != 1 {
		t.Errorf("events %v", got)
	}
}

func TestUsage(t *testing.T) {
	_, url := Start(t, Options{})
	// 26 bytes of text are 7 tokens in every wire that counts them.
	chat := `{"model":"x:tokens=5,%s","stream":true,"stream_options":{"include_usage":%s},"messages":[{"role":"system","content":"be brief now"},{"role":"user","content":"hello there abc"}]}`
	message := `{"model":"x:tokens=5,%s","stream":true,"max_tokens":99,"system":"be brief now","messages":[{"role":"user","content":"hello there abc"}]}`
	usages := func(stream string) []string {
		var list []string
		for _, d := range datas(stream) {
			if _, u, ok := strings.Cut(d, `"usage":`); ok && u != "null}" {
				list = append(list, u)
			}
		}
		return list
	}
	for _, c := range []struct {
		spec, asked string
		n           int
		last        string
	}{
		{"cached=0", "false", 0, ""},
		{"cached=0", "true", 1, `{"prompt_tokens":7,"completion_tokens":5,"total_tokens":12,"prompt_tokens_details":{"cached_tokens":0`},
		{"cached=4", "true", 1, `{"prompt_tokens":7,"completion_tokens":5,"total_tokens":12,"prompt_tokens_details":{"cached_tokens":4`},
		{"usage=none", "true", 0, ""},
		{"usage=always", "false", 1, `{"prompt_tokens":7`},
		{"usage=split", "true", 2, `{"prompt_tokens":7`},
		{"usage=early", "true", 1, `{"prompt_tokens":7`},
	} {
		_, stream := post(t, url+"/v1/chat/completions", fmt.Sprintf(chat, c.spec, c.asked))
		list := usages(stream)
		if len(list) != c.n || (c.n > 0 && !strings.HasPrefix(list[len(list)-1], c.last)) {
			t.Errorf("chat %s: %v", c.spec, list)
		}
		early := strings.Index(stream, `"choices":[],"usage"`) < strings.Index(stream, `"finish_reason":"stop"`)
		if c.n == 1 && early != (c.spec == "usage=early") {
			t.Errorf("chat %s: usage in the wrong place: %s", c.spec, stream)
		}
	}
	for _, c := range []struct {
		spec string
		want []string
	}{
		{"cached=3", []string{`{"input_tokens":4,"cache_creation_input_tokens":0,"cache_read_input_tokens":3,"output_tokens":1,`, `{"output_tokens":5}`}},
		{"usage=none", nil},
		{"usage=late", []string{`{"input_tokens":0,"output_tokens":0}`, `{"input_tokens":7,`}},
		{"usage=split", []string{`{"input_tokens":7,`, `{"output_tokens":2}`, `{"output_tokens":5}`}},
		{"usage=early", []string{`{"input_tokens":7,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":5,`, `{"output_tokens":5}`}},
	} {
		_, stream := post(t, url+"/v1/messages", fmt.Sprintf(message, c.spec))
		list := usages(stream)
		if !slices.EqualFunc(list, c.want, strings.HasPrefix) {
			t.Errorf("messages %s: %v", c.spec, list)
		}
	}
	_, counted := post(t, url+"/v1/messages/count_tokens", `{"model":"x","system":"be brief now","messages":[{"role":"user","content":"hello there abc"}]}`)
	if value(t, counted, "input_tokens") != 7.0 {
		t.Errorf("count_tokens: %s", counted)
	}
}

func TestEmbeddings(t *testing.T) {
	_, url := Start(t, Options{})
	_, floats := post(t, url+"/v1/embeddings", `{"model":"x","input":["a","b","a"],"dimensions":8}`)
	_, packed := post(t, url+"/v1/embeddings", `{"model":"x","input":["a","b","a"],"dimensions":8,"encoding_format":"base64"}`)
	var first []any
	for i := range 3 {
		list := value(t, floats, fmt.Sprintf("data.%d.embedding", i)).([]any)
		raw, err := base64.StdEncoding.DecodeString(value(t, packed, fmt.Sprintf("data.%d.embedding", i)).(string))
		if err != nil || len(raw) != 4*8 || len(list) != 8 {
			t.Fatalf("vector %d: %d floats, %d bytes, %v", i, len(list), len(raw), err)
		}
		sum := 0.0
		for k, v := range list {
			f := math.Float32frombits(binary.LittleEndian.Uint32(raw[4*k:]))
			if f != float32(v.(float64)) {
				t.Errorf("vector %d: %v packed as %v", i, v, f)
			}
			sum += float64(f) * float64(f)
		}
		if math.Abs(sum-1) > 1e-5 {
			t.Errorf("vector %d has length %v", i, sum)
		}
		if i == 0 {
			first = list
		}
		if same := slices.Equal(first, list); same != (i != 1) {
			t.Errorf("vector %d equals the first: %v", i, same)
		}
	}
}

func TestModerations(t *testing.T) {
	_, url := Start(t, Options{})
	_, body := post(t, url+"/v1/moderations", `{"input":["fine","please FlagMe"]}`)
	if value(t, body, "results.0.flagged") != false || value(t, body, "results.1.flagged") != true {
		t.Error(body)
	}
}

func TestJSONSchema(t *testing.T) {
	_, url := Start(t, Options{})
	_, body := post(t, url+"/v1/chat/completions", `{"model":"x","response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object","properties":{"a":{"type":"number"}}}}},"messages":[{"role":"user","content":"hi"}]}`)
	if got := value(t, body, "choices.0.message.content"); got != `{"a":1}` {
		t.Errorf("chat: %s", body)
	}
	_, body = post(t, url+"/v1/messages", `{"model":"x","max_tokens":99,"output_config":{"format":{"type":"json_schema","schema":{"type":"object","properties":{"a":{"const":"z"}}}}},"messages":[{"role":"user","content":"hi"}]}`)
	if got := value(t, body, "content.0.text"); got != `{"a":"z"}` {
		t.Errorf("messages: %s", body)
	}
}

func TestModels(t *testing.T) {
	s, url := Start(t, Options{})
	if err := s.Set("mine", ""); err != nil {
		t.Fatal(err)
	}
	ask := func(path, version string) (int, string) {
		req, err := http.NewRequest(http.MethodGet, url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if version != "" {
			req.Header.Set("Anthropic-Version", version)
		}
		return do(t, req)
	}
	for _, c := range []struct {
		path, version string
		status        int
		at, want      string
	}{
		{"/v1/models", "", 200, "data.0.id", "echo"},
		{"/v1/models", "", 200, "data.5.id", "mine"},
		{"/v1/models", "2023-06-01", 200, "last_id", "mine"},
		{"/api/v1/models", "2023-06-01", 200, "data.0.type", "model"},
		{"/v1/models/author/name", "", 200, "id", "author/name"},
		{"/v1/models/author/name", "2023-06-01", 200, "display_name", "author/name"},
		{"/v1/models/x:tokn=5", "", 404, "error.code", "model_not_found"},
	} {
		status, body := ask(c.path, c.version)
		if status != c.status || value(t, body, c.at) != c.want {
			t.Errorf("%s %s: %d %s", c.path, c.version, status, body)
		}
	}
}
