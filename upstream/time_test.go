package upstream_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/upstream"
)

// TestPatience tables how long an attempt is waited for while nothing is learned.
func TestPatience(t *testing.T) {
	auto := time.Duration(fairlead.Auto)
	for _, c := range []struct {
		name           string
		stream, thinks bool
		stored, last   bool
		stated         time.Duration
		want           time.Duration // 0 = no bound
	}{
		{"a stream of text", true, false, false, false, auto, 10 * time.Second},
		{"a stream that may think", true, true, false, false, auto, 180 * time.Second},
		{"a whole answer", false, false, false, false, auto, 60 * time.Second},
		{"a whole answer that may think", false, true, false, false, auto, 0},
		{"stated", true, false, false, false, time.Second, time.Second},
		{"stated, and it may think", true, true, false, false, time.Second, time.Second},
		{"stated as no bound", true, false, false, false, 0, 0},
		{"the last endpoint", true, false, false, true, time.Second, 0},
		{"a stored call is not replaced", true, false, true, false, time.Second, 0},
	} {
		w := newWorld(t)
		w.stored = c.stored
		plan := w.plan("refused", "refused")
		if c.last {
			plan.Steps = plan.Steps[:1]
		}
		plan.Steps[0].Endpoint.Provider.Timeouts.FirstToken = c.stated
		ask := w.ask(c.stream)
		ask.Facts.Thinks = c.thinks
		var walk upstream.Walk
		w.up.Walk(t.Context(), &walk, upstream.Journey{Ask: ask, Plan: plan, Most: 3, Start: time.Now()})
		if got := upstream.Patience(&walk); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestStalledStream holds that a committed stream without a byte for too long is broken, not ended.
func TestStalledStream(t *testing.T) {
	stuck := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		stream(chunk(`{"content":"go"}`, "null"))(w, r)
		<-r.Context().Done()
	}))
	defer stuck.Close()
	w := newWorld(t)
	plan := w.plan("ok")
	w.serveFirst(plan, stuck.URL)
	plan.Steps[0].Endpoint.Provider.Timeouts.Idle = 30 * time.Millisecond
	got, walk, err := w.walk(t.Context(), true, plan)
	if got != "interrupted -> go" || err == nil || walk.Attempts[0].Detail != "stalled" {
		t.Errorf("got %q, %v, %+v", got, err, walk.Attempts)
	}
}

// TestDeafProvider holds that a provider that takes the connection but never reads is given up in time,
// and that the last one is by the exchange's end.
func TestDeafProvider(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
		}
	}()
	deaf := &url.URL{Scheme: "http", Host: l.Addr().String()}
	w := newWorld(t)
	w.text = strings.Repeat("long ", 4<<20)
	plan := w.plan("ok", "ok")
	plan.Steps[0].Endpoint.Provider.BaseURL = deaf
	plan.Steps[0].Endpoint.Provider.Timeouts.FirstToken = 100 * time.Millisecond
	if got, _, err := w.walk(t.Context(), true, plan); got != "timeout ok -> good" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	w.total = 200 * time.Millisecond
	got, _, err := w.walk(t.Context(), true, fairlead.Plan{Steps: plan.Steps[:1]})
	if code := fairlead.AsError(err).Code; got != "timeout -> " || code != fairlead.CodeUpstreamTimeout {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestSilence holds that Commit and Next come back when nothing happens, and can be called again.
func TestSilence(t *testing.T) {
	release := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		flush := func(s string) {
			_, _ = w.Write([]byte(s))
			w.(http.Flusher).Flush()
		}
		<-release
		w.Header().Set("Content-Type", "text/event-stream")
		flush(": keep-alive\n\n")
		<-release
		flush(chunk(`{"content":"go"}`, "null"))
		<-release
		flush(chunk(`{"content":"od"}`, `"stop"`) + "data: [DONE]\n\n")
	}))
	defer slow.Close()
	w := newWorld(t)
	plan := w.plan("ok")
	w.serveFirst(plan, slow.URL)
	walk := new(upstream.Walk)
	w.up.Walk(t.Context(), walk, upstream.Journey{Ask: w.ask(true), Plan: plan, Most: 3, Start: time.Now()})
	defer walk.Close()
	soon := func() time.Time { return time.Now().Add(20 * time.Millisecond) }
	for range 2 {
		if _, err := walk.Commit(soon()); err != upstream.ErrSilent {
			t.Fatalf("a silent provider gave %v", err)
		}
		release <- struct{}{}
	}
	answer, err := walk.Commit(time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Close()
	first, err := answer.Stream.Next(time.Minute)
	if err != nil || content(string(first)) != "go" {
		t.Fatalf("first piece %q, %v", first, err)
	}
	if _, err := answer.Stream.Next(20 * time.Millisecond); err != upstream.ErrSilent {
		t.Fatalf("a silent stream gave %v", err)
	}
	release <- struct{}{}
	if rest, err := drink(answer); err != nil || rest != "od" {
		t.Errorf("the rest is %q, %v", rest, err)
	}
	if u, ok := answer.Stream.Usage(); ok {
		t.Errorf("usage %+v out of nowhere", u)
	}
}

// TestCallerGone holds that a caller who leaves ends the walk, without another attempt.
func TestCallerGone(t *testing.T) {
	hung := make(chan struct{})
	behaviours := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that the caller left
		close(hung)
		<-r.Context().Done()
	}))
	defer behaviours.Close()
	w := newWorld(t)
	plan := w.plan("ok", "ok")
	w.serveFirst(plan, behaviours.URL)
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		<-hung
		leave()
	}()
	got, _, err := w.walk(ctx, true, plan)
	if code := fairlead.AsError(err).Code; got != "caller_gone -> " || code != fairlead.CodeCallerGone {
		t.Errorf("got %q, %v", got, err)
	}
}
