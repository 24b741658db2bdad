package dialect_test

import (
	"testing"

	"fairlead/dialect"
)

func TestEventCommits(t *testing.T) {
	for _, c := range []struct {
		event      dialect.Event
		meaningful bool
		bytes      int
	}{
		{dialect.Event{Kind: dialect.EventStart, ID: "a"}, false, 0},
		{dialect.Event{Kind: dialect.EventText}, false, 0},
		{dialect.Event{Kind: dialect.EventText, Text: "é"}, true, 2},
		{dialect.Event{Kind: dialect.EventReasoning, Text: "hm"}, true, 2},
		{dialect.Event{Kind: dialect.EventRefusal, Text: "no"}, true, 2},
		{dialect.Event{Kind: dialect.EventSignature, Text: "s"}, false, 0},
		{dialect.Event{Kind: dialect.EventRedacted, Text: "x"}, true, 0},
		{dialect.Event{Kind: dialect.EventToolStart, Name: "f"}, true, 0},
		{dialect.Event{Kind: dialect.EventToolInput}, false, 0},
		{dialect.Event{Kind: dialect.EventToolInput, Text: "{}"}, true, 2},
		{dialect.Event{Kind: dialect.EventUsage, HasUsage: true}, false, 0},
		{dialect.Event{Kind: dialect.EventFinish, Text: "why"}, true, 0},
		{dialect.Event{Kind: dialect.EventEnd}, true, 0},
	} {
		if c.event.Meaningful() != c.meaningful || c.event.Bytes() != c.bytes {
			t.Errorf("%+v: got %v and %d bytes", c.event, c.event.Meaningful(), c.event.Bytes())
		}
	}
}

// TestFaultIsFitForLogs holds that a fault's error has none of the provider's words but those that are known:
// any other may quote a prompt, one of a single word too.
func TestFaultIsFitForLogs(t *testing.T) {
	for _, c := range []struct {
		fault dialect.Fault
		want  string
	}{
		{dialect.Fault{Status: 400, Type: "rate_limit_error", Code: "slow_down", Message: "the prompt", Param: "p"}, "provider error rate_limit_error (slow_down)"},
		{dialect.Fault{Type: "slow_down", Code: "slow_down"}, "provider error slow_down"},
		{dialect.Fault{Type: "BadRequestError", Code: "400"}, "provider error BadRequestError (400)"},
		{dialect.Fault{Type: "invalid_request_error", Code: "swordfish"}, "provider error invalid_request_error"},
		{dialect.Fault{Type: "swordfish", Code: "overloaded"}, "provider error (overloaded)"},
		{dialect.Fault{Status: 502, Type: "swordfish", Code: "4929123412341234"}, "provider error 502"},
		{dialect.Fault{Type: "swordfish", Code: "007"}, "provider error"},
	} {
		if s := c.fault.Error(); s != c.want {
			t.Errorf("got %q, want %q", s, c.want)
		}
	}
}
