package upstream_test

import (
	"net/http"
	"strings"
	"testing"

	"fairlead"
)

// TestCallersShape holds that an answer which the caller's own request made unusable shuts the endpoint to
// nobody, however often it comes.
func TestCallersShape(t *testing.T) {
	for _, c := range []struct {
		plan   string
		stream bool
	}{{"whole ok", true}, {"large ok", true}, {"blank whole", false}} {
		w := newWorld(t)
		w.own = map[string]http.HandlerFunc{"large": func(w http.ResponseWriter, _ *http.Request) {
			reply(w, 200, "application/json", `{"choices":[{"index":0,"message":{"content":"`+strings.Repeat("x", 100_000)+`"},"finish_reason":"stop"}]}`)
		}}
		p := w.plan(strings.Fields(c.plan)...)
		for range 5 {
			if _, walk, _ := w.walk(t.Context(), c.stream, p); walk.Attempts[0].Outcome != fairlead.OutcomeMalformed || walk.Attempts[0].Endpoint != p.Steps[0].Endpoint.ID {
				t.Fatalf("%s: %+v", c.plan, walk.Attempts)
			}
		}
	}
}

// TestMissingChoice holds that a stream which ends before each answer that was asked for has begun is no
// success, and that this shuts the endpoint to nobody.
func TestMissingChoice(t *testing.T) {
	w := newWorld(t)
	w.extra = `"n":2,`
	p := w.plan("nodone")
	for range 5 {
		if got, walk, err := w.walk(t.Context(), true, p); got != "interrupted -> good" || err == nil {
			t.Fatalf("%q, %v, %+v", got, err, walk.Attempts)
		}
	}
	if got, _, err := w.walk(t.Context(), true, w.plan("ok")); got != "ok -> good" || err != nil {
		t.Errorf("with [DONE]: %q, %v", got, err)
	}
}
