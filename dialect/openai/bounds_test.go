package openai_test

import (
	"strconv"
	"strings"
	"testing"

	"fairlead"
	"fairlead/dialect/openai"
	"fairlead/internal/jsonscan"
)

// list is a JSON array of n elements.
func list(n int, element string) string {
	return "[" + strings.TrimSuffix(strings.Repeat(element+",", n), ",") + "]"
}

// TestReadRequestBoundsLists holds that the lists beside the messages are bounded too.
func TestReadRequestBoundsLists(t *testing.T) {
	const hello = `{"model":"m","messages":[{"role":"user","content":"hi"}],`
	for _, c := range []struct{ body, param string }{
		{hello + `"stop":` + list(1025, `"a"`) + `}`, "stop[1024]"},
		{hello + `"stop":` + list(1024, `"a"`) + `}`, ""},
		{hello + `"tools":` + list(10_001, `{"type":"function","function":{"name":"f"}}`) + `}`, "tools[10000]"},
		{hello + `"tools":` + list(10_000, `{"type":"function","function":{"name":"f"}}`) + `}`, ""},
		{hello + `"functions":` + list(10_001, `{"name":"f"}`) + `}`, "functions[10000]"},
		{`{"model":"m","messages":[{"role":"user","content":"hi"},{"role":"assistant","content":` + list(60_000, `{"type":"text","text":"a"}`) +
			`,"tool_calls":` + list(60_000, `{"id":"1","function":{"name":"f"}}`) + `}]}`, "messages[1].tool_calls[40000]"},
	} {
		_, err := openai.New().ReadRequest([]byte(c.body))
		if got := paramOf(err); got != c.param || (err != nil && !strings.Contains(err.Error(), string(fairlead.CodeInvalidRequest))) {
			t.Errorf("%.60s: got param %q (%v), want %q", c.body, got, err, c.param)
		}
	}
}

func TestReadAnswerBoundsParts(t *testing.T) {
	for _, message := range []string{
		`{"tool_calls":` + list(100_001, `{"function":{"name":"f"}}`) + `}`,
		`{"content":` + list(100_001, `{"type":"thinking"}`) + `}`,
		`{"content":"hi","reasoning_details":` + list(100_002, `{"type":"reasoning.encrypted","data":"x"}`) + `}`,
	} {
		if _, err := openai.New().ReadAnswer([]byte(answerWith(message))); err == nil {
			t.Errorf("an answer of more than 100,000 parts is read: %.60s", message)
		}
	}
}

// TestDecoderBoundsCalls holds that what a decoder remembers of tool calls is bounded together: their
// ids, and the arguments that come before their names.
func TestDecoderBoundsCalls(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	for _, c := range []struct{ name, call string }{
		{"ids", `"id":"` + long + `","function":{"name":"f"}`},
		{"ids without names", `"id":"` + long + `","function":{"arguments":"{"}`},
	} {
		var stream strings.Builder
		for i := range 1000 {
			stream.WriteString(chunk(`{"tool_calls":[{"index":`+strconv.Itoa(i)+`,`+c.call+`}]}`, ""))
		}
		if _, _, err := decode(stream.String()); err == nil {
			t.Errorf("%s: a thousand of 100,000 bytes are remembered", c.name)
		}
	}
}

// TestManyChoices holds that as many choices as a caller asks for make no answer malformed, whole or streamed,
// and that a stream is complete once each of them has ended.
func TestManyChoices(t *testing.T) {
	for _, n := range []int{1, 128, 129, 200, 4096, 4097, 5000} {
		whole := strings.NewReplacer("#", `{"index":0,"message":{"content":"a"},"finish_reason":"stop"}`)
		body := whole.Replace(`{"choices":` + list(n, "#") + `}`)
		var scratch jsonscan.Object
		if _, err := openai.New().Inspect(fairlead.OpChat, []byte(body), &scratch); err != nil {
			t.Errorf("%d whole: %v", n, err)
		}
		if _, err := openai.New().ReadAnswer([]byte(body)); err != nil {
			t.Errorf("%d read: %v", n, err)
		}
		w := openai.New().NewWatcher(fairlead.OpCompletions)
		for _, c := range []struct {
			choice string
			whole  bool
		}{{`"text":"a","finish_reason":null`, false}, {`"text":"","finish_reason":"stop"`, true}} {
			for i := range n {
				if _, err := w.Watch(oneFrame(t, data(`{"choices":[{"index":`+strconv.Itoa(i)+`,`+c.choice+`}]}`))); err != nil {
					t.Fatalf("%d streamed: %v", n, err)
				}
				if last := i == n-1 || i >= 4096; w.Complete() != (c.whole && last) {
					t.Fatalf("%d streamed, choice %d: complete is %v", n, i, w.Complete())
				}
			}
		}
	}
}
