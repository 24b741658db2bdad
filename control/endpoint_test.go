package control_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"fairlead"
	"fairlead/control"
)

// direct sends a request without a connection.
func direct(t testing.TB, h http.Handler, method, path, body string) int {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w.Code
}

func TestWeights(t *testing.T) {
	p := applied(t)
	for i, c := range []struct {
		id, body string
		changed  bool
		want     int
	}{
		{echo, `{"weight":25}`, true, 25},
		{echo, `{"weight":25}`, false, 25},
		{echo, `{"drain":true}`, true, 0},
		{echo, `{"drain":true}`, false, 0},
		{echo, `{"drain":false}`, true, 25},
		{echo, `{"drain":false}`, false, 25},
		{echoOther, `{"drain":true}`, true, 0},
		{echoOther, `{"drain":false}`, true, 100}, // none was stated
		{"fake%2Fecho@other", `{"weight":0}`, true, 0},
		{echoOther, `{"drain":false}`, true, 100},
	} {
		a := p.json(t, "PATCH", "/control/v1/endpoints/"+c.id, c.body, 200)
		if a["changed"] != c.changed {
			t.Errorf("%d: %v", i, a)
		}
		if got := p.weight(t, strings.ReplaceAll(c.id, "%2F", "/")); got != c.want {
			t.Errorf("%d: the weight is %d, want %d", i, got, c.want)
		}
	}
	want := "config.apply endpoint.weight endpoint.drain endpoint.undrain endpoint.drain endpoint.undrain endpoint.weight endpoint.undrain"
	if got := strings.Join(p.audit(t), " "); got != want {
		t.Errorf("audit: %s", got)
	}
	if r := p.json(t, "GET", "/control/v1/revisions/2", "", 200); r["origin"] != "weight" {
		t.Errorf("revision: %v", r)
	}
}

// TestUndrainAfterOtherWrites holds that the weight before a drain is found whatever was written since.
func TestUndrainAfterOtherWrites(t *testing.T) {
	p := applied(t)
	p.json(t, "PATCH", "/control/v1/endpoints/"+echo, `{"weight":33}`, 200)
	p.json(t, "PATCH", "/control/v1/endpoints/"+echo, `{"drain":true}`, 200)
	p.json(t, "PATCH", "/control/v1/endpoints/"+echoOther, `{"weight":5}`, 200)
	p.json(t, "PATCH", "/control/v1/config", `{"settings":{"attempts":5}}`, 200)
	p.json(t, "PATCH", "/control/v1/config", `{"models":{"fake/plain":null}}`, 200)
	p.json(t, "PATCH", "/control/v1/endpoints/"+echo, `{"drain":false}`, 200)
	if got := p.weight(t, echo); got != 33 {
		t.Errorf("the weight is %d, want 33", got)
	}
}

func TestConcurrentWeights(t *testing.T) {
	p := applied(t)
	var wg sync.WaitGroup
	for i, id := range []string{echo, echoOther, "fake/plain@fake"} {
		wg.Go(func() {
			for n := range 3 {
				p.json(t, "PATCH", "/control/v1/endpoints/"+id, fmt.Sprintf(`{"weight":%d}`, 10*i+n), 200)
			}
		})
	}
	wg.Wait()
	for i, id := range []string{echo, echoOther, "fake/plain@fake"} {
		if got := p.weight(t, id); got != 10*i+2 {
			t.Errorf("%s has %d, want %d", id, got, 10*i+2)
		}
	}
	if p.revision(t) != 10 {
		t.Errorf("revision %d, want 10", p.revision(t))
	}
}

// step lays weights over the document, as a ramp does.
func (p *plane) step(t *testing.T, weights map[string]int) {
	t.Helper()
	_, err := p.store.CommitStep(t.Context(), p.revision(t), fairlead.StepContent{Ramp: "ramp_1", Weights: weights}, fairlead.Act{By: "ramp", Action: "ramp.step"})
	check(t, err)
}

// TestWeightsLaidOver holds what becomes of weights that a ramp laid over the document when somebody writes.
func TestWeightsLaidOver(t *testing.T) {
	for _, c := range []struct {
		name, method, path, body string
		want                     string // of echo and of echoOther
	}{
		{"another setting", "PATCH", "/config", `{"settings":{"attempts":5}}`, "40 60"},
		{"the weight that ramps", "PATCH", "/endpoints/" + echo, `{"weight":10}`, "10 60"},
		{"the weight that ramps, as it is stated", "PATCH", "/endpoints/" + echo, `{"weight":70}`, "70 60"},
		{"a drain", "PATCH", "/endpoints/" + echo, `{"drain":true}`, "0 60"},
		{"a document with another weight", "PUT", "/config", strings.ReplaceAll(configuration, "70", "71"), "71 60"},
		{"a document that says the same", "PUT", "/config", configuration, "40 60"},
		{"a rollback", "POST", "/revisions/1/rollback", "", "70 100"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := applied(t)
			p.step(t, map[string]int{echo: 40, echoOther: 60})
			p.json(t, c.method, "/control/v1"+c.path, c.body, 200)
			if got := fmt.Sprint(p.weight(t, echo), p.weight(t, echoOther)); got != c.want {
				t.Errorf("the weights are %s, want %s", got, c.want)
			}
			list := p.json(t, "GET", "/control/v1/endpoints", "", 200).data()
			if got := fmt.Sprint(list[0]["weight"], list[1]["weight"]); got != c.want {
				t.Errorf("they are shown as %s", got)
			}
		})
	}
}

// TestDuringATrial holds that weights are set on both sides of a trial, and that nothing else is written meanwhile.
func TestDuringATrial(t *testing.T) {
	p := applied(t)
	s, _, err := p.store.State(t.Context())
	check(t, err)
	trial := &fairlead.Trial{ID: "trial_1", Revision: 2, Percent: 5, Patch: []byte(`{"models":{"fake/echo":{"endpoints":[{"provider":"fake","weight":1},{"provider":"other","weight":2}]}}}`)}
	_, _, err = p.store.CommitRevision(t.Context(), fairlead.Commit{
		Base: 1, Document: s.Document, Act: fairlead.Act{By: "admin", Action: "trial.begin"},
		Content: fairlead.RevisionContent{Revision: 2, Origin: fairlead.OriginTrial, Patch: []byte(`{}`), Sum: sum(s.Document), Trial: trial},
	})
	check(t, err)
	if a := p.json(t, "PATCH", "/control/v1/config", `{"settings":{"attempts":5}}`, 409); a.code() != "conflict" {
		t.Errorf("a patch: %v", a)
	}
	p.json(t, "PATCH", "/control/v1/endpoints/"+echo, `{"weight":9}`, 200)
	s, _, err = p.store.State(t.Context())
	check(t, err)
	if s.Trial == nil || !strings.Contains(string(s.Trial.Patch), `"weight":9`) || !strings.Contains(string(s.Trial.Patch), `"weight":2`) || p.weight(t, echo) != 9 {
		t.Errorf("the trial is %s, the weight %d", s.Trial.Patch, p.weight(t, echo))
	}
	if got := p.json(t, "GET", "/control/v1/config", "", 200); got["trial"] == nil {
		t.Errorf("config shows no trial: %v", got)
	}
	if a := p.json(t, "POST", "/control/v1/revisions/3/rollback", "", 200); a["changed"] != true { // the document stays, the trial does not
		t.Errorf("a rollback: %v", a)
	}
	if s, _, err = p.store.State(t.Context()); err != nil || s.Trial != nil {
		t.Errorf("after a rollback the trial is %v (%v)", s.Trial, err)
	}
}

func TestEndpoints(t *testing.T) {
	health := &control.HealthStatus{State: "open", Reason: "connection refused"}
	p := applied(t, func(o *control.Options) {
		o.Status = func() control.Status {
			return control.Status{
				Config: control.ConfigStatus{Revision: 1, Error: "revision 2: no"},
				Endpoints: []control.EndpointStatus{
					{ID: echo, Model: "fake/echo", Provider: "fake", Dialect: "openai", Weight: 7, Health: health},
					{ID: "old/gone@fake", Model: "old/gone", Provider: "fake", Dialect: "openai", Weight: 1},
				},
			}
		}
	})
	list := p.json(t, "GET", "/control/v1/endpoints", "", 200).data()
	if len(list) != 2 || list[0]["weight"] != 7.0 || list[0]["configured_weight"] != 70.0 || !strings.Contains(list[0].text(), "connection refused") {
		t.Errorf("endpoints: %v", list)
	}
	if price, ok := list[0]["price"]; !ok || price != nil || list[1]["configured_weight"] != nil {
		t.Errorf("endpoints: %v", list)
	}
	live := p.json(t, "GET", "/control/v1/config", "", 200)["live"].(map[string]any)
	if live["revision"] != 1.0 || live["error"] != "revision 2: no" {
		t.Errorf("live: %v", live)
	}
}

func TestEndpointsOfANodeWithoutDataPlane(t *testing.T) {
	p := applied(t)
	list := p.json(t, "GET", "/control/v1/endpoints", "", 200).data()
	if len(list) != 3 || list[0]["id"] != echo || list[0]["weight"] != 70.0 || !strings.Contains(list[0].text(), "0.15") {
		t.Errorf("endpoints: %v", list)
	}
}

// TestForgetHealth holds that an answer says who has forgotten, and that nobody claims to have what it does not hold.
func TestForgetHealth(t *testing.T) {
	forgot, told := 0, 0
	for _, c := range []struct {
		name   string
		option func(*control.Options)
		want   string
		counts [2]int
	}{
		{"own data plane", func(o *control.Options) { o.Forget = func() { forgot++ } }, "true 0", [2]int{1, 0}},
		{"fleet", func(o *control.Options) { o.TellForget = func() { told++ } }, "false 1", [2]int{0, 1}},
		{"nobody", func(*control.Options) {}, "false 0", [2]int{0, 0}},
	} {
		forgot, told = 0, 0
		p := newPlane(t, c.option)
		p.fleet.Hear(fairlead.NodeStatus{Name: "paris", Role: fairlead.RoleEdge})
		p.fleet.Hear(fairlead.NodeStatus{Name: "control-1", Role: fairlead.RoleControl})
		a := p.json(t, "DELETE", "/control/v1/health", "", 200)
		if got := fmt.Sprint(a["forgotten"], a["edges"]); got != c.want || c.counts != [2]int{forgot, told} {
			t.Errorf("%s: %v, %d forgot and %d were told", c.name, a, forgot, told)
		}
		if got := fmt.Sprint(p.audit(t)); got != "[health.forget]" {
			t.Errorf("audit: %s", got)
		}
	}
}

// TestHealthOfFleet holds that what live edges tell of an endpoint is added up: also by a control node that has none.
func TestHealthOfFleet(t *testing.T) {
	now := time.Now()
	p := applied(t, func(o *control.Options) {
		o.Fleet = control.NewFleet(func() time.Time { return now })
	})
	tell := func(name string, role fairlead.Role, held ...fairlead.EndpointHealth) {
		p.api.Fleet.Hear(fairlead.NodeStatus{Name: name, Role: role, Health: held})
	}
	fleet := func() string {
		e := p.json(t, "GET", "/control/v1/endpoints", "", 200).data()[0]
		f := e["fleet"].(map[string]any)
		return fmt.Sprintf("%v %v %v %v %v", f["edges"], f["shut"], f["reduced"], f["reason"], f["nodes"])
	}
	open := fairlead.EndpointHealth{ID: echo, State: "open", Reason: "failing"}
	slow := fairlead.EndpointHealth{ID: echo, State: "closed", Reason: "recovering", Share: 25}
	other := fairlead.EndpointHealth{ID: echoOther, State: "open", Reason: "failing"}
	want := func(what, text string) {
		t.Helper()
		if got := fleet(); got != text {
			t.Errorf("%s: %s, want %s", what, got, text)
		}
	}
	want("nobody", "0 0 0 <nil> <nil>")
	tell("dead", fairlead.RoleEdge, open)
	now = now.Add(time.Minute)
	tell("a", fairlead.RoleEdge, other)
	tell("c", fairlead.RoleControl)
	want("well", "1 0 0 <nil> <nil>")
	tell("b", fairlead.RoleEdge, slow)
	want("back", "2 0 1 recovering [b]")
	tell("d", fairlead.RoleAll, open)
	want("shut", "3 1 1 failing [b d]")
}
