package anthropic_test

import (
	"fmt"
	"strings"
	"testing"

	sdk "github.com/anthropics/anthropic-sdk-go"

	"fairlead"
	"fairlead/dialect"
)

func sends(typ, rest string) string {
	return fmt.Sprintf("event: %s\ndata: {\"type\":%q%s}\n\n", typ, typ, rest)
}

// begins is the start of a block, adds what follows.
func begins(index int, block string) string {
	return sends("content_block_start", fmt.Sprintf(`,"index":%d,"content_block":%s`, index, block))
}

func adds(index int, d string) string {
	return sends("content_block_delta", fmt.Sprintf(`,"index":%d,"delta":%s`, index, d))
}

var (
	opening  = sends("message_start", `,"message":{"id":"msg_7","type":"message","role":"assistant","model":"up","content":[],"usage":{"input_tokens":9,"output_tokens":1}}`)
	textual  = begins(0, `{"type":"text","text":""}`)
	hello    = adds(0, `{"type":"text_delta","text":"hello"}`)
	closing  = sends("content_block_stop", `,"index":0`)
	finished = sends("message_delta", `,"delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5}`)
)

// told gives what a stream tells its caller.
func told(t *testing.T, stream string) *dialect.Told {
	t.Helper()
	var told dialect.Told
	w := d.NewWatcher(fairlead.OpChat)
	w.(dialect.Teller).Tell(&told)
	for _, f := range frames(t, stream) {
		if _, err := w.Watch(f); err != nil {
			t.Fatalf("%v in %s", err, f.Raw)
		}
	}
	return &told
}

// TestTold holds what a stream tells its caller that decides whether another one may go on with it.
func TestTold(t *testing.T) {
	for _, c := range []struct {
		name, stream string
		text         string
		blocks       int64
		open         bool
		finished     bool
		barred       dialect.Bar
	}{
		{"its start", "", "", 0, false, false, ""},
		{"a ping", sends("ping", ""), "", 0, false, false, ""},
		{"a block that is empty", textual, "", 1, true, false, ""},
		{"text", textual + hello, "hello", 1, true, false, ""},
		{"text that stands in the start", begins(0, `{"type":"text","text":"hel"}`) + adds(0, `{"type":"text_delta","text":"lo"}`), "hello", 1, true, false, ""},
		{"a block that ended", textual + hello + closing, "hello", 1, false, false, ""},
		{"two blocks", textual + hello + closing + begins(1, `{"type":"text","text":""}`) + adds(1, `{"type":"text_delta","text":"\n\u00e9"}`), "hello\né", 2, true, false, ""},
		{"its end", textual + hello + closing + finished, "hello", 1, false, true, ""},
		{"thinking", begins(0, `{"type":"thinking","thinking":"","signature":""}`), "", 1, false, false, dialect.BarSigned},
		{"redacted thinking", begins(0, `{"type":"redacted_thinking","data":"x"}`), "", 1, false, false, dialect.BarSigned},
		{"thinking that ended before a text", begins(0, `{"type":"thinking","thinking":"","signature":""}`) + closing + begins(1, `{"type":"text","text":"a"}`), "", 2, true, false, dialect.BarSigned},
		{"a tool call", begins(0, `{"type":"tool_use","id":"a","name":"f","input":{}}`), "", 1, false, false, dialect.BarTool},
		{"a tool call after a text", textual + hello + closing + begins(1, `{"type":"tool_use","id":"a","name":"f","input":{}}`), "", 2, false, false, dialect.BarTool},
		{"a search of the provider's", begins(0, `{"type":"server_tool_use","id":"a","name":"web_search","input":{}}`), "", 1, false, false, "?"},
		{"what it found", begins(0, `{"type":"web_search_tool_result","tool_use_id":"a","content":[]}`), "", 1, false, false, "?"},
		{"citations", textual + hello + adds(0, `{"type":"citations_delta","citation":{"type":"char_location"}}`), "", 1, true, false, dialect.BarSources},
		{"too much", textual + adds(0, `{"type":"text_delta","text":"`+strings.Repeat("x", 300<<10)+`"}`), "", 1, true, false, dialect.BarLong},
	} {
		got := told(t, opening+c.stream)
		barred := got.Barred == c.barred || c.barred == "?" && got.Barred != ""
		if string(got.Text) != c.text || got.Blocks != c.blocks || got.Open != c.open || got.Finished != c.finished || !barred || string(got.ID) != "msg_7" || string(got.Model) != "up" {
			t.Errorf("%s: text %.50q, %+v", c.name, got.Text, got)
		}
	}
}

// TestResumedEvents holds that the events of another attempt are those of the same message, to the official SDK
// too, which does not mind the mark: each block begins and ends once, in order.
func TestResumedEvents(t *testing.T) {
	second := begins(1, `{"type":"text","text":""}`)
	for _, c := range []struct {
		name, stream string
		rest         []dialect.Event
		want         []string // blocks
	}{
		{"in the block that is open", textual + hello, []dialect.Event{say(", "), say("world")}, []string{"hello, world"}},
		{"behind a block", textual + hello + closing, []dialect.Event{say(", world")}, []string{"hello", ", world"}},
		{"in the second block", textual + hello + closing + second, []dialect.Event{say(", world")}, []string{"hello", ", world"}},
		{"behind the start", "", []dialect.Event{say("hello")}, []string{"hello"}},
		{"with nothing more", textual + hello, nil, []string{"hello"}},
		{"with nothing more behind a block", textual + hello + closing, nil, []string{"hello"}},
		{"with a call", textual + hello, []dialect.Event{say("."), tool(0, "a"), input(0, `{}`)}, []string{"hello.", "{}"}},
	} {
		stream := []byte(opening + c.stream)
		e := d.ResumeEncoder(dialect.EncodeOptions{RequestID: "req_2", Model: "other"}, told(t, string(stream)))
		e.(dialect.Marker).Mark([]byte(`{"continued":[{"endpoint":"a/m@p"}]}`))
		rest := append(c.rest, finish(dialect.FinishStop), used(fairlead.Usage{Input: 9, Output: 7}), end)
		for _, event := range rest {
			stream = e.Encode(stream, event)
		}
		client, _ := serve(t, 200, "text/event-stream", stream)
		events := client.Messages.NewStreaming(t.Context(), ask)
		var m sdk.Message
		open, next, stops := int64(-1), int64(0), 0
		for events.Next() {
			ev := events.Current()
			if err := m.Accumulate(ev); err != nil {
				t.Fatalf("%s: %v\n%s", c.name, err, stream)
			}
			ordered := true
			switch ev.Type {
			case "content_block_start":
				ordered = open < 0 && ev.Index == next
				open, next = ev.Index, next+1
			case "content_block_delta":
				ordered = ev.Index == open
			case "content_block_stop":
				ordered = ev.Index == open
				open = -1
			case "message_delta":
				ordered = open < 0
			case "message_stop":
				stops++
			}
			if !ordered {
				t.Errorf("%s: out of order: %s", c.name, ev.RawJSON())
			}
		}
		if err := events.Err(); err != nil {
			t.Fatal(err)
		}
		var blocks []string
		for _, b := range m.Content {
			blocks = append(blocks, b.Text+string(b.Input))
		}
		if fmt.Sprint(blocks) != fmt.Sprint(c.want) || m.ID != "msg_7" || m.Model != "up" || stops != 1 || m.Usage.OutputTokens != 7 {
			t.Errorf("%s: %q, id %s, model %s, %d ends, usage %+v\n%s", c.name, blocks, m.ID, m.Model, stops, m.Usage, stream)
		}
		if n := strings.Count(string(stream), `"fairlead":{"continued"`); n != 2 {
			t.Errorf("%s: marked %d times", c.name, n)
		}
	}
}
