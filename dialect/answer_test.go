package dialect_test

import (
	"strings"
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

// TestFaultIsFitForLogs holds that a fault's error has none of the provider's words: they may quote a prompt.
func TestFaultIsFitForLogs(t *testing.T) {
	f := &dialect.Fault{Status: 400, Type: "t", Code: "c", Message: "the prompt", Param: "p"}
	if s := f.Error(); strings.Contains(s, "prompt") || s != "provider error t (c)" {
		t.Errorf("got %q", s)
	}
	if s := (&dialect.Fault{Type: "t", Code: "t"}).Error(); s != "provider error t" {
		t.Errorf("got %q", s)
	}
}
