package anthropic_test

import (
	"strings"
	"testing"

	"fairlead"
	"fairlead/dialect"
)

// Short names for what encoders are fed.
func start(id string) dialect.Event {
	return dialect.Event{Kind: dialect.EventStart, ID: id, Model: "up"}
}
func say(s string) dialect.Event    { return dialect.Event{Kind: dialect.EventText, Text: s} }
func think(s string) dialect.Event  { return dialect.Event{Kind: dialect.EventReasoning, Text: s} }
func sign(s string) dialect.Event   { return dialect.Event{Kind: dialect.EventSignature, Text: s} }
func redact(s string) dialect.Event { return dialect.Event{Kind: dialect.EventRedacted, Text: s} }
func tool(n int, id string) dialect.Event {
	return dialect.Event{Kind: dialect.EventToolStart, Tool: n, ID: id, Name: "f"}
}

func input(n int, s string) dialect.Event {
	return dialect.Event{Kind: dialect.EventToolInput, Tool: n, Text: s}
}

func finish(f dialect.Finish) dialect.Event {
	return dialect.Event{Kind: dialect.EventFinish, Finish: f}
}

func used(u fairlead.Usage) dialect.Event {
	return dialect.Event{Kind: dialect.EventUsage, Usage: u, HasUsage: true}
}

var end = dialect.Event{Kind: dialect.EventEnd}

// brief writes a stream in few words: "+2 tool_use" and "-2" open and close block 2, text in brackets is
// a delta of the open block.
func brief(t *testing.T, stream string) string {
	t.Helper()
	var words []string
	for _, f := range frames(t, stream) {
		o := scan(t, string(f.Data))
		get := func(name string) string { v, _ := o.Get(name); return string(v) }
		switch name := string(f.Event); name {
		case "content_block_start":
			block, _ := o.Get("content_block")
			typ, _ := block.Get("type")
			words = append(words, "+"+get("index")+" "+strings.Trim(string(typ), `"`))
		case "content_block_delta":
			delta, _ := o.Get("delta")
			for _, field := range []string{"text", "thinking", "signature", "partial_json"} {
				if v, ok := delta.Get(field); ok {
					s, _ := v.Text()
					words = append(words, "["+s+"]")
				}
			}
		case "content_block_stop":
			words = append(words, "-"+get("index"))
		case "message_delta":
			delta, _ := o.Get("delta")
			reason, _ := delta.Get("stop_reason")
			usage, _ := o.Get("usage")
			in, _ := usage.Get("input_tokens")
			out, _ := usage.Get("output_tokens")
			words = append(words, strings.Trim(string(reason), `"`)+" "+string(in)+"/"+string(out))
		case "message_stop":
			words = append(words, "end")
		}
	}
	return strings.Join(words, " ")
}

var (
	stop  = []dialect.Event{finish(dialect.FinishStop), end}
	calls = []dialect.Event{finish(dialect.FinishTools), end}
)

// blockCases has a line for each order in which events may come; then ends the answer.
var blockCases = []struct {
	name   string
	events []dialect.Event
	then   []dialect.Event
	want   string
}{
	{"nothing", nil, stop, "end_turn 0/0 end"},
	{"text", []dialect.Event{say("a"), say(""), say("b")}, stop, "+0 text [a] [b] -0 end_turn 0/0 end"},
	{
		"thinking, signed, then text",
		[]dialect.Event{think("a"), think("b"), sign("s"), say("c")},
		stop,
		"+0 thinking [a] [b] [s] -0 +1 text [c] -1 end_turn 0/0 end",
	},
	{
		"thinking after a signature",
		[]dialect.Event{think("a"), sign("s"), think("b"), sign("t")},
		stop,
		"+0 thinking [a] [s] -0 +1 thinking [b] [t] -1 end_turn 0/0 end",
	},
	{"signature of withheld thinking", []dialect.Event{sign("s"), say("a")}, stop, "+0 thinking [s] -0 +1 text [a] -1 end_turn 0/0 end"},
	{"redacted", []dialect.Event{redact("x"), redact("y"), say("a")}, stop, "+0 redacted_thinking -0 +1 redacted_thinking -1 +2 text [a] -2 end_turn 0/0 end"},
	{"refusal", []dialect.Event{say("a"), {Kind: dialect.EventRefusal, Text: "no"}}, stop, "+0 text [a] -0 +1 text [no] -1 refusal 0/0 end"},
	{
		"one call streams",
		[]dialect.Event{say("a"), tool(0, "t"), input(0, `{"a"`), input(0, ""), input(0, `:1}`)},
		calls,
		"+0 text [a] -0 +1 tool_use [{\"a\"] [:1}] -1 tool_use 0/0 end",
	},
	{
		"calls in a row stream",
		[]dialect.Event{tool(0, "t"), input(0, `{"a":"}`), input(0, `\""}`), tool(1, "u"), input(1, `{`), input(1, `}`)},
		calls,
		"+0 tool_use [{\"a\":\"}] [\\\"\"}] -0 +1 tool_use [{] [}] -1 tool_use 0/0 end",
	},
	{
		"interleaved calls wait",
		[]dialect.Event{
			tool(0, "t"), tool(1, "u"), tool(2, "v"), input(1, `{"b`), input(0, `{"a`), input(2, `{}`), input(1, `":1}`), input(0, `":{}}`),
		},
		calls,
		"+0 tool_use [{\"a] [\":{}}] -0 +1 tool_use [{\"b\":1}] -1 +2 tool_use [{}] -2 tool_use 0/0 end",
	},
	{
		"a waiting call becomes the open one",
		[]dialect.Event{
			tool(0, "t"), input(0, `{`), tool(1, "u"), input(1, `{"b"`), input(0, `}`), input(1, `:2`), input(1, `}`),
		},
		calls,
		"+0 tool_use [{] [}] -0 +1 tool_use [{\"b\"] [:2] [}] -1 tool_use 0/0 end",
	},
	{
		"text between calls waits and keeps its place",
		[]dialect.Event{
			tool(0, "t"), say("a"), think("b"), sign("s"), tool(1, "u"), say("c"), input(1, `{}`), input(0, `{}`),
		},
		calls,
		"+0 tool_use [{}] -0 +1 text [a] -1 +2 thinking [b] [s] -2 +3 tool_use [{}] -3 +4 text [c] -4 tool_use 0/0 end",
	},
	{
		"a call that never gets whole ends with the answer",
		[]dialect.Event{tool(0, "t"), input(0, `{"a`), tool(1, "u"), input(1, `{}`)},
		[]dialect.Event{finish(dialect.FinishLength), end},
		"+0 tool_use [{\"a] -0 +1 tool_use [{}] -1 max_tokens 0/0 end",
	},
	{"input that is no object", []dialect.Event{tool(0, "t"), input(0, `"a"`), tool(1, "u"), input(0, `b`)}, calls, "+0 tool_use [\"a\"] [b] -0 +1 tool_use [{}] -1 tool_use 0/0 end"},
	{"more after a whole input", []dialect.Event{tool(0, "t"), input(0, `{}`), input(0, "\n"), tool(1, "u"), input(0, "\n")}, calls, "+0 tool_use [{}] [\n] -0 +1 tool_use [{}] -1 tool_use 0/0 end"},
	{"input of a call that never began", []dialect.Event{input(3, `{}`)}, calls, "tool_use 0/0 end"},
	{"calls of a provider that says stop", []dialect.Event{tool(0, "t"), input(0, `{}`)}, stop, "+0 tool_use [{}] -0 tool_use 0/0 end"},
	{"no reason, no end", []dialect.Event{say("a")}, []dialect.Event{end}, "+0 text [a]"},
	{"text after the reason", nil, []dialect.Event{finish(dialect.FinishStop), say("a"), end, say("b")}, "+0 text [a] -0 end_turn 0/0 end"},
}

func TestEncodeBlocks(t *testing.T) {
	for _, c := range blockCases {
		t.Run(c.name, func(t *testing.T) {
			events := append([]dialect.Event{start("msg_1")}, c.events...)
			if got := brief(t, encodeAll(append(events, c.then...)...)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestEncodeUsage(t *testing.T) {
	one, two := fairlead.Usage{Input: 10, Output: 1}, fairlead.Usage{Input: 20, Output: 2}
	known := start("msg_1")
	known.Usage, known.HasUsage = one, true
	stop := finish(dialect.FinishStop)
	cases := []struct {
		name   string
		events []dialect.Event
		want   string
	}{
		{"after the reason", []dialect.Event{start("msg_1"), stop, used(two)}, "end_turn 20/2"},
		{"before the reason", []dialect.Event{start("msg_1"), used(two), stop}, ""},
		{"before the reason, then the end", []dialect.Event{start("msg_1"), used(two), stop, end}, "end_turn 20/2 end"},
		{"only at the start", []dialect.Event{known, stop, end}, "end_turn 10/1 end"},
		{"never", []dialect.Event{start("msg_1"), stop, end}, "end_turn 0/0 end"},
		{"once more, the same", []dialect.Event{start("msg_1"), stop, used(two), used(two), end}, "end_turn 20/2 end"},
		{"once more, others", []dialect.Event{start("msg_1"), stop, used(one), used(two), end}, "end_turn 10/1 end_turn 20/2 end"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := brief(t, encodeAll(c.events...)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestEncodeFrames holds every byte of a small stream.
func TestEncodeFrames(t *testing.T) {
	first := start("chatcmpl-1")
	first.Usage, first.HasUsage = fairlead.Usage{Input: 5}, true
	stop := finish(dialect.FinishFilter)
	stop.Text = "why"
	got := encodeAll(first, say("a\n"), tool(0, ""), stop, used(fairlead.Usage{Input: 5, CacheRead: 1, CacheWrite: 2, Output: 3, Reasoning: 1}), end)
	want := `event: message_start
data: {"type":"message_start","message":{"id":"msg_chatcmpl-1","type":"message","role":"assistant","model":"up","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":5,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a\n"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_chatcmpl-1_0","name":"f","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"refusal","stop_sequence":null,"stop_details":{"type":"refusal","category":null,"explanation":"why"}},"usage":{"input_tokens":5,"cache_creation_input_tokens":2,"cache_read_input_tokens":1,"output_tokens":3,"output_tokens_details":{"thinking_tokens":1}}}

event: message_stop
data: {"type":"message_stop"}

`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestEncodeWithoutStart(t *testing.T) {
	got := encodeAll(say("a"))
	if !strings.Contains(got, `"id":"msg_req_9"`) || !strings.Contains(got, `"model":"asked"`) {
		t.Errorf("id and model are not the request's: %s", got)
	}
}

func BenchmarkEncode(b *testing.B) {
	enc := d.NewEncoder(dialect.EncodeOptions{Model: "m"})
	dst := enc.Encode(nil, say("a"))
	ev := say("It is 4 degrees in Oslo")
	b.ReportAllocs()
	for b.Loop() {
		dst = enc.Encode(dst[:0], ev)
	}
}
