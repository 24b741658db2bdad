package upstream_test

import (
	"strings"
	"testing"
	"time"

	"fairlead/upstream"
)

// TestPassedOver holds which endpoints an exchange takes down as shut: those whose turn it was, and of which more is known
// than a suspicion; and apart those that no more than that kept away. "!" marks an endpoint that is down, "?" one that has just failed twice, "%" one at its limit.
func TestPassedOver(t *testing.T) {
	for _, c := range []struct{ plan, want, shut, withheld string }{
		{"ok reset", "ok -> good", "", ""},
		{"!reset ok", "ok -> good", "reset", ""},
		{"%429 ok", "ok -> good", "429", ""},
		{"?reset ok", "ok -> good", "", "reset"},
		{"?reset !500 ok", "ok -> good", "500", "reset"},
		{"?reset 503 ok", "server_error ok -> good", "", "reset"}, // once
		{"ok !reset", "ok -> good", "", ""},                       // its turn never came
		{"!reset %429 ok 500", "ok -> good", "reset 429", ""},
		{"503 !reset ok", "server_error ok -> good", "reset", ""},
		{"!reset 503 ok", "server_error ok -> good", "reset", ""}, // once
		{"!reset !500", " -> ", "reset 500", ""},
		{"503 !reset", "server_error -> ", "reset", ""},
		{"400 !reset", "caller_fault -> ", "", ""},
		{"!reset 400 !500", "caller_fault -> ", "reset", ""},
		{"503 500 reset !truncated", "server_error server_error connect -> ", "", ""}, // no attempt was left for it
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
		shut, withheld := named(walk.Shut), named(walk.Withheld)
		if got != c.want || shut != c.shut || withheld != c.withheld {
			t.Errorf("%s: %q, shut %q, withheld %q; want %q, %q, %q", c.plan, got, shut, withheld, c.want, c.shut, c.withheld)
		}
		if walk.Reset(); len(walk.Shut) != 0 || len(walk.Withheld) != 0 {
			t.Errorf("%s: the next exchange has %v and %v", c.plan, walk.Shut, walk.Withheld)
		}
	}
}

func named(ids []string) string { return strings.ReplaceAll(strings.Join(ids, " "), "a/m@", "") }

// TestPassedOverForItsShare holds that an endpoint which comes back is withheld from those exchanges, of which it was the turn, that
// go elsewhere, and from no other.
func TestPassedOverForItsShare(t *testing.T) {
	elsewhere := 0
	for range 6 { // one of twenty is its own
		w := newWorld(t)
		plan := w.plan("ok", "ok")
		upstream.Fell(w.up, plan.Steps[0])
		upstream.Succeed(w.up, plan.Steps[0], time.Now())
		_, walk, _ := w.walk(t.Context(), true, plan)
		want := ""
		if walk.Attempts[0].Endpoint != plan.Steps[0].Endpoint.ID {
			elsewhere++
			want = "ok"
		}
		if got := named(walk.Withheld); got != want || len(walk.Shut) > 0 {
			t.Errorf("withheld %q, shut %v; want %q", got, walk.Shut, want)
		}
	}
	if elsewhere == 0 {
		t.Error("none went elsewhere")
	}
}
