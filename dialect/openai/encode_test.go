package openai_test

import (
	"testing"

	"fairlead"
	"fairlead/dialect"
	"fairlead/dialect/openai"
)

// TestEncode pins the bytes of streams: what SDKs of this wire read.
func TestEncode(t *testing.T) {
	head := `{"id":"c1","object":"chat.completion.chunk","created":5,"model":"up","choices":[`
	one := func(delta, reason string) string {
		return data(head + `{"index":0,"delta":` + delta + `,"finish_reason":` + reason + `}]}`)
	}
	role := one(`{"role":"assistant","content":""}`, "null")
	usage := fairlead.Usage{Input: 1, CacheRead: 2, CacheWrite: 3, Output: 9, Reasoning: 4}
	for _, c := range []struct {
		name    string
		options dialect.EncodeOptions
		events  []dialect.Event
		want    string
	}{
		{"text", dialect.EncodeOptions{}, []dialect.Event{started, hello, finished("stop"), used(usage), ended}, role + one(`{"content":"hello"}`, "null") + one(`{}`, `"stop"`) + done},
		{
			"usage for callers that asked",
			dialect.EncodeOptions{Usage: true},
			[]dialect.Event{started, used(usage), finished("length"), ended},
			data(head+`{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}`) +
				data(head+`{"index":0,"delta":{},"finish_reason":"length"}],"usage":null}`) +
				data(head+`],"usage":{"prompt_tokens":6,"completion_tokens":9,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":2,"cache_write_tokens":3},"completion_tokens_details":{"reasoning_tokens":4}}}`) + done,
		},
		{"usage that is not known", dialect.EncodeOptions{Usage: true}, []dialect.Event{finished("stop"), ended}, data(`{"id":"chatcmpl-","object":"chat.completion.chunk","created":0,"model":"","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}`) +
			data(`{"id":"chatcmpl-","object":"chat.completion.chunk","created":0,"model":"","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}`) + done},
		{
			"reasoning",
			dialect.EncodeOptions{},
			[]dialect.Event{started, event(dialect.EventReasoning, "hm"), event(dialect.EventSignature, "s"), event(dialect.EventRedacted, "x"), event(dialect.EventReasoning, "so"), event(dialect.EventRedacted, "y")},
			role + one(`{"reasoning":"hm","reasoning_details":[{"type":"reasoning.text","text":"hm","index":0}]}`, "null") +
				one(`{"reasoning_details":[{"type":"reasoning.text","signature":"s","index":0}]}`, "null") +
				one(`{"reasoning_details":[{"type":"reasoning.encrypted","data":"x","index":1}]}`, "null") +
				one(`{"reasoning":"so","reasoning_details":[{"type":"reasoning.text","text":"so","index":2}]}`, "null") +
				one(`{"reasoning_details":[{"type":"reasoning.encrypted","data":"y","index":3}]}`, "null"),
		},
		{
			"tools",
			dialect.EncodeOptions{},
			[]dialect.Event{started, toolStart(0, "a", "f"), toolInput(0, `{"x"`), toolStart(1, "b", "g"), finished("tools"), ended},
			role + one(`{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]}`, "null") +
				one(`{"tool_calls":[{"index":0,"function":{"arguments":"{\"x\""}}]}`, "null") +
				one(`{"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":""}}]}`, "null") +
				one(`{}`, `"tool_calls"`) + done,
		},
		{
			"a refusal explained",
			dialect.EncodeOptions{},
			[]dialect.Event{started, {Kind: dialect.EventFinish, Finish: dialect.FinishFilter, Text: "no"}, ended},
			role + one(`{"refusal":"no"}`, `"content_filter"`) + done,
		},
		{"a finish that is not known", dialect.EncodeOptions{}, []dialect.Event{started, toolStart(0, "a", "f"), finished("")}, role + one(`{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]}`, "null") + one(`{}`, `"tool_calls"`)},
		{"an end without a finish is none", dialect.EncodeOptions{}, []dialect.Event{started, hello, ended}, role + one(`{"content":"hello"}`, "null")},
		{
			"options where the provider is silent",
			dialect.EncodeOptions{RequestID: "req_1", Model: "asked", Created: 7},
			[]dialect.Event{hello},
			data(`{"id":"chatcmpl-req_1","object":"chat.completion.chunk","created":7,"model":"asked","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}`) +
				data(`{"id":"chatcmpl-req_1","object":"chat.completion.chunk","created":7,"model":"asked","choices":[{"index":0,"delta":{"content":"hello"},"finish_reason":null}]}`),
		},
		{"an event that is not known", dialect.EncodeOptions{}, []dialect.Event{started, {Kind: 99}}, role},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := openai.New().NewEncoder(c.options)
			var got []byte
			for _, ev := range c.events {
				got = e.Encode(got, ev)
			}
			if string(got) != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}
