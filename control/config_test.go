package control_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"fairlead"
	"fairlead/compile"
	"fairlead/control"
)

func TestApply(t *testing.T) {
	p := newPlane(t)
	a := p.json(t, "PUT", "/control/v1/config?why=a+start", configuration, 200)
	if a["revision"] != 1.0 || a["changed"] != true || a["change"] != 1.0 || a["applied"] != true || len(a["diff"].([]any)) == 0 {
		t.Errorf("applied: %v", a)
	}
	if !strings.Contains(a.text(), "secret OTHER is not stored") {
		t.Errorf("nothing warns of the missing secret: %v", a["findings"])
	}
	again := p.json(t, "PUT", "/control/v1/config", "# a comment\n"+configuration, 200)
	if again["changed"] != false || again["revision"] != 1.0 || again["change"] != nil || len(again["diff"].([]any)) != 0 {
		t.Errorf("the same again: %v", again)
	}
	got := p.json(t, "GET", "/control/v1/config", "", 200)
	if got["revision"] != 1.0 || got["source"] != "store" || got["document"].(map[string]any)["version"] != 1.0 {
		t.Errorf("config: %v", got)
	}
	r := answer(p.json(t, "GET", "/control/v1/revisions/1", "", 200))
	if r["why"] != "a start" || r["by"] != "admin" || r["origin"] != "apply" || r["percent"] != 100.0 || r["document"] == nil {
		t.Errorf("revision: %v", r)
	}
	sent := p.sent.all()
	if len(sent) != 1 || sent[0].Kind != fairlead.ChangeRevision || sent[0].Number != 1 {
		t.Errorf("published: %v", sent)
	}
	if got := p.audit(t); fmt.Sprint(got) != "[config.apply]" {
		t.Errorf("audit: %v", got)
	}
}

// TestDocumentForms holds that the configuration can be read and written as YAML and as JSON, to the same effect.
func TestDocumentForms(t *testing.T) {
	p := applied(t)
	for _, path := range []string{"/control/v1/config", "/control/v1/revisions/1"} {
		resp := p.do(t, "GET", path+"?format=yaml", "")
		if resp.Header.Get("Content-Type") != "application/yaml" || resp.Header.Get("ETag") != `"1"` {
			t.Errorf("%s: %v", path, resp.Header)
		}
		_, text := p.ask(t, "GET", path+"?format=yaml", "")
		if !strings.Contains(text, "base_url: http://127.0.0.1:9/v1\n") || !strings.Contains(text, `input: "0.15"`) {
			t.Errorf("%s is %s", path, text)
		}
		doc, err := json.Marshal(p.json(t, "GET", path+"?format=json", "", 200)["document"])
		check(t, err)
		for _, body := range []string{text, string(doc)} {
			if a := p.json(t, "PUT", "/control/v1/config", body, 200); a["changed"] != false {
				t.Errorf("written back: %v\n%s", a, body)
			}
		}
	}
}

// TestPatch holds what a merge patch does, and how it is told.
func TestPatch(t *testing.T) {
	for _, c := range []struct {
		name, patch string
		changed     bool
		want        string // in the answer
	}{
		{"nothing", `{}`, false, ``},
		{"what is there already", `{"models":{"fake/plain":{"aliases":["plain"]}}}`, false, ``},
		{"a setting", `{"settings":{"attempts":5}}`, true, `attempts`},
		{"a list is replaced", `{"models":{"fake/plain":{"aliases":["p"]}}}`, true, `plain`},
		{"a model is taken away", `{"models":{"fake/plain":null}}`, true, `fake/plain`},
		{"a provider is added", `{"providers":{"third":{"dialect":"openai","base_url":"http://127.0.0.1:9"}}}`, true, `third`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := applied(t)
			dry := p.json(t, "PATCH", "/control/v1/config?dry_run=true", c.patch, 200)
			if p.revision(t) != 1 || dry["dry_run"] != true || dry["changed"] != c.changed {
				t.Errorf("dry run: revision %d, %v", p.revision(t), dry)
			}
			a := p.json(t, "PATCH", "/control/v1/config", c.patch, 200)
			diff, _ := json.Marshal(a["diff"])
			dryDiff, _ := json.Marshal(dry["diff"])
			if a["changed"] != c.changed || !strings.Contains(string(diff), c.want) || string(diff) != string(dryDiff) {
				t.Errorf("%v; the dry run said %s", a, dryDiff)
			}
			if want := map[bool]int64{true: 2, false: 1}[c.changed]; p.revision(t) != want {
				t.Errorf("revision %d, want %d", p.revision(t), want)
			}
		})
	}
}

func TestIfMatch(t *testing.T) {
	p := applied(t)
	resp := p.do(t, "GET", "/control/v1/config", "")
	tag := resp.Header.Get("ETag")
	patch := func(n int) string { return fmt.Sprintf(`{"settings":{"attempts":%d}}`, n) }
	p.json(t, "PATCH", "/control/v1/config", patch(4), 200, "If-Match", tag)
	a := p.json(t, "PATCH", "/control/v1/config", patch(5), 412, "If-Match", tag)
	if a.code() != "stale_revision" || p.revision(t) != 2 {
		t.Errorf("%v at revision %d", a, p.revision(t))
	}
	p.json(t, "PATCH", "/control/v1/config", patch(5), 200, "If-Match", `"2"`)
	p.json(t, "PATCH", "/control/v1/config", patch(6), 200, "If-Match", `*`)
}

// base is what a node serves of itself.
func base(text string, source control.Source) func(*control.Options) {
	doc, _, _ := compile.Canonical([]byte(text), "")
	return func(o *control.Options) {
		o.Base = func() ([]byte, control.Source) { return doc, source }
	}
}

// TestBeforeTheFirstRevision holds what a write builds on where nobody wrote a configuration yet.
func TestBeforeTheFirstRevision(t *testing.T) {
	const patch = `{"settings":{"attempts":5}}`
	for _, c := range []struct {
		name     string
		source   control.Source
		write    func(t *testing.T, p *plane) answer
		revision int64
		models   bool // those of the start are in the new document
	}{
		{"a patch on the environment's", control.SourceEnvironment, func(t *testing.T, p *plane) answer { return p.json(t, "PATCH", "/control/v1/config", patch, 200) }, 1, true},
		{"a weight on the environment's", control.SourceEnvironment, func(t *testing.T, p *plane) answer {
			return p.json(t, "PATCH", "/control/v1/endpoints/"+echo, `{"weight":1}`, 200)
		}, 1, true},
		{"a patch of nothing on the environment's", control.SourceEnvironment, func(t *testing.T, p *plane) answer { return p.json(t, "PATCH", "/control/v1/config", `{}`, 200) }, 0, true},
		{"a whole document over the environment's", control.SourceEnvironment, func(t *testing.T, p *plane) answer {
			return p.json(t, "PUT", "/control/v1/config", configuration, 200)
		}, 1, true},
		{"a patch on the fake provider", control.SourceBuiltin, func(t *testing.T, p *plane) answer {
			return p.json(t, "PATCH", "/control/v1/config", `{"providers":{"p":{"dialect":"openai","base_url":"http://127.0.0.1:9"}},"models":{"m/n":{"endpoints":[{"provider":"p"}]}}}`, 200)
		}, 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlane(t, base(configuration, c.source))
			before := p.json(t, "GET", "/control/v1/config", "", 200)
			if before["revision"] != 0.0 || before["source"] != string(c.source) || !strings.Contains(before.text(), "fake/echo") {
				t.Errorf("before: %v", before)
			}
			a := c.write(t, p)
			if p.revision(t) != c.revision || a["changed"] != (c.revision == 1) {
				t.Errorf("revision %d: %v", p.revision(t), a)
			}
			after := p.json(t, "GET", "/control/v1/config", "", 200)
			if strings.Contains(after.text(), "fake/echo") != c.models {
				t.Errorf("after: %v", after)
			}
			if c.revision == 0 {
				return
			}
			if after["source"] != "store" {
				t.Errorf("the source is %v", after["source"])
			}
			v, err := p.store.Verify(t.Context())
			if err != nil || len(v.Faults) > 0 {
				t.Errorf("verify: %v, %v", v, err)
			}
		})
	}
}

// TestNothingIsBuiltOnTheFake holds that no write keeps the address of the built-in fake provider, which is good until the node ends,
// nor takes the provider away and puts nothing in its place.
func TestNothingIsBuiltOnTheFake(t *testing.T) {
	p := newPlane(t, base(configuration, control.SourceBuiltin))
	for _, c := range [][3]string{
		{"PATCH", "/control/v1/endpoints/" + echo, `{"weight":50}`},
		{"PATCH", "/control/v1/endpoints/" + echo, `{"drain":true}`},
		{"PATCH", "/control/v1/endpoints/" + echo, `{"drain":false}`},
		{"PATCH", "/control/v1/endpoints/" + echo, `{"weight":50,"ramp":"10m"}`},
		{"PATCH", "/control/v1/endpoints/" + echo + "?dry_run=true", `{"weight":50}`},
		{"PATCH", "/control/v1/config", `{"settings":{"attempts":5}}`},
		{"PATCH", "/control/v1/config?dry_run=true", `{"settings":{"attempts":5}}`},
		{"PATCH", "/control/v1/config?percent=5&hold=10m", `{"settings":{"attempts":5}}`},
		{"PUT", "/control/v1/config?percent=5&hold=10m", configuration},
		{"POST", "/control/v1/revisions/rollback", ""},
		{"POST", "/control/v1/trial/promote", ""},
	} {
		a := p.json(t, c[0], c[1], c[2], 409)
		if hint := strings.Contains(a.text(), "fairlead apply -f"); hint != (c[0] == "PATCH") {
			t.Errorf("%v: %v", c, a)
		}
		if p.revision(t) != 0 {
			t.Fatalf("%v: there is a revision", c)
		}
	}
	p.json(t, "PUT", "/control/v1/config", configuration, 200)
	p.json(t, "PATCH", "/control/v1/endpoints/"+echo, `{"weight":50}`, 200)
}

// TestFileMode holds that where a file is the truth, only the file writes.
func TestFileMode(t *testing.T) {
	p := newPlane(t, func(o *control.Options) { o.File = "/etc/fairlead.yaml" })
	w, err := p.api.Config().ApplyFile(t.Context(), []byte(configuration), "/etc/fairlead.yaml")
	if err != nil || w.Revision != 1 || !w.Changed {
		t.Fatalf("the file: %+v, %v", w, err)
	}
	for _, c := range [][3]string{
		{"PUT", "/control/v1/config", "version: 1"},
		{"PATCH", "/control/v1/config", `{"settings":{"attempts":5}}`},
		{"POST", "/control/v1/revisions/1/rollback", ""},
		{"POST", "/control/v1/revisions/rollback", ""},
		{"PATCH", "/control/v1/endpoints/" + echo, `{"weight":0}`},
		{"PATCH", "/control/v1/endpoints/" + echo, `{"drain":true}`},
	} {
		if a := p.json(t, c[0], c[1], c[2], 409); !strings.Contains(a.text(), "/etc/fairlead.yaml") {
			t.Errorf("%v: %v", c, a)
		}
	}
	if a := p.json(t, "PUT", "/control/v1/config?dry_run=true", strings.ReplaceAll(configuration, "70", "71"), 200); a["changed"] != true {
		t.Errorf("a dry run: %v", a)
	}
	if got := p.json(t, "GET", "/control/v1/config", "", 200); got["source"] != "file" || got["file"] != "/etc/fairlead.yaml" || got["revision"] != 1.0 {
		t.Errorf("config: %v", got)
	}
	p.json(t, "POST", "/control/v1/keys", `{"name":"a"}`, 201)

	again, err := p.api.Config().ApplyFile(t.Context(), []byte("# another comment\n"+configuration), "/etc/fairlead.yaml")
	if err != nil || again.Changed || again.Revision != 1 {
		t.Errorf("the same: %+v, %v", again, err)
	}
	_, err = p.api.Config().ApplyFile(t.Context(), []byte("version: 1\nmodels: {a/b: {}}"), "/etc/fairlead.yaml")
	var e *fairlead.Error
	if !errors.As(err, &e) || !strings.Contains(e.Message, "/etc/fairlead.yaml:2") {
		t.Errorf("a bad file: %v", err)
	}
	next, err := p.api.Config().ApplyFile(t.Context(), []byte(strings.ReplaceAll(configuration, "70", "71")), "/etc/fairlead.yaml")
	if err != nil || next.Revision != 2 || len(p.sent.all()) != 3 {
		t.Errorf("an edit: %+v, %v, published %d", next, err, len(p.sent.all()))
	}
	if r := p.json(t, "GET", "/control/v1/revisions/2", "", 200); r["origin"] != "file" || r["by"] != "file" {
		t.Errorf("revision: %v", r)
	}
}

// TestConcurrentPatches holds that of writes to different places none is lost, and that of writes with If-Match
// exactly one wins each number.
func TestConcurrentPatches(t *testing.T) {
	p := applied(t)
	other := control.New(control.Options{Store: p.store, Token: fairlead.NewSecret(token)}) // another control node
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			patch := fmt.Sprintf(`{"models":{"fake/m%d":{"endpoints":[{"provider":"fake"}]}}}`, i)
			if i%2 == 0 {
				p.json(t, "PATCH", "/control/v1/config", patch, 200)
				return
			}
			if status := direct(t, other, "PATCH", "/control/v1/config", patch); status != 200 {
				t.Errorf("the other node answers %d", status)
			}
		})
	}
	wg.Wait()
	doc := p.json(t, "GET", "/control/v1/config", "", 200).text()
	for i := range 8 {
		if !strings.Contains(doc, fmt.Sprintf("fake/m%d", i)) {
			t.Errorf("the write of model %d is lost", i)
		}
	}
	if p.revision(t) != 9 {
		t.Errorf("revision %d, want 9", p.revision(t))
	}

	won := make([]bool, 8)
	for i := range won {
		wg.Go(func() {
			status, _ := p.ask(t, "PATCH", "/control/v1/config", fmt.Sprintf(`{"settings":{"attempts":%d}}`, i+1), "If-Match", `"9"`)
			won[i] = status == 200
			if !won[i] && status != 412 {
				t.Errorf("status %d", status)
			}
		})
	}
	wg.Wait()
	if n := strings.Count(fmt.Sprint(won), "true"); n != 1 || p.revision(t) != 10 {
		t.Errorf("%d won, revision %d", n, p.revision(t))
	}
}

// TestEdgeDoesNotTakeIt holds that a revision which is committed is said to be, whatever this node's edge says.
func TestEdgeDoesNotTakeIt(t *testing.T) {
	p := newPlane(t, broken(errors.New("compile at /secret/place")))
	a := p.json(t, "PUT", "/control/v1/config", configuration, 200)
	if a["applied"] != false || a["changed"] != true || p.revision(t) != 1 || strings.Contains(a.text(), "/secret/place") {
		t.Errorf("%v", a)
	}
	if !strings.Contains(p.log.String(), "/secret/place") {
		t.Error("the log does not say why")
	}
}
