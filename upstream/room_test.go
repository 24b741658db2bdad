package upstream_test

import (
	"strings"
	"testing"

	"fairlead"
	"fairlead/upstream"
)

// TestFreeConcurrency holds that failover goes where there is room alone: an endpoint that another one's
// callers fill beyond its limit would fail next. An exchange's first attempt is not failover.
func TestFreeConcurrency(t *testing.T) {
	for _, c := range []struct {
		plan  string
		busy  int64 // others at the last endpoint, which takes two at once
		want  string
		tells string
	}{
		{"503 ok", 1, "server_error ok -> good", ""},
		{"503 ok", 2, "server_error -> ", "a/m@ok: saturated"},
		{"503 reset ok", 2, "server_error connect -> ", "a/m@ok: saturated"},
		{"ok", 2, "ok -> good", ""},
		{"ok", 5, "ok -> good", ""},
	} {
		w := newWorld(t)
		plan := w.plan(strings.Fields(c.plan)...)
		last := plan.Steps[len(plan.Steps)-1]
		last.Endpoint.Limits.Concurrency = 2
		upstream.Busy(w.up, last, c.busy)
		got, _, err := w.walk(t.Context(), true, plan)
		if got != c.want || (c.tells != "" && !strings.Contains(fairlead.AsError(err).Message, c.tells)) {
			t.Errorf("%s with %d others: %q, want %q: %v", c.plan, c.busy, got, c.want, err)
		}
		if left := upstream.Busy(w.up, last, 0); left != c.busy {
			t.Errorf("%s with %d others: %d are left", c.plan, c.busy, left)
		}
	}
}
