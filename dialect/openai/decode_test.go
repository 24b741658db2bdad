package openai_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"fairlead"
	"fairlead/dialect"
	"fairlead/dialect/openai"
	"fairlead/internal/sse"
)

// frames splits a stream that has ended.
func frames(stream string) []sse.Frame {
	var list []sse.Frame
	buf := []byte(stream)
	for {
		f, n, ok := sse.Next(buf)
		if !ok {
			break
		}
		list, buf = append(list, f), buf[n:]
	}
	if f, ok := sse.Last(buf); ok {
		list = append(list, f)
	}
	return list
}

// decode gives a stream's events up to its end or its first error.
func decode(stream string) (events []dialect.Event, complete bool, err error) {
	d := openai.New().NewDecoder()
	for _, f := range frames(stream) {
		if events, err = d.Decode(events, f); err != nil {
			break
		}
	}
	return events, d.Complete(), err
}

// chunk is a frame with one choice of a delta; a reason of "" is null.
func chunk(delta, reason string) string {
	if reason != "" {
		reason = `"` + reason + `"`
	} else {
		reason = "null"
	}
	return data(`{"id":"c1","created":5,"model":"up","choices":[{"index":0,"delta":` + delta + `,"finish_reason":` + reason + `}]}`)
}

func data(s string) string { return "data: " + s + "\n\n" }

const done = "data: [DONE]\n\n"

var started = dialect.Event{Kind: dialect.EventStart, ID: "c1", Model: "up", Created: 5}

func event(kind dialect.EventKind, text string) dialect.Event {
	return dialect.Event{Kind: kind, Text: text}
}

func finished(f dialect.Finish) dialect.Event {
	return dialect.Event{Kind: dialect.EventFinish, Finish: f}
}

func toolStart(n int, id, name string) dialect.Event {
	return dialect.Event{Kind: dialect.EventToolStart, Tool: n, ID: id, Name: name}
}

func toolInput(n int, text string) dialect.Event {
	return dialect.Event{Kind: dialect.EventToolInput, Tool: n, Text: text}
}

var ended = dialect.Event{Kind: dialect.EventEnd}

func used(u fairlead.Usage) dialect.Event {
	return dialect.Event{Kind: dialect.EventUsage, Usage: u, HasUsage: true}
}

// text is a chunk of text and hello its event.
var (
	text  = chunk(`{"content":"hello"}`, "")
	hello = event(dialect.EventText, "hello")
)

func TestDecodeQuirks(t *testing.T) {
	const reasoning, signature, redacted = dialect.EventReasoning, dialect.EventSignature, dialect.EventRedacted
	stop := chunk(`{}`, "stop")
	usage := fairlead.Usage{Input: 3, Output: 4}
	call := func(members string) string { return chunk(`{"tool_calls":[{`+members+`}]}`, "") }
	for _, c := range []struct {
		name, stream string
		want         []dialect.Event
	}{
		{"role only, then text", chunk(`{"role":"assistant","content":""}`, "") + text + stop + done, []dialect.Event{started, hello, finished("stop"), ended}},
		{"Azure's first chunk", data(`{"id":"","model":"","choices":[],"prompt_filter_results":[{}]}`) + text + stop + done, []dialect.Event{started, hello, finished("stop"), ended}},
		{"CRLF, comments, no space", ": keep-alive\r\n\r\n" + strings.ReplaceAll(strings.ReplaceAll(text+stop+done, "\n", "\r\n"), "data: ", "data:"), []dialect.Event{started, hello, finished("stop"), ended}},
		{"no [DONE]", text + stop, []dialect.Event{started, hello, finished("stop")}},
		{"[DONE] without a line end", text + stop + "data: [DONE]", []dialect.Event{started, hello, finished("stop"), ended}},
		{"[DONE] without a reason", text + done, []dialect.Event{started, hello}},
		{"[DONE] twice", text + stop + done + done, []dialect.Event{started, hello, finished("stop"), ended}},
		{"finish with text", chunk(`{"content":"hello"}`, "length") + done, []dialect.Event{started, hello, finished("length"), ended}},
		{"two reasons", text + stop + chunk(`{"content":"more"}`, "length") + done, []dialect.Event{started, hello, finished("stop"), ended}},
		{"an empty reason", data(`{"id":"c1","created":5,"model":"up","choices":[{"delta":{"content":"hello"},"finish_reason":""}]}`) + stop, []dialect.Event{started, hello, finished("stop")}},
		{"eos", text + chunk(`{}`, "eos"), []dialect.Event{started, hello, finished("stop")}},
		{"function_call", text + chunk(`{}`, "function_call"), []dialect.Event{started, hello, finished("tools")}},
		{"a reason that is not known", text + chunk(`{}`, "whim"), []dialect.Event{started, hello, finished("")}},
		{"usage in its own chunk", text + stop + data(`{"id":"c1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}`) + done, []dialect.Event{started, hello, finished("stop"), used(usage), ended}},
		{"usage with the finish", text + data(`{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4}}`) + done, []dialect.Event{started, hello, finished("stop"), used(usage), ended}},
		{"Groq's usage", text + data(`{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"x_groq":{"id":"r","usage":{"prompt_tokens":3,"completion_tokens":4}}}`), []dialect.Event{started, hello, finished("stop"), used(usage)}},
		{"other choices", data(`{"choices":[{"index":1,"delta":{"content":"other"},"finish_reason":"stop"}],"id":"c1","created":5,"model":"up"}`) + text + stop, []dialect.Event{started, hello, finished("stop")}},
		{"a whole message", data(`{"id":"c1","created":5,"model":"up","choices":[{"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}]}`), []dialect.Event{started, hello, finished("stop")}},
		{"reasoning_content", chunk(`{"content":null,"reasoning_content":"hm"}`, "") + text + stop, []dialect.Event{started, event(reasoning, "hm"), hello, finished("stop")}},
		{"reasoning twice said", chunk(`{"reasoning":"hm","reasoning_details":[{"type":"reasoning.text","text":"hm","signature":"s"}]}`, "") + stop, []dialect.Event{started, event(reasoning, "hm"), event(signature, "s"), finished("stop")}},
		{"reasoning in details", chunk(`{"reasoning_details":[{"type":"reasoning.summary","summary":"hm"},{"type":"reasoning.encrypted","data":"x"},{"type":"new"}]}`, "") + stop, []dialect.Event{started, event(reasoning, "hm"), event(redacted, "x"), finished("stop")}},
		{"Mistral's thinking", chunk(`{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"hello"},{"type":"reference"}]}`, "") + stop, []dialect.Event{started, event(reasoning, "hm"), hello, finished("stop")}},
		{"refusal", chunk(`{"refusal":"no"}`, "content_filter"), []dialect.Event{started, event(dialect.EventRefusal, "no"), finished("filter")}},
		{
			"interleaved calls", call(`"index":0,"id":"a","function":{"name":"f","arguments":""}`) + call(`"index":1,"id":"b","function":{"name":"g"}`) +
				call(`"index":1,"function":{"arguments":"{\"b\":"}`) + call(`"index":0,"function":{"arguments":"{}"}`) + call(`"index":1,"function":{"arguments":"1}"}`) + chunk(`{}`, "tool_calls"),
			[]dialect.Event{started, toolStart(0, "a", "f"), toolStart(1, "b", "g"), toolInput(1, `{"b":`), toolInput(0, `{}`), toolInput(1, `1}`), finished("tools")},
		},
		{"stop after calls", call(`"index":0,"id":"a","function":{"name":"f","arguments":"{}"}`) + stop, []dialect.Event{started, toolStart(0, "a", "f"), toolInput(0, `{}`), finished("tools")}},
		{
			"whole calls without index", chunk(`{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}},{"id":"b","function":{"name":"f","arguments":{"x":1}}}]}`, "tool_calls"),
			[]dialect.Event{started, toolStart(0, "a", "f"), toolInput(0, `{}`), toolStart(1, "b", "f"), toolInput(1, `{"x":1}`), finished("tools")},
		},
		{
			"fragments without index", call(`"id":"a","function":{"name":"f","arguments":"{"}`) + call(`"function":{"arguments":"}"}`) + call(`"function":{"name":"g","arguments":"{}"}`) + stop,
			[]dialect.Event{started, toolStart(0, "a", "f"), toolInput(0, `{`), toolInput(0, `}`), toolStart(1, "call_c1_1", "g"), toolInput(1, `{}`), finished("tools")},
		},
		{
			"all calls counted as 0", call(`"index":0,"id":"a","function":{"name":"f","arguments":"{}"}`) + call(`"index":0,"id":"b","function":{"name":"f","arguments":"{}"}`) + call(`"index":0,"id":"b","function":{"arguments":" "}`) + stop,
			[]dialect.Event{started, toolStart(0, "a", "f"), toolInput(0, `{}`), toolStart(1, "b", "f"), toolInput(1, `{}`), toolInput(1, ` `), finished("tools")},
		},
		{"a name that comes late", call(`"index":0,"id":"a","function":{"arguments":"{"}`) + call(`"index":0,"function":{"name":"f","arguments":"}"}`) + stop, []dialect.Event{started, toolStart(0, "a", "f"), toolInput(0, `{}`), finished("tools")}},
		{"legacy call", chunk(`{"function_call":{"name":"f","arguments":""}}`, "") + chunk(`{"function_call":{"arguments":"{}"}}`, "") + chunk(`{}`, "function_call"), []dialect.Event{started, toolStart(0, "call_c1_0", "f"), toolInput(0, `{}`), finished("tools")}},
		{"half a pair", chunk(`{"content":"h\ud83d"}`, "") + stop, []dialect.Event{started, event(dialect.EventText, "h\uFFFD"), finished("stop")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, complete, err := decode(c.stream)
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %+v, %v\nwant %+v", got, err, c.want)
			}
			hasFinish := false
			for _, e := range c.want {
				hasFinish = hasFinish || e.Kind == dialect.EventFinish
			}
			if complete != hasFinish {
				t.Errorf("Complete is %v", complete)
			}
		})
	}
}

// streamFailures are what ends a stream badly: each with the status of its fault, -1 for an unknown one,
// 0 for what is malformed.
var streamFailures = []struct {
	name, frame string
	status      int
}{
	{"an error object", data(`{"error":{"message":"m","type":"server_error","param":null,"code":null}}`), 500},
	{"an error beside choices", data(`{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop"}],"error":{"code":502,"message":"m"}}`), 502},
	{"an error string", data(`{"error":"Server overloaded"}`), -1},
	{"an error in a choice", data(`{"choices":[{"index":0,"delta":{},"error":{"code":429,"message":"m"}}]}`), 429},
	{"Groq's error", data(`{"choices":[],"x_groq":{"error":"over capacity"}}`), -1},
	{"an error event", "event: error\ndata: {\"error\":{\"message\":\"too long\"},\"message\":\"too long\"}\n\n", -1},
	{"an error event without JSON", "event: error\ndata: oops\n\n", -1},
	{"an error event without data", "event: error\n\n", -1},
	{"llama.cpp's error line", "error: {\"code\":500,\"message\":\"m\",\"type\":\"server_error\"}\n\n", 500},
	{"a bare error line", "{\"error\":{\"code\":503,\"message\":\"m\"}}\n\n", 503},
	{"finish_reason error", chunk(`{}`, "error"), 502},
	{"insufficient_system_resource", chunk(`{}`, "insufficient_system_resource"), 503},
	{"no JSON", data(`Internal Server Error`), 0},
	{"cut JSON", data(`{"id":"c1","choices":[{"index":0,"delta":{"content":"hel`), 0},
	{"a whole web page", data(`<html>`), 0},
	{"a number", data(`7`), 0},
	{"choices that are none", data(`{"choices":{}}`), 0},
	{"a choice that is none", data(`{"choices":[null]}`), 0},
	{"an index out of bounds", data(`{"choices":[{"index":1048576,"delta":{}}]}`), 0},
	{"an index that is none", data(`{"choices":[{"index":"0","delta":{}}]}`), 0},
}

func TestStreamFailures(t *testing.T) {
	for _, c := range streamFailures {
		t.Run(c.name, func(t *testing.T) {
			for _, before := range []string{"", text} {
				_, complete, err := decode(before + c.frame)
				checkFault(t, "Decode", err, c.status)
				w := openai.New().NewWatcher(fairlead.OpChat)
				var watchErr error
				for _, f := range frames(before + c.frame) {
					if _, watchErr = w.Watch(f); watchErr != nil {
						break
					}
				}
				checkFault(t, "Watch", watchErr, c.status)
				if complete || w.Complete() {
					t.Error("a broken stream is Complete")
				}
			}
		})
	}
}

func TestDecodeMalformed(t *testing.T) {
	many := ""
	for i := range 1025 {
		many += fmt.Sprintf(`{"index":%d,"id":"%d","function":{"name":"f"}},`, i, i)
	}
	for name, stream := range map[string]string{
		"content":        chunk(`{"content":7}`, ""),
		"a call":         chunk(`{"tool_calls":[7]}`, ""),
		"a call's index": chunk(`{"tool_calls":[{"index":-1}]}`, ""),
		"a call unnamed": chunk(`{"tool_calls":[{"index":0,"id":"a"}]}`, "") + chunk(`{}`, "tool_calls"),
		"too many calls": chunk(`{"tool_calls":[`+strings.TrimSuffix(many, ",")+`]}`, ""),
		"held arguments": chunk(`{"tool_calls":[{"index":0,"function":{"arguments":"`+strings.Repeat("x", 5000)+`"}}]}`, ""),
	} {
		_, complete, err := decode(stream)
		checkFault(t, name, err, 0)
		if complete {
			t.Errorf("%s: Complete", name)
		}
	}
}
