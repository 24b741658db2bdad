package gateway_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"fairlead"
	"fairlead/test/harness"
)

const large = 12 << 20 // more than is read before the commit

// largeProvider answers embeddings of more than 8 MiB: whole, with its usage at the end, or broken off.
func largeProvider(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		whole := `{"object":"list","data":[` + strings.Repeat("0.25,", large/5) + `0],"model":"m","usage":{"prompt_tokens":7,"total_tokens":7}}`
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", fmt.Sprint(len(whole)))
		if strings.Contains(string(body), "broken") {
			_, _ = io.WriteString(w, whole[:large-1<<20])
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, whole)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestLargeAnswers holds that an answer too large to hold passes whole, with the usage that stands at its
// end, and that one that breaks off is neither a success to the caller nor in the record.
func TestLargeAnswers(t *testing.T) {
	r := newRig(t, "")
	r.swap(2, fmt.Sprintf(`version: 1
providers:
  big: {dialect: openai, base_url: "%s/v1"}
models:
  big/*: {endpoints: [{provider: big, price: {input: "1", output: "2"}}]}
`, largeProvider(t)))
	resp := r.post(t.Context(), "/v1/embeddings", `{"model":"big/whole","input":"x"}`)
	n, err := io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	if err != nil || n != resp.ContentLength || n < large {
		t.Errorf("%d of %d bytes came: %v", n, resp.ContentLength, err)
	}
	resp = r.post(t.Context(), "/v1/embeddings", `{"model":"big/broken","input":"x"}`)
	n, err = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	if err == nil {
		t.Errorf("a broken answer of %d bytes looks whole", n)
	}
	harness.Until(t, "both are over", func() bool { return len(r.records.all()) == 2 })
	all := r.records.all()
	if u := all[0].Usage; all[0].Code != "" || u.Input != 7 || u.Output != 0 || u.Estimated || all[0].Cost == nil || *all[0].Cost != 7000 {
		t.Errorf("the whole answer's record: %+v", all[0])
	}
	if all[1].Code != fairlead.CodeStreamInterrupted || all[1].Attempts[0].Outcome != fairlead.OutcomeInterrupted {
		t.Errorf("the broken answer's record: code %q, %+v", all[1].Code, all[1].Attempts)
	}
}
