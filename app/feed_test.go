package app_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"fairlead"
	"fairlead/app"
	"fairlead/test/harness"
)

// metrics gives what a node shows of itself, without a token.
func (n *node) metrics() string {
	n.t.Helper()
	_, text := n.send(http.MethodGet, n.app.ControlURL()+"/metrics", "", "")
	return text
}

// TestStale holds that an edge which hears nothing of control says so where it can: in its metrics, in its log, once, and
// at /readyz, where it is ready all the same. Once it hears control again all of that is over.
func TestStale(t *testing.T) {
	o := app.Options{BusListen: "127.0.0.1:0", Name: "c1", Data: t.TempDir()}
	c := start(t, o)
	_, provider := fake(t)
	c.must(http.MethodPut, "/control/v1/config", config(provider, "one"))
	o.BusListen = c.app.Bus().Address()
	e := c.edge("e1")
	harness.Until(t, "the edge serves", func() bool { resp, _ := e.readyz(); return resp == http.StatusOK })
	shows := func(stale bool) func() bool {
		want, body := "\nfairlead_stale 0\n", "ok\n"
		if stale {
			want, body = "\nfairlead_stale 1\n", "ok, but stale: nothing is heard of control\n"
		}
		return func() bool {
			status, text := e.readyz()
			return strings.Contains(e.metrics(), want) && status == http.StatusOK && text == body
		}
	}
	harness.Until(t, "the edge hears control", shows(false))
	check(t, c.stop())
	harness.Until(t, "the edge says that it is stale", shows(true))
	start(t, o)
	harness.Until(t, "the edge says that it is not stale any more", shows(false))
	for text, level := range map[string]string{"this node hears nothing of control": "WARN", "this node hears control again": "INFO"} {
		var lines []string
		for line := range strings.Lines(e.log.String()) {
			if strings.Contains(line, text) {
				lines = append(lines, line)
			}
		}
		if len(lines) != 1 || !strings.Contains(lines[0], "level="+level) {
			t.Errorf("the log has %q", lines)
		}
	}
}

// number reads a metric without labels.
func (n *node) number(metric string) float64 {
	n.t.Helper()
	_, rest, _ := strings.Cut(n.metrics(), "\n"+metric+" ")
	text, _, _ := strings.Cut(rest, "\n")
	f, err := strconv.ParseFloat(text, 64)
	check(n.t, err)
	return f
}

// TestHeard holds that the time since the last beat comes from the feed, and each change that came by it is counted once.
func TestHeard(t *testing.T) {
	n := start(t, app.Options{})
	for range 3 {
		harness.Until(t, "time passes", func() bool { return n.number("fairlead_heard_seconds") > 0.3 })
		harness.Until(t, "a beat is heard", func() bool { return n.number("fairlead_heard_seconds") < 0.3 })
	}
	before := n.number("fairlead_changes_applied_total")
	for range 5 {
		n.key()
	}
	harness.Until(t, "five changes are applied", func() bool { return n.number("fairlead_changes_applied_total") == before+5 })
	if r, c := n.number("fairlead_changes_refused_total"), n.number("fairlead_copies_total"); r != 0 || c != 0 {
		t.Errorf("%v changes are refused, %v copies made", r, c)
	}
}

// TestCopied holds that a node whose log was put back to what it was copies it, and tells how far that is.
func TestCopied(t *testing.T) {
	o := app.Options{Data: t.TempDir()}
	n := start(t, o)
	n.key()
	check(t, n.stop())
	database := filepath.Join(o.Data, "fairlead.db")
	before, err := os.ReadFile(database)
	check(t, err)
	n = start(t, o)
	n.key()
	check(t, n.stop())
	check(t, os.WriteFile(database, before, 0o600))
	n = start(t, o)
	harness.Until(t, "the log is copied", func() bool { return n.number("fairlead_copies_total") == 1 })
	harness.Until(t, "the copy is told of", func() bool {
		log := n.log.String()
		return strings.Count(log, "a whole copy of the log is being made") == 1 && strings.Count(log, "the whole copy is over") == 1
	})
}

// edge starts an edge that joins this node's fleet.
func (n *node) edge(name string) *node {
	n.t.Helper()
	var added struct{ Token string }
	check(n.t, json.Unmarshal([]byte(n.must(http.MethodPost, "/control/v1/nodes", `{"name":"`+name+`"}`)), &added))
	return start(n.t, app.Options{Role: fairlead.RoleEdge, Join: fairlead.NewSecret(added.Token)})
}

func (n *node) readyz() (status int, text string) {
	n.t.Helper()
	resp, text := n.send(http.MethodGet, n.app.DataURL()+"/readyz", "", "")
	return resp.StatusCode, text
}
