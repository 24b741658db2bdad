package sdk_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// inexpressible has a line for each thing that one wire can say and the other cannot: it is refused with
// the name of the field, and nothing is sent. %s stands for the model.
var inexpressible = []struct {
	name, path, model, body string
	param                   string
}{
	{"several choices", "/chat/completions", "claude/echo", `"n":2,"messages":[{"role":"user","content":"hi"}]`, "n"},
	{"log probabilities", "/chat/completions", "claude/echo", `"logprobs":true,"messages":[{"role":"user","content":"hi"}]`, "logprobs"},
	{"log probabilities of the top", "/chat/completions", "claude/echo", `"logprobs":true,"top_logprobs":3,"messages":[{"role":"user","content":"hi"}]`, "logprobs"},
	{"a temperature above 1", "/chat/completions", "claude/echo", `"temperature":1.01,"messages":[{"role":"user","content":"hi"}]`, "temperature"},
	{"a bias", "/chat/completions", "claude/echo", `"logit_bias":{"50256":-100},"messages":[{"role":"user","content":"hi"}]`, "logit_bias"},
	{"a penalty of frequency", "/chat/completions", "claude/echo", `"frequency_penalty":0.5,"messages":[{"role":"user","content":"hi"}]`, "frequency_penalty"},
	{"a penalty of presence", "/chat/completions", "claude/echo", `"presence_penalty":-1,"messages":[{"role":"user","content":"hi"}]`, "presence_penalty"},
	{"audio as answer", "/chat/completions", "claude/echo", `"modalities":["text","audio"],"audio":{"voice":"alloy","format":"wav"},"messages":[{"role":"user","content":"hi"}]`, ""},
	{"a prediction", "/chat/completions", "claude/echo", `"prediction":{"type":"content","content":"hi"},"messages":[{"role":"user","content":"hi"}]`, "prediction"},
	{"a search", "/chat/completions", "claude/echo", `"web_search_options":{},"messages":[{"role":"user","content":"hi"}]`, "web_search_options"},
	{"an answer to keep", "/chat/completions", "claude/echo", `"store":true,"messages":[{"role":"user","content":"hi"}]`, "store"},
	{"a custom tool", "/chat/completions", "claude/echo", `"tools":[{"type":"custom","custom":{"name":"f"}}],"messages":[{"role":"user","content":"hi"}]`, "tools[0].type"},
	{"a field that nobody knows", "/chat/completions", "claude/echo", `"temprature":1,"messages":[{"role":"user","content":"hi"}]`, "temprature"},
	{"sound", "/chat/completions", "claude/echo", `"messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}]}]`, ""},
	{"a stop of white space", "/chat/completions", "claude/echo", `"stop":["\n"],"messages":[{"role":"user","content":"hi"}]`, "stop"},
	{"embeddings", "/embeddings", "claude/echo", `"input":"hi"`, ""},
	{"moderations", "/moderations", "claude/echo", `"input":"hi"`, ""},
	{"responses", "/responses", "claude/echo", `"input":"hi"`, ""},
	{"text completions", "/completions", "claude/echo", `"prompt":"hi"`, ""},
	{"a count of tokens", "/messages/count_tokens", "openai/echo", `"messages":[{"role":"user","content":"hi"}]`, ""},
	{"a server's tool", "/messages", "openai/echo", `"max_tokens":9,"tools":[{"type":"web_search_20250305","name":"web_search"}],"messages":[{"role":"user","content":"hi"}]`, "tools[0].type"},
	{"a server of tools", "/messages", "openai/echo", `"max_tokens":9,"mcp_servers":[{"type":"url","url":"https://example.com","name":"x"}],"messages":[{"role":"user","content":"hi"}]`, "mcp_servers"},
	{"a container", "/messages", "openai/echo", `"max_tokens":9,"container":"c","messages":[{"role":"user","content":"hi"}]`, "container"},
	{"no tokens at all", "/messages", "openai/echo", `"max_tokens":0,"messages":[{"role":"user","content":"hi"}]`, "max_tokens"},
	{"a file of the vendor's", "/messages", "openai/echo", `"max_tokens":9,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"file","file_id":"f"}}]}]`, "messages[0].content[0].source.type"},
	{"citations", "/messages", "openai/echo", `"max_tokens":9,"messages":[{"role":"user","content":[{"type":"document","citations":{"enabled":true},"source":{"type":"text","media_type":"text/plain","data":"x"}}]}]`, "messages[0].content[0].citations"},
	{"more stops than four", "/messages", "openai/echo", `"max_tokens":9,"stop_sequences":["a","b","c","d","e"],"messages":[{"role":"user","content":"hi"}]`, "stop"},
	{"an operation that a closed list lacks", "/embeddings", "closed/echo", `"input":"hi"`, ""},
	{"an ability that a closed list lacks", "/chat/completions", "closed/echo", `"tools":[{"type":"function","function":{"name":"f"}}],"messages":[{"role":"user","content":"hi"}]`, ""},
}

// TestWhatATargetCannotExpress holds that it is a 400 that names the field, and costs nothing.
func TestWhatATargetCannotExpress(t *testing.T) {
	w := newWorld(t)
	for _, c := range inexpressible {
		for _, stream := range []string{"", `"stream":true,`} {
			if stream != "" && (strings.Contains(c.path, "embed") || strings.Contains(c.path, "moder") || strings.Contains(c.path, "count")) {
				continue
			}
			a := w.post(t, "/v1"+c.path, `{"model":"`+c.model+`",`+stream+c.body+`}`)
			var e struct {
				Error struct{ Code, Param, Message string }
			}
			if err := json.Unmarshal([]byte(a.body), &e); err != nil {
				t.Errorf("%s: the answer is %s", c.name, a.body)
			}
			if a.status != 400 || (e.Error.Code != "unsupported_parameter" && e.Error.Code != "invalid_request") || e.Error.Message == "" {
				t.Errorf("%s: status %d, %s", c.name, a.status, a.body)
			}
			if c.param != "" && e.Error.Param != c.param {
				t.Errorf("%s: the field is called %q, want %q: %s", c.name, e.Error.Param, c.param, e.Error.Message)
			}
		}
	}
	if n := w.seen(); n != 0 {
		t.Errorf("%d requests were sent upstream", n)
	}
}

// TestDroppedByARule holds that what does not change the answer is left out and does not refuse it.
func TestDroppedByARule(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ path, model, body string }{
		{"/chat/completions", "claude/echo", `"n":1,"seed":7,"user":"u","logprobs":false,"logit_bias":{},"frequency_penalty":0,"store":false,"metadata":{"a":"b"},"verbosity":"low","prompt_cache_key":"k","service_tier":"flex","temperature":1,"messages":[{"role":"user","content":"hi","name":"n"}]`},
		{"/chat/completions", "claude/echo", `"parallel_tool_calls":true,"tool_choice":"auto","stop":"","messages":[{"role":"developer","content":"brief"},{"role":"user","content":"hi"}]`},
		{"/chat/completions", "claude/echo", `"messages":[{"role":"assistant","content":"first"},{"role":"user","content":"so"},{"role":"user","content":"hi"}]`},
		{"/messages", "openai/echo", `"max_tokens":99,"top_k":5,"metadata":{"user_id":"u"},"service_tier":"standard_only","cache_control":{"type":"ephemeral"},"system":[{"type":"text","text":"brief","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":"hi"}]`},
		{"/messages", "openai/echo", `"max_tokens":99,"tool_choice":{"type":"auto"},"thinking":{"type":"disabled"},"messages":[{"role":"user","content":[{"type":"text","text":"hi","cache_control":{"type":"ephemeral","ttl":"1h"}}]}]`},
	} {
		a := w.post(t, "/v1"+c.path, `{"model":"`+c.model+`",`+c.body+`}`)
		if a.status != 200 || !strings.Contains(a.body, "hi") {
			t.Errorf("%s: status %d, %s", c.body, a.status, a.body)
		}
	}
}
