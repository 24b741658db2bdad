package upstream_test

import (
	"strings"
	"testing"

	"fairlead/upstream"
)

// TestPassedOver holds which endpoints an exchange takes down as shut: those whose turn it was, and of which more is known
// than a suspicion. "!" marks an endpoint that is down, "?" one that has just failed twice, "%" one at its limit.
func TestPassedOver(t *testing.T) {
	for _, c := range []struct{ plan, want, shut string }{
		{"ok reset", "ok -> good", ""},
		{"!reset ok", "ok -> good", "reset"},
		{"%429 ok", "ok -> good", "429"},
		{"?reset ok", "ok -> good", ""},
		{"ok !reset", "ok -> good", ""}, // its turn never came
		{"!reset %429 ok 500", "ok -> good", "reset 429"},
		{"503 !reset ok", "server_error ok -> good", "reset"},
		{"!reset 503 ok", "server_error ok -> good", "reset"}, // once
		{"!reset !500", " -> ", "reset 500"},
		{"503 !reset", "server_error -> ", "reset"},
		{"400 !reset", "caller_fault -> ", ""},
		{"!reset 400 !500", "caller_fault -> ", "reset"},
		{"503 500 reset !truncated", "server_error server_error connect -> ", ""}, // no attempt was left for it
	} {
		w := newWorld(t)
		names := strings.Fields(c.plan)
		for i := range names {
			names[i] = strings.TrimLeft(names[i], "!?%")
		}
		plan := w.plan(names...)
		for i, name := range strings.Fields(c.plan) {
			switch name[0] {
			case '!':
				upstream.Down(w.up, plan.Steps[i])
			case '?':
				upstream.Shut(w.up, plan.Steps[i])
			case '%':
				upstream.Limit(w.up, plan.Steps[i])
			}
		}
		got, walk, _ := w.walk(t.Context(), true, plan) // what it tells is all there is
		if shut := strings.ReplaceAll(strings.Join(walk.Shut, " "), "a/m@", ""); got != c.want || shut != c.shut {
			t.Errorf("%s: %q, shut %q; want %q, %q", c.plan, got, shut, c.want, c.shut)
		}
		if walk.Reset(); len(walk.Shut) != 0 {
			t.Errorf("%s: the next exchange has %v", c.plan, walk.Shut)
		}
	}
}
