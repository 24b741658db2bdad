package openai_test

import (
	"encoding/json"
	"strings"
	"testing"

	sdk "github.com/openai/openai-go/v3"

	"fairlead"
	"fairlead/dialect"
	"fairlead/dialect/openai"
)

// TestTold holds what a stream tells its caller that decides whether another one may go on with it.
func TestTold(t *testing.T) {
	for _, c := range []struct {
		name, frame string
		want        dialect.Told
	}{
		{"a role", chunk(`{"role":"assistant","content":""}`, ""), dialect.Told{}},
		{"text", text, dialect.Told{Text: []byte("hello")}},
		{"text in parts", chunk(`{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}`, ""), dialect.Told{Text: []byte("ab")}},
		{"escapes", chunk(`{"content":"\u00e9\n\"\ud83d\ude00"}`, ""), dialect.Told{Text: []byte("é\n\"\U0001F600")}},
		{"reasoning", chunk(`{"reasoning_content":"hm"}`, ""), dialect.Told{Reasoning: true}},
		{"reasoning in details", chunk(`{"reasoning_details":[{"type":"reasoning.text","text":"hm"}]}`, ""), dialect.Told{Reasoning: true}},
		{"signed reasoning", chunk(`{"reasoning_details":[{"type":"reasoning.text","signature":"x"}]}`, ""), dialect.Told{Reasoning: true, Barred: dialect.BarSigned}},
		{"encrypted reasoning", chunk(`{"reasoning_details":[{"type":"reasoning.encrypted","data":"x"}]}`, ""), dialect.Told{Reasoning: true, Barred: dialect.BarSigned}},
		{"a tool call", chunk(`{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":""}}]}`, ""), dialect.Told{Barred: dialect.BarTool}},
		{"text with a tool call", chunk(`{"content":"a","tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":""}}]}`, ""), dialect.Told{Barred: dialect.BarTool}},
		{"a legacy call", chunk(`{"function_call":{"name":"f"}}`, ""), dialect.Told{Barred: dialect.BarTool}},
		{"a refusal", chunk(`{"refusal":"no"}`, ""), dialect.Told{Barred: dialect.BarRefusal}},
		{"audio", chunk(`{"audio":{"data":"x"}}`, ""), dialect.Told{Barred: dialect.BarMedia}},
		{"images", chunk(`{"images":[{}]}`, ""), dialect.Told{Barred: dialect.BarMedia}},
		{"annotations", chunk(`{"content":"a","annotations":[{"type":"url_citation"}]}`, ""), dialect.Told{Barred: dialect.BarSources}},
		{"none of these", chunk(`{"content":"a","refusal":null,"tool_calls":[],"images":[],"annotations":[],"reasoning":""}`, ""), dialect.Told{Text: []byte("a")}},
		{"a second choice", data(`{"id":"c1","object":"chat.completion.chunk","created":5,"model":"up","choices":[{"index":1,"delta":{"content":"a"},"finish_reason":null}]}`), dialect.Told{Barred: dialect.BarChoices}},
		{"its end", chunk(`{}`, "stop"), dialect.Told{Finished: true}},
		{"too much", chunk(`{"content":"`+strings.Repeat("x", 300<<10)+`"}`, ""), dialect.Told{Barred: dialect.BarLong}},
	} {
		var told dialect.Told
		w := openai.New().NewWatcher(fairlead.OpChat)
		w.(dialect.Teller).Tell(&told)
		for _, f := range frames(c.frame) {
			if _, err := w.Watch(f); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
		}
		c.want.Created = 5
		if string(told.Text) != string(c.want.Text) {
			t.Errorf("%s: told %.50q, want %q", c.name, told.Text, c.want.Text)
		}
		told.Text, c.want.Text = nil, nil
		if got, want := told, c.want; string(got.ID) != "c1" || string(got.Model) != "up" || got.Created != want.Created ||
			got.Barred != want.Barred || got.Finished != want.Finished || got.Reasoning != want.Reasoning {
			t.Errorf("%s: %+v, want %+v", c.name, got, want)
		}
	}
}

// TestRefusedFramesAreNotTold holds that text in a frame that says an error, which the caller does not get,
// does not count as told.
func TestRefusedFramesAreNotTold(t *testing.T) {
	for _, frame := range []string{
		chunk(`{"content":"lost"}`, "error"),
		data(`{"id":"c1","choices":[{"index":0,"delta":{"content":"lost"},"finish_reason":null,"error":{"message":"x"}}]}`),
		data(`{"id":"c1","error":{"message":"x"},"choices":[{"index":0,"delta":{"content":"lost"},"finish_reason":null}]}`),
	} {
		var told dialect.Told
		w := openai.New().NewWatcher(fairlead.OpChat)
		w.(dialect.Teller).Tell(&told)
		if _, err := w.Watch(frames(frame)[0]); err == nil || len(told.Text) > 0 || told.Finished {
			t.Errorf("%s: %v, told %+v", frame, err, told)
		}
	}
}

// TestResumedChunks holds that the chunks of another attempt are those of the same answer, to the official SDK
// too, which does not mind the mark.
func TestResumedChunks(t *testing.T) {
	stream := chunk(`{"role":"assistant"}`, "") + text
	var told dialect.Told
	w := openai.New().NewWatcher(fairlead.OpChat)
	w.(dialect.Teller).Tell(&told)
	for _, f := range frames(stream) {
		if _, err := w.Watch(f); err != nil {
			t.Fatal(err)
		}
	}
	e := openai.New().ResumeEncoder(dialect.EncodeOptions{RequestID: "req_2", Model: "other", Usage: true, Created: 9}, &told)
	e.(dialect.Marker).Mark([]byte(`{"continued":[{"endpoint":"a/m@p"}]}`))
	for _, event := range []dialect.Event{
		event(dialect.EventText, ", world"),
		{Kind: dialect.EventFinish, Finish: dialect.FinishStop},
		{Kind: dialect.EventUsage, HasUsage: true, Usage: fairlead.Usage{Input: 3, Output: 4}},
		{Kind: dialect.EventEnd},
	} {
		stream = string(e.Encode([]byte(stream), event))
	}
	var all sdk.ChatCompletionAccumulator
	marks := 0
	list := frames(stream)
	for _, f := range list[:len(list)-1] {
		var c sdk.ChatCompletionChunk
		if err := json.Unmarshal(f.Data, &c); err != nil {
			t.Fatalf("%v in %s", err, f.Data)
		}
		if c.ID != "c1" || c.Model != "up" || c.Created != 5 || !all.AddChunk(c) {
			t.Errorf("another answer's chunk: %s", f.Data)
		}
		if strings.Contains(string(f.Data), `"fairlead":{"continued"`) {
			marks++
		}
	}
	if all.Choices[0].Message.Content != "hello, world" || all.Choices[0].FinishReason != "stop" || all.Usage.TotalTokens != 7 || marks != 2 {
		t.Errorf("%d marks, and put together it is %+v", marks, all.ChatCompletion)
	}
	if string(list[len(list)-1].Data) != "[DONE]" {
		t.Errorf("the last frame is %s", list[len(list)-1].Raw)
	}
}
