package harness_test

import (
	"net/http"
	"strings"
	"testing"

	"fairlead/internal/fakellm"
	"fairlead/test/harness"
)

// TestNode holds that a node serves what its configuration says, takes another one, and ends in order.
func TestNode(t *testing.T) {
	fake, url := harness.Fake(t, fakellm.Options{Keys: []string{harness.Credential}})
	n := harness.Start(t, harness.Options{Config: harness.Config(url, url)})
	id, secret := n.Key("tester")
	if !strings.HasPrefix(id, "key_") || !strings.HasPrefix(secret, "sk-fl-") {
		t.Errorf("the key is %q with a secret of %d bytes", id, len(secret))
	}
	status := func(model, key string) int {
		t.Helper()
		body := `{"model":"` + model + `","messages":[{"role":"user","content":"hi"}]}`
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.URL+"/v1/chat/completions", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	for _, c := range []struct {
		model, key string
		want       int
	}{
		{"openai/echo", secret, 200},
		{"claude/echo", secret, 200},
		{"fast", secret, 200},
		{"later", secret, 404},
		{"fast", "sk-fl-none", 401},
	} {
		if got := status(c.model, c.key); got != c.want {
			t.Errorf("%s: status %d, want %d", c.model, got, c.want)
		}
	}
	if got := len(fake.Log()); got != 3 {
		t.Errorf("the fake saw %d attempts, want 3", got)
	}
	n.WriteConfig(strings.ReplaceAll(harness.Config(url, url), "[fast]", "[later]"))
	harness.Until(t, "the new configuration is in force", func() bool { return status("later", secret) == 200 })
	if !strings.Contains(n.Metrics(), "fairlead_requests_total") || !strings.Contains(n.Control("/control/v1/config"), `"revision":2`) {
		t.Error("metrics or configuration are not shown")
	}
	n.Stop()
	if !strings.Contains(n.Log(), "draining") || strings.Contains(n.Log(), secret) || strings.Contains(n.Log(), harness.Credential) {
		t.Errorf("the log is\n%s", n.Log())
	}
	again := harness.Start(t, harness.Options{Config: harness.Config(url, url), Data: n.Data})
	if again.PID == n.PID {
		t.Error("the restarted node is the stopped one")
	}
	n = again
	if got := status("fast", secret); got != 200 {
		t.Errorf("after a restart the key gives %d", got)
	}
}
