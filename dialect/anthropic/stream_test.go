package anthropic_test

import (
	"errors"
	"reflect"
	"testing"

	"fairlead"
	"fairlead/dialect"
	"fairlead/internal/sse"
)

// ev writes one frame as Anthropic's servers do.
func ev(name, members string) string {
	if members != "" {
		members = "," + members
	}
	return "event: " + name + "\ndata: {\"type\":\"" + name + "\"" + members + "}\n\n"
}

func delta(members string) string { return ev("content_block_delta", members) }

const startMembers = `"message":{"id":"msg_01","type":"message","role":"assistant","model":"claude-x","content":[],` +
	`"stop_reason":null,"usage":{"input_tokens":30,"cache_creation_input_tokens":3,"cache_read_input_tokens":2,"output_tokens":1}}`

// fullStream has every event that the neutral form carries.
var fullStream = ev("message_start", startMembers) +
	ev("ping", "") +
	ev("content_block_start", `"index":0,"content_block":{"type":"thinking","thinking":"","signature":""}`) +
	delta(`"index":0,"delta":{"type":"thinking_delta","thinking":"hm"}`) +
	delta(`"index":0,"delta":{"type":"signature_delta","signature":"Ep"}`) +
	ev("content_block_stop", `"index":0`) +
	ev("content_block_start", `"index":1,"content_block":{"type":"redacted_thinking","data":"r3d"}`) +
	ev("content_block_stop", `"index":1`) +
	ev("content_block_start", `"index":2,"content_block":{"type":"text","text":""}`) +
	delta(`"index":2,"delta":{"type":"text_delta","text":"It is"}`) +
	delta(`"index":2,"delta":{"type":"text_delta","text":""}`) +
	delta(`"index":2,"delta":{"type":"citations_delta","citation":{"type":"char_location"}}`) +
	delta(`"index":2,"delta":{"type":"novel_delta","novelty":1}`) +
	ev("content_block_stop", `"index":2`) +
	ev("content_block_start", `"index":3,"content_block":{"type":"tool_use","id":"toolu_1","name":"wx","input":{}}`) +
	delta(`"index":3,"delta":{"type":"input_json_delta","partial_json":""}`) +
	delta(`"index":3,"delta":{"type":"input_json_delta","partial_json":"{\"city\":"}`) +
	delta(`"index":3,"delta":{"type":"input_json_delta","partial_json":"\"Oslo\"}"}`) +
	ev("content_block_stop", `"index":3`) +
	ev("content_block_start", `"index":4,"content_block":{"type":"server_tool_use","id":"s","name":"web_search","input":{}}`) +
	delta(`"index":4,"delta":{"type":"input_json_delta","partial_json":"{\"q\":1}"}`) +
	ev("content_block_stop", `"index":4`) +
	ev("content_block_start", `"index":5,"content_block":{"type":"tool_use","id":"toolu_2","name":"now","input":{}}`) +
	ev("content_block_stop", `"index":5`) +
	ev("novel_event", `"novelty":1`) +
	ev("message_delta", `"delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":42,"output_tokens_details":{"thinking_tokens":7}}`) +
	ev("message_stop", "")

func TestDecode(t *testing.T) {
	total := fairlead.Usage{Input: 30, CacheWrite: 3, CacheRead: 2, Output: 42, Reasoning: 7}
	want := []dialect.Event{
		{Kind: dialect.EventStart, ID: "msg_01", Model: "claude-x", HasUsage: true, Usage: fairlead.Usage{Input: 30, CacheWrite: 3, CacheRead: 2, Output: 1}},
		{Kind: dialect.EventReasoning, Text: "hm"},
		{Kind: dialect.EventSignature, Text: "Ep"},
		{Kind: dialect.EventRedacted, Text: "r3d"},
		{Kind: dialect.EventText, Text: "It is"},
		{Kind: dialect.EventToolStart, ID: "toolu_1", Name: "wx"},
		{Kind: dialect.EventToolInput, Text: `{"city":`},
		{Kind: dialect.EventToolInput, Text: `"Oslo"}`},
		{Kind: dialect.EventToolStart, Tool: 1, ID: "toolu_2", Name: "now"},
		{Kind: dialect.EventToolInput, Tool: 1, Text: `{}`},
		{Kind: dialect.EventFinish, Finish: dialect.FinishTools},
		{Kind: dialect.EventUsage, Usage: total, HasUsage: true},
		{Kind: dialect.EventEnd},
	}
	got, complete, err := decodeAll(t, fullStream)
	if err != nil || !complete {
		t.Fatalf("complete %v, error %v", complete, err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestStreamIsCompleteOnlyAtItsEnd cuts the stream after every frame.
func TestStreamIsCompleteOnlyAtItsEnd(t *testing.T) {
	all := frames(t, fullStream)
	dec, w := d.NewDecoder(), d.NewWatcher(fairlead.OpChat)
	for i, f := range all {
		if dec.Complete() || w.Complete() {
			t.Fatalf("complete before frame %d of %d", i, len(all))
		}
		if _, err := dec.Decode(nil, f); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Watch(f); err != nil {
			t.Fatal(err)
		}
	}
	if !dec.Complete() || !w.Complete() {
		t.Error("not complete at the end")
	}
}

func TestDecodeOddities(t *testing.T) {
	const text = dialect.EventText
	finish := ev("message_delta", `"delta":{"stop_reason":"end_turn"}`)
	cases := []struct {
		name   string
		stream string
		want   []dialect.Event
	}{
		{"data without an event line", "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\n", []dialect.Event{{Kind: text, Text: "a"}}},
		{"event line without a type", "event: content_block_delta\ndata: {\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\n", []dialect.Event{{Kind: text, Text: "a"}}},
		{"comments and empty data", ": hi\n\nevent: ping\n\ndata:\n\n\n\n", nil},
		{"OpenAI's mark", "data: [DONE]\n\n", nil},
		{"text in the start of a block", ev("content_block_start", `"index":0,"content_block":{"type":"text","text":"a"}`), []dialect.Event{{Kind: text, Text: "a"}}},
		{
			"whole input in the start of a block",
			ev("content_block_start", `"index":0,"content_block":{"type":"tool_use","id":"i","name":"n","input":{"a":1}}`) + ev("content_block_stop", `"index":0`),
			[]dialect.Event{{Kind: dialect.EventToolStart, ID: "i", Name: "n"}, {Kind: dialect.EventToolInput, Text: `{"a":1}`}},
		},
		{
			"tool block that is never stopped",
			ev("content_block_start", `"index":0,"content_block":{"type":"tool_use","id":"i","name":"n","input":{}}`) + finish,
			[]dialect.Event{{Kind: dialect.EventToolStart, ID: "i", Name: "n"}, {Kind: dialect.EventToolInput, Text: `{}`}, {Kind: dialect.EventFinish, Finish: dialect.FinishStop}},
		},
		{
			"refusal",
			ev("message_delta", `"delta":{"stop_reason":"refusal","stop_details":{"type":"refusal","category":null,"explanation":"no"}}`),
			[]dialect.Event{{Kind: dialect.EventFinish, Finish: dialect.FinishFilter, Text: "no"}},
		},
		{
			"stop sequence", ev("message_delta", `"delta":{"stop_reason":"stop_sequence","stop_sequence":"END"}`),
			[]dialect.Event{{Kind: dialect.EventFinish, Finish: dialect.FinishStop, StopSequence: "END"}},
		},
		{
			"several message_delta, counts null or 0 or missing",
			ev("message_start", `"message":{"usage":{"input_tokens":5,"cache_read_input_tokens":4}}`) +
				ev("message_delta", `"delta":{},"usage":{"output_tokens":2,"input_tokens":0}`) +
				ev("message_delta", `"delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":7,"cache_read_input_tokens":null}`),
			[]dialect.Event{
				{Kind: dialect.EventStart, HasUsage: true, Usage: fairlead.Usage{Input: 5, CacheRead: 4}},
				{Kind: dialect.EventUsage, HasUsage: true, Usage: fairlead.Usage{Input: 5, CacheRead: 4, Output: 2}},
				{Kind: dialect.EventFinish, Finish: dialect.FinishStop},
				{Kind: dialect.EventUsage, HasUsage: true, Usage: fairlead.Usage{Input: 5, CacheRead: 4, Output: 7}},
			},
		},
		{"frames after the end", finish + ev("message_stop", "") + delta(`"delta":{"type":"text_delta","text":"x"}`), []dialect.Event{{Kind: dialect.EventFinish, Finish: dialect.FinishStop}, {Kind: dialect.EventEnd}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, _, err := decodeAll(t, c.stream)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

// brokenStreams are refused by decoder and watcher alike; a status other than 0 is that of a fault.
var brokenStreams = []struct {
	name   string
	stream string
	fault  bool
	status int
}{
	{"overloaded", ev("error", `"error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"r"`), true, 529},
	{"rate", ev("error", `"error":{"type":"rate_limit_error","message":"x"}`), true, 429},
	{"server", ev("error", `"error":{"type":"api_error","message":"x"}`), true, 500},
	{"timeout", ev("error", `"error":{"type":"timeout_error","message":"x"}`), true, 504},
	{"error event without JSON", "event: error\ndata: gone\n\n", true, 0},
	{"error event without data", "event: error\n\n", true, 0},
	{"error without an event line", "data: {\"type\":\"error\",\"error\":{\"type\":\"api_error\"}}\n\n", true, 500},
	{"error in another event", ev("ping", `"error":"gone"`), true, 0},
	{"llama.cpp's line", "error: {\"code\":503,\"message\":\"Loading model\",\"type\":\"unavailable_error\"}\n\n", true, 503},
	{"bare line", "{\"error\":{\"code\":429,\"message\":\"x\"}}\n\n", true, 429},
	{"bare line that is no error", "{\"answer\":1}\n\n", false, 0},
	{"cut JSON", "data: {\"type\":\"ping\"\n\n", false, 0},
	{"no object", "data: 1\n\n", false, 0},
	{"stop without a reason", ev("message_stop", ""), false, 0},
	{"a reason that says error", ev("message_delta", `"delta":{"stop_reason":"error"}`) + ev("message_stop", ""), true, 502},
	{"stop after a null reason", ev("message_delta", `"delta":{"stop_reason":null}`) + ev("message_stop", ""), false, 0},
}

func TestBrokenStreams(t *testing.T) {
	for _, c := range brokenStreams {
		t.Run(c.name, func(t *testing.T) {
			_, complete, decoded := decodeAll(t, c.stream)
			w := d.NewWatcher(fairlead.OpChat)
			var watched error
			for _, f := range frames(t, c.stream) {
				if _, watched = w.Watch(f); watched != nil {
					break
				}
			}
			if complete || w.Complete() {
				t.Error("a broken stream is complete")
			}
			for _, err := range []error{decoded, watched} {
				var f *dialect.Fault
				if err == nil || errors.As(err, &f) != c.fault || f != nil && f.Status != c.status {
					t.Errorf("got %v (%+v)", err, f)
				}
			}
		})
	}
}

func TestDecodeRefusesWhatHasNoPlace(t *testing.T) {
	if _, _, err := decodeAll(t, delta(`"index":0,"delta":{"type":"input_json_delta","partial_json":"{}"}`)); err == nil {
		t.Error("tool input outside of a block was taken")
	}
	stream := ""
	for range 129 {
		stream += ev("content_block_start", `"content_block":{"type":"text","text":""}`)
	}
	if _, _, err := decodeAll(t, stream); err == nil {
		t.Error("129 open blocks were taken")
	}
}

func TestWatch(t *testing.T) {
	cases := []struct {
		frame string
		want  dialect.Sight
	}{
		{ev("message_start", startMembers), dialect.Sight{}},
		{ev("ping", ""), dialect.Sight{}},
		{": comment\n\n", dialect.Sight{}},
		{"event: ping\n\n", dialect.Sight{}},
		{ev("novel_event", ""), dialect.Sight{}},
		{ev("content_block_start", `"content_block":{"type":"text","text":""}`), dialect.Sight{Phase: dialect.PhaseText}},
		{ev("content_block_start", `"content_block":{"type":"text","text":"ab"}`), dialect.Sight{Meaningful: true, Phase: dialect.PhaseText, Bytes: 2}},
		{ev("content_block_start", `"content_block":{"type":"thinking","thinking":""}`), dialect.Sight{Phase: dialect.PhaseReasoning}},
		{ev("content_block_start", `"content_block":{"type":"tool_use","id":"i","name":"n"}`), dialect.Sight{Meaningful: true, Phase: dialect.PhaseTools}},
		{ev("content_block_start", `"content_block":{"type":"redacted_thinking","data":"r"}`), dialect.Sight{Meaningful: true, Phase: dialect.PhaseReasoning}},
		{ev("content_block_start", `"content_block":{"type":"web_search_tool_result"}`), dialect.Sight{Meaningful: true, Phase: dialect.PhaseTools}},
		{delta(`"delta":{"type":"text_delta","text":""}`), dialect.Sight{Phase: dialect.PhaseText}},
		{delta(`"delta":{"type":"text_delta","text":"a\n\u00e9"}`), dialect.Sight{Meaningful: true, Phase: dialect.PhaseText, Bytes: 4}},
		{delta(`"delta":{"type":"thinking_delta","thinking":"abc"}`), dialect.Sight{Meaningful: true, Phase: dialect.PhaseReasoning, Bytes: 3}},
		{delta(`"delta":{"type":"signature_delta","signature":"abc"}`), dialect.Sight{}},
		{delta(`"delta":{"type":"input_json_delta","partial_json":""}`), dialect.Sight{Phase: dialect.PhaseTools}},
		{delta(`"delta":{"type":"input_json_delta","partial_json":"{}"}`), dialect.Sight{Meaningful: true, Phase: dialect.PhaseTools, Bytes: 2}},
		{delta(`"delta":{"type":"citations_delta","citation":{}}`), dialect.Sight{Meaningful: true, Phase: dialect.PhaseText}},
		{delta(`"delta":{"type":"novel_delta","text":"a"}`), dialect.Sight{}},
		{ev("content_block_stop", `"index":0`), dialect.Sight{}},
		{ev("message_delta", `"delta":{"stop_reason":null},"usage":{"output_tokens":1}`), dialect.Sight{}},
		{ev("message_delta", `"delta":{"stop_reason":"end_turn"}`), dialect.Sight{Meaningful: true}},
	}
	for _, c := range cases {
		got, err := d.NewWatcher(fairlead.OpChat).Watch(frames(t, c.frame)[0])
		if err != nil || got != c.want {
			t.Errorf("%s: got %+v, %v, want %+v", c.frame, got, err, c.want)
		}
	}
}

func TestWatchFullStream(t *testing.T) {
	w := d.NewWatcher(fairlead.OpChat)
	if _, ok := w.Usage(); ok {
		t.Error("usage before any frame")
	}
	all := frames(t, fullStream)
	bytes := 0
	for i, f := range all {
		s, err := w.Watch(f)
		if err != nil {
			t.Fatal(err)
		}
		if s.Terminal != (i == len(all)-1) || s.UsageOnly {
			t.Errorf("frame %d: %+v", i, s)
		}
		bytes += s.Bytes
	}
	if want := len(`hmIt is{"city":"Oslo"}{"q":1}`); bytes != want {
		t.Errorf("%d bytes were delivered, want %d", bytes, want)
	}
	u, ok := w.Usage()
	if want := (fairlead.Usage{Input: 30, CacheWrite: 3, CacheRead: 2, Output: 42, Reasoning: 7}); !ok || u != want {
		t.Errorf("usage %+v, %v, want %+v", u, ok, want)
	}
}

func TestWatchAllocatesNothing(t *testing.T) {
	w := d.NewWatcher(fairlead.OpChat)
	f := textFrame(t)
	if n := testing.AllocsPerRun(100, func() { _, _ = w.Watch(f) }); n > 0 {
		t.Errorf("%v allocations for a text delta", n)
	}
}

func textFrame(t testing.TB) sse.Frame {
	return frames(t, delta(`"index":0,"delta":{"type":"text_delta","text":"It is 4 degrees in Oslo"}`))[0]
}

func BenchmarkWatch(b *testing.B) {
	w := d.NewWatcher(fairlead.OpChat)
	f := textFrame(b)
	b.ReportAllocs()
	b.SetBytes(int64(len(f.Raw)))
	for b.Loop() {
		if _, err := w.Watch(f); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	dec := d.NewDecoder()
	f := textFrame(b)
	var events []dialect.Event
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if events, err = dec.Decode(events[:0], f); err != nil {
			b.Fatal(err)
		}
	}
}
