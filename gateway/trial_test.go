package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fairlead"
	"fairlead/admit"
	"fairlead/compile"
	"fairlead/gateway"
	"fairlead/replica"
	"fairlead/steer"
	"fairlead/test/changelog"
	"fairlead/test/harness"
)

// trialSides are the documents of a trial: what everybody asks for is at the first provider on the one side and at the
// second on the other, which alone has a model more.
const trialSides = `version: 1
providers:
  first: {dialect: openai, base_url: "http://%[1]s/v1"}
  second: {dialect: anthropic, base_url: "http://%[1]s"}
models:
  a/m: {max_output: 4096, endpoints: [{provider: %[2]s, model: "%[3]s"}]}
`

// holder is a key with its secret.
type holder struct{ id, secret string }

// lettingIn has a gateway let in callers of its own.
func lettingIn(t *testing.T, n int) ([]holder, tune) {
	t.Helper()
	keys, err := replica.Open(t.Context(), t.TempDir())
	check(t, err)
	t.Cleanup(func() { check(t, keys.Close()) })
	var list []holder
	var made []fairlead.Key
	for range n {
		k, secret := fairlead.NewKey("test", time.Now())
		list, made = append(list, holder{k.ID, secret.Reveal()}), append(made, k)
	}
	check(t, keys.Apply(t.Context(), "test", []fairlead.Change{changelog.New("test").Keys(made...)}))
	return list, func(g *gateway.Gateway) { g.Door = admit.NewDoor(keys, false) }
}

// swapTrial brings two sides into force; percent 0 = the one alone.
func (r *rig) swapTrial(id string, percent int, revision, tried int64, model string) {
	r.t.Helper()
	fake := strings.TrimPrefix(r.fakeURL, "http://")
	load := func(revision int64, text string, beside *fairlead.Snapshot) *fairlead.Snapshot {
		doc, _, found := compile.Canonical([]byte(text), "test.yaml")
		check(r.t, found.Err())
		s, found := compile.FromState(compile.StateInput{Document: doc, Revision: revision, Beside: beside})
		check(r.t, found.Err())
		return s
	}
	s := load(revision, fmt.Sprintf(trialSides, fake, "first", model), nil)
	if percent > 0 {
		text := fmt.Sprintf(trialSides+"  a/new: {endpoints: [{provider: second, model: echo}]}\n", fake, "second", model)
		s.Trial = &fairlead.SnapshotTrial{ID: id, Percent: percent, Snapshot: load(tried, text, s)}
	}
	check(r.t, r.up.Prepare(s))
	r.gateway.Swap(s)
}

// as asks as a caller.
func (r *rig) as(ctx context.Context, c holder, method, path, body string) *http.Response {
	r.t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+r.addr+path, strings.NewReader(body))
	check(r.t, err)
	req.Header.Set("Authorization", "Bearer "+c.secret)
	resp, err := http.DefaultClient.Do(req)
	check(r.t, err)
	return resp
}

// TestTrialSides holds that a key's side is the one that control judges it on, that it stays there, and that all of an
// exchange goes by it: the models that there are, where it is sent, what the caller is told and what is recorded.
func TestTrialSides(t *testing.T) {
	callers, tuned := lettingIn(t, 200)
	r := newRig(t, "attempts: 1", tuned)
	r.swapTrial("trial_1", 20, 6, 7, "echo")
	tried := 0
	for i, c := range callers {
		is := steer.Side(c.id, "trial_1", 20)
		revision, endpoint, status := "6", "a/m@first", http.StatusNotFound
		if is {
			tried++
			revision, endpoint, status = "7", "a/m@second", http.StatusOK
		}
		for n := range 2 {
			if is && i%2 == n { // nothing but the side decides
				r.swapTrial("trial_1", 20, 6, 7, "echo")
			}
			resp := r.as(t.Context(), c, http.MethodPost, "/v1/chat/completions", asking("a/m", n == 1))
			if body := text(t, resp); resp.StatusCode != 200 || resp.Header.Get("X-Fairlead-Revision") != revision || resp.Header.Get("X-Fairlead-Endpoint") != endpoint {
				t.Fatalf("tried %v: status %d, %v: %s", is, resp.StatusCode, resp.Header, body)
			}
			if rec := r.records.of(t, resp); rec.Trial != "trial_1" || rec.Tried != is || fmt.Sprint(rec.Revision) != revision || rec.Endpoint != endpoint {
				t.Fatalf("tried %v: recorded %q %v, revision %d at %s", is, rec.Trial, rec.Tried, rec.Revision, rec.Endpoint)
			}
		}
		if i%8 != 0 && !is {
			continue
		}
		resp := r.as(t.Context(), c, http.MethodPost, "/v1/chat/completions", asking("a/new", false))
		if body := text(t, resp); resp.StatusCode != status || resp.Header.Get("X-Fairlead-Revision") != revision {
			t.Fatalf("tried %v: the new model: status %d, %v: %s", is, resp.StatusCode, resp.Header, body)
		}
		var list struct{ Data []struct{ ID string } }
		check(t, json.Unmarshal([]byte(text(t, r.as(t.Context(), c, http.MethodGet, "/v1/models", ""))), &list))
		if (len(list.Data) == 2) != is {
			t.Fatalf("tried %v: the models are %v", is, list.Data)
		}
		if one := r.as(t.Context(), c, http.MethodGet, "/v1/models/a/new", ""); one.StatusCode != status {
			t.Fatalf("tried %v: the new model is shown with status %d: %s", is, one.StatusCode, text(t, one))
		} else {
			text(t, one)
		}
	}
	if tried < 10 || tried > 80 {
		t.Errorf("%d of %d keys are on a trial of 20 %%", tried, len(callers))
	}
	r.swap(8, fmt.Sprintf(trialSides, strings.TrimPrefix(r.fakeURL, "http://"), "first", "echo"))
	resp := r.as(t.Context(), callers[0], http.MethodPost, "/v1/chat/completions", asking("a/m", false))
	text(t, resp)
	if rec := r.records.of(t, resp); rec.Trial != "" || rec.Tried || rec.Revision != 8 {
		t.Errorf("after the trial: %q %v, revision %d", rec.Trial, rec.Tried, rec.Revision)
	}
}

// TestTrialWithoutKeys holds that exchanges are drawn where callers have no keys.
func TestTrialWithoutKeys(t *testing.T) {
	r := newRig(t, "attempts: 1", func(g *gateway.Gateway) { g.Door = admit.NewDoor(nil, true) })
	r.swapTrial("trial_1", 50, 6, 7, "echo")
	seen := map[string]int{}
	for range 100 {
		resp, err := r.try(t.Context(), "/v1/chat/completions", asking("a/m", false))
		check(t, err)
		text(t, resp)
		seen[resp.Header.Get("X-Fairlead-Revision")]++
		if rec := r.records.of(t, resp); rec.Tried != steer.Side(rec.ID, "trial_1", 50) || rec.Tried != (rec.Revision == 7) {
			t.Fatalf("exchange %s: tried %v by revision %d", rec.ID, rec.Tried, rec.Revision)
		}
	}
	if seen["6"] < 10 || seen["7"] < 10 {
		t.Errorf("by revision: %v", seen)
	}
}

// side finds a caller on one side.
func side(t *testing.T, callers []holder, trial string, percent int, tried bool) holder {
	t.Helper()
	for _, c := range callers {
		if steer.Side(c.id, trial, percent) == tried {
			return c
		}
	}
	t.Fatal("all callers are on the other side")
	return holder{}
}

// TestTrialEndsInFlight holds that an exchange which went by a trial ends as it began, when that is over.
func TestTrialEndsInFlight(t *testing.T) {
	callers, tuned := lettingIn(t, 50)
	r := newRig(t, "attempts: 1", tuned)
	r.swapTrial("trial_1", 50, 6, 7, "tokens=20,pace=30ms")
	c := side(t, callers, "trial_1", 50, true)
	resp := r.as(t.Context(), c, http.MethodPost, "/v1/chat/completions", asking("a/m", true))
	for revision := int64(8); revision < 12; revision++ { // the ways of the trial's providers are known no more
		r.swap(revision, fmt.Sprintf(trialSides, strings.TrimPrefix(r.fakeURL, "http://"), "first", fmt.Sprintf("echo%d", revision)))
	}
	after := r.as(t.Context(), c, http.MethodPost, "/v1/chat/completions", asking("a/m", false))
	text(t, after)
	if got := after.Header.Get("X-Fairlead-Revision"); got != "11" {
		t.Errorf("after the trial the revision is %s", got)
	}
	body := text(t, resp)
	if rec := r.records.of(t, resp); !strings.HasSuffix(body, "[DONE]\n\n") || rec.Code != "" || rec.Revision != 7 || !rec.Tried || rec.Endpoint != "a/m@second" {
		t.Errorf("the exchange of the trial: %+v: %s", rec, body)
	}
}

// TestTrialsUnderLoad begins and ends trials under traffic: every exchange is whole, and all of it is of one side.
func TestTrialsUnderLoad(t *testing.T) {
	callers, tuned := lettingIn(t, 30)
	r := newRig(t, "attempts: 1", tuned)
	r.swapTrial("", 0, 2, 0, "echo")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var asked atomic.Int64
	var group sync.WaitGroup
	for i := range 6 {
		group.Go(func() {
			for n := i; ctx.Err() == nil && !t.Failed(); n++ {
				resp := r.as(t.Context(), callers[n%len(callers)], http.MethodPost, "/v1/chat/completions", asking("a/m", n%3 == 0))
				if body := text(t, resp); resp.StatusCode != 200 {
					t.Errorf("status %d: %s", resp.StatusCode, body)
				}
				asked.Add(1)
			}
		})
	}
	for n := range int64(60) {
		trial, percent := fmt.Sprint("trial_", n), int(n%3)*40 // a third of the time there is none
		r.swapTrial(trial, percent, 10*n+10, 10*n+11, "echo")
		at := asked.Load()
		harness.Until(t, "traffic goes on", func() bool { return asked.Load() > at+20 || t.Failed() })
	}
	stop()
	group.Wait()
	sides := map[bool]int{}
	for _, rec := range r.records.all() {
		sides[rec.Tried]++
		percent := int(rec.Revision/10-1) % 3 * 40
		want := percent > 0 && steer.Side(rec.KeyID, rec.Trial, percent)
		if rec.Tried != want || rec.Tried != (rec.Revision%10 == 1) || rec.Tried != (rec.Endpoint == "a/m@second") || (percent > 0) != (rec.Trial != "") {
			t.Fatalf("revision %d of %q, tried %v, want %v, at %s", rec.Revision, rec.Trial, rec.Tried, want, rec.Endpoint)
		}
	}
	if sides[true] < 50 || sides[false] < 50 {
		t.Errorf("exchanges by side: %v", sides)
	}
}

// TestTrialIsKeptApart holds that what is wrong with a trial is not held against those who are not on it.
func TestTrialIsKeptApart(t *testing.T) {
	callers, tuned := lettingIn(t, 50)
	r := newRig(t, "attempts: 1", tuned)
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	t.Cleanup(refuses.Close)
	fake := strings.TrimPrefix(r.fakeURL, "http://")
	load := func(address string, beside *fairlead.Snapshot) *fairlead.Snapshot {
		doc, _, found := compile.Canonical([]byte(fmt.Sprintf(trialSides, address, "first", "echo")), "test.yaml")
		check(t, found.Err())
		s, found := compile.FromState(compile.StateInput{Document: doc, Revision: 6, Beside: beside})
		check(t, found.Err())
		return s
	}
	s := load(fake, nil)
	s.Trial = &fairlead.SnapshotTrial{ID: "trial_1", Percent: 50, Snapshot: load(strings.TrimPrefix(refuses.URL, "http://"), s)}
	check(t, r.up.Prepare(s))
	r.gateway.Swap(s)
	on, off := side(t, callers, "trial_1", 50, true), side(t, callers, "trial_1", 50, false)
	for range 10 {
		resp := r.as(t.Context(), on, http.MethodPost, "/v1/chat/completions", asking("a/m", false))
		if body := text(t, resp); resp.StatusCode < 500 {
			t.Fatalf("on trial: status %d: %s", resp.StatusCode, body)
		}
		resp = r.as(t.Context(), off, http.MethodPost, "/v1/chat/completions", asking("a/m", false))
		if body := text(t, resp); resp.StatusCode != 200 {
			t.Fatalf("not on trial: status %d: %s", resp.StatusCode, body)
		}
	}
}
