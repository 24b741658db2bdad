package failover_test

import (
	"slices"
	"strings"
	"testing"

	"fairlead"
)

// small is a play to begin cases with; its lines are counted by the cases of TestParseRefuses.
const small = `# nothing goes wrong
provider p1
endpoint chat@p1
ask chat
want status: 200
want attempts: p1/chat
`

var streamed = mode{stream: true, caller: fairlead.OpenAI}

// TestParse holds that lines are for the modes that they name, and what they say.
func TestParse(t *testing.T) {
	text := small + "p1/chat[whole] always: fail=html\np1/chat[streamed openai] 1st: fail=reset\np1/chat[streamed openai] then:\nwant[anthropic] code: x\nwant most p1/chat:prefill: 3\n"
	for _, c := range []struct {
		mode  mode
		does  []string
		wants int
	}{
		{streamed, []string{"fail=reset", ""}, 1},
		{mode{stream: true, caller: fairlead.Anthropic}, nil, 2},
		{mode{caller: fairlead.Anthropic, translated: true}, []string{"fail=html"}, 2},
	} {
		p, err := parse("x", text, c.mode)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(p.does["p1/chat"], c.does) || len(p.wants) != c.wants || p.most["p1/chat:prefill"] != 3 {
			t.Errorf("%s: %+v", c.mode, p)
		}
	}
	if n := len(modes()); n != 8 {
		t.Errorf("%d modes", n)
	}
}

// TestParseRefuses holds that a mistake in a play is told with its line, and none is passed over.
func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ more, says string }{
		{"wants status: 200", `line 7: nothing is called "wants"`},
		{"want statuses: 200", `line 7: nothing that can be wanted`},
		{"want end: properly", "line 7: end is one of"},
		{"want wait two: 1s..2s", "line 7: "},
		{"want wait 2: 1s", "line 7: "},
		{"want pages p1: some", "line 7: "},
		{"want returns: 1", "line 7: nothing that can be wanted"},
		{"want most p1/chat: many", "line 7: "},
		{"want[fast] status: 200", `line 7: no mode is called "fast"`},
		{"provider p2 p3", "line 7: provider takes 1 words"},
		{"endpoint chat@p9", "line 7: "},
		{"endpoint chat@p1", "line 7: endpoint chat@p1 stands twice"},
		{"p1/chat 2nd: fail=html", "line 7: p1/chat: \"2nd\" where attempt 1 is due"},
		{"p1/chat 1st: fail=html", "what it does at last is not said"},
		{"p1/chat then: fail=html", "line 7: "},
		{"p1/chat two times: fail=html", `line 7: p1/chat: "two" is no number of times`},
		{"p1/chat 2 times: fail=htm", "line 7: "},
		{"p1/chat 2 times: fail=html", "what it does at last is not said"},
		{"p1/chat 2 times: fail=html\np1/chat 2nd:", "line 8: p1/chat: \"2nd\" where attempt 3 is due"},
		{"p1/chat always: fail=htm", "line 7: "},
		{"p1/chat always:\np1/chat then:", "line 8: p1/chat has its last behaviour already"},
		{"p9/chat always: fail=html", "line 7: "},
		{"at soon: p1 up", "line 7: "},
		{"at 1s: p1 sideways", "line 7: "},
		{"at 1s: p9 up", "line 7: "},
		{"at 1s:", "line 7: "},
		{"ask chat: loudly", "line 7: no option of ask"},
		{"ask chat: times=x", "line 7: "},
		{"says: tokens=x", "line 7: "},
		{"within: long", "line 7: "},
		{"only: slowly", "line 7: "},
		{": x", "line 7: not of the form"},
	} {
		if _, err := parse("x", small+c.more+"\n", streamed); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: error %v; want one that says %q", c.more, err, c.says)
		}
	}
	for _, c := range []struct{ without, says string }{
		{"endpoint chat@p1\n", "there is no endpoint"},
		{"ask chat\n", "nobody asks"},
		{"want attempts: p1/chat\n", "nothing is wanted"},
	} {
		if _, err := parse("x", strings.Replace(small, c.without, "", 1), streamed); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("without %q: error %v; want one that says %q", c.without, err, c.says)
		}
	}
}

// TestReadersSeeFaults holds that what no proper answer has does not pass unseen.
func TestReadersSeeFaults(t *testing.T) {
	chunk := func(rest string) string {
		return `data: {"id":"a","model":"m","created":1,"choices":[` + rest + "]}\n\n"
	}
	delta := chunk(`{"index":0,"delta":{"content":"x"},"finish_reason":null}`)
	stop := chunk(`{"index":0,"delta":{},"finish_reason":"stop"}`)
	const done = "data: [DONE]\n\n"
	event := func(name, rest string) string {
		return "event: " + name + "\ndata: {\"type\":\"" + name + `"` + rest + "}\n\n"
	}
	start := event("message_start", `,"message":{"id":"a","model":"m","usage":{"input_tokens":4,"output_tokens":1}}`)
	open0, close0 := event("content_block_start", `,"index":0,"content_block":{"type":"text"}`), event("content_block_stop", `,"index":0`)
	said0, reason := event("content_block_delta", `,"index":0,"delta":{"type":"text_delta","text":"x"}`), event("message_delta", `,"delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}`)
	stopped := event("message_stop", "")
	for _, c := range []struct {
		name, text string
		dialect    fairlead.Dialect
		end        string
		odd        int
	}{
		{"whole", delta + stop + done, fairlead.OpenAI, "proper", 0},
		{"cut", delta, fairlead.OpenAI, "none", 0},
		{"no reason", delta + done, fairlead.OpenAI, "proper", 1},
		{"two ends", delta + stop + done + done, fairlead.OpenAI, "proper", 1},
		{"two reasons", delta + stop + stop + done, fairlead.OpenAI, "proper", 1},
		{"content behind the reason", stop + delta + done, fairlead.OpenAI, "proper", 1},
		{"another id", delta + strings.Replace(stop, `"a"`, `"b"`, 1) + done, fairlead.OpenAI, "proper", 1},
		{"an error", delta + "data: {\"error\":{\"message\":\"m\",\"type\":\"t\",\"code\":\"c\"}}\n\n", fairlead.OpenAI, "error", 0},
		{"an error, then the end", delta + "data: {\"error\":{\"message\":\"m\",\"type\":\"t\",\"code\":\"c\"}}\n\n" + done, fairlead.OpenAI, "proper", 2},
		{"no JSON", delta + "data: {\n\n" + stop + done, fairlead.OpenAI, "proper", 1},
		{"no field", delta + "error: x\n\n" + stop + done, fairlead.OpenAI, "proper", 1},
		{"whole", start + open0 + said0 + close0 + reason + stopped, fairlead.Anthropic, "proper", 0},
		{"a block left open", start + open0 + said0 + reason + stopped, fairlead.Anthropic, "proper", 1},
		{"a second start", start + start + open0 + said0 + close0 + reason + stopped, fairlead.Anthropic, "proper", 1},
		{"a block twice", start + open0 + said0 + close0 + open0 + close0 + reason + stopped, fairlead.Anthropic, "proper", 2},
		{"a frame behind the end", start + reason + stopped + stopped, fairlead.Anthropic, "proper", 1},
		{"an error", start + event("error", `,"error":{"message":"m","type":"t","code":"c"}`), fairlead.Anthropic, "error", 0},
	} {
		a := &answer{status: 200}
		a.stream(strings.NewReader(c.text), c.dialect, 0)
		if a.end != c.end || len(a.odd) != c.odd {
			t.Errorf("%s, %s: ends %s, %d strange things: %q", c.dialect, c.name, a.end, len(a.odd), a.odd)
		}
	}
}
