package upstream_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/dialect"
	"fairlead/dialect/openai"
	"fairlead/internal/jsonscan"
	"fairlead/upstream"
	"fairlead/upstream/health"
)

// TestCommentsWhileRacing holds that a caller can be told that all is well while two are asked, that both are
// counted, and that both are left at once when the walk is closed.
func TestCommentsWhileRacing(t *testing.T) {
	left := make(chan string, 2)
	hang := func(name string) http.HandlerFunc {
		return func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
			left <- name
		}
	}
	w, plan := racers(t, hang("a"), hang("b"))
	walk := new(upstream.Walk)
	w.up.Walk(t.Context(), walk, upstream.Journey{Ask: w.ask(true), Plan: plan, Most: 3, Start: time.Now(), Hedge: true})
	for walk.Made() < 2 {
		if _, err := walk.Commit(time.Now().Add(time.Millisecond)); !errors.Is(err, upstream.ErrSilent) {
			t.Fatal(err)
		}
	}
	if _, err := walk.Commit(time.Now().Add(20 * time.Millisecond)); !errors.Is(err, upstream.ErrSilent) {
		t.Fatal(err)
	}
	walk.Close()
	for range 2 {
		select {
		case <-left:
		case <-time.After(10 * time.Second):
			t.Fatal("a provider was not left")
		}
	}
	if walk.Waited < 20*time.Millisecond || walk.Waited > time.Since(walk.Start) {
		t.Errorf("two that wait together waited %s", walk.Waited)
	}
}

// TestTheLastWait holds that attempts which would be given up for another go on where there is none but each
// other: the caller gets the answer, however late.
func TestTheLastWait(t *testing.T) {
	for _, c := range []struct {
		name  string
		other http.HandlerFunc
		want  string
	}{
		{"the other fails", behaviours["500"], "server_error ok"},
		{"the other hangs", slow(-1, ""), "superseded ok"},
	} {
		w, plan := racers(t, slow(100*time.Millisecond, "aaaa"), c.other)
		plan.Steps[0].Endpoint.Provider.Timeouts.FirstToken = 30 * time.Millisecond
		got, text, err := commit(t.Context(), w, plan, w.ask(true).Facts.Stream)
		if got != c.want || text != "aaaa" || err != nil {
			t.Errorf("%s: %s, %q, %v; want %s", c.name, got, text, err, c.want)
		}
	}
}

// commit makes a hedged exchange and tells its outcomes and its text.
func commit(ctx context.Context, w *world, plan fairlead.Plan, streamed bool) (outcomes, text string, err error) {
	walk := new(upstream.Walk)
	w.up.Walk(ctx, walk, upstream.Journey{Ask: w.ask(streamed), Plan: plan, Most: 3, Start: time.Now(), Hedge: true})
	defer walk.Close()
	answer, err := walk.Commit(time.Time{})
	if err == nil {
		defer answer.Close()
		text, err = drink(answer)
	}
	if all := time.Since(walk.Start); walk.Waited > all {
		w.t.Errorf("of %s two that waited together waited %s", all, walk.Waited)
	}
	var list []string
	for _, a := range walk.Attempts {
		list = append(list, string(a.Outcome))
	}
	return strings.Join(list, " "), text, err
}

// failing is a failure that says no time to come back.
func failing(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	reply(w, 500, "application/json", `{"error":{"message":"boom"}}`)
}

// TestLateFault holds that the caller's own fault, told by one of two, ends both, and that nothing of what a
// hedge cannot be asked is held against the first.
func TestLateFault(t *testing.T) {
	for _, c := range []struct {
		name          string
		first, second http.HandlerFunc
		want, text    string
		code          fairlead.Code
	}{
		{"the hedge says so", slow(-1, ""), behaviours["400"], "caller_fault superseded", "", "bad_field"},
		{"both fail, and one is asked again", behind(failing), failing, "server_error server_error server_error", "", fairlead.CodeUpstreamFailed},
		{"empty beside an answer", behind(behaviours["blank"]), slow(60*time.Millisecond, "bbbb"), "malformed ok", "bbbb", ""},
		{"empty and nobody else", behind(behaviours["blank"]), behaviours["400"], "caller_fault superseded", "", "bad_field"},
	} {
		w, plan := racers(t, c.first, c.second)
		got, text, err := commit(t.Context(), w, plan, false)
		code := fairlead.Code("")
		if err != nil {
			code = fairlead.AsError(err).Code
		}
		if got != c.want || text != c.text || code != c.code {
			t.Errorf("%s: %s, %q, %v; want %s", c.name, got, text, err, c.want)
		}
	}
}

// behind does something after a while.
func behind(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-r.Context().Done():
		case <-time.After(30 * time.Millisecond):
			h(w, r)
		}
	}
}

// TestTrialsBeside holds what a trial's company says of the endpoint that is tried: silent while the other
// answers, it is not back; faster, it is.
func TestTrialsBeside(t *testing.T) {
	for _, c := range []struct {
		name          string
		first, second http.HandlerFunc
		also          string // what else is so
		want          string
		state         health.State
	}{
		{"silent", slow(-1, ""), slow(0, "bbbb"), "", "superseded ok: bbbb", health.Open},
		{"back, though late", slow(2500*time.Millisecond, "aaaa"), slow(-1, ""), "", "superseded ok: aaaa", health.Closed},
		{"failing", slow(-1, ""), behaviours["500"], "", "server_error superseded ok: cccc", health.Open},
		{"two that are tried again", slow(-1, ""), slow(0, "bbbb"), "fallen", "superseded ok: cccc", health.Open},
		{"as slow as ever", slow(2500*time.Millisecond, "aaaa"), slow(0, "bbbb"), "slow", "ok: aaaa", health.Closed},
		{"stored", slow(2500*time.Millisecond, "aaaa"), slow(0, "bbbb"), "stored", "ok: aaaa", health.Closed},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.own = map[string]http.HandlerFunc{"a": c.first, "b": c.second, "c": slow(0, "cccc")}
			plan := w.plan("a", "b", "c")
			switch c.also {
			case "fallen":
				upstream.Fell(w.up, plan.Steps[1])
			case "slow":
				upstream.Teach(w.up, plan.Steps, 4*time.Second, health.Size{})
			case "stored":
				w.stored = true
			}
			lane := upstream.Fell(w.up, plan.Steps[0])
			got, walk, err := w.walk(t.Context(), true, plan)
			if strings.Replace(got, " ->", ":", 1) != c.want || err != nil {
				t.Fatalf("%s, %v; want %s", got, err, c.want)
			}
			if v := lane.View(time.Now()); v.State != c.state || v.Busy {
				t.Errorf("the endpoint is %+v, want %v", v, c.state)
			}
			for _, a := range walk.Attempts {
				if a.Endpoint != "a/m@a" && a.Why != "beside_trial" {
					t.Errorf("made for %q: %+v", a.Why, a)
				}
			}
		})
	}
}

// brittle is a dialect with a defect that one model's answers bring about.
type brittle struct{ dialect.Dialect }

func (b brittle) Inspect(op fairlead.Operation, body []byte, scratch *jsonscan.Object) (dialect.Inspection, error) {
	if bytes.Contains(body, []byte("defect")) {
		panic("defect")
	}
	return b.Dialect.Inspect(op, body, scratch)
}

// TestDefectWhileRacing holds that a defect met by one of two ends its exchange, not the program, and leaves
// nothing behind.
func TestDefectWhileRacing(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, c := range []struct{ first, second http.HandlerFunc }{
		{slow(-1, ""), slow(0, "defect")},
		{behind(slow(0, "defect")), slow(-1, "")},
	} {
		w := &world{t: t, up: upstream.New(brittle{openai.New()}), text: "hi"}
		w.own = map[string]http.HandlerFunc{"a": c.first, "b": c.second}
		plan := w.plan("a", "b")
		prepare(t, w.up, plan)
		met := func() (v any) {
			defer func() { v = recover() }()
			_, _, _ = commit(t.Context(), w, plan, false)
			return nil
		}()
		if !strings.HasPrefix(fmt.Sprint(met), "defect, at\n") {
			t.Errorf("met %v", met)
		}
		w.up.Close()
	}
	none(t, before)
}

// TestOverHTTP2Too holds that an attempt through the standard library's transport is cancelled as well.
func TestOverHTTP2Too(t *testing.T) {
	left := make(chan struct{})
	stuck := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		close(left)
	}))
	defer stuck.Close()
	w := newWorld(t)
	w.own = map[string]http.HandlerFunc{"a": slow(-1, ""), "b": slow(0, "bbbb")}
	plan := w.plan("a", "b")
	w.serveFirst(plan, stuck.URL)
	plan.Steps[0].Endpoint.Provider.Transport.HTTP2 = true
	prepare(t, w.up, plan)
	got, text, err := commit(t.Context(), w, plan, true)
	if got != "superseded ok" || text != "bbbb" || err != nil {
		t.Errorf("%s, %q, %v", got, text, err)
	}
	select {
	case <-left:
	case <-time.After(10 * time.Second):
		t.Error("the provider was not left")
	}
}

// TestHalfAnAnswer holds that a whole answer of which a part was read when the second attempt is sent is read
// on from there.
func TestHalfAnAnswer(t *testing.T) {
	const all = `{"id":"1","object":"chat.completion","created":1,"model":"u","choices":[{"index":0,"message":{"role":"assistant","content":"aaaa"},"finish_reason":"stop"}]}`
	half := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		for _, part := range []string{all[:70], all[70:]} {
			_, _ = io.WriteString(w, part)
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
	w, plan := racers(t, half, slow(-1, ""))
	if got, text, err := commit(t.Context(), w, plan, false); got != "superseded ok" || text != "aaaa" || err != nil {
		t.Errorf("%s, %q, %v", got, text, err)
	}
}
