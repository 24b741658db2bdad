package gateway_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// TestWithheld holds that the record of an exchange names the endpoint whose turn it was and which a suspicion kept away: here one
// that fails twice and is well from then on.
func TestWithheld(t *testing.T) {
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) <= 2 {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`)
	}))
	t.Cleanup(s.Close)
	r := newRig(t, "attempts: 3")
	r.swap(2, fmt.Sprintf(`version: 1
providers:
  shaky: {dialect: openai, base_url: "%s/v1"}
  steady: {dialect: openai, base_url: "%s/v1"}
models:
  a/m:
    endpoints: [{provider: shaky, weight: 1000000}, {provider: steady, model: echo, weight: 1}]
    route: {optimize: weights}
`, s.URL, r.fakeURL))
	for range 50 {
		resp := r.as(t.Context(), holder{secret: r.key}, http.MethodPost, "/v1/chat/completions", asking("a/m", false))
		if body := text(t, resp); resp.StatusCode != http.StatusOK {
			t.Fatalf("status %d: %s", resp.StatusCode, body)
		}
		if rec := r.records.of(t, resp); len(rec.Withheld) > 0 {
			if !slices.Equal(rec.Withheld, []string{"a/m@shaky"}) || !strings.HasSuffix(rec.Endpoint, "@steady") || len(rec.Shut) > 0 {
				t.Errorf("withheld %v, shut %v, answered by %s", rec.Withheld, rec.Shut, rec.Endpoint)
			}
			return
		}
	}
	t.Error("nothing was withheld")
}
