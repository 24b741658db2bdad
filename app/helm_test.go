package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fairlead/app"
	"fairlead/internal/fakellm"
)

const (
	steady = "openai/model@steady"
	moved  = "openai/model@moved"
)

// flaky answers one request of five with 404 while it is told to: a failure that shuts nothing, since what is asked could
// be to blame, so that the guard sees it all.
type flaky struct {
	http.Handler
	bad      atomic.Bool
	requests atomic.Int64
}

func (f *flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f.requests.Add(1)%5 == 0 && f.bad.Load() {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"error":{"message":"not here"}}`)) // the caller may have left
		return
	}
	f.Handler.ServeHTTP(w, r)
}

// steered is a node in front of two endpoints of a model, one of which may fail, with callers at work.
type steered struct {
	*node
	moved *flaky
	keys  []string
}

func newSteered(t *testing.T) *steered {
	t.Helper()
	s := &steered{moved: &flaky{Handler: fakellm.New(fakellm.Options{MaxLog: -1})}}
	other := httptest.NewServer(s.moved)
	t.Cleanup(other.Close)
	_, url := fakellm.Start(t, fakellm.Options{MaxLog: -1})
	s.node = start(t, app.Options{})
	s.write(http.MethodPut, "config", fmt.Sprintf(`version: 1
providers:
  steady: {dialect: openai, base_url: "%s/v1"}
  moved: {dialect: openai, base_url: "%s/v1"}
models:
  openai/model: {route: {optimize: weights}, endpoints: [{provider: steady, model: echo}, {provider: moved, model: echo, weight: 30}]}
`, url, other.URL))
	for range 20 {
		s.keys = append(s.keys, s.key())
	}
	return s
}

func (s *steered) write(method, path, body string) map[string]any {
	s.t.Helper()
	resp, text := s.node.control(method, "/control/v1/"+path, body)
	got := map[string]any{}
	if err := json.Unmarshal([]byte(text), &got); err != nil || resp.StatusCode != http.StatusOK {
		s.t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, text)
	}
	return got
}

// work has callers ask until stop is called; every answer must be a good one, unless some may fail.
func (s *steered) work(mayFail bool) (stop func()) {
	var callers sync.WaitGroup
	done := make(chan struct{})
	for i := range 4 {
		callers.Go(func() {
			for n := i; ; n += 4 {
				select {
				case <-done:
					return
				default:
				}
				resp, text := s.ask("/v1/chat/completions", s.keys[n%len(s.keys)], chat("openai/model", n%2 == 0))
				if resp.StatusCode != http.StatusOK && !mayFail {
					s.t.Errorf("a caller got %d %s", resp.StatusCode, text)
					return
				}
			}
		})
	}
	return func() {
		close(done)
		callers.Wait()
	}
}

// until waits for what the control plane shows at a path to be as wanted.
func (s *steered) until(path string, is func(got map[string]any) bool) map[string]any {
	s.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); ; <-tick.C {
		got := s.write(http.MethodGet, path, "")
		if is(got) {
			return got
		}
		if time.Now().After(end) {
			s.t.Fatalf("%s shows %v", path, got)
		}
	}
}

func hasEnded(got map[string]any) bool { return got["end"] != nil }

// weight is the one by which the node decides, once it decides by that of a revision.
func (s *steered) weight(revision float64) any {
	s.t.Helper()
	s.until("config", func(got map[string]any) bool { return got["live"].(map[string]any)["revision"] == revision })
	for _, e := range s.write(http.MethodGet, "endpoints", "")["data"].([]any) {
		if e := e.(map[string]any); e["id"] == moved {
			return e["weight"]
		}
	}
	return nil
}

// TestRampOfANode moves a weight through the whole of a node, by what its own exchanges show: an endpoint that is good
// gets its weight, one that fails a fifth of its attempts goes back, and nobody is failed meanwhile.
func TestRampOfANode(t *testing.T) {
	for _, c := range []struct {
		name   string
		bad    bool
		end    string
		why    string
		weight float64
	}{
		{"good", false, "promoted", "the weight is 60 after 6s: error_rate 0.00 %", 60},
		{"failing", true, "reverted", "back to the weight of 30", 30},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSteered(t)
			s.moved.bad.Store(c.bad)
			defer s.work(false)()
			id := s.write(http.MethodPatch, "endpoints/"+moved, `{"weight":60,"ramp":"6s","guard":"error_rate<2%"}`)["ramp"].(string)
			got := s.until("ramps/"+id, hasEnded)
			if got["end"] != c.end || !strings.Contains(got["why"].(string), c.why) {
				t.Errorf("the ramp: %v", got)
			}
			if w := s.weight(3); w != c.weight {
				t.Errorf("the weight is %v, want %v", w, c.weight)
			}
		})
	}
}

// gone is the URL of a provider where nothing answers.
func gone(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	return s.URL
}

// TestDeadEndpoint holds that an endpoint which health shuts, and which is therefore hardly asked, is judged all the same: its
// ramp is reverted, and a trial that has it beside a healthy one is dropped. Nobody is failed meanwhile.
func TestDeadEndpoint(t *testing.T) {
	t.Run("ramp", func(t *testing.T) {
		t.Parallel()
		s := newSteered(t)
		s.write(http.MethodPatch, "config", fmt.Sprintf(`{"providers":{"moved":{"base_url":"%s/v1"}}}`, gone(t)))
		defer s.work(false)()
		id := s.write(http.MethodPatch, "endpoints/"+moved, `{"weight":60,"ramp":"10s","guard":"error_rate<2%"}`)["ramp"].(string)
		got := s.until("ramps/"+id, hasEnded)
		if got["end"] != "reverted" || !strings.Contains(got["why"].(string), "health kept away") {
			t.Errorf("the ramp: %v", got)
		}
		if w := s.weight(4); w != 30.0 {
			t.Errorf("the weight is %v", w)
		}
	})
	t.Run("trial", func(t *testing.T) {
		t.Parallel()
		s := newSteered(t)
		defer s.work(false)()
		s.write(http.MethodPatch, "config?percent=50&hold=10s&guard=error_rate%3C2%25", fmt.Sprintf(`{"providers":{"gone":{"dialect":"openai","base_url":"%s/v1"}},
			"models":{"openai/model":{"endpoints":[{"provider":"steady","model":"echo"},{"provider":"gone","model":"echo"}]}}}`, gone(t)))
		shown := fmt.Sprint(s.until("endpoints", func(got map[string]any) bool { return len(got["data"].([]any)) == 3 })["data"])
		if strings.Count(shown, "trial:true") != 1 || !strings.Contains(shown, "id:openai/model@gone") {
			t.Errorf("during the trial there are %s", shown)
		}
		if got := s.until("trial", hasEnded); got["end"] != "dropped" || !strings.Contains(got["why"].(string), "it broke its guard") {
			t.Errorf("the trial: %v", got)
		}
	})
}

// TestRampWithoutEvidence holds that fewer than 50 exchanges on a side move nothing.
func TestRampWithoutEvidence(t *testing.T) {
	t.Parallel()
	s := newSteered(t)
	id := s.write(http.MethodPatch, "endpoints/"+moved, `{"weight":60,"ramp":"2s","guard":"error_rate<2%"}`)["ramp"].(string)
	s.until("ramps/"+id, func(got map[string]any) bool { return got["seen"] != nil }) // edges are told what to count
	sent := 0
	got := s.until("ramps/"+id, func(got map[string]any) bool {
		if sent < 40 {
			s.ask("/v1/chat/completions", s.keys[0], chat("openai/model", false))
			sent++
		}
		seen := got["seen"].(map[string]any)
		return got["end"] != nil || seen["mine"].(float64)+seen["peers"].(float64) >= 20
	})
	if seen := got["seen"].(map[string]any); got["end"] != nil || seen["verdict"] != "hold" || got["steps"] != 0.0 {
		t.Errorf("the ramp: %v", got)
	}
	if w := s.weight(2); w != 30.0 {
		t.Errorf("the weight is %v", w)
	}
}

// TestTrialOfANode tries a revision on half of the keys: one that is good is promoted, one that sends them to an endpoint
// that fails is dropped.
func TestTrialOfANode(t *testing.T) {
	for _, c := range []struct {
		name string
		bad  bool
		end  string
	}{{"good", false, "promoted"}, {"failing", true, "dropped"}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSteered(t)
			s.moved.bad.Store(c.bad)
			defer s.work(c.bad)()
			a := s.write(http.MethodPatch, "config?percent=50&hold=5s&guard=error_rate%3C2%25",
				`{"models":{"openai/model":{"endpoints":[{"provider":"moved","model":"echo"}]}}}`)
			if a["trial"] == nil {
				t.Fatalf("no trial: %v", a)
			}
			got := s.until("trial", hasEnded)
			if got["end"] != c.end {
				t.Errorf("the trial: %v", got)
			}
			if w, want := s.weight(3), map[bool]float64{true: 30, false: 100}[c.bad]; w != want {
				t.Errorf("the weight is %v, want %v", w, want)
			}
		})
	}
}
