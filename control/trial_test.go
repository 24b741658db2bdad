package control_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"fairlead"
)

const trialOf = "/control/v1/config?percent=5&hold=10m&guard=error_rate%3C2%25&why=try"

// tried begins a trial of a document with five attempts.
func tried(t *testing.T, p *plane) (id string) {
	t.Helper()
	a := p.json(t, "PATCH", trialOf, `{"settings":{"attempts":5}}`, 200)
	id, _ = a["trial"].(string)
	if id == "" || a["changed"] != true || a["revision"] != 2.0 || !strings.Contains(a.text(), "attempts") {
		t.Fatalf("a trial: %v", a)
	}
	return id
}

func (p *plane) document(t *testing.T) string {
	t.Helper()
	s, _, err := p.store.State(t.Context())
	check(t, err)
	return string(s.Document)
}

func TestTrial(t *testing.T) {
	for _, c := range []struct {
		act, body, end, origin string
		attempts               bool
	}{
		{"trial/promote", `{"why":"good"}`, "promoted", "trial", true},
		{"trial/drop", "", "dropped", "trial", false},
		{"revisions/1/rollback", "", "dropped", "rollback", false},
	} {
		t.Run(c.act, func(t *testing.T) {
			p := applied(t)
			p.json(t, "GET", "/control/v1/trial", "", 404)
			p.json(t, "POST", "/control/v1/trial/promote", "", 409)
			before := p.document(t)
			id := tried(t, p)
			if p.document(t) != before {
				t.Errorf("the document in force is %s", p.document(t))
			}
			r := p.json(t, "GET", "/control/v1/revisions/2", "", 200)
			if r["origin"] != "trial" || r["percent"] != 5.0 {
				t.Errorf("revision: %v", r)
			}
			now := p.json(t, "GET", "/control/v1/trial", "", 200)
			if now["id"] != id || now["percent"] != 5.0 || now["hold"] != "10m0s" || now["guard"] != "error_rate<2%" || !strings.Contains(now.text(), `"field":"attempts"`) || now["end"] != nil {
				t.Errorf("trial: %v", now)
			}
			p.json(t, "POST", "/control/v1/"+c.act+"?dry_run=true", c.body, 200)
			p.json(t, "POST", "/control/v1/"+c.act, c.body, 200)
			if got := strings.Contains(p.document(t), `"attempts":5`); got != c.attempts {
				t.Errorf("the document in force is %s", p.document(t))
			}
			s, _, err := p.store.State(t.Context())
			check(t, err)
			if r = p.json(t, "GET", "/control/v1/revisions/3", "", 200); s.Trial != nil || r["percent"] != 100.0 || r["origin"] != c.origin {
				t.Errorf("revision %v, trial %v", r, s.Trial)
			}
			if now = p.json(t, "GET", "/control/v1/trial", "", 200); now["end"] != c.end || !strings.Contains(now["why"].(string), "admin") {
				t.Errorf("trial: %v", now)
			}
			p.json(t, "POST", "/control/v1/trial/drop", "", 409)
			v, err := p.store.Verify(t.Context())
			check(t, err)
			if len(v.Faults) > 0 {
				t.Errorf("faults: %q", v.Faults)
			}
		})
	}
}

func TestTrialRefused(t *testing.T) {
	p := newPlane(t)
	p.json(t, "PUT", trialOf, configuration, 409) // beside nothing
	p.json(t, "PUT", "/control/v1/config", configuration, 200)
	for _, c := range []struct{ query, says string }{
		{"percent=0", "percent is a number from 1 to 99"},
		{"percent=100&hold=1m", "percent is a number from 1 to 99"},
		{"percent=5", "hold is how long"},
		{"percent=5&hold=1", "hold is how long"},
		{"percent=5&hold=10ms", "a second or more"},
		{"percent=5&hold=1m&guard=x%3C2", "error_rate"},
		{"hold=1m", "say on how many percent"},
		{"guard=error_rate%3C2%25", "say on how many percent"},
	} {
		if status, text := p.ask(t, "PATCH", "/control/v1/config?"+c.query, `{"settings":{"attempts":5}}`); status != 400 || !strings.Contains(text, c.says) {
			t.Errorf("%s: %d %s", c.query, status, text)
		}
	}
	p.json(t, "PATCH", trialOf, `{"models":{"fake/echo":{"endpoints":[{"provider":"nobody"}]}}}`, 400)
	if a := p.json(t, "PATCH", trialOf, `{}`, 200); a["changed"] != false || a["trial"] != nil {
		t.Errorf("nothing to try: %v", a)
	}
	if a := p.json(t, "PATCH", trialOf+"&dry_run=true", `{"settings":{"attempts":5}}`, 200); a["changed"] != true || a["trial"] != nil {
		t.Errorf("dry run: %v", a)
	}
	if p.revision(t) != 1 {
		t.Errorf("revision %d", p.revision(t))
	}
	p.json(t, "PATCH", "/control/v1/endpoints/"+echo, `{"weight":10,"ramp":"10m"}`, 200)
	if a := p.json(t, "PATCH", trialOf, `{"settings":{"attempts":5}}`, 409); !strings.Contains(a.text(), "ramp") {
		t.Errorf("during a ramp: %v", a)
	}
}

// TestWritesDuringATrial holds that weights go to both sides, that another trial and other writes are refused, and that a ramp
// goes on both sides, too.
func TestWritesDuringATrial(t *testing.T) {
	p := applied(t)
	id := tried(t, p)
	p.json(t, "PATCH", trialOf, `{"settings":{"attempts":6}}`, 409)
	p.json(t, "PUT", "/control/v1/config", configuration, 409)
	p.json(t, "PATCH", "/control/v1/endpoints/"+echo, `{"weight":9}`, 200)
	p.json(t, "PATCH", "/control/v1/endpoints/"+echoOther, `{"weight":50,"ramp":"10m"}`, 200)
	s, _, err := p.store.State(t.Context())
	check(t, err)
	if s.Trial == nil || s.Trial.ID != id || s.Trial.Revision != 2 || s.Weights[echoOther] != 100 {
		t.Fatalf("state: %+v", s)
	}
	ramp := p.json(t, "GET", "/control/v1/ramps", "", 200).data()[0]["id"].(string)
	p.json(t, "DELETE", "/control/v1/ramps/"+ramp, "", 200)
	p.json(t, "POST", "/control/v1/trial/promote", "", 200)
	if p.weight(t, echo) != 9 || p.weight(t, echoOther) != 100 || !strings.Contains(p.document(t), `"attempts":5`) {
		t.Errorf("promoted: %s", p.document(t))
	}
	if got := p.audit(t); !slices.Equal(got, []string{"config.apply", "trial.begin", "endpoint.weight", "ramp.begin", "ramp.held", "trial.promoted"}) {
		t.Errorf("audit: %v", got)
	}
}

// TestRollbackOverTrials holds that a revision which was made for a share is no target.
func TestRollbackOverTrials(t *testing.T) {
	p := applied(t)
	p.json(t, "PATCH", "/control/v1/config", `{"settings":{"attempts":4}}`, 200)
	p.json(t, "PATCH", trialOf, `{"settings":{"attempts":5}}`, 200)
	p.json(t, "POST", "/control/v1/trial/drop", "", 200)
	if a := p.json(t, "POST", "/control/v1/revisions/rollback?dry_run=true", "", 200); a["restores"] != 1.0 {
		t.Errorf("after a drop: %v", a)
	}
	p.json(t, "PATCH", trialOf, `{"settings":{"attempts":5}}`, 200)
	p.json(t, "POST", "/control/v1/trial/promote", "", 200)
	if a := p.json(t, "POST", "/control/v1/revisions/rollback", "", 200); a["restores"] != 4.0 || !strings.Contains(p.document(t), `"attempts":4`) {
		t.Errorf("after a promotion: %v, %s", a, p.document(t))
	}
}

// TestTrialIsEnded holds that an end by the node that leads is one by the trial.
func TestTrialIsEnded(t *testing.T) {
	p := applied(t)
	c, err := p.store.Course(t.Context(), tried(t, p))
	check(t, err)
	c.Ended, c.End = p.clock(), fairlead.EndPromoted
	change, err := p.api.Config().EndCourse(t.Context(), c, fairlead.Act{By: "trial", Action: "trial.promoted", Why: "good"})
	check(t, err)
	sent := p.sent.all()
	if sent[len(sent)-1].Number != change.Number || !strings.Contains(p.document(t), `"attempts":5`) {
		t.Errorf("change %d, document %s", change.Number, p.document(t))
	}
	if r := p.json(t, "GET", "/control/v1/revisions/3", "", 200); r["by"] != "trial" || r["origin"] != "trial" || r["why"] != "good" {
		t.Errorf("revision: %v", r)
	}
}

// TestEndpointsOfATrial holds that endpoints which only the revision on trial has are listed, marked so, as long as it is tried.
func TestEndpointsOfATrial(t *testing.T) {
	p := applied(t)
	shown := func() (list []string) {
		for _, e := range p.json(t, "GET", "/control/v1/endpoints", "", 200).data() {
			list = append(list, fmt.Sprint(e["id"], " ", e["configured_weight"], " ", e["trial"]))
		}
		return list
	}
	before := shown()
	p.json(t, "PATCH", trialOf, `{"models":{"fake/new":{"endpoints":[{"provider":"fake","weight":7},{"provider":"fake","name":"b"}]}}}`, 200)
	want := append(slices.Clone(before), "fake/new@fake 7 true", "fake/new@fake~b 100 true")
	if got := shown(); !slices.Equal(got, want) {
		t.Errorf("during the trial: %v, want %v", got, want)
	}
	p.json(t, "POST", "/control/v1/trial/drop", "", 200)
	if got := shown(); !slices.Equal(got, before) {
		t.Errorf("after it: %v, before it: %v", got, before)
	}
}
