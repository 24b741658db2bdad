package openai_test

import (
	"errors"
	"strings"
	"testing"

	"fairlead"
	"fairlead/dialect"
	"fairlead/dialect/openai"
	"fairlead/internal/jsonscan"
)

// facts reads a body that begins with the model and, for chat, a message; more is the rest of it.
func facts(t *testing.T, op fairlead.Operation, more string) (dialect.Facts, error) {
	t.Helper()
	body := `{"model":"m"`
	if op == fairlead.OpChat && !strings.Contains(more, `"messages"`) {
		body += `,"messages":[{"role":"user","content":"hi"}]`
	}
	if more != "" {
		body += "," + more
	}
	return scanFacts(t, op, body+"}")
}

func scanFacts(t *testing.T, op fairlead.Operation, body string) (dialect.Facts, error) {
	t.Helper()
	var o jsonscan.Object
	if err := o.Scan([]byte(body)); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return openai.New().Facts(op, &o)
}

func TestFacts(t *testing.T) {
	chat, completions, responses := fairlead.OpChat, fairlead.OpCompletions, fairlead.OpResponses
	const tools, vision, files, audio = fairlead.Tools, fairlead.Vision, fairlead.Files, fairlead.Audio
	user := func(parts string) string { return `"messages":[{"role":"user","content":[` + parts + `]}]` }
	for _, c := range []struct {
		op   fairlead.Operation
		more string
		want dialect.Facts // but for Model, and Stateless said in reverse
	}{
		{chat, ``, dialect.Facts{}},
		{chat, `"stream":true`, dialect.Facts{Stream: true}},
		{chat, `"stream":false,"stream_options":null`, dialect.Facts{}},
		{chat, `"stream":null`, dialect.Facts{}},
		{chat, `"n":1`, dialect.Facts{}},
		{chat, `"n":3`, dialect.Facts{Choices: 3}},
		{chat, `"n":"3"`, dialect.Facts{}},
		{completions, `"prompt":"a"`, dialect.Facts{}},
		{completions, `"prompt":[1,2,3]`, dialect.Facts{}},
		{completions, `"prompt":["a","b"],"n":3`, dialect.Facts{Choices: 6}},
		{completions, `"prompt":[[1,2],[3]]`, dialect.Facts{Choices: 2}},
		{completions, `"stream":true`, dialect.Facts{Stream: true}},
		{fairlead.OpEmbeddings, `"stream":true`, dialect.Facts{}},
		{fairlead.OpModerations, `"stream":true`, dialect.Facts{}},
		{chat, `"stream":true,"stream_options":{"include_usage":true}`, dialect.Facts{Stream: true, StreamUsage: true}},
		{chat, `"stream":true,"stream_options":{"include_usage":null}`, dialect.Facts{Stream: true}},
		{chat, `"max_tokens":5`, dialect.Facts{MaxOutput: 5}},
		{chat, `"max_tokens":5.0`, dialect.Facts{MaxOutput: 5}},
		{chat, `"max_tokens":5,"max_completion_tokens":7`, dialect.Facts{MaxOutput: 7}},
		{chat, `"max_completion_tokens":7,"max_tokens":5`, dialect.Facts{MaxOutput: 7}},
		{chat, `"max_completion_tokens":null,"max_tokens":5`, dialect.Facts{MaxOutput: 5}},
		{responses, `"max_output_tokens":9,"store":false`, dialect.Facts{MaxOutput: 9}},
		{chat, `"tools":[{"type":"function"}]`, dialect.Facts{Needs: tools}},
		{chat, `"tools":[]`, dialect.Facts{}},
		{chat, `"functions":[{"name":"f"}]`, dialect.Facts{Needs: tools}},
		{chat, `"messages":[{"role":"assistant","tool_calls":[{"id":"1"}]}]`, dialect.Facts{Needs: tools}},
		{chat, `"messages":[{"role":"assistant","tool_calls":["1"]}]`, dialect.Facts{Needs: tools}},
		{chat, user(`{"ty\u0070e":"image_url","image_url":{"url":"http://a/b"}}`), dialect.Facts{Needs: vision, MediaParts: 1, Images: 1}},
		{chat, `"messages":[{"role":"assistant","tool_calls":[]},{"role":"user","content":"tool_calls"}]`, dialect.Facts{}},
		{chat, user(`{"type":"text","text":"x"},{"type":"image_url","image_url":{"url":"u"}}`), dialect.Facts{Needs: vision, Media: 1, MediaParts: 1, Images: 1}},
		{chat, user(`{"type":"file","file":{}},{"type":"input_audio"}`), dialect.Facts{Needs: files | audio, MediaParts: 2}},
		{chat, user(`{"type":"image_url","image_url":{"url":"https://a/b.png"}},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAABBBB"}}`), dialect.Facts{Needs: vision, Media: 8, MediaParts: 2, Images: 2}},
		{chat, user(`{"type":"file","file":{"file_data":"data:application/pdf;base64,QUJD"}},{"type":"file","file":{"file_data":"QUJDRA==","filename":"a.pdf"}}`), dialect.Facts{Needs: files, Media: 12, MediaParts: 2}},
		{chat, user(`{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}},{"type":"text","text":"data:;base64,AAAA"}`), dialect.Facts{Needs: audio, Media: 4, MediaParts: 1}},
		{responses, `"store":false,"input":[{"role":"user","content":[{"type":"input_image","image_url":"data:image/png;base64,AAAABBBB"},{"type":"input_file","file_data":"data:application/pdf;base64,QUJD"},{"type":"input_file","file_id":"f"}]}]`, dialect.Facts{Needs: vision | files, Media: 12, MediaParts: 3, Images: 1}},
		{chat, user(`{"type":"image_url","image_url":"data:image/png;base64,AAAA"}`), dialect.Facts{Needs: vision, Media: 4, MediaParts: 1, Images: 1}},
		{chat, user(`{"type":"text","text":"image_url"},{"image_url":"type"}`), dialect.Facts{}},
		{chat, `"messages":[{"role":"user","content":"\"image_url\" \"type\":\"image_url\""}]`, dialect.Facts{}},
		{responses, `"store":false,"input":[{"role":"user","content":[{"type":"input_image"},{"type":"input_file"}]}]`, dialect.Facts{Needs: vision | files, MediaParts: 2, Images: 1}},
		{responses, `"store":false,"input":[{"type":"function_call_output","output":[{"type":"input_image"}]}]`, dialect.Facts{Needs: vision, MediaParts: 1, Images: 1}},
		{responses, `"store":false,"input":"hello"`, dialect.Facts{}},
		{chat, `"response_format":{"type":"json_schema","json_schema":{}}`, dialect.Facts{Needs: fairlead.JSONSchema}},
		{chat, `"response_format":{"type":"json_object"}`, dialect.Facts{Needs: fairlead.JSONObject}},
		{chat, `"response_format":{"type":"text"}`, dialect.Facts{}},
		{responses, `"store":false,"text":{"format":{"type":"json_schema"}}`, dialect.Facts{Needs: fairlead.JSONSchema}},
		{completions, `"text":{"format":{"type":"json_schema"}}`, dialect.Facts{}},
		{chat, `"logprobs":true`, dialect.Facts{Needs: fairlead.Logprobs}},
		{chat, `"logprobs":false,"top_logprobs":0`, dialect.Facts{}},
		{completions, `"logprobs":3`, dialect.Facts{Needs: fairlead.Logprobs}},
		{chat, `"reasoning_effort":"high"`, dialect.Facts{Thinks: true, Needs: fairlead.Reasoning}},
		{chat, `"reasoning_effort":"minimal"`, dialect.Facts{}},
		{chat, `"reasoning_effort":"none"`, dialect.Facts{}},
		{chat, `"reasoning":{"enabled":true}`, dialect.Facts{Thinks: true, Needs: fairlead.Reasoning}},
		{chat, `"reasoning":{"enabled":false,"effort":"high"}`, dialect.Facts{}},
		{chat, `"reasoning":{"max_tokens":2000}`, dialect.Facts{Thinks: true, Needs: fairlead.Reasoning}},
		{chat, `"reasoning":{}`, dialect.Facts{}},
		{chat, `"thinking":{"type":"enabled"}`, dialect.Facts{Thinks: true, Needs: fairlead.Reasoning}},
		{chat, `"thinking":{"type":"disabled"}`, dialect.Facts{}},
		{responses, `"store":false,"reasoning":{"effort":"low"}`, dialect.Facts{Thinks: true, Needs: fairlead.Reasoning}},
		{fairlead.OpEmbeddings, `"input":["a","b"]`, dialect.Facts{}},
		{fairlead.OpModerations, `"input":"a"`, dialect.Facts{}},
		{completions, `"prompt":"a"`, dialect.Facts{}},
	} {
		want := c.want
		want.Model, want.Stateless = "m", true
		if got, err := facts(t, c.op, c.more); err != nil || got != want {
			t.Errorf("%s %s:\n got %+v, %v\nwant %+v", c.op, c.more, got, err, want)
		}
	}
}

func TestFactsStateless(t *testing.T) {
	for _, c := range []struct {
		op   fairlead.Operation
		more string
		want bool
	}{
		{fairlead.OpChat, ``, true},
		{fairlead.OpChat, `"store":null`, true},
		{fairlead.OpChat, `"store":false`, true},
		{fairlead.OpChat, `"store":true`, false},
		{fairlead.OpCompletions, ``, true},
		{fairlead.OpResponses, ``, false},
		{fairlead.OpResponses, `"store":null`, false},
		{fairlead.OpResponses, `"store":true`, false},
		{fairlead.OpResponses, `"store":false`, true},
		{fairlead.OpResponses, `"store":false,"background":false,"conversation":null`, true},
		{fairlead.OpResponses, `"store":false,"background":true`, false},
		{fairlead.OpResponses, `"store":false,"conversation":"c"`, false},
		{fairlead.OpResponses, `"previous_response_id":"r","store":false`, false},
		{fairlead.OpEmbeddings, ``, true},
	} {
		if got, err := facts(t, c.op, c.more); err != nil || got.Stateless != c.want {
			t.Errorf("%s %s: got %v, %v; want %v", c.op, c.more, got.Stateless, err, c.want)
		}
	}
}

func TestFactsRefuses(t *testing.T) {
	const invalid, duplicate = fairlead.CodeInvalidRequest, fairlead.CodeDuplicateField
	m := `"messages":[{"role":"user","content":"hi"}]`
	for _, c := range []struct {
		op   fairlead.Operation
		body string
		code fairlead.Code
		at   string
	}{
		{fairlead.OpChat, `{` + m + `}`, invalid, "model"},
		{fairlead.OpChat, `{"model":"",` + m + `}`, invalid, "model"},
		{fairlead.OpChat, `{"model":null,` + m + `}`, invalid, "model"},
		{fairlead.OpChat, `{"model":["m"],` + m + `}`, invalid, "model"},
		{fairlead.OpEmbeddings, `{"input":"x"}`, invalid, "model"},
		{fairlead.OpChat, `{"model":"m"}`, invalid, "messages"},
		{fairlead.OpChat, `{"model":"m","messages":null}`, invalid, "messages"},
		{fairlead.OpChat, `{"model":"m","messages":[]}`, invalid, "messages"},
		{fairlead.OpChat, `{"model":"m","messages":"hi"}`, invalid, "messages"},
		{fairlead.OpChat, `{"model":"m","stream":"true",` + m + `}`, invalid, "stream"},
		{fairlead.OpChat, `{"model":"m","stream":1,` + m + `}`, invalid, "stream"},
		{fairlead.OpChat, `{"model":"m","stream_options":true,` + m + `}`, invalid, "stream_options"},
		{fairlead.OpChat, `{"model":"m","stream_options":{"include_usage":"yes"},` + m + `}`, invalid, "stream_options.include_usage"},
		{fairlead.OpChat, `{"model":"m","max_tokens":"5",` + m + `}`, invalid, "max_tokens"},
		{fairlead.OpChat, `{"model":"m","max_tokens":5.5,` + m + `}`, invalid, "max_tokens"},
		{fairlead.OpChat, `{"model":"m","max_tokens":-1,` + m + `}`, invalid, "max_tokens"},
		{fairlead.OpChat, `{"model":"m","max_completion_tokens":1e30,` + m + `}`, invalid, "max_completion_tokens"},
		{fairlead.OpResponses, `{"model":"m","max_output_tokens":true}`, invalid, "max_output_tokens"},
		{fairlead.OpResponses, `{"model":"m","store":"no"}`, invalid, "store"},
		{fairlead.OpChat, `{"model":"m","Model":"n",` + m + `}`, duplicate, "Model"},
		{fairlead.OpChat, `{"MODEL":"m",` + m + `}`, duplicate, "MODEL"},
		{fairlead.OpChat, `{"model":"m","Stream":true,` + m + `}`, duplicate, "Stream"},
		{fairlead.OpChat, `{"model":"m","\u017ftream":true,` + m + `}`, duplicate, "ſtream"},
		{fairlead.OpChat, `{"model":"m","max_to\u212aens":1,` + m + `}`, duplicate, "max_to\u212aens"},
		{fairlead.OpChat, `{"model":"m","Messages":[],` + m + `}`, duplicate, "Messages"},
		{fairlead.OpResponses, `{"model":"m","store":false,"STORE":true}`, duplicate, "STORE"},
		{fairlead.OpResponses, `{"model":"m","Stream_Options":{}}`, duplicate, "Stream_Options"},
	} {
		_, err := scanFacts(t, c.op, c.body)
		var e *fairlead.Error
		if !errors.As(err, &e) || e.Code != c.code || e.Param != c.at || e.Message == "" {
			t.Errorf("%s: got %v at %q, want %s at %q", c.body, err, paramOf(err), c.code, c.at)
		}
	}
}

func paramOf(err error) string {
	var e *fairlead.Error
	if errors.As(err, &e) {
		return e.Param
	}
	return ""
}
