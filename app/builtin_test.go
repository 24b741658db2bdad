package app_test

import (
	"net/http"
	"strings"
	"testing"

	"fairlead/app"
)

// TestBuiltinOutlivesARestart holds that no write to an endpoint of the built-in fake provider is kept, and that it is served again
// after a restart, at whatever address it has then.
func TestBuiltinOutlivesARestart(t *testing.T) {
	data := t.TempDir()
	n := start(t, app.Options{Data: data})
	key := n.key()
	for _, body := range []string{`{"weight":50}`, `{"drain":true}`, `{"weight":50,"ramp":"1m"}`} {
		resp, got := n.control(http.MethodPatch, "/control/v1/endpoints/fake/echo@fake", body)
		if resp.StatusCode != http.StatusConflict || !strings.Contains(got, "fairlead apply -f") {
			t.Errorf("%s: status %d: %s", body, resp.StatusCode, got)
		}
	}
	for range 2 {
		if resp, body := n.ask("/v1/chat/completions", key, chat("fake/echo", false)); resp.StatusCode != http.StatusOK {
			t.Fatalf("status %d: %s", resp.StatusCode, body)
		}
		if got := n.state(); got.Source != "builtin" || got.Revision != 0 {
			t.Errorf("in force is %+v", got)
		}
		check(t, n.stop())
		n = start(t, app.Options{Data: data})
	}
}
