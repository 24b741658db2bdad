package upstream_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/upstream"
)

// TestLastWaits holds that an attempt is given up only where another endpoint stands ready when its time is
// over, whatever stood ready when it began.
func TestLastWaits(t *testing.T) {
	for _, c := range []struct {
		name     string
		streamed bool
		shut     bool // the other endpoint, while the first is silent
		want     string
	}{
		{"streamed", true, false, "timeout ok -> good"},
		{"streamed, the other is shut", true, true, "ok -> late"},
		{"whole", false, false, "timeout ok -> good"},
		{"whole, the other is shut", false, true, "ok -> late"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			var plan fairlead.Plan
			w.own = map[string]http.HandlerFunc{
				"slow": func(rw http.ResponseWriter, r *http.Request) {
					if c.shut {
						upstream.Shut(w.up, plan.Steps[1])
					}
					slow(400*time.Millisecond, "late")(rw, r)
				},
				"good": slow(0, "good"),
			}
			w.total = time.Minute
			plan = w.plan("slow", "good")
			plan.Steps[0].Endpoint.Provider.Timeouts.FirstToken = 100 * time.Millisecond
			if !c.streamed { // a stated first token is for streams
				w.total = 600 * time.Millisecond // half of which is left for the other
			}
			got, _, err := w.walk(t.Context(), c.streamed, plan)
			if got != c.want || err != nil {
				t.Errorf("%q, want %q: %v", got, c.want, err)
			}
		})
	}
}

// TestTotalTellsAll holds that an exchange whose time is over tells what every attempt met, and how it counts.
func TestTotalTellsAll(t *testing.T) {
	for _, c := range []struct {
		steps []string
		code  fairlead.Code
		tells []string
		final bool
	}{
		{[]string{"silent"}, fairlead.CodeUpstreamTimeout, []string{"a/m@silent: timeout"}, false},
		{[]string{"503", "silent"}, fairlead.CodeUpstreamFailed, []string{"a/m@503: server_error (503)", "a/m@silent: timeout"}, true},
	} {
		w := newWorld(t)
		w.own = map[string]http.HandlerFunc{"silent": slow(-1, "")}
		w.total = 300 * time.Millisecond
		_, walk, err := w.walk(t.Context(), true, w.plan(c.steps...))
		e := fairlead.AsError(err)
		if e.Code != c.code || e.Final != c.final || len(walk.Attempts) != len(c.steps) {
			t.Errorf("%v: %+v after %d attempts", c.steps, e, len(walk.Attempts))
		}
		for _, text := range c.tells {
			if !strings.Contains(e.Message, text) {
				t.Errorf("%v: %q does not tell %q", c.steps, e.Message, text)
			}
		}
	}
}
