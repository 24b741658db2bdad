package upstream_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"fairlead"
	"fairlead/dialect"
	"fairlead/upstream"
	"fairlead/upstream/health"
)

// moody does something else at each request, at some time within a few milliseconds.
func moody(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		wait := func() bool {
			select {
			case <-r.Context().Done():
				return false
			case <-time.After(time.Duration(rand.IntN(8)) * 500 * time.Microsecond):
				return true
			}
		}
		if !wait() {
			return
		}
		switch rand.IntN(10) {
		case 0:
			behaviours["500"](w, r)
		case 1:
			behaviours["reset"](w, r)
		case 2:
			<-r.Context().Done()
		case 3: // the headers, and then the rest
			if strings.Contains(string(body), `"stream":true`) {
				w.Header().Set("Content-Type", "text/event-stream")
				_, _ = io.WriteString(w, chunk(`{"role":"assistant"}`, "null"))
			} else {
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, " \n")
			}
			w.(http.Flusher).Flush()
			if wait() {
				told(begun{w}, r, string(body), text)
			}
		default:
			told(w, r, string(body), text)
		}
	}
}

// begun is an answer whose header was sent.
type begun struct{ http.ResponseWriter }

func (begun) WriteHeader(int) {}
func (b begun) Flush()        { b.ResponseWriter.(http.Flusher).Flush() }

// racers are two endpoints whose exchanges are hedged after two milliseconds.
func racers(t *testing.T, first, second http.HandlerFunc) (*world, fairlead.Plan) {
	w := newWorld(t)
	w.own = map[string]http.HandlerFunc{"a": first, "b": second}
	plan := w.plan("a", "b")
	prepare(t, w.up, plan)
	return w, plan
}

func prepare(t *testing.T, up *upstream.Upstream, plan fairlead.Plan) {
	t.Helper()
	s := &fairlead.Snapshot{Revision: 1, Settings: fairlead.Settings{RetryBudget: 0.15}}
	for i := range plan.Steps {
		s.Providers = append(s.Providers, plan.Steps[i].Endpoint.Provider)
	}
	if err := up.Prepare(s); err != nil {
		t.Fatal(err)
	}
	upstream.Teach(up, plan.Steps, 2*time.Millisecond, health.Size{})
	upstream.Earn(up, 10_000, nil)
}

// TestRaces lets hedges meet failures, callers who leave, comments, shutdowns and each other: a thousand
// exchanges of which nobody knows how they end. Each ends with one whole answer of one endpoint, or with an
// error; its records say so; and nothing of it is left.
func TestRaces(t *testing.T) {
	w, plan := racers(t, moody("aaaa"), moody("bbbb"))
	before := runtime.NumGoroutine()
	var callers sync.WaitGroup
	tally := map[string]int{}
	var mu sync.Mutex
	for caller := range 8 {
		callers.Go(func() {
			walk := new(upstream.Walk)
			for i := range 125 {
				own := unknown(w.up, plan, fmt.Sprintf("%d-%d", caller, i))
				how := one(w, walk, own, i%2 == 0)
				for _, s := range own.Steps {
					if n := upstream.Busy(w.up, s, 0); n != 0 {
						how = fmt.Sprintf("wrong: %s, and %d attempts are counted still", how, n)
					}
				}
				mu.Lock()
				tally[how]++
				mu.Unlock()
			}
		})
	}
	done := make(chan struct{})
	go func() {
		callers.Wait()
		close(done)
	}()
	for over := false; !over; { // a shutdown and a new configuration, again and again
		select {
		case <-done:
			over = true
		case <-time.After(10 * time.Millisecond):
			w.up.Close()
			prepare(t, w.up, plan)
		}
	}
	for how, n := range tally {
		t.Logf("%s: %d", how, n)
		if strings.HasPrefix(how, "wrong") {
			t.Error(how)
		}
	}
	for _, how := range []string{"a", "b", "a after b", "b after a", "caller_gone", "closed"} {
		if tally[how] == 0 {
			t.Errorf("%q never happened", how)
		}
	}
	w.up.Close()
	none(t, before)
}

// unknown gives a plan to endpoints that nothing stands against, with the same servers.
func unknown(up *upstream.Upstream, plan fairlead.Plan, name string) (fresh fairlead.Plan) {
	for _, s := range plan.Steps {
		e := *s.Endpoint
		_, at, _ := strings.Cut(e.ID, "@")
		e.ID = name + "@" + at
		e.Limits.Concurrency = 4
		s.Endpoint = &e
		fresh.Steps = append(fresh.Steps, s)
	}
	upstream.Teach(up, fresh.Steps, 2*time.Millisecond, health.Size{})
	return fresh
}

// none holds that no goroutine is left but those of idle servers and connections.
func none(t *testing.T, before int) {
	t.Helper()
	buf := make([]byte, 4<<20)
	for until := time.Now().Add(10 * time.Second); ; {
		all := buf[:runtime.Stack(buf, true)]
		if !bytes.Contains(all, []byte("upstream.(*attempt)")) && runtime.NumGoroutine() <= before+10 {
			return
		}
		if time.Now().After(until) {
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, all)
		}
		runtime.Gosched()
	}
}

// one makes an exchange whose caller may hear comments, leave, or be cut off, and says how it ended.
func one(w *world, walk *upstream.Walk, plan fairlead.Plan, streamed bool) (how string) {
	ctx, leave := context.WithCancel(w.t.Context())
	defer leave()
	if rand.IntN(4) == 0 {
		timer := time.AfterFunc(time.Duration(rand.IntN(6000))*time.Microsecond, leave)
		defer timer.Stop()
	}
	start := time.Now()
	w.up.Walk(ctx, walk, upstream.Journey{
		Ask: w.ask(streamed), Plan: plan, Most: 3, Start: start, Until: start.Add(200 * time.Millisecond), Hedge: true,
		Encode: dialect.EncodeOptions{RequestID: "req_1"},
	})
	defer walk.Reset()
	defer walk.Close()
	for {
		answer, err := walk.Commit(time.Now().Add(time.Duration(rand.IntN(4000)) * time.Microsecond))
		if errors.Is(err, upstream.ErrSilent) {
			if rand.IntN(20) == 0 {
				return "closed" // it is given up without a word
			}
			continue
		}
		if err != nil {
			if answer != nil {
				return "wrong: an answer and an error"
			}
			return noted(walk, string(fairlead.AsError(err).Code))
		}
		defer answer.Close()
		text, err := drink(answer)
		_, by, _ := strings.Cut(answer.Step.Endpoint.ID, "@")
		switch {
		case err != nil && ctx.Err() != nil:
			return "left after the commit"
		case err != nil || text != strings.Repeat(by, 4):
			return fmt.Sprintf("wrong: %s said %q, %v", by, text, err)
		}
		return noted(walk, by)
	}
}

// noted adds what the records say of the attempt that was superseded, and holds that they agree.
func noted(walk *upstream.Walk, how string) string {
	n := len(walk.Attempts)
	for i, a := range walk.Attempts {
		ok := a.Outcome == fairlead.OutcomeOK
		if ok != (len(how) == 1 && i == n-1) || ok && !strings.HasSuffix(a.Endpoint, how) {
			return fmt.Sprintf("wrong: %s, and the records are %+v", how, walk.Attempts)
		}
	}
	if n > 1 && len(how) == 1 && walk.Attempts[n-2].Outcome == fairlead.OutcomeSuperseded {
		_, loser, _ := strings.Cut(walk.Attempts[n-2].Endpoint, "@")
		return how + " after " + loser
	}
	return how
}
