package openai_test

import (
	"strings"
	"testing"

	"fairlead"
	"fairlead/dialect"
	"fairlead/dialect/openai"
)

func TestWatchSights(t *testing.T) {
	says := func(n int) dialect.Sight { return dialect.Sight{Meaningful: true, Phase: dialect.PhaseText, Bytes: n} }
	thinks := func(n int) dialect.Sight {
		return dialect.Sight{Meaningful: true, Phase: dialect.PhaseReasoning, Bytes: n}
	}
	calls := func(n int) dialect.Sight { return dialect.Sight{Meaningful: true, Phase: dialect.PhaseTools, Bytes: n} }
	usage := `"usage":{"prompt_tokens":3,"completion_tokens":4}`
	for _, c := range []struct {
		name, frame string
		want        dialect.Sight
	}{
		{"comment", ": ping\n\n", dialect.Sight{}},
		{"empty data", "data:\n\n", dialect.Sight{}},
		{"an event without data", "event: ping\n\n", dialect.Sight{}},
		{"role", chunk(`{"role":"assistant","content":""}`, ""), dialect.Sight{}},
		{"null", chunk(`{"content":null,"tool_calls":null,"reasoning":null}`, ""), dialect.Sight{}},
		{"no delta", data(`{"choices":[{"index":0,"finish_reason":null}]}`), dialect.Sight{}},
		{"empty choices", data(`{"id":"","choices":[],"prompt_filter_results":[{}],"usage":null}`), dialect.Sight{}},
		{"text", text, says(5)},
		{"escaped text", chunk(`{"content":"\u00e9\n"}`, ""), says(3)},
		{"text in parts", chunk(`{"content":[{"type":"text","text":"abc"}]}`, ""), says(3)},
		{"reasoning", chunk(`{"reasoning":"abc"}`, ""), thinks(3)},
		{"reasoning_content", chunk(`{"reasoning_content":"abc","reasoning":"abc"}`, ""), thinks(3)},
		{"reasoning in details too", chunk(`{"reasoning":"abc","reasoning_details":[{"type":"reasoning.text","text":"abc"}]}`, ""), thinks(3)},
		{"reasoning in details", chunk(`{"reasoning_details":[{"type":"reasoning.text","text":"abc"}]}`, ""), thinks(3)},
		{"encrypted reasoning", chunk(`{"reasoning_details":[{"type":"reasoning.encrypted","data":"abc"}]}`, ""), thinks(0)},
		{"signature", chunk(`{"reasoning_details":[{"type":"reasoning.text","signature":"abc"}]}`, ""), dialect.Sight{}},
		{"refusal", chunk(`{"refusal":"no"}`, ""), says(2)},
		{"tool call", chunk(`{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":""}}]}`, ""), calls(0)},
		{"tool arguments", chunk(`{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\""}}]}`, ""), calls(4)},
		{"no tool arguments", chunk(`{"tool_calls":[{"index":0,"function":{"arguments":""}}]}`, ""), dialect.Sight{}},
		{"legacy call", chunk(`{"function_call":{"arguments":"{}"}}`, ""), calls(2)},
		{"audio", chunk(`{"audio":{"data":"x"}}`, ""), says(0)},
		{"images", chunk(`{"images":[{}]}`, ""), calls(0)},
		{"completion text", data(`{"choices":[{"index":0,"text":"abc","finish_reason":null}]}`), says(3)},
		{"finish", chunk(`{}`, "stop"), dialect.Sight{Meaningful: true}},
		{"two choices", data(`{"choices":[{"index":0,"delta":{"content":"ab"}},{"index":1,"delta":{"content":"c"}}]}`), says(3)},
		{"a call behind text", chunk(`{"content":"ab","tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}]}`, ""), calls(3)},
		{"text behind reasoning", chunk(`{"reasoning":"abc","content":"ab"}`, ""), says(5)},
		{"a second choice that thinks", data(`{"choices":[{"index":0,"delta":{"content":"ab"}},{"index":1,"delta":{"reasoning":"c"}}]}`), thinks(3)},
		{"usage alone", data(`{"choices":[],` + usage + `}`), dialect.Sight{UsageOnly: true}},
		{"usage without choices", data(`{` + usage + `}`), dialect.Sight{UsageOnly: true}},
		{"usage with a choice", data(`{"choices":[{"index":0,"delta":{"content":"a"}}],` + usage + `}`), says(1)},
		{"early [DONE]", done, dialect.Sight{Terminal: true}},
		{"half a pair", chunk(`{"content":"a\ud83d"}`, ""), says(4)},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := openai.New().NewWatcher(fairlead.OpChat)
			if got, err := w.Watch(oneFrame(t, c.frame)); err != nil || got != c.want {
				t.Errorf("got %+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

// watch watches a stream that must not fail, and gives the last sight.
func watch(t *testing.T, op fairlead.Operation, stream string) (dialect.Watcher, dialect.Sight) {
	t.Helper()
	w := openai.New().NewWatcher(op)
	var last dialect.Sight
	for _, f := range frames(stream) {
		var err error
		if last, err = w.Watch(f); err != nil {
			t.Fatalf("%v at %q", err, f.Raw)
		}
	}
	return w, last
}

func TestWatchCompletes(t *testing.T) {
	of := func(index, rest string) string { return data(`{"choices":[{"index":` + index + `,` + rest + `}]}`) }
	text0, text1, stop0, stop1 := of("0", `"delta":{"content":"a"}`), of("1", `"delta":{"content":"b"}`), of("0", `"finish_reason":"stop"`), of("1", `"finish_reason":"length"`)
	for _, c := range []struct {
		name, stream string
		complete     bool
		last         dialect.Sight
	}{
		{"nothing", "", false, dialect.Sight{}},
		{"[DONE] alone", done, false, dialect.Sight{Terminal: true}},
		{"text", text0, false, dialect.Sight{Meaningful: true, Phase: dialect.PhaseText, Bytes: 1}},
		{"text and [DONE]", text0 + done, false, dialect.Sight{Terminal: true}},
		{"no [DONE]", text0 + stop0, true, dialect.Sight{Meaningful: true}},
		{"two reasons", text0 + stop0 + stop0, true, dialect.Sight{}},
		{"whole", text0 + stop0 + done, true, dialect.Sight{Meaningful: true, Terminal: true}},
		{"one of two choices", text0 + text1 + stop0 + done, false, dialect.Sight{Terminal: true}},
		{"both choices", text0 + text1 + stop1 + stop0 + done, true, dialect.Sight{Meaningful: true, Terminal: true}},
		{"a second choice that begins late", text0 + stop0 + text1, false, dialect.Sight{Meaningful: true, Phase: dialect.PhaseText, Bytes: 1}},
		{"choice 127", of("127", `"finish_reason":"stop"`), true, dialect.Sight{Meaningful: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, last := watch(t, fairlead.OpChat, c.stream)
			if w.Complete() != c.complete || last != c.last {
				t.Errorf("Complete is %v and the last sight %+v; want %v and %+v", w.Complete(), last, c.complete, c.last)
			}
		})
	}
}

// TestWatchExpects holds that a stream in which a choice never begins is complete only with [DONE].
func TestWatchExpects(t *testing.T) {
	of := func(index, rest string) string { return data(`{"choices":[{"index":` + index + `,` + rest + `}]}`) }
	stop0, stop1, text1 := of("0", `"finish_reason":"stop"`), of("1", `"finish_reason":"stop"`), of("1", `"delta":{"content":"b"}`)
	for _, c := range []struct {
		name, stream      string
		asked             int
		complete, missing bool
	}{
		{"one of two", stop0, 2, false, true},
		{"one of two and [DONE]", stop0 + done, 2, true, false},
		{"two of two", stop0 + stop1, 2, true, false},
		{"two of two, one cut", stop0 + text1, 2, false, false},
		{"one of one", stop0, 1, true, false},
		{"two of one", stop0 + stop1, 1, true, false},
		{"none of two", "", 2, false, false},
		{"two of more than are remembered", stop0 + stop1, 9999, false, true},
	} {
		w := openai.New().NewWatcher(fairlead.OpChat)
		counter := w.(dialect.Counter)
		counter.Expect(c.asked)
		for _, frame := range strings.SplitAfter(c.stream, "\n\n") {
			if frame == "" {
				continue
			}
			if _, err := w.Watch(oneFrame(t, frame)); err != nil {
				t.Fatal(err)
			}
		}
		if w.Complete() != c.complete || counter.Missing() != c.missing {
			t.Errorf("%s: complete is %v and missing %v", c.name, w.Complete(), counter.Missing())
		}
	}
}

func TestWatchUsage(t *testing.T) {
	w, _ := watch(t, fairlead.OpChat, text+data(`{"choices":[{"index":0,"delta":{}}],"usage":{"prompt_tokens":3,"completion_tokens":1}}`)+
		data(`{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":9}}`)+data(`{"choices":[],"usage":null}`)+done)
	if u, ok := w.Usage(); !ok || u != (fairlead.Usage{Input: 3, Output: 9}) {
		t.Errorf("got %+v, %v; want the last usage", u, ok)
	}
	w, _ = watch(t, fairlead.OpChat, text+done)
	if u, ok := w.Usage(); ok || u != (fairlead.Usage{}) {
		t.Errorf("got %+v, %v; want none", u, ok)
	}
}

func TestWatchResponses(t *testing.T) {
	e := func(name, rest string) string {
		return "event: " + name + "\n" + data(`{"type":"`+name+`","sequence_number":1,`+rest+`}`)
	}
	completed := e("response.completed", `"response":{"status":"completed","error":null,"usage":{"input_tokens":3,"output_tokens":4}}`)
	for _, c := range []struct {
		name, stream string
		want         dialect.Sight
		complete     bool
	}{
		{"created", e("response.created", `"response":{"error":null,"output":[]}`), dialect.Sight{}, false},
		{"message begins", e("response.output_item.added", `"item":{"type":"message"}`), dialect.Sight{Phase: dialect.PhaseText}, false},
		{"thought begins", e("response.output_item.added", `"item":{"type":"reasoning"}`), dialect.Sight{Phase: dialect.PhaseReasoning}, false},
		{"call begins", e("response.output_item.added", `"item":{"type":"function_call","name":"f"}`), dialect.Sight{Meaningful: true, Phase: dialect.PhaseTools}, false},
		{"text", e("response.output_text.delta", `"delta":"hello"`), dialect.Sight{Meaningful: true, Phase: dialect.PhaseText, Bytes: 5}, false},
		{"empty text", e("response.output_text.delta", `"delta":""`), dialect.Sight{}, false},
		{"reasoning", e("response.reasoning_summary_text.delta", `"delta":"hm"`), dialect.Sight{Meaningful: true, Phase: dialect.PhaseReasoning, Bytes: 2}, false},
		{"refusal", e("response.refusal.delta", `"delta":"no"`), dialect.Sight{Meaningful: true, Phase: dialect.PhaseText, Bytes: 2}, false},
		{"arguments", e("response.function_call_arguments.delta", `"delta":"{\"a\""`), dialect.Sight{Meaningful: true, Phase: dialect.PhaseTools, Bytes: 4}, false},
		{"sound", e("response.audio.delta", `"delta":"AAAA"`), dialect.Sight{Meaningful: true, Phase: dialect.PhaseText}, false},
		{"an image", e("response.image_generation_call.partial_image", `"partial_image_b64":"AAAA"`), dialect.Sight{Meaningful: true, Phase: dialect.PhaseTools}, false},
		{"text done", e("response.output_text.done", `"text":"hello"`), dialect.Sight{}, false},
		{"type by the event's name alone", "event: response.output_text.delta\ndata: {\"delta\":\"hi\"}\n\n", dialect.Sight{Meaningful: true, Phase: dialect.PhaseText, Bytes: 2}, false},
		{"an event that is not known", e("response.dance.twirled", `"delta":"x"`), dialect.Sight{}, false},
		{"completed", completed, dialect.Sight{Meaningful: true, Terminal: true}, true},
		{"cancelled", e("response.cancelled", `"response":{}`), dialect.Sight{Meaningful: true, Terminal: true}, true},
		{"incomplete", e("response.incomplete", `"response":{}`), dialect.Sight{Meaningful: true, Terminal: true}, true},
		{"incomplete by its bound", e("response.incomplete", `"response":{"incomplete_details":{"reason":"max_output_tokens"}}`), dialect.Sight{Meaningful: true, Terminal: true, Bounded: true}, true},
		{"incomplete by a filter", e("response.incomplete", `"response":{"incomplete_details":{"reason":"content_filter"}}`), dialect.Sight{Meaningful: true, Terminal: true}, true},
		{"[DONE] alone", done, dialect.Sight{Terminal: true}, false},
		{"[DONE] after completed", completed + done, dialect.Sight{Meaningful: true, Terminal: true}, true},
		{"comment", ": ping\n\n", dialect.Sight{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, last := watch(t, fairlead.OpResponses, c.stream)
			if last != c.want || w.Complete() != c.complete {
				t.Errorf("got %+v and Complete %v; want %+v and %v", last, w.Complete(), c.want, c.complete)
			}
		})
	}
	w, _ := watch(t, fairlead.OpResponses, completed)
	if u, ok := w.Usage(); !ok || u != (fairlead.Usage{Input: 3, Output: 4}) {
		t.Errorf("usage: got %+v, %v", u, ok)
	}
}

func TestWatchResponsesFails(t *testing.T) {
	for frame, status := range map[string]int{
		"event: error\ndata: {\"type\":\"error\",\"code\":\"server_is_overloaded\",\"message\":\"m\",\"param\":null}\n\n":                                         503,
		data(`{"type":"error","code":"rate_limit_exceeded","message":"m"}`):                                                                                       429,
		"event: response.failed\n" + data(`{"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"m"},"usage":null}}`): 500,
		data(`{"error":{"message":"m","type":"stream_interrupted","code":"stream_interrupted"}}`):                                                                 502,
		data(`{"type":"response.output_text.delta","delta":"he`):                                                                                                  0,
		data(`nothing`): 0,
	} {
		w := openai.New().NewWatcher(fairlead.OpResponses)
		_, err := w.Watch(oneFrame(t, frame))
		checkFault(t, frame, err, status)
		if w.Complete() {
			t.Errorf("%s: Complete", frame)
		}
	}
}
