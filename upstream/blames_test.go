package upstream_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"fairlead"
)

// TestBlames holds which attempts count against their endpoints in records: what the caller brought about does not,
// whatever its outcome is called.
func TestBlames(t *testing.T) {
	for _, c := range []struct {
		plan   string
		stream bool
		want   string // of each attempt its outcome, with a ! where it blames its endpoint
	}{
		{"500 503 ok", true, "server_error! server_error! ok"},
		{"refused ok", true, "connect! ok"},
		{"429 ok", true, "rate_limited! ok"},
		{"401 ok", true, "credential! ok"},
		{"404 ok", true, "model! ok"},
		{"quota ok", true, "quota! ok"},
		{"truncated ok", true, "malformed! ok"},
		{"400 ok", true, "caller_fault"},
		{"quoted ok", true, "caller_fault"},
		{"whole ok", true, "malformed ok"},     // the caller asked for a stream where there is none
		{"blank whole", false, "malformed ok"}, // a stop sequence of the caller's may have cut it at once
		{"cut ok", true, "interrupted!"},
	} {
		w := newWorld(t)
		_, walk, _ := w.walk(t.Context(), c.stream, w.plan(strings.Fields(c.plan)...)) // its attempts tell all
		if got := blamed(walk.Attempts); got != c.want {
			t.Errorf("%s: %s, want %s", c.plan, got, c.want)
		}
	}
}

// TestLeavingBlamesNobody holds the same of a caller who leaves.
func TestLeavingBlamesNobody(t *testing.T) {
	w := newWorld(t)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	w.own = map[string]http.HandlerFunc{"left": func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server see the connection close
		leave()
		<-r.Context().Done()
	}}
	_, walk, err := w.walk(ctx, true, w.plan("left", "ok"))
	if got := blamed(walk.Attempts); got != "caller_gone" || fairlead.AsError(err).Code != fairlead.CodeCallerGone {
		t.Errorf("%s, %v", got, err)
	}
}

// TestTotalTimeBlamesNobody holds the same of a stream that flows when the exchange's time is over.
func TestTotalTimeBlamesNobody(t *testing.T) {
	w := newWorld(t)
	w.total = 300 * time.Millisecond
	w.own = map[string]http.HandlerFunc{"endless": func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		rw.Header().Set("Content-Type", "text/event-stream")
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for r.Context().Err() == nil {
			_, _ = io.WriteString(rw, chunk(`{"content":"go"}`, "null"))
			rw.(http.Flusher).Flush()
			<-tick.C
		}
	}}
	_, walk, err := w.walk(t.Context(), true, w.plan("endless"))
	if got := blamed(walk.Attempts); got != "interrupted" || err == nil {
		t.Errorf("%s, %v", got, err)
	}
}

func blamed(list []fairlead.Attempt) string {
	var told []string
	for i := range list {
		s := string(list[i].Outcome)
		if list[i].Blames() {
			s += "!"
		}
		told = append(told, s)
	}
	return strings.Join(told, " ")
}
