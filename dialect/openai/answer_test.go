package openai_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"fairlead"
	"fairlead/dialect"
	"fairlead/dialect/openai"
	"fairlead/internal/jsonscan"
)

// answerWith is a whole answer with a message and more members of its choice.
func answerWith(message string) string {
	return `{"id":"chatcmpl-1","created":5,"model":"up","choices":[{"index":0,"finish_reason":"stop","message":` + message + `}]}`
}

func TestReadAnswerQuirks(t *testing.T) {
	thought := dialect.Part{Kind: dialect.PartThinking, Text: "hm"}
	for _, c := range []struct {
		name, body string
		finish     dialect.Finish
		parts      []dialect.Part
	}{
		{"blank lines first", "\n\n \r\n" + answerWith(`{"content":"hi"}`), dialect.FinishStop, []dialect.Part{said("hi")}},
		{"reasoning_content", answerWith(`{"content":"hi","reasoning_content":"hm"}`), dialect.FinishStop, []dialect.Part{thought, said("hi")}},
		{"both spellings of reasoning", answerWith(`{"content":"hi","reasoning":"hm","reasoning_content":"not"}`), dialect.FinishStop, []dialect.Part{thought, said("hi")}},
		{"one spelling of reasoning empty", answerWith(`{"content":"hi","reasoning_content":"hm","reasoning":""}`), dialect.FinishStop, []dialect.Part{thought, said("hi")}},
		{"the other spelling empty", answerWith(`{"content":"hi","reasoning":"","reasoning_content":"hm"}`), dialect.FinishStop, []dialect.Part{thought, said("hi")}},
		{"Mistral's content", answerWith(`{"content":[{"type":"thinking","thinking":[{"type":"text","text":"h"},{"type":"text","text":"m"}]},{"type":"text","text":"h"},{"type":"text","text":"i"}]}`), dialect.FinishStop, []dialect.Part{thought, said("hi")}},
		{"stop with tool calls", answerWith(`{"content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]}`), dialect.FinishTools, []dialect.Part{use("1", "f", `{}`)}},
		{"calls without ids", answerWith(`{"tool_calls":[{"function":{"name":"f","arguments":{"a":1}}},{"function":{"name":"g"}}]}`), dialect.FinishTools, []dialect.Part{use("call_chatcmpl-1_0", "f", `{"a":1}`), use("call_chatcmpl-1_1", "g", `{}`)}},
		{"arguments cut short", answerWith(`{"tool_calls":[{"id":"1","function":{"name":"f","arguments":"{\"a\":\"b"}}]}`), dialect.FinishTools, []dialect.Part{use("1", "f", `{"INVALID_JSON":"{\"a\":\"b"}`)}},
		{"legacy call", answerWith(`{"content":null,"function_call":{"name":"f","arguments":"{}"}}`), dialect.FinishTools, []dialect.Part{use("call_chatcmpl-1_0", "f", `{}`)}},
		{"a name twice, half a pair", answerWith(`{"content":"a","content":"h\ud83di"}`), dialect.FinishStop, []dialect.Part{said("h\uFFFDi")}},
		{"the lowest index", `{"id":"chatcmpl-1","created":5.7,"model":"up","choices":[{"index":1,"finish_reason":"length","message":{"content":"b"}},{"index":0,"finish_reason":"eos","message":{"content":"a"}}]}`, dialect.FinishStop, []dialect.Part{said("a")}},
		{"a reason that is not known", strings.Replace(answerWith(`{"content":"hi"}`), `"stop"`, `"whim"`, 1), dialect.FinishUnknown, []dialect.Part{said("hi")}},
		{"model_length", strings.Replace(answerWith(`{"content":"hi"}`), `"stop"`, `"model_length"`, 1), dialect.FinishLength, []dialect.Part{said("hi")}},
		{"content_filter", strings.Replace(answerWith(`{"content":"","refusal":"no"}`), `"stop"`, `"content_filter"`, 1), dialect.FinishFilter, []dialect.Part{{Kind: dialect.PartRefusal, Text: "no"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := &dialect.Answer{ID: "chatcmpl-1", Model: "up", Created: 5, Finish: c.finish, Parts: c.parts}
			got, err := openai.New().ReadAnswer([]byte(c.body))
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
			}
		})
	}
}

// TestErrorsIn200 holds that no failure inside a 200 is taken for an answer, by ReadAnswer or by Inspect.
func TestErrorsIn200(t *testing.T) {
	finish := func(reason string) string {
		return strings.Replace(answerWith(`{"content":"half"}`), `"stop"`, `"`+reason+`"`, 1)
	}
	for _, c := range []struct {
		body   string
		op     fairlead.Operation
		status int // of the fault; 0 = malformed
	}{
		{`{"error":{"message":"m","type":"server_error"}}`, fairlead.OpChat, 500},
		{`{"error":{"message":"m","code":429},"choices":[{"message":{"content":"x"}}]}`, fairlead.OpChat, 429},
		{`{"code":"c","error":"rate limit"}`, fairlead.OpChat, -1},
		{`{"success":false,"errors":[{"code":3040,"message":"m"}],"result":null}`, fairlead.OpChat, -1},
		{finish("error"), fairlead.OpChat, 502},
		{finish("ERROR"), fairlead.OpChat, 502},
		{finish("abort"), fairlead.OpChat, 502},
		{finish("TIMEOUT"), fairlead.OpChat, 504},
		{finish("insufficient_system_resource"), fairlead.OpChat, 503},
		{`{"choices":[{"error":{"code":502,"message":"m"},"message":{"content":"x"}}]}`, fairlead.OpChat, 502},
		{`{"choices":[]}`, fairlead.OpChat, 0},
		{`{"choices":null}`, fairlead.OpChat, 0},
		{`{"id":"x"}`, fairlead.OpChat, 0},
		{`{"choices":[{"index":-1,"message":{"content":"x"}}]}`, fairlead.OpChat, 0},
		{`{"choices":[3]}`, fairlead.OpChat, 0},
		{`{"choices":[{"message":{"content":"cut`, fairlead.OpChat, 0},
		{``, fairlead.OpChat, 0},
		{`<html>`, fairlead.OpChat, 0},
		{`{"choices":[]}`, fairlead.OpCompletions, 0},
		{`{"status":"failed","error":{"code":"server_error","message":"m"},"output":[]}`, fairlead.OpResponses, 500},
		{`{"status":"failed","error":null,"output":[]}`, fairlead.OpResponses, -1},
		{`{"status":"completed"}`, fairlead.OpResponses, 0},
		{`{"object":"list"}`, fairlead.OpEmbeddings, 0},
		{`{"results":{}}`, fairlead.OpModerations, 0},
	} {
		_, err := openai.New().Inspect(c.op, []byte(c.body), new(jsonscan.Object))
		checkFault(t, "Inspect of "+c.body, err, c.status)
		if c.op == fairlead.OpChat {
			_, err = openai.New().ReadAnswer([]byte(c.body))
			checkFault(t, "ReadAnswer of "+c.body, err, c.status)
		}
	}
}

// checkFault wants a *dialect.Fault of a status (-1: none known), or for 0 an error that is none.
func checkFault(t *testing.T, what string, err error, status int) {
	t.Helper()
	var f *dialect.Fault
	switch is := errors.As(err, &f); {
	case err == nil:
		t.Errorf("%s: no error", what)
	case is != (status != 0):
		t.Errorf("%s: got %v (a fault: %v)", what, err, is)
	case is && f.Status != max(status, 0):
		t.Errorf("%s: got status %d, want %d", what, f.Status, status)
	}
}

func TestInspect(t *testing.T) {
	usage := fairlead.Usage{Input: 3, Output: 4}
	for _, c := range []struct {
		body string
		op   fairlead.Operation
		want dialect.Inspection
	}{
		{answerWith(`{"content":"héllo"}`), fairlead.OpChat, dialect.Inspection{Bytes: 6}},
		{answerWith(`{"content":"","reasoning":"hm"}`), fairlead.OpChat, dialect.Inspection{Bytes: 2}},
		{answerWith(`{"content":null,"tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}`), fairlead.OpChat, dialect.Inspection{Bytes: 2}},
		{answerWith(`{"content":null,"audio":{"data":"x"}}`), fairlead.OpChat, dialect.Inspection{}},
		{answerWith(`{"content":null}`), fairlead.OpChat, dialect.Inspection{Empty: true, Silent: true}},
		{answerWith(`{"content":"","tool_calls":[]}`), fairlead.OpChat, dialect.Inspection{Empty: true, Silent: true}},
		{`{"choices":[{"message":{"content":"x"},"delta":{"content":"ab"},"finish_reason":"stop"}]}`, fairlead.OpChat, dialect.Inspection{Bytes: 2}},
		{`{"choices":[{"delta":{"content":"ab"},"message":{"content":"x"},"finish_reason":"stop"}]}`, fairlead.OpChat, dialect.Inspection{Bytes: 2}},
		{`{"choices":[{"delta":null,"message":{"content":"\u00e9\n\ud83d\ude00"},"finish_reason":"stop"},{"index":1,"message":null,"finish_reason":"stop"}]}`, fairlead.OpChat, dialect.Inspection{Bytes: 7}},
		{`{"choices":[{"text":""}]}`, fairlead.OpCompletions, dialect.Inspection{Empty: true, Silent: true}},
		{`{"choices":[{"message":{"content":""},"finish_reason":"length"}]}`, fairlead.OpChat, dialect.Inspection{}},
		{`{"choices":[{"text":"abc","finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4}}`, fairlead.OpCompletions, dialect.Inspection{Bytes: 3, Usage: usage, HasUsage: true}},
		{`{"choices":[{"text":"","finish_reason":"stop"}]}`, fairlead.OpCompletions, dialect.Inspection{Empty: true, Silent: true}},
		{
			`{"status":"completed","error":null,"output":[{"type":"reasoning","summary":[{"text":"hm"}]},{"type":"message","content":[{"type":"output_text","text":"hi"},{"type":"refusal","refusal":"no"}]},` +
				`{"type":"function_call","arguments":"{}"}],"usage":{"input_tokens":3,"output_tokens":4}}`,
			fairlead.OpResponses,
			dialect.Inspection{Bytes: 8, Usage: usage, HasUsage: true},
		},
		{`{"status":"completed","output":[]}`, fairlead.OpResponses, dialect.Inspection{Empty: true, Silent: true}},
		{`{"status":"incomplete","output":[]}`, fairlead.OpResponses, dialect.Inspection{Silent: true}},
		{`{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"output":[{"type":"reasoning","summary":[]}]}`, fairlead.OpResponses, dialect.Inspection{}},
		{`{"status":"incomplete","incomplete_details":{"reason":"content_filter"},"output":[{"type":"message","content":[]}]}`, fairlead.OpResponses, dialect.Inspection{Silent: true}},
		{`{"status":"completed","output":[{"type":"reasoning","encrypted_content":"x"}]}`, fairlead.OpResponses, dialect.Inspection{}},
		{`{"status":"completed","output":[{"type":"function_call"}]}`, fairlead.OpResponses, dialect.Inspection{}},
		{`{"choices":[{"message":{"content":""},"finish_reason":"content_filter"}]}`, fairlead.OpChat, dialect.Inspection{Silent: true}},
		{`{"data":[{"embedding":[0.5]}],"usage":{"prompt_tokens":3,"total_tokens":3}}`, fairlead.OpEmbeddings, dialect.Inspection{Usage: fairlead.Usage{Input: 3}, HasUsage: true}},
		{`{"results":[{"flagged":false}]}`, fairlead.OpModerations, dialect.Inspection{}},
	} {
		if got, err := openai.New().Inspect(c.op, []byte(c.body), new(jsonscan.Object)); err != nil || got != c.want {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", c.body, got, err, c.want)
		}
	}
}

// TestHalfAnswers holds that a chat without a finish_reason is no answer, not even where another choice has
// one, and that nothing else needs one.
func TestHalfAnswers(t *testing.T) {
	for _, reason := range []string{``, `,"finish_reason":null`, `,"finish_reason":""`} {
		body := []byte(`{"choices":[{"index":0,"message":{"content":"hal"}` + reason + `}]}`)
		var f *dialect.Fault
		if _, err := openai.New().ReadAnswer(body); err == nil || errors.As(err, &f) {
			t.Errorf("%s: got %v, want a malformed answer", body, err)
		}
		second := []byte(`{"choices":[{"index":0,"message":{"content":"all"},"finish_reason":"stop"},{"index":1,"message":{"content":"hal"}` + reason + `}]}`)
		for _, body := range [][]byte{body, second} {
			if got, err := openai.New().Inspect(fairlead.OpChat, body, new(jsonscan.Object)); err == nil || errors.As(err, &f) {
				t.Errorf("%s: Inspect gives %+v, %v; want a malformed answer", body, got, err)
			}
		}
		text := []byte(`{"choices":[{"index":0,"text":"hal"` + reason + `}]}`)
		if got, err := openai.New().Inspect(fairlead.OpCompletions, text, new(jsonscan.Object)); err != nil || got.Bytes != 3 {
			t.Errorf("%s: Inspect of completions gives %+v, %v", text, got, err)
		}
	}
}

func TestReadUsage(t *testing.T) {
	for _, c := range []struct {
		usage string
		want  fairlead.Usage
		ok    bool
	}{
		{`{"prompt_tokens":8,"total_tokens":8}`, fairlead.Usage{Input: 8}, true}, // of embeddings
		{`{"input_tokens":7,"output_tokens":3}`, fairlead.Usage{Input: 7, Output: 3}, true},
		{`{"prompt_tokens":9223372036854775807,"completion_tokens":9223372036854775808}`, fairlead.Usage{Input: 1 << 40, Output: 1 << 40}, true},
		{`{"prompt_tokens":3,"completion`, fairlead.Usage{Input: 3}, true},
		{`{}`, fairlead.Usage{}, false},
		{`null`, fairlead.Usage{}, false},
		{``, fairlead.Usage{}, false},
	} {
		if got, ok := openai.New().ReadUsage(jsonscan.Value(c.usage)); got != c.want || ok != c.ok {
			t.Errorf("%s: got %+v, %v; want %+v, %v", c.usage, got, ok, c.want, c.ok)
		}
	}
}

func TestUsage(t *testing.T) {
	for usage, want := range map[string]fairlead.Usage{
		`{"prompt_tokens":20,"completion_tokens":9,"total_tokens":29,"prompt_tokens_details":{"cached_tokens":5,"cache_write_tokens":4,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":3}}`: {Input: 11, CacheRead: 5, CacheWrite: 4, Output: 9, Reasoning: 3},
		`{"prompt_tokens":20,"completion_tokens":9,"prompt_cache_hit_tokens":8,"prompt_cache_miss_tokens":12}`:                                                                                                {Input: 12, CacheRead: 8, Output: 9},
		`{"prompt_tokens":20,"completion_tokens":9,"prompt_tokens_details":null,"completion_tokens_details":{"reasoning_tokens":null}}`:                                                                       {Input: 20, Output: 9},
		`{"prompt_tokens":20.0,"completion_tokens":9.7}`:                                                                                                                                                      {Input: 20, Output: 9},
		`{"prompt_tokens":5,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":9,"cache_write_tokens":9}}`:                                                                                        {CacheRead: 5, Output: 1},
		`{"prompt_tokens":-5,"completion_tokens":1e300}`:                                                                                                                                                      {Output: 1 << 40},
		`{"prompt_tokens":32,"completion_tokens":9,"total_tokens":135,"completion_tokens_details":{"reasoning_tokens":94}}`:                                                                                   {Input: 32, Output: 103, Reasoning: 94},
		`{"prompt_tokens":null,"completion_tokens":4,"total_tokens":10}`:                                                                                                                                      {Input: 6, Output: 4},
		`{"input_tokens":7,"input_tokens_details":{"cached_tokens":2},"output_tokens":3,"output_tokens_details":{"reasoning_tokens":1}}`:                                                                      {Input: 5, CacheRead: 2, Output: 3, Reasoning: 1},
		`{"prompt_tokens":20,"completion_tokens":9,"prompt_tokens_details":{"cached_tokens":5,"audio_tokens":6,"image_tokens":7},"completion_tokens_details":{"reasoning_tokens":3,"audio_tokens":4}}`:        {Input: 15, CacheRead: 5, Output: 9, Reasoning: 3, AudioInput: 6, AudioOutput: 4, ImageInput: 7},
		`{"prompt_tokens":20,"completion_tokens":9,"prompt_tokens_details":{"cached_tokens":15,"audio_tokens":600,"image_tokens":700},"completion_tokens_details":{"reasoning_tokens":3,"audio_tokens":400}}`: {Input: 5, CacheRead: 15, Output: 9, Reasoning: 3, AudioInput: 5, AudioOutput: 6, ImageInput: 20},
		`{"prompt_tokens":1,"completion_tokens":2,"completion_tokens_details":{"reasoning_tokens":5}}`:                                                                                                        {Input: 1, Output: 2, Reasoning: 2},
	} {
		body := strings.TrimSuffix(answerWith(`{"content":"x"}`), "}") + `,"usage":` + usage + `}`
		got, err := openai.New().Inspect(fairlead.OpChat, []byte(body), new(jsonscan.Object))
		if err != nil || !got.HasUsage || got.Usage != want {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", usage, got, err, want)
		}
	}
	for _, usage := range []string{`null`, `{}`, `7`, `{"prompt_tokens":null}`, `{"cost":1}`} {
		body := strings.TrimSuffix(answerWith(`{"content":"x"}`), "}") + `,"usage":` + usage + `}`
		if got, err := openai.New().Inspect(fairlead.OpChat, []byte(body), new(jsonscan.Object)); err != nil || got.HasUsage {
			t.Errorf("%s: got %+v, %v; want no usage", usage, got, err)
		}
	}
}
