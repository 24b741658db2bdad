package app_test

import (
	"strings"
	"testing"

	"fairlead/app"
)

// TestWrittenByAPI holds that what the API writes is what the data plane serves when the write has answered, and again
// after a restart.
func TestWrittenByAPI(t *testing.T) {
	_, url := fake(t)
	data := t.TempDir()
	n := start(t, app.Options{Data: data})
	key := n.key()
	serves := func(model string, status int, revision string) {
		t.Helper()
		resp, body := n.ask("/v1/chat/completions", key, chat(model, false))
		if resp.StatusCode != status || resp.Header.Get("X-Fairlead-Revision") != revision {
			t.Errorf("%s: status %d, revision %s: %s", model, resp.StatusCode, resp.Header.Get("X-Fairlead-Revision"), body)
		}
	}
	write := func(method, path, body string) {
		t.Helper()
		if resp, answer := n.control(method, path, body); resp.StatusCode != 200 || !strings.Contains(answer, `"applied":true`) {
			t.Fatalf("%s %s: status %d: %s", method, path, resp.StatusCode, answer)
		}
	}
	write("PUT", "/control/v1/config", config(url, "one"))
	serves("openai/one", 200, "1")
	serves("fake/echo", 404, "1")
	write("PATCH", "/control/v1/config", `{"models":{"openai/two":{"endpoints":[{"provider":"first","model":"two:echo"}]}}}`)
	serves("openai/two", 200, "2")
	write("PATCH", "/control/v1/endpoints/openai/two@first", `{"drain":true}`)
	serves("openai/two", 503, "3")
	check(t, n.stop())

	n = start(t, app.Options{Data: data})
	serves("openai/two", 503, "3")
	write("POST", "/control/v1/revisions/rollback", "")
	serves("openai/two", 200, "4")
}
