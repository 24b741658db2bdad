package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/app"
	"fairlead/test/harness"
)

// health is what the control plane shows of an endpoint's health.
func (n *node) health() string {
	n.t.Helper()
	var got struct {
		Data []struct {
			Health *struct{ State, Reason string }
			Fleet  struct {
				Edges, Shut int
				Reason      string
				Nodes       []string
			}
		}
	}
	check(n.t, json.Unmarshal([]byte(n.must(http.MethodGet, "/control/v1/endpoints", "")), &got))
	e, own := got.Data[0], "nothing"
	if e.Health != nil {
		own = e.Health.State + " " + e.Health.Reason
	}
	return fmt.Sprintf("%s; %d of %d %s %v", own, e.Fleet.Shut, e.Fleet.Edges, e.Fleet.Reason, e.Fleet.Nodes)
}

// TestHealthShown kills the provider: the control plane shows it of each edge, with the reason, until it is back or forgotten.
func TestHealthShown(t *testing.T) {
	provider, url := fake(t)
	one, edge := fleetOf(t, strings.Replace(config(url, "one"), "base_url", `credentials: [{name: main, value: "${secret:main}"}], base_url`, 1))
	key := one.key()
	shows := func(what, want string) {
		t.Helper()
		last := ""
		t.Cleanup(func() {
			if t.Failed() {
				t.Logf("%s: at last %s", what, last)
			}
		})
		harness.Until(t, what, func() bool { last = one.health(); return last == want })
	}
	ask := func(nodes ...*node) {
		for _, n := range nodes {
			n.ask("/v1/chat/completions", key, chat("openai/one", false))
		}
	}
	// asked asks until something is shown.
	asked := func(what, want string, nodes ...*node) {
		t.Helper()
		harness.Until(t, what, func() bool { ask(nodes...); return one.health() == want })
	}
	const well = "nothing; 0 of 2  []"
	shows("no secret", "disabled no_credential; 2 of 2 no_credential [one paris]")
	one.must(http.MethodPut, "/control/v1/secrets/main", `{"value":"sk-of-the-provider"}`)
	shows("a secret", well)
	asked("both serve", well, one, edge)

	provider.Down(time.Hour, "refuse")
	asked("the edge finds it dead", "nothing; 1 of 2 failing [paris]", edge)
	one.must(http.MethodDelete, "/control/v1/health", "")
	shows("the edge has forgotten", well)
	harness.Until(t, "both find it dead", func() bool {
		ask(one, edge)
		got := one.health()
		return strings.HasPrefix(got, "open failing; 2 of 2 failing [one paris]")
	})
	provider.Up()
	asked("it is back", well, one, edge)
	one.must(http.MethodDelete, "/control/v1/secrets/main", "")
	shows("the secret is gone", "disabled no_credential; 2 of 2 no_credential [one paris]")
}

// TestHealthAtControl holds that a node without a data plane claims nothing of its own.
func TestHealthAtControl(t *testing.T) {
	_, url := fake(t)
	n := start(t, app.Options{Role: fairlead.RoleControl, Name: "control-1", BusListen: "127.0.0.1:0"})
	n.must(http.MethodPut, "/control/v1/config", config(url, "one"))
	if got := n.health(); got != "nothing; 0 of 0  []" {
		t.Errorf("without any edge: %s", got)
	}
	if got := n.must(http.MethodDelete, "/control/v1/health", ""); !strings.Contains(got, `"forgotten":false`) || !strings.Contains(got, `"edges":0`) {
		t.Errorf("forgotten: %s", got)
	}
}
