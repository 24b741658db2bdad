package control_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"fairlead"
	"fairlead/control"
)

// TestRollback plays writes: a number sets the attempts, "<" rolls back without a target, "<N" to revision N. What is
// wanted is the attempts after each.
func TestRollback(t *testing.T) {
	for _, c := range []struct{ name, play, want string }{
		{"one back", "1 2 <", "1 2 1"},
		{"two back", "1 2 3 < <", "1 2 3 2 1"},
		{"what was undone stays so", "1 2 < 3 <", "1 2 1 3 1"},
		{"on backwards over what was undone", "1 2 3 < 4 < <", "1 2 3 2 4 2 1"},
		{"to a number", "1 2 3 <1", "1 2 3 1"},
		{"to a number and on", "1 2 3 4 <2 <", "1 2 3 4 2 1"},
		{"forward again", "1 2 3 <1 <3 <", "1 2 3 1 3 2"},
		{"to a rollback", "1 2 < 3 <3 4 <", "1 2 1 3 1 4 1"},
		{"the same content in between", "1 2 1 <", "1 2 1 2"},
		{"no further", "1 2 < <", "1 2 1 -"},
		{"nothing there", "<", "-"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlane(t)
			got := []string{}
			for _, act := range strings.Fields(c.play) {
				got = append(got, p.play(t, act))
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%s gives %v, want %s", c.play, got, c.want)
			}
		})
	}
}

func (p *plane) play(t *testing.T, act string) string {
	t.Helper()
	status := 0
	var a string
	if to, ok := strings.CutPrefix(act, "<"); ok {
		path := "/control/v1/revisions/rollback"
		if to != "" {
			path = "/control/v1/revisions/" + to + "/rollback"
		}
		status, a = p.ask(t, "POST", path, `{"why":"it was bad"}`)
	} else {
		n, err := strconv.Atoi(act)
		check(t, err)
		status, a = p.ask(t, "PUT", "/control/v1/config", strings.TrimSpace(configuration)+fmt.Sprintf("\nsettings: {attempts: %d}", n))
	}
	if status != 200 {
		if status != 409 {
			t.Errorf("%s: %d %s", act, status, a)
		}
		return "-"
	}
	doc := p.json(t, "GET", "/control/v1/config", "", 200)["document"].(map[string]any)
	return fmt.Sprint(doc["settings"].(map[string]any)["attempts"])
}

func TestRollbackTellsItsTarget(t *testing.T) {
	p := newPlane(t)
	for _, act := range []string{"1", "2", "3"} {
		p.play(t, act)
	}
	dry := p.json(t, "POST", "/control/v1/revisions/rollback?dry_run=true", "", 200)
	if dry["restores"] != 2.0 || p.revision(t) != 3 || !strings.Contains(dry.text(), "attempts") {
		t.Errorf("dry run: %v", dry)
	}
	a := p.json(t, "POST", "/control/v1/revisions/rollback", "", 200, "X-Fairlead-Why", "it was bad", "If-Match", `"3"`)
	if a["restores"] != 2.0 || a["revision"] != 4.0 {
		t.Errorf("%v", a)
	}
	r := p.json(t, "GET", "/control/v1/revisions/4", "", 200)
	if r["restores"] != 2.0 || r["origin"] != "rollback" || r["why"] != "it was bad" {
		t.Errorf("revision: %v", r)
	}
	if stale := p.json(t, "POST", "/control/v1/revisions/rollback", "", 412, "If-Match", `"3"`); stale.code() != "stale_revision" {
		t.Errorf("%v", stale)
	}
	if again := p.json(t, "POST", "/control/v1/revisions/2/rollback", "", 200); again["changed"] != false || p.revision(t) != 4 {
		t.Errorf("to where it is: %v", again)
	}
}

func TestRevisions(t *testing.T) {
	p := newPlane(t)
	for i := 1; i <= 5; i++ {
		p.play(t, strconv.Itoa(i))
	}
	for _, limit := range []int{1, 2, 5, 6} {
		got, before := []string{}, ""
		for range 10 {
			page := p.json(t, "GET", fmt.Sprintf("/control/v1/revisions?limit=%d%s", limit, before), "", 200)
			for _, r := range page.data() {
				got = append(got, fmt.Sprint(r["number"]))
			}
			if page["next"] == nil {
				break
			}
			before = fmt.Sprintf("&before=%v", page["next"])
		}
		if strings.Join(got, " ") != "5 4 3 2 1" {
			t.Errorf("pages of %d: %v", limit, got)
		}
	}
	d := p.json(t, "GET", "/control/v1/revisions/1/diff/5", "", 200)
	if d["from"] != 1.0 || d["to"] != 5.0 || !strings.Contains(d.text(), "attempts") {
		t.Errorf("diff: %v", d)
	}
	if same := p.json(t, "GET", "/control/v1/revisions/3/diff/3", "", 200); len(same["diff"].([]any)) != 0 {
		t.Errorf("diff with itself: %v", same)
	}
}

// TestRollbackOverUnfit holds that what this node could not go by is not written, and that a rollback passes over what was
// written elsewhere.
func TestRollbackOverUnfit(t *testing.T) {
	var unfit atomic.Int64 // attempts
	p := newPlane(t, func(o *control.Options) {
		o.Fits = func(c *fairlead.Config) error {
			if c.Settings.Attempts != nil && int64(*c.Settings.Attempts) == unfit.Load() {
				return errors.New("it is this node's own data plane")
			}
			return nil
		}
	})
	for _, act := range []string{"1", "2", "3"} {
		p.play(t, act)
	}
	unfit.Store(2)
	if got := p.play(t, "<"); got != "1" {
		t.Errorf("a rollback leads to %s", got)
	}
	doc := strings.Replace(configuration, ":9/v2", ":9/v3", 1) + "\nsettings: {attempts: 2}"
	for _, query := range []string{"", "?dry_run=true"} {
		if a := p.json(t, "PUT", "/control/v1/config"+query, doc, 400); !strings.Contains(a.text(), "own data plane") {
			t.Errorf("%s", a.text())
		}
	}
}
