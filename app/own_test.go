package app_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"fairlead/app"
)

// TestOwnStaysHere holds that a configuration leads neither to the node's own files nor back to its own data plane.
func TestOwnStaysHere(t *testing.T) {
	provider, url := fake(t)
	n := start(t, app.Options{LookupEnv: func(name string) (string, bool) {
		v, ok := map[string]string{"FAIRLEAD_ADMIN_TOKEN": "hunter2", "MINE": "hunter2"}[name]
		return v, ok
	}})
	with := func(base string, references ...string) string {
		text := "version: 1\nproviders:\n  p: {dialect: openai, base_url: \"" + base + "\", credentials: ["
		for _, r := range references {
			text += "{value: \"" + r + "\"}, "
		}
		return text + "]}\nmodels:\n  a/b: {endpoints: [{provider: p, model: \"x:echo\"}]}\n"
	}
	path, err := filepath.EvalSymlinks(n.app.Data)
	check(t, err)
	for _, reference := range []string{"${file:" + path + "/secret.key}", "${file:/proc/self/root" + path + "/admin.token}", "${env:FAIRLEAD_ADMIN_TOKEN}"} {
		if resp, body := n.control(http.MethodPut, "/control/v1/config", with(url+"/v1", reference)); resp.StatusCode != 200 {
			t.Fatal(body)
		}
		n.ask("/v1/chat/completions", n.key(), chat("a/b", false))
	}
	if got := len(provider.Log()); got != 0 {
		t.Errorf("%d requests went out with what is the node's own", got)
	}
	before := n.state().Revision
	resp, body := n.control(http.MethodPut, "/control/v1/config", with(n.app.DataURL()+"/v1", "${env:MINE}"))
	if resp.StatusCode != 400 || !strings.Contains(body, "own data plane") || n.state().Revision != before {
		t.Errorf("status %d, revision %d after %d: %s", resp.StatusCode, n.state().Revision, before, body)
	}
}
