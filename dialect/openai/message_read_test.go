package openai_test

import (
	"reflect"
	"strings"
	"testing"

	"fairlead/dialect"
	"fairlead/dialect/openai"
)

func user(parts ...dialect.Part) dialect.Message {
	return dialect.Message{Role: dialect.User, Parts: parts}
}

func assistant(parts ...dialect.Part) dialect.Message {
	return dialect.Message{Role: dialect.Assistant, Parts: parts}
}

func image(p dialect.Part) dialect.Part {
	p.Kind = dialect.PartImage
	return p
}

func thought(text, signature string) dialect.Part {
	return dialect.Part{Kind: dialect.PartThinking, Text: text, Signature: signature}
}

var redacted = dialect.Part{Kind: dialect.PartRedacted, Data: "x"}

func TestReadMessages(t *testing.T) {
	for _, c := range readMessagesCases {
		t.Run(c.name, func(t *testing.T) {
			r, err := read(`"messages":` + c.messages)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(r.System, c.system) || !reflect.DeepEqual(r.Messages, c.want) {
				t.Errorf("got\n%+v\n%+v\nwant\n%+v\n%+v", r.System, r.Messages, c.system, c.want)
			}
		})
	}
}

var readMessagesCases = []struct {
	name, messages string
	system         []dialect.Part
	want           []dialect.Message
}{
	{
		"system anywhere", `[{"role":"developer","content":"a"},{"role":"user","content":"u"},{"role":"system","content":[{"type":"text","text":"b"},{"type":"text","text":""}]}]`,
		[]dialect.Part{said("a"), said("b")},
		[]dialect.Message{user(said("u"))},
	},
	{
		"neighbours merge", `[{"role":"user","content":"a","name":"Ann"},{"role":"user","content":[{"type":"text","text":"b"}]},{"role":"assistant","content":""},{"role":"user","content":"c"}]`,
		nil,
		[]dialect.Message{user(said("a"), said("b"), said("c"))},
	},
	{
		"results before text", `[{"role":"user","content":"q"},{"role":"assistant","content":null,"tool_calls":[` +
			`{"id":"1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},{"id":"2","function":{"name":"g","arguments":""}}]},` +
			`{"role":"tool","tool_call_id":"1","content":"one"},{"role":"user","content":"hm"},{"role":"tool","tool_call_id":"2","content":[{"type":"text","text":"two"}]}]`,
		nil,
		[]dialect.Message{
			user(said("q")),
			assistant(use("1", "f", `{"a":1}`), use("2", "g", `{}`)),
			user(result("1", said("one")), result("2", said("two")), said("hm")),
		},
	},
	{
		"legacy calls", `[{"role":"user","content":"q"},{"role":"assistant","content":null,"function_call":{"name":"f","arguments":" {} "}},{"role":"function","name":"f","content":"r"},` +
			`{"role":"assistant","function_call":{"name":"g","arguments":"null"}},{"role":"function","name":"g","content":null}]`,
		nil,
		[]dialect.Message{
			user(said("q")),
			assistant(use("call_function_1", "f", `{}`)), user(result("call_function_1", said("r"))),
			assistant(use("call_function_2", "g", `{}`)), user(result("call_function_2")),
		},
	},
	{
		"an object as arguments", `[{"role":"assistant","tool_calls":[{"id":"1","function":{"name":"f","arguments":{"a":1}}}]}]`,
		nil,
		[]dialect.Message{assistant(use("1", "f", `{"a":1}`))},
	},
	{
		"refusals", `[{"role":"assistant","content":[{"type":"text","text":"t"},{"type":"refusal","refusal":"no"}],"refusal":"never"}]`,
		nil,
		[]dialect.Message{assistant(said("t"), dialect.Part{Kind: dialect.PartRefusal, Text: "no"}, dialect.Part{Kind: dialect.PartRefusal, Text: "never"})},
	},
	{
		"images and files", `[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/PNG;base64,QUJD","detail":"high"}},` +
			`{"type":"image_url","image_url":{"url":"HTTPS://x/y.png"},"cache_control":{"type":"ephemeral"}},` +
			`{"type":"file","file":{"filename":"a.PDF","file_data":"JVBE"}},{"type":"file","file":{"file_data":"data:application/pdf;name=a;base64,JVBE"}},` +
			`{"type":"file","file":{"filename":"a","file_data":"https://x/a.pdf"}},{"type":"input_audio","input_audio":{"data":"QQ==","format":"mp3"}}]}]`,
		nil,
		[]dialect.Message{user(
			image(dialect.Part{MediaType: "image/png", Data: "QUJD", Detail: "high"}),
			image(dialect.Part{URL: "HTTPS://x/y.png", Cache: []byte(`{"type":"ephemeral"}`)}),
			dialect.Part{Kind: dialect.PartFile, MediaType: "application/pdf", Data: "JVBE", Name: "a.PDF"},
			dialect.Part{Kind: dialect.PartFile, MediaType: "application/pdf", Data: "JVBE"},
			dialect.Part{Kind: dialect.PartFile, URL: "https://x/a.pdf", Name: "a"},
			dialect.Part{Kind: dialect.PartAudio, MediaType: "audio/mp3", Data: "QQ=="},
		)},
	},
	{
		"plain reasoning", `[{"role":"assistant","content":"t","reasoning_content":"hm"}]`,
		nil,
		[]dialect.Message{assistant(thought("hm", ""), said("t"))},
	},
	{
		"reasoning in details goes before plain", `[{"role":"assistant","content":"t","reasoning":"hmso","reasoning_details":[` +
			`{"type":"reasoning.text","text":"hm","signature":"s1","index":0},{"type":"reasoning.encrypted","data":"x","index":1},{"type":"reasoning.text","text":"so","signature":"s2","index":2},{"type":"new"}]}]`,
		nil,
		[]dialect.Message{assistant(thought("hm", "s1"), redacted, thought("so", "s2"), said("t"))},
	},
	{
		"fragments of reasoning", `[{"role":"assistant","content":"t","reasoning_details":[{"type":"reasoning.text","text":"h","index":0},{"type":"reasoning.text","text":"m","index":0},` +
			`{"type":"reasoning.text","signature":"s","index":0},{"type":"reasoning.text","text":"so","index":1},{"type":"reasoning.summary","summary":"!","index":2}]}]`,
		nil,
		[]dialect.Message{assistant(thought("hm", "s"), thought("so", ""), thought("!", ""), said("t"))},
	},
	{
		"a signature whose text is plain", `[{"role":"assistant","content":"t","reasoning":"hm","reasoning_details":[{"type":"reasoning.encrypted","data":"x"},{"type":"reasoning.text","signature":"s"}]}]`,
		nil,
		[]dialect.Message{assistant(redacted, thought("hm", "s"), said("t"))},
	},
}

// TestReadMessagesManySmall holds that what is put together from very many pieces stays whole. It
// ends soon only because the work grows with the number of pieces and not with its square: a caller must
// not be able to buy minutes of processor time with one body.
func TestReadMessagesManySmall(t *testing.T) {
	const n = 20_000
	body := `"messages":[{"role":"assistant","reasoning_details":[` + strings.Repeat(`{"type":"reasoning.text","text":"h"},`, n) + `{"type":"reasoning.text","signature":"s"}]}` +
		strings.Repeat(`,{"role":"user","content":"u"}`, n) + strings.Repeat(`,{"role":"tool","tool_call_id":"1","content":""}`, n) + `]`
	r, err := read(body)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Messages) != 2 || len(r.Messages[0].Parts) != 1 || len(r.Messages[0].Parts[0].Text) != n || len(r.Messages[1].Parts) != 2*n {
		t.Fatalf("got %d messages", len(r.Messages))
	}
	for i, p := range r.Messages[1].Parts {
		if (p.Kind == dialect.PartToolResult) != (i < n) {
			t.Fatalf("part %d is of kind %d", i, p.Kind)
		}
	}
	if _, err := openai.New().WriteRequest(r, dialect.Target{Model: "up"}); err != nil {
		t.Fatal(err)
	}
}

func TestReadMessagesTooMany(t *testing.T) {
	many := func(s string) string { return strings.TrimSuffix(strings.Repeat(s+",", 100_001), ",") }
	for name, messages := range map[string]string{
		"messages[100000]":    many(`{"role":"user","content":"u"}`),
		"messages[0].content": `{"role":"user","content":[` + many(`{"type":"text","text":"u"}`) + `]}`,
		"messages[0]":         `{"role":"assistant","reasoning_details":[` + many(`{"type":"reasoning.encrypted","data":""}`) + `]}`,
	} {
		if _, err := read(`"messages":[` + messages + `]`); !strings.HasPrefix(paramOf(err), name) {
			t.Errorf("%s: got %v at %q", name, err, paramOf(err))
		}
	}
}
