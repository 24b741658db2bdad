package fakellm

import (
	"fmt"
	"strings"
	"testing"
)

// TestChatRefuses lists what OpenAI refuses; each case is a whole body.
func TestChatRefuses(t *testing.T) {
	_, url := Start(t, Options{})
	const user, fn = `"messages":[{"role":"user","content":"hi"}]`, `"tools":[{"type":"function","function":{"name":"f"}}]`
	for _, c := range []struct{ body, says string }{
		{`{`, "could not parse"},
		{`[]`, "must be a JSON object"},
		{`{"model":"x",` + user + `} trailing`, "could not parse"},
		{`{` + user + `}`, "model parameter"},
		{`{"model":7,` + user + `}`, "Invalid type for 'model'"},
		{`{"model":"x"}`, "Missing required parameter: 'messages'"},
		{`{"model":"x","messages":[]}`, "empty array"},
		{`{"model":"x","messages":"hi"}`, "expected a array"},
		{`{"model":"x","messages":["hi"]}`, "'messages[0]'"},
		{`{"model":"x","messages":[{"role":"robot","content":"hi"}]}`, "Invalid value: 'robot'"},
		{`{"model":"x","messages":[{"content":"hi"}]}`, "'messages[0].role'"},
		{`{"model":"x","messages":[{"role":"user"}]}`, "got null"},
		{`{"model":"x","messages":[{"role":"user","content":[]}]}`, "empty array"},
		{`{"model":"x","messages":[{"role":"user","content":[{"type":"video"}]}]}`, "Invalid value: 'video'"},
		{`{"model":"x","messages":[{"role":"user","content":[{"type":"text"}]}]}`, "'messages[0].content[0].text'"},
		{`{"model":"x","messages":[{"role":"user","content":[{"type":"image_url","image_url":"http://x/y.png"}]}]}`, "expected a object"},
		{`{"model":"x","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/tiff;base64,AAAA"}}]}]}`, "unsupported image"},
		{`{"model":"x","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,@@"}}]}]}`, "Invalid base64"},
		{`{"model":"x","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x.png"}}]}]}`, "Invalid image URL"},
		{`{"model":"x","messages":[{"role":"system","content":[{"type":"image_url","image_url":{"url":"http://x"}}]}]}`, "Invalid value: 'image_url'"},
		{`{"model":"x","messages":[{"role":"tool","tool_call_id":"a","content":"4"}]}`, "must be a response to a preceeding message"},
		{`{"model":"x","messages":[{"role":"assistant","content":null}]}`, "got null"},
		{`{"model":"x","messages":[{"role":"assistant","tool_calls":[]}]}`, "empty array"},
		{`{"model":"x","messages":[{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":{}}}]}]}`, "'messages[0].tool_calls[0].function.arguments'"},
		{`{"model":"x","messages":[{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]}]}`, "did not have response messages: a"},
		{`{"model":"x","messages":[{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"user","content":"hi"},{"role":"tool","tool_call_id":"a","content":"4"}]}`, "did not have response messages: a"},
		{`{"model":"x","messages":[{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"b","content":"4"}]}`, "must be a response"},
		{`{"model":"x","temperature":2.1,` + user + `}`, "'temperature'"},
		{`{"model":"x","temperature":"1",` + user + `}`, "expected a number"},
		{`{"model":"x","top_p":1.1,` + user + `}`, "'top_p'"},
		{`{"model":"x","n":0,` + user + `}`, "'n'"},
		{`{"model":"x","n":1.5,` + user + `}`, "expected a integer"},
		{`{"model":"x","max_tokens":0,` + user + `}`, "'max_tokens'"},
		{`{"model":"x","max_tokens":5,"max_completion_tokens":5,` + user + `}`, "at the same time"},
		{`{"model":"x","stop":["1","2","3","4","5"],` + user + `}`, "maximum length 4"},
		{`{"model":"x","stream":"yes",` + user + `}`, "expected a boolean"},
		{`{"model":"x","stream_options":{"include_usage":true},` + user + `}`, "only allowed when 'stream'"},
		{`{"model":"x","tools":[],` + user + `}`, "empty array"},
		{`{"model":"x","tools":[{"name":"f"}],` + user + `}`, "'tools[0].type'"},
		{`{"model":"x","tools":[{"type":"function","function":{"name":"a b"}}],` + user + `}`, "does not match pattern"},
		{`{"model":"x","tool_choice":"auto",` + user + `}`, "only allowed when 'tools'"},
		{`{"model":"x","tool_choice":"any",` + fn + `,` + user + `}`, "Invalid value: 'any'"},
		{`{"model":"x","tool_choice":{"type":"function","function":{"name":"g"}},` + fn + `,` + user + `}`, "not found"},
		{`{"model":"x","parallel_tool_calls":false,` + user + `}`, "only allowed when 'tools'"},
		{`{"model":"x","response_format":{"type":"xml"},` + user + `}`, "Invalid value: 'xml'"},
		{`{"model":"x","response_format":{"type":"json_schema"},` + user + `}`, "response_format.json_schema"},
		{`{"model":"x","system":"hi",` + user + `}`, "Unrecognized request argument supplied: system"},
		{`{"model":"x","continue_final_message":true,` + user + `}`, "Cannot set both"},
		{`{"model":"x","continue_final_message":true,"add_generation_prompt":false,` + user + `}`, "not from the assistant"},
		{`{"model":"x:tokens=lots",` + user + `}`, "fake model: setting"},
	} {
		res, body := post(t, url+"/v1/chat/completions", c.body)
		message, _ := value(t, body, "error.message").(string)
		if res.StatusCode != 400 || !strings.Contains(message, c.says) || value(t, body, "error.type") != "invalid_request_error" {
			t.Errorf("%s\n\tgot %d %s\n\twant 400 that says %q", c.body, res.StatusCode, body, c.says)
		}
	}
}

// TestMessagesRefuses lists what Anthropic refuses.
func TestMessagesRefuses(t *testing.T) {
	_, url := Start(t, Options{})
	const (
		user    = `"messages":[{"role":"user","content":"hi"}]`
		use     = `{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"f","input":{}}]}`
		res     = `{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"4"}]}`
		hi      = `{"role":"user","content":"hi"}`
		enabled = `"thinking":{"type":"enabled","budget_tokens":1024}`
	)
	with := func(messages string) string {
		return `{"model":"x","max_tokens":2000,"messages":[` + messages + `]}`
	}
	for _, c := range []struct{ body, says string }{
		{`{"model":"x",` + user + `}`, "max_tokens: Field required"},
		{`{"max_tokens":9,` + user + `}`, "model: Field required"},
		{`{"model":"x","max_tokens":9}`, "messages: Field required"},
		{`{"model":"x","max_tokens":-1,` + user + `}`, "max_tokens: range"},
		{`{"model":"x","max_tokens":"9",` + user + `}`, "max_tokens: Input should be a valid number"},
		{`{"model":"x","max_tokens":9,"temperature":1.5,` + user + `}`, "temperature: range: 0..1"},
		{`{"model":"x","max_tokens":9,"n":1,` + user + `}`, "n: Extra inputs are not permitted"},
		{`{"model":"x","max_tokens":9,"stop_sequences":[" "],` + user + `}`, "non-whitespace"},
		{`{"model":"x","max_tokens":9,"metadata":{"team":"a"},` + user + `}`, "metadata.team: Extra inputs"},
		{`{"model":"x","max_tokens":9,"service_tier":"flex",` + user + `}`, "service_tier: Input should be"},
		{`{"model":"x","max_tokens":9,"system":[{"type":"text","text":""}],` + user + `}`, "must be non-empty"},
		{`{"model":"x","max_tokens":9,"system":{},` + user + `}`, "system: Input should be a valid list"},
		{with(``), "at least one message"},
		{with(`{"role":"system","content":"hi"}`), "Unexpected role"},
		{with(`{"role":"tool","content":"hi"}`), "messages.0.role: Input should be 'user' or 'assistant'"},
		{with(`{"role":"assistant","content":"hi"}`), "first message must use"},
		{with(hi + `,` + hi), "roles must alternate"},
		{with(`{"role":"user","content":""}`), "non-empty content"},
		{with(`{"role":"user","content":[]}`), "non-empty content"},
		{with(`{"role":"user","content":"  "}`), "non-whitespace text"},
		{with(`{"role":"user","content":[{"type":"text","text":""}]}`), "must be non-empty"},
		{with(`{"role":"user","content":[{"type":"input_text","text":"a"}]}`), "Input tag 'input_text'"},
		{with(`{"role":"user","content":[{"type":"text","text":"a","id":"b"}]}`), "messages.0.content.0.id: Extra inputs"},
		{with(`{"role":"user","content":"hi","name":"bob"}`), "messages.0.name: Extra inputs"},
		{with(hi + `,{"role":"assistant","content":"half "}`), "trailing whitespace"},
		{with(`{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/tiff","data":"AAAA"}}]}`), "media_type: Input should be"},
		{with(`{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"@"}}]}`), "invalid base64"},
		{with(`{"role":"user","content":[{"type":"image_url","image_url":{"url":"http://x"}}]}`), "Input tag 'image_url'"},
		{with(hi + `,{"role":"assistant","content":[{"type":"tool_use","id":"a.b","name":"f","input":{}}]},` + res), "tool_use.id: String should match pattern"},
		{with(hi + `,{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"f","input":"{}"}]},` + res), "input: Input should be a valid dictionary"},
		{with(hi + `,` + use), "without `tool_result` blocks"},
		{with(hi + `,` + use + `,` + hi), "without `tool_result` blocks immediately after: t1"},
		{with(res), "unexpected `tool_use_id`"},
		{with(hi + `,` + use + `,` + res + `,{"role":"assistant","content":"ok"},` + res), "unexpected `tool_use_id`"},
		{with(hi + `,` + use + `,` + res + `,` + use + `,` + res), "ids must be unique"},
		{with(hi + `,` + use + `,{"role":"user","content":[{"type":"text","text":"so"},{"type":"tool_result","tool_use_id":"t1","content":"4"}]}`), "must come first"},
		{with(hi + `,{"role":"assistant","content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"a"}]},` + hi), "signature: Field required"},
		{with(hi + `,{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"forged"},{"type":"text","text":"a"}]},` + hi), "Invalid `signature`"},
		{`{"model":"x","max_tokens":9,"tools":[{"name":"f"}],` + user + `}`, "tools.0.custom.input_schema: Field required"},
		{`{"model":"x","max_tokens":9,"tools":[{"name":"f","input_schema":{}}],` + user + `}`, "input_schema.type: Field required"},
		{`{"model":"x","max_tokens":9,"tools":[{"name":"f","input_schema":{"type":"string"}}],` + user + `}`, "Input should be 'object'"},
		{`{"model":"x","max_tokens":9,"tools":[{"name":"f g","input_schema":{"type":"object"}}],` + user + `}`, "should match pattern"},
		{`{"model":"x","max_tokens":9,"tools":[{"type":"function","function":{"name":"f"}}],` + user + `}`, "tools.0.name: Field required"},
		{`{"model":"x","max_tokens":9,"tool_choice":{"type":"auto"},` + user + `}`, "while providing tools"},
		{`{"model":"x","max_tokens":9,"tool_choice":"auto",` + user + `}`, "valid dictionary"},
		{`{"model":"x","max_tokens":9,"thinking":{"type":"enabled","budget_tokens":1023},` + user + `}`, "greater than or equal to 1024"},
		{`{"model":"x","max_tokens":1024,` + enabled + `,` + user + `}`, "must be greater than `thinking.budget_tokens`"},
		{`{"model":"x","max_tokens":2000,"temperature":0.5,` + enabled + `,` + user + `}`, "may only be set to 1"},
		{`{"model":"x","max_tokens":2000,"top_k":5,` + enabled + `,` + user + `}`, "top_k"},
		{`{"model":"x","max_tokens":2000,` + enabled + `,"tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"any"},` + user + `}`, "forces tool use"},
		{`{"model":"x","max_tokens":2000,` + enabled + `,"messages":[` + hi + `,` + use + `,` + res + `]}`, "Expected `thinking` or `redacted_thinking`, but found `tool_use`"},
		{`{"model":"x","max_tokens":2000,` + enabled + `,"messages":[` + hi + `,{"role":"assistant","content":"half"}]}`, "Expected `thinking`"},
		{`{"model":"x","max_tokens":9,"system":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}},{"type":"text","text":"a","cache_control":{"type":"ephemeral"}},{"type":"text","text":"a","cache_control":{"type":"ephemeral"}},{"type":"text","text":"a","cache_control":{"type":"ephemeral"}},{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}],` + user + `}`, "Found 5"},
	} {
		res, body := post(t, url+"/v1/messages", c.body)
		message, _ := value(t, body, "error.message").(string)
		if res.StatusCode != 400 || !strings.Contains(message, c.says) || value(t, body, "error.type") != "invalid_request_error" || value(t, body, "type") != "error" {
			t.Errorf("%s\n\tgot %d %s\n\twant 400 that says %q", c.body, res.StatusCode, body, c.says)
		}
	}
}

// TestAccepts lists what is right, so that the refusals are not too wide.
func TestAccepts(t *testing.T) {
	_, url := Start(t, Options{})
	thought := `{"type":"thinking","thinking":"hm","signature":"` + sign("hm") + `"}`
	for _, c := range []struct{ path, body string }{
		{"/v1/chat/completions", `{"model":"x","messages":[{"role":"system","content":"s"},{"role":"developer","content":[{"type":"text","text":"d"}]},{"role":"user","content":"hi","name":"bob"},{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":""}},{"id":"b","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"b","content":"1"},{"role":"tool","tool_call_id":"a","content":[{"type":"text","text":"2"}]}],"tools":[{"type":"function","function":{"name":"f","strict":true,"parameters":{"type":"object"}}}],"tool_choice":"auto","parallel_tool_calls":true}`},
		{"/v1/chat/completions", `{"model":"x","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x/y.png","detail":"low"}},{"type":"file","file":{"file_id":"f"}}]}],"temperature":2,"top_p":0,"n":2,"stop":"x","seed":-1,"user":null,"logit_bias":{"5":1},"max_completion_tokens":1,"stream":true,"stream_options":{"include_usage":true}}`},
		{"/v1/chat/completions", `{"model":"x","top_k":5,"chat_template_kwargs":{},"messages":[{"role":"user","content":""}]}`},
		{"/v1/messages", `{"model":"x","max_tokens":0,"messages":[{"role":"user","content":"hi"}],"system":"s","temperature":1,"metadata":{"user_id":"u"}}`},
		{"/v1/messages", `{"model":"x","max_tokens":2000,"thinking":{"type":"enabled","budget_tokens":1024},"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[` + thought + `,{"type":"tool_use","id":"t1","name":"f","input":{"a":1}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"4"}]},{"type":"text","text":"go on"}]}]}`},
		{"/v1/messages", `{"model":"x","max_tokens":2000,"thinking":{"type":"enabled","budget_tokens":1024},"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"plain"},{"role":"user","content":"more"}]}`},
		{"/v1/messages", `{"model":"x","max_tokens":20,"thinking":{"type":"adaptive"},"messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://x/y.png"}},{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"AAAA"}}]}]}`},
		{"/v1/messages", `{"model":"x","max_tokens":20,"tools":[{"type":"web_search_20250305","name":"web_search"},{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"auto","disable_parallel_tool_use":true},"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[]}]}`},
		{"/v1/completions", `{"model":"x","prompt":["a","b"],"logprobs":3,"echo":false,"max_tokens":5}`},
		{"/v1/completions", `{"model":"x","prompt":[1,2,3]}`},
		{"/v1/responses", `{"model":"x","input":[{"role":"user","content":[{"type":"input_text","text":"hi"}]},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"4"}],"instructions":"be brief","max_output_tokens":16}`},
		{"/v1/embeddings", `{"model":"x","input":[[1,2],[3]]}`},
		{"/v1/moderations", `{"input":[{"type":"text","text":"a"}]}`},
		{"/v1/messages/count_tokens", `{"model":"x","messages":[{"role":"user","content":"hi"}],"system":"s"}`},
	} {
		if res, body := post(t, url+c.path, c.body); res.StatusCode != 200 {
			t.Errorf("%s %s\n\tgot %d %s", c.path, c.body, res.StatusCode, body)
		}
	}
}

// TestOtherRefusals lists refusals outside the two main bodies: paths, methods, headers, sizes.
func TestOtherRefusals(t *testing.T) {
	_, url := Start(t, Options{})
	for _, c := range []struct {
		path, body string
		headers    []string
		status     int
		says       string
	}{
		{"/v1/v1/chat/completions", `{}`, nil, 404, "Invalid URL"},
		{"/chat/completions", `{}`, nil, 404, "Invalid URL"},
		{"/v1/chat/completions/", `{}`, nil, 404, "Invalid URL"},
		{"/v1/chat/completions", `{}`, []string{"Content-Type", "text/plain"}, 415, "content type"},
		{"/v1/messages", messageBody("x", false), []string{"Anthropic-Version", ""}, 400, "anthropic-version: header is required"},
		{"/v1/messages/count_tokens", messageBody("x", false), nil, 400, "max_tokens: Extra inputs are not permitted"},
		{"/v1/completions", `{"model":"x"}`, nil, 400, "'prompt'"},
		{"/v1/responses", `{"model":"x"}`, nil, 400, "'input'"},
		{"/v1/responses", `{"model":"x","input":"a","messages":[]}`, nil, 400, "messages"},
		{"/v1/responses", `{"model":"x","input":[{"type":"function_call_output","call_id":"c","output":"4"}]}`, nil, 400, "No tool call found"},
		{"/v1/responses", `{"model":"x","input":"a","previous_response_id":"resp_1"}`, nil, 400, "not found"},
		{"/v1/embeddings", `{"model":"x"}`, nil, 400, "'input'"},
		{"/v1/embeddings", `{"model":"x","input":[]}`, nil, 400, "empty array"},
		{"/v1/embeddings", `{"model":"x","input":[""]}`, nil, 400, "empty string"},
		{"/v1/embeddings", `{"model":"x","input":[1,"a"]}`, nil, 400, "integer"},
		{"/v1/embeddings", `{"model":"x","input":"a","encoding_format":"int8"}`, nil, 400, "int8"},
		{"/v1/embeddings", `{"model":"x","input":["a"` + strings.Repeat(`,"a"`, 2048) + `]}`, nil, 400, "too long"},
		{"/v1/moderations", `{"model":"x"}`, nil, 400, "'input'"},
		{"/v1/chat/completions", chatBody(strings.Repeat("m", 1025), false), nil, 400, "too long"},
		{"/v1/chat/completions", `{"model":"x:tokens=200000","n":128,"messages":[{"role":"user","content":"hi"}]}`, nil, 400, "n x tokens"},
	} {
		res, body := post(t, url+c.path, c.body, c.headers...)
		if res.StatusCode != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s %s: %d %s", c.path, c.body, res.StatusCode, body)
		}
	}
	if status, body := get(t, url+"/v1/chat/completions"); status != 405 {
		t.Errorf("GET: %d %s", status, body)
	}
	w := dial(t, url)
	if _, err := fmt.Fprintf(w, "POST /v1/messages HTTP/1.1\r\nHost: fake\r\nContent-Type: application/json\r\nAnthropic-Version: 1\r\nContent-Length: %d\r\n\r\n", maxBody+1); err != nil {
		t.Fatal(err)
	}
	if line, err := w.in.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 413") {
		t.Errorf("a large body: %q, %v", line, err)
	}
}

// FuzzPlan holds that no body of any operation makes the reader fail in another way than by refusing.
func FuzzPlan(f *testing.F) {
	for _, body := range []string{
		chatBody("x", true), messageBody("x:tools", false), `{"model":"x","input":[1]}`, `{"model":"x","prompt":"a","n":3}`,
		`{"model":"x:vary","messages":[{"role":"assistant","content":"[take 00000001] a"}],"continue_final_message":true,"add_generation_prompt":false}`,
		`{"model":"x","messages":[{"role":"user","content":[{"type":"input_audio"}]}],"tools":[{"type":"function"}],"tool_choice":{"type":"custom"}}`,
		`{"model":"tools","max_tokens":1,"messages":[{"role":"user","content":[{"type":"image"}]}],"tools":[{"name":"f","input_schema":{"type":"object","properties":[]}}]}`,
	} {
		for op := range operations {
			f.Add(op, []byte(body))
		}
	}
	s := New(Options{Seed: 1, MaxLog: -1})
	f.Fuzz(func(t *testing.T, op int, body []byte) {
		if op < 0 || op >= len(operations) || len(body) > 4096 {
			return
		}
		pl := s.newPlan(operations[op], body)
		if pl.refused != "" && pl.good.status == 200 {
			t.Fatalf("refused with status 200: %s", pl.refused)
		}
		if pl.refused == "" && !pl.behaviour.broken() && s.choose(pl, tally{}).status != 200 {
			t.Fatalf("a good request is not answered: %s", body)
		}
	})
}
