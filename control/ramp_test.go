package control_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"fairlead"
	"fairlead/steer"
)

// ramped begins a ramp of the first endpoint from 70 to 10.
func ramped(t *testing.T, p *plane) (id string) {
	t.Helper()
	a := p.json(t, "PATCH", "/control/v1/endpoints/"+echo+"?why=less", `{"weight":10,"ramp":"10m","guard":" error_rate < 2% and ttft_p95<1.5x"}`, 200)
	id, _ = a["ramp"].(string)
	if id == "" || a["changed"] != true {
		t.Fatalf("a ramp: %v", a)
	}
	return id
}

// advance takes a ramp's next step, as the node that leads does.
func (p *plane) advance(t *testing.T, id string) {
	t.Helper()
	c, err := p.store.Course(t.Context(), id)
	check(t, err)
	var r steer.Ramp
	check(t, json.Unmarshal(c.State, &r))
	r.Steps++
	c.State, err = json.Marshal(r)
	check(t, err)
	c.Seen = &fairlead.Sight{Node: "one", Verdict: "good", Reason: "error_rate 0.00 %", Mine: 60, Peers: 70}
	_, err = p.store.StepCourse(t.Context(), fairlead.WeightStep{Base: p.revision(t), Course: c, Weight: r.Weight(), Act: fairlead.Act{By: "ramp", Action: "ramp.step"}})
	check(t, err)
}

// TestRampBegins holds that a ramp is one revision, with its target in the document and where it begins laid over it.
func TestRampBegins(t *testing.T) {
	p := applied(t)
	dry := p.json(t, "PATCH", "/control/v1/endpoints/"+echo+"?dry_run=true", `{"weight":10,"ramp":"10m"}`, 200)
	if dry["changed"] != true || dry["ramp"] != nil || p.revision(t) != 1 {
		t.Errorf("dry run: %v", dry)
	}
	id := ramped(t, p)
	if p.revision(t) != 2 || p.weight(t, echo) != 70 {
		t.Errorf("at revision %d the weight is %d", p.revision(t), p.weight(t, echo))
	}
	e := p.json(t, "GET", "/control/v1/endpoints", "", 200).data()[0]
	if e["weight"] != 70.0 || e["configured_weight"] != 10.0 {
		t.Errorf("endpoint: %v", e)
	}
	r := p.json(t, "GET", "/control/v1/revisions/2", "", 200)
	if r["origin"] != "weight" || r["percent"] != 100.0 || r["why"] != "less" {
		t.Errorf("revision: %v", r)
	}
	sent := p.sent.all()
	if s := string(sent[len(sent)-1].Content); !strings.Contains(s, `"ramp":{"id":"`+id+`"`) || !strings.Contains(s, `"guard":"error_rate<2% and ttft_p95<1.5x"`) {
		t.Errorf("nodes are told %s", s)
	}
	p.advance(t, id)
	list := p.json(t, "GET", "/control/v1/ramps?limit=1", "", 200).data()
	want := map[string]any{"endpoint": echo, "from": 70.0, "to": 10.0, "weight": 69.0, "over": "10m0s", "steps": 1.0, "of": 60.0, "revision": 2.0, "guard": "error_rate<2% and ttft_p95<1.5x"}
	for name, v := range want {
		if list[0][name] != v {
			t.Errorf("ramps: %s is %v, want %v", name, list[0][name], v)
		}
	}
	if one := p.json(t, "GET", "/control/v1/ramps/"+id, "", 200); !strings.Contains(one.text(), `"verdict":"good"`) || one["end"] != nil {
		t.Errorf("ramp: %v", one)
	}
	p.json(t, "GET", "/control/v1/ramps/ramp_1", "", 404)
	if got := p.audit(t); !slices.Equal(got, []string{"config.apply", "ramp.begin", "ramp.step"}) {
		t.Errorf("audit: %v", got)
	}
}

func TestRampRefused(t *testing.T) {
	p := applied(t)
	for _, c := range []struct {
		id, body string
		status   int
		says     string
	}{
		{echo, `{"drain":true,"ramp":"10m"}`, 400, "a ramp leads to a weight"},
		{echo, `{"weight":10,"guard":"error_rate<2%"}`, 400, "a guard watches over a ramp"},
		{echo, `{"weight":10,"ramp":"10m","guard":"errors<2%"}`, 400, "error_rate"},
		{echo, `{"weight":10,"ramp":"0.5s"}`, 400, "a second or more"},
		{echo, `{"weight":10,"ramp":"876000h"}`, 400, "at most 30 days"},
		{echo, `{"weight":10,"ramp":"soon"}`, 400, "/ramp"},
		{echo, `{"weight":-1,"ramp":"10m"}`, 400, "a weight is 0 to"},
		{"fake/ecko@fake", `{"weight":1,"ramp":"10m"}`, 404, echo},
		{"fake/plain@fake", `{"weight":1,"ramp":"10m","guard":"error_rate<2%"}`, 400, "this one is alone"},
		{echo, `{"weight":70,"ramp":"10m"}`, 200, `"changed":false`},
	} {
		status, text := p.ask(t, "PATCH", "/control/v1/endpoints/"+c.id, c.body)
		if status != c.status || !strings.Contains(text, c.says) {
			t.Errorf("%s: %d %s", c.body, status, text)
		}
	}
	if p.revision(t) != 1 {
		t.Errorf("revision %d", p.revision(t))
	}
}

// TestRampStops holds that a ramp which is stopped stays where it is, in one revision, and that stopping it again does
// nothing.
func TestRampStops(t *testing.T) {
	p := applied(t)
	id := ramped(t, p)
	p.advance(t, id)
	p.json(t, "DELETE", "/control/v1/ramps/"+id+"?dry_run=true", "", 200)
	a := p.json(t, "DELETE", "/control/v1/ramps/"+id+"?why=enough", "", 200, "If-Match", `"2"`)
	if a["revision"] != 3.0 || p.weight(t, echo) != 69 {
		t.Errorf("%v; the weight is %d", a, p.weight(t, echo))
	}
	one := p.json(t, "GET", "/control/v1/ramps/"+id, "", 200)
	if one["end"] != "held" || one["why"] != "by admin: enough" || one["weight"] != 69.0 {
		t.Errorf("ramp: %v", one)
	}
	if r := p.json(t, "GET", "/control/v1/revisions/3", "", 200); r["origin"] != "ramp" || r["why"] != "enough" {
		t.Errorf("revision: %v", r)
	}
	if again := p.json(t, "DELETE", "/control/v1/ramps/"+id, "", 200); again["changed"] != false {
		t.Errorf("again: %v", again)
	}
	p.json(t, "DELETE", "/control/v1/ramps/ramp_1", "", 404)
}

// TestWritesDuringARamp holds which writes end a ramp, and what the weight is then.
func TestWritesDuringARamp(t *testing.T) {
	for _, c := range []struct {
		name, method, path, body string
		end                      any
		weight                   int
	}{
		{"another setting", "PATCH", "/config", `{"settings":{"attempts":5}}`, nil, 69},
		{"another weight", "PATCH", "/endpoints/" + echoOther, `{"weight":5}`, nil, 69},
		{"its weight", "PATCH", "/endpoints/" + echo, `{"weight":33}`, "held", 33},
		{"its weight, as it will be", "PATCH", "/endpoints/" + echo, `{"weight":10}`, "held", 10},
		{"a drain", "PATCH", "/endpoints/" + echo, `{"drain":true}`, "held", 0},
		{"another ramp", "PATCH", "/endpoints/" + echo, `{"weight":90,"ramp":"5m"}`, "held", 69},
		{"a ramp beside it", "PATCH", "/endpoints/" + echoOther, `{"weight":90,"ramp":"5m"}`, nil, 69},
		{"a document with another weight", "PUT", "/config", configuration, "held", 70},
		{"a document without it", "PATCH", "/config", `{"models":{"fake/echo":null}}`, "held", -1},
		{"a rollback", "POST", "/revisions/rollback", "", "held", 70},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := applied(t)
			id := ramped(t, p)
			p.advance(t, id)
			a := p.json(t, c.method, "/control/v1"+c.path, c.body, 200)
			told := ""
			if c.end != nil {
				weight := strconv.Itoa(c.weight)
				if c.weight < 0 {
					weight = "null"
				}
				told = `"ended_ramps":[{"endpoint":"` + echo + `","reached":69,"target":10,"weight":` + weight + `}]`
			}
			if text := a.text(); !strings.Contains(text, told) || strings.Contains(text, "ended_ramps") != (c.end != nil) {
				t.Errorf("the answer is %s, want %s in it", text, told)
			}
			if one := p.json(t, "GET", "/control/v1/ramps/"+id, "", 200); one["end"] != c.end {
				t.Errorf("the ramp ended %v, want %v", one["end"], c.end)
			}
			if c.weight >= 0 && p.weight(t, echo) != c.weight {
				t.Errorf("the weight is %d, want %d", p.weight(t, echo), c.weight)
			}
			v, err := p.store.Verify(t.Context())
			check(t, err)
			if len(v.Faults) > 0 || p.revision(t) != 3 {
				t.Errorf("revision %d, faults %q", p.revision(t), v.Faults)
			}
		})
	}
}

// TestUndrainAfterARamp holds that an endpoint which was drained on its way gets back what it had reached, and not what
// it was to reach.
func TestUndrainAfterARamp(t *testing.T) {
	p := applied(t)
	id := ramped(t, p)
	p.advance(t, id)
	p.json(t, "PATCH", "/control/v1/endpoints/"+echo, `{"drain":true}`, 200)
	p.json(t, "PATCH", "/control/v1/endpoints/"+echo, `{"drain":false}`, 200)
	if p.weight(t, echo) != 69 {
		t.Errorf("the weight is %d, want 69", p.weight(t, echo))
	}
	p.json(t, "PATCH", "/control/v1/endpoints/"+echo, `{"drain":true}`, 200)
	p.json(t, "PATCH", "/control/v1/endpoints/"+echo, `{"weight":90,"ramp":"10m"}`, 200) // which takes no step
	p.json(t, "PATCH", "/control/v1/endpoints/"+echo, `{"drain":true}`, 200)
	p.json(t, "PATCH", "/control/v1/endpoints/"+echo, `{"drain":false}`, 200)
	if p.weight(t, echo) != 69 {
		t.Errorf("after a ramp that did not move the weight is %d, want 69", p.weight(t, echo))
	}
}

// TestStopWhileItIsKept holds that a ramp can be stopped though the node that leads keeps it again and again.
func TestStopWhileItIsKept(t *testing.T) {
	p := applied(t)
	id := ramped(t, p)
	var leading sync.WaitGroup
	leading.Go(func() {
		for range 40 { // the node that leads does it once a second
			if c, err := p.store.Course(t.Context(), id); err == nil {
				_ = p.store.KeepCourse(t.Context(), c) // until it has ended
			}
		}
	})
	a := p.json(t, "DELETE", "/control/v1/ramps/"+id, "", 200, "If-Match", `"2"`)
	leading.Wait()
	if a["changed"] != true || p.weight(t, echo) != 70 {
		t.Errorf("%v; the weight is %d", a, p.weight(t, echo))
	}
}

// TestManyRamps holds that no more than a bounded number of weights moves at once.
func TestManyRamps(t *testing.T) {
	p := newPlane(t)
	endpoints := strings.Builder{}
	for i := range 102 {
		fmt.Fprintf(&endpoints, `{"provider":"fake","name":"e%d"},`, i)
	}
	p.json(t, "PUT", "/control/v1/config", `{"version":1,"providers":{"fake":{"dialect":"openai","base_url":"http://127.0.0.1:9/v1"}},`+
		`"models":{"a/m":{"endpoints":[`+strings.TrimSuffix(endpoints.String(), ",")+`]}}}`, 200)
	for i := range 100 {
		p.json(t, "PATCH", fmt.Sprintf("/control/v1/endpoints/a/m@fake~e%d", i), `{"weight":1,"ramp":"10m"}`, 200)
	}
	p.json(t, "PATCH", "/control/v1/endpoints/a/m@fake~e100", `{"weight":1,"ramp":"10m"}`, 409)
	p.json(t, "PATCH", "/control/v1/endpoints/a/m@fake~e99", `{"weight":2,"ramp":"10m"}`, 200)
	p.json(t, "PATCH", "/control/v1/endpoints/a/m@fake~e100", `{"weight":1}`, 200)
}

// TestRollbackOverRamps holds that a rollback without a target never goes to a document whose weight was not in force:
// of a ramp that was sent back, held, or is under way.
func TestRollbackOverRamps(t *testing.T) {
	end := func(how fairlead.CourseEnd) func(*testing.T, *plane, string) {
		return func(t *testing.T, p *plane, id string) {
			c, err := p.store.Course(t.Context(), id)
			check(t, err)
			c.Ended, c.End = p.clock(), how
			_, err = p.api.Config().EndCourse(t.Context(), c, fairlead.Act{By: "ramp", Action: "ramp." + string(how), Why: "so"})
			check(t, err)
		}
	}
	for _, c := range []struct {
		name string
		then func(*testing.T, *plane, string)
		want string // the weight then, and after a rollback; "-" = there is nothing to go back to
	}{
		{"under way", func(*testing.T, *plane, string) {}, "69 70"},
		{"reverted", end(fairlead.EndReverted), "70 -"},
		{"held", end(fairlead.EndHeld), "69 70"},
		{"promoted", end(fairlead.EndPromoted), "10 70"},
		{"reverted after a setting", func(t *testing.T, p *plane, id string) {
			p.json(t, "PATCH", "/control/v1/config", `{"settings":{"attempts":5}}`, 200)
			end(fairlead.EndReverted)(t, p, id)
		}, "70 70"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := applied(t)
			id := ramped(t, p)
			p.advance(t, id)
			c.then(t, p, id)
			before, after := p.weight(t, echo), "-"
			if status, text := p.ask(t, "POST", "/control/v1/revisions/rollback", ""); status == 200 {
				after = fmt.Sprint(p.weight(t, echo))
			} else if status != 409 {
				t.Errorf("rollback: %d %s", status, text)
			}
			if got := fmt.Sprint(before, " ", after); got != c.want {
				t.Errorf("the weights are %s, want %s", got, c.want)
			}
		})
	}
}

// TestEndIsOfAVersion holds that an end which was decided by what is no more does nothing.
func TestEndIsOfAVersion(t *testing.T) {
	p := applied(t)
	id := ramped(t, p)
	c, err := p.store.Course(t.Context(), id)
	check(t, err)
	p.advance(t, id)
	c.Ended, c.End = p.clock(), fairlead.EndReverted
	_, err = p.api.Config().EndCourse(t.Context(), c, fairlead.Act{By: "ramp", Action: "ramp.reverted"})
	if fairlead.AsError(err).Code != fairlead.CodeStale || p.revision(t) != 2 {
		t.Errorf("%v at revision %d", err, p.revision(t))
	}
}

// clock is the time at which a test ends things.
func (p *plane) clock() time.Time { return time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC) }
