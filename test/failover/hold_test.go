package failover_test

import (
	"net/http"
	"strings"
	"testing"

	"fairlead/internal/fakellm"
)

// TestHold holds that each want refuses what it is against: a want that everything meets proves nothing.
func TestHold(t *testing.T) {
	p := &play{says: "seed=7,tokens=24,size=4"}
	whole := fakellm.Text(7, 24, 4)
	varying := &play{says: "vary,tokens=24,size=4"}
	take, _ := fakellm.Take("[take 0000002a]", 24, 4)
	good := func() *answer {
		return &answer{
			status: 200, end: "proper", finish: "stop", text: whole, model: "chat", in: 4, out: 24, hasUsage: true,
			header: http.Header{"X-Fairlead-Endpoint": {"play/chat@p1"}, "X-Should-Retry": {"false"}},
		}
	}
	with := func(change func(*answer)) *answer {
		a := good()
		change(a)
		return a
	}
	for _, c := range []struct {
		play   *play
		want   string
		value  string
		answer *answer
		holds  bool
	}{
		{p, "status", "200", good(), true},
		{p, "status", "502", good(), false},
		{p, "end", "proper", good(), true},
		{p, "end", "error", good(), false},
		{p, "model", "chat", good(), true},
		{p, "model", "spare", good(), false},
		{p, "answered", "chat@p1", good(), true},
		{p, "answered", "chat@p2", good(), false},
		{p, "should-retry", "false", good(), true},
		{p, "should-retry", "unsaid", good(), false},
		{p, "retry-after", "no", good(), true},
		{p, "retry-after", "yes", good(), false},
		{p, "header", "X-Should-Retry false", good(), true},
		{p, "header", "X-Should-Retry true", good(), false},
		{p, "tells", "play/chat@p1: connect", good(), false},
		{p, "tells", "connect", with(func(a *answer) { a.message = "all failed: connect" }), true},
		{p, "reasoning", "some", good(), false},
		{p, "usage", "4 24", good(), true},
		{p, "usage", "4 20..30", good(), true},
		{p, "usage", "4 25", good(), false},
		{p, "usage", "5 24", good(), false},
		{p, "usage", "4", good(), false},
		{p, "text", "whole", good(), true},
		{p, "text", "whole", with(func(a *answer) { a.text += " " }), false},
		{p, "text", "whole", with(func(a *answer) { a.text = whole[:40] + whole[41:] }), false},
		{p, "text", "whole", with(func(a *answer) { a.text = whole[:40] + whole[39:] }), false},
		{p, "text", "none", good(), false},
		{p, "text", "begins", good(), false},
		{p, "text", "begins", with(func(a *answer) { a.text = whole[:40] }), true},
		{p, "text", "begins 10", with(func(a *answer) { a.text = whole[:40] }), true},
		{p, "text", "begins 10", with(func(a *answer) { a.text = whole[:44] }), false},
		{varying, "text", "whole", with(func(a *answer) { a.text = take }), true},
		{varying, "text", "whole", with(func(a *answer) { a.text = take[:60] + "[take 0000002b]" }), false},
		{varying, "text", "whole", good(), false},
		{p, "honest", "", good(), true},
		{p, "honest", "", with(func(a *answer) { a.text = whole[:40] }), false},
		{p, "honest", "", with(func(a *answer) { a.text, a.end = whole[:40], "error" }), true},
		{p, "honest", "", with(func(a *answer) { a.text, a.end = whole[:40], "none" }), false},
		{p, "honest", "", with(func(a *answer) { a.text, a.end = "x"+whole[:40], "error" }), false},
		{p, "honest", "", with(func(a *answer) { a.finish = "length" }), false},
		{p, "tool", "none", good(), true},
		{p, "tool", "whole", good(), false},
		{p, "tool", "whole", with(func(a *answer) { a.calls = []call{{"weather", `{"a":1}`}} }), true},
		{p, "tool", "whole", with(func(a *answer) { a.calls = []call{{"weather", `{"a":`}} }), false},
		{p, "tool", "part", with(func(a *answer) { a.calls = []call{{"weather", `{"a":`}} }), true},
	} {
		problem := c.play.hold(c.answer, want{c.want, c.value})
		if (problem == "") != c.holds {
			t.Errorf("want %s: %s of %.60q: holds is %v: %s", c.want, c.value, c.answer.text, !c.holds, problem)
		}
	}
	if _, known := answerWants["text"]; !known || strings.Count(whole, " ") != 23 {
		t.Error("the texts of these cases are others")
	}
}

// TestHoldContinued holds the want that is read from frames and the trailer.
func TestHoldContinued(t *testing.T) {
	for _, c := range []struct {
		value  string
		answer *answer
		holds  bool
	}{
		{"no", &answer{end: "proper"}, true},
		{"chat@p2:prefill", &answer{end: "proper"}, false},
		{"chat@p2:prefill", goneOn("play/chat@p2"), true},
		{"chat@p2:prefill", goneOn(""), false},
		{"chat@p2:anchor", goneOn("play/chat@p2"), false},
		{"no", goneOn("play/chat@p2"), false},
	} {
		if problem := new(play).hold(c.answer, want{"continued", c.value}); (problem == "") != c.holds {
			t.Errorf("want continued: %s of %q and %v: holds is %v: %s", c.value, c.answer.raw, c.answer.trailer, !c.holds, problem)
		}
	}
}

// goneOn is an answer that says in its last frame, and with a trailer, who went on with it.
func goneOn(trailer string) *answer {
	return &answer{
		end:     "proper",
		raw:     `data: {"fairlead":{"continued":[{"endpoint":"play/chat@p2","method":"prefill"}]}}` + "\n\n",
		trailer: http.Header{"X-Fairlead-Continued": {trailer}},
	}
}
