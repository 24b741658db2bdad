package anthropic_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"fairlead"
	"fairlead/dialect"
	"fairlead/internal/jsonscan"
)

const message = `{"id":"msg_01","type":"message","role":"assistant","model":"claude-x",
 "content":[{"type":"thinking","thinking":"hm","signature":"Ep"},{"type":"redacted_thinking","data":"r3d"},
  {"type":"text","text":"It is","citations":null},{"type":"text","text":""},
  {"type":"server_tool_use","id":"srv","name":"web_search","input":{"q":1}},
  {"type":"tool_use","id":"toolu_1","name":"wx","input":{"city":"Oslo"}}],
 "stop_reason":"tool_use","stop_sequence":null,"stop_details":null,"container":null,
 "usage":{"input_tokens":30,"cache_creation_input_tokens":100,"cache_read_input_tokens":5,
  "cache_creation":{"ephemeral_5m_input_tokens":100,"ephemeral_1h_input_tokens":0},
  "output_tokens":9,"output_tokens_details":{"thinking_tokens":2},"server_tool_use":null,"service_tier":"standard"}}`

func TestReadAnswer(t *testing.T) {
	got, err := d.ReadAnswer([]byte("\n\n" + message))
	if err != nil {
		t.Fatal(err)
	}
	want := &dialect.Answer{
		ID: "msg_01", Model: "claude-x", Finish: dialect.FinishTools, HasUsage: true,
		Usage: fairlead.Usage{Input: 30, CacheWrite: 100, CacheRead: 5, Output: 9, Reasoning: 2},
		Parts: []dialect.Part{
			{Kind: dialect.PartThinking, Text: "hm", Signature: "Ep"},
			{Kind: dialect.PartRedacted, Data: "r3d"},
			textPart("It is"),
			{Kind: dialect.PartToolUse, ID: "toolu_1", Name: "wx", Input: json.RawMessage(`{"city":"Oslo"}`)},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestReadAnswerStops(t *testing.T) {
	cases := []struct {
		members  string
		finish   dialect.Finish
		sequence string
		refusal  string
	}{
		{`"stop_reason":"end_turn"`, dialect.FinishStop, "", ""},
		{`"stop_reason":"stop_sequence","stop_sequence":"END"`, dialect.FinishStop, "END", ""},
		{`"stop_reason":"pause_turn"`, dialect.FinishStop, "", ""},
		{`"stop_reason":"max_tokens"`, dialect.FinishLength, "", ""},
		{`"stop_reason":"model_context_window_exceeded"`, dialect.FinishLength, "", ""},
		{`"stop_reason":"refusal"`, dialect.FinishFilter, "", ""},
		{`"stop_reason":"refusal","stop_details":{"type":"refusal","explanation":"no"}`, dialect.FinishFilter, "", "no"},
		{`"stop_reason":"novelty"`, dialect.FinishUnknown, "", ""},
	}
	for _, c := range cases {
		a, err := d.ReadAnswer([]byte(`{"type":"message","content":[],` + c.members + `}`))
		if err != nil {
			t.Errorf("%s: %v", c.members, err)
			continue
		}
		refusal := ""
		for _, p := range a.Parts {
			refusal += p.Text
		}
		if a.Finish != c.finish || a.StopSequence != c.sequence || refusal != c.refusal || a.HasUsage {
			t.Errorf("%s: got %+v", c.members, a)
		}
	}
}

// answersThatAreNone has a line for each 200 body that is no answer; status is that of a fault.
var answersThatAreNone = []struct {
	body   string
	fault  bool
	status int
	typ    string
}{
	{`{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, true, 529, "overloaded_error"},
	{`{"type":"error","error":{"type":"novel_error","message":"x"}}`, true, 0, "novel_error"},
	{`{"error":{"code":429,"message":"slow"}}`, true, 429, ""},
	{`{"error":"gone"}`, true, 0, ""},
	{`{"content":[{"type":"text","text":"hal"}],"stop_reason":"error"}`, true, 502, "stop_reason"},
	{`{"type":"message"}`, false, 0, ""},
	{`{"type":"message","content":"text"}`, false, 0, ""},
	{`{"content":[`, false, 0, ""},
	{`<html>`, false, 0, ""},
	{``, false, 0, ""},
	{`[]`, false, 0, ""},
}

// TestHalfAnswers holds that a message without a reason to stop is no answer.
func TestHalfAnswers(t *testing.T) {
	for _, members := range []string{``, `,"stop_reason":null`, `,"stop_reason":""`} {
		body := []byte(`{"type":"message","content":[{"type":"text","text":"hal"}]` + members + `}`)
		var f *dialect.Fault
		if _, err := d.ReadAnswer(body); err == nil || errors.As(err, &f) {
			t.Errorf("%s: got %v, want a malformed answer", body, err)
		}
		if got, err := d.Inspect(fairlead.OpChat, body, new(jsonscan.Object)); err == nil || errors.As(err, &f) {
			t.Errorf("%s: Inspect gives %+v, %v; want a malformed answer", body, got, err)
		}
	}
}

func TestReadUsage(t *testing.T) {
	const most = 1 << 40
	for _, c := range []struct {
		usage string
		want  fairlead.Usage
		ok    bool
	}{
		{`{"input_tokens":30,"cache_creation_input_tokens":100,"cache_read_input_tokens":5,"output_tokens":9}`, fairlead.Usage{Input: 30, CacheWrite: 100, CacheRead: 5, Output: 9}, true},
		{`{"input_tokens":9223372036854775807,"cache_creation_input_tokens":9223372036854775807,"cache_read_input_tokens":9223372036854775808,"output_tokens":1e300,"output_tokens_details":{"thinking_tokens":9223372036854775807}}`, fairlead.Usage{Input: most, CacheWrite: most, CacheRead: most, Output: most, Reasoning: most}, true},
		{`{"input_tokens":-5,"output_tokens":9.7}`, fairlead.Usage{Output: 9}, true},
		{`{"input_tokens":-5.5}`, fairlead.Usage{}, false},
		{`{"output_tokens":0}`, fairlead.Usage{}, true},
		{`{}`, fairlead.Usage{}, false},
		{`null`, fairlead.Usage{}, false},
		{`{"input_tokens":3,"output`, fairlead.Usage{Input: 3}, true},
		{``, fairlead.Usage{}, false},
	} {
		got, ok := d.ReadUsage(jsonscan.Value(c.usage))
		if got != c.want || ok != c.ok {
			t.Errorf("%s: got %+v, %v; want %+v, %v", c.usage, got, ok, c.want, c.ok)
		}
		if got.Total() < 0 || got.Prompt() < 0 {
			t.Errorf("%s: the sums are negative", c.usage)
		}
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	for _, c := range answersThatAreNone {
		_, err := d.ReadAnswer([]byte(c.body))
		_, inspected := d.Inspect(fairlead.OpChat, []byte(c.body), new(jsonscan.Object))
		for _, err := range []error{err, inspected} {
			var f *dialect.Fault
			if err == nil || errors.As(err, &f) != c.fault {
				t.Errorf("%s: got %v", c.body, err)
			} else if f != nil && (f.Status != c.status || f.Type != c.typ) {
				t.Errorf("%s: got %+v", c.body, f)
			}
		}
	}
}

func TestWriteAnswer(t *testing.T) {
	const usage = `"usage":{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}`
	const plain = `"type":"message","role":"assistant","model":"up","stop_sequence":null,"stop_details":null,` + usage
	call := func(id string) dialect.Part {
		return dialect.Part{Kind: dialect.PartToolUse, ID: id, Name: "f", Input: json.RawMessage(`{"a":1}`)}
	}
	cases := []struct {
		name string
		in   dialect.Answer
		want string
	}{
		{
			"text",
			dialect.Answer{ID: "msg_1", Parts: []dialect.Part{textPart("a"), textPart("")}, Finish: dialect.FinishStop},
			`{"id":"msg_1","content":[{"type":"text","text":"a"}],"stop_reason":"end_turn",` + plain + `}`,
		},
		{
			"length",
			dialect.Answer{ID: "chatcmpl-1", Finish: dialect.FinishLength},
			`{"id":"msg_chatcmpl-1","content":[],"stop_reason":"max_tokens",` + plain + `}`,
		},
		{
			"unknown reason",
			dialect.Answer{ID: "msg_1"},
			`{"id":"msg_1","content":[],"stop_reason":"end_turn",` + plain + `}`,
		},
		{
			"thinking",
			dialect.Answer{ID: "msg_1", Finish: dialect.FinishStop, Parts: []dialect.Part{
				{Kind: dialect.PartThinking, Text: "hm"}, {Kind: dialect.PartThinking, Signature: "s"}, {Kind: dialect.PartRedacted, Data: "r"},
			}},
			`{"id":"msg_1","content":[{"type":"thinking","thinking":"hm","signature":""},{"type":"thinking","thinking":"","signature":"s"},
			  {"type":"redacted_thinking","data":"r"}],"stop_reason":"end_turn",` + plain + `}`,
		},
		{
			"calls, with foreign and missing ids, of a provider that says stop",
			dialect.Answer{ID: "x 1", Finish: dialect.FinishStop, Parts: []dialect.Part{call("call_1"), call("call:1"), call("")}},
			`{"id":"msg_x 1","content":[{"type":"tool_use","id":"call_1","name":"f","input":{"a":1}},
			  {"type":"tool_use","id":"flx_Y2FsbDox","name":"f","input":{"a":1}},
			  {"type":"tool_use","id":"flx_dG9vbHVfeCAxXzI","name":"f","input":{"a":1}}],"stop_reason":"tool_use",` + plain + `}`,
		},
		{
			"call without input",
			dialect.Answer{ID: "msg_1", Finish: dialect.FinishTools, Parts: []dialect.Part{{Kind: dialect.PartToolUse, Name: "f"}}},
			`{"id":"msg_1","content":[{"type":"tool_use","id":"toolu_1_0","name":"f","input":{}}],"stop_reason":"tool_use",` + plain + `}`,
		},
		{
			"cut call",
			dialect.Answer{ID: "msg_1", Finish: dialect.FinishLength, Parts: []dialect.Part{call("a")}},
			`{"id":"msg_1","content":[{"type":"tool_use","id":"a","name":"f","input":{"a":1}}],"stop_reason":"max_tokens",` + plain + `}`,
		},
		{
			"stop sequence and usage",
			dialect.Answer{
				ID: "msg_1", Finish: dialect.FinishStop, StopSequence: "END", HasUsage: true,
				Usage: fairlead.Usage{Input: 1, CacheRead: 2, CacheWrite: 3, Output: 4, Reasoning: 2},
			},
			`{"id":"msg_1","content":[],"stop_reason":"stop_sequence","stop_sequence":"END","stop_details":null,"type":"message","role":"assistant","model":"up",
			  "usage":{"input_tokens":1,"cache_creation_input_tokens":3,"cache_read_input_tokens":2,"output_tokens":4,"output_tokens_details":{"thinking_tokens":2}}}`,
		},
		{
			"refusal",
			dialect.Answer{ID: "msg_1", Finish: dialect.FinishStop, Parts: []dialect.Part{{Kind: dialect.PartRefusal, Text: "no"}}},
			`{"id":"msg_1","content":[{"type":"text","text":"no"}],"stop_reason":"refusal","stop_sequence":null,
			  "stop_details":{"type":"refusal","category":null,"explanation":null},"type":"message","role":"assistant","model":"up",` + usage + `}`,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.in.Model = "up"
			sameJSON(t, d.WriteAnswer(&c.in), c.want)
		})
	}
}

func TestInspect(t *testing.T) {
	cases := []struct {
		name string
		op   fairlead.Operation
		body string
		want dialect.Inspection
	}{
		{"message", fairlead.OpChat, message, dialect.Inspection{
			Usage: fairlead.Usage{Input: 30, CacheWrite: 100, CacheRead: 5, Output: 9, Reasoning: 2}, HasUsage: true,
			Bytes: len(`hmIt is{"q":1}{"city":"Oslo"}`),
		}},
		{"empty", fairlead.OpChat, `{"content":[{"type":"text","text":""}],"stop_reason":"end_turn"}`, dialect.Inspection{Empty: true, Silent: true}},
		{"refused", fairlead.OpChat, `{"content":[],"stop_reason":"refusal"}`, dialect.Inspection{Silent: true}},
		{"cache warmed", fairlead.OpChat, `{"content":[],"stop_reason":"max_tokens"}`, dialect.Inspection{}},
		{"redacted", fairlead.OpChat, `{"content":[{"type":"redacted_thinking","data":"r"}],"stop_reason":"end_turn"}`, dialect.Inspection{}},
		{"count", fairlead.OpCountTokens, `{"input_tokens":12}`, dialect.Inspection{HasUsage: true}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := d.Inspect(c.op, []byte(c.body), new(jsonscan.Object))
			if err != nil || got != c.want {
				t.Errorf("got %+v, %v, want %+v", got, err, c.want)
			}
		})
	}
	for _, body := range []string{`{}`, `{"input_tokens":"1"}`, `{"input_tokens":-1}`, `[1]`, ``} {
		if _, err := d.Inspect(fairlead.OpCountTokens, []byte(body), new(jsonscan.Object)); err == nil {
			t.Errorf("%q passed for a count of tokens", body)
		}
	}
	var f *dialect.Fault
	_, err := d.Inspect(fairlead.OpCountTokens, []byte(`{"type":"error","error":{"type":"rate_limit_error"}}`), new(jsonscan.Object))
	if !errors.As(err, &f) || f.Status != 429 {
		t.Errorf("got %v, want the fault", err)
	}
}
