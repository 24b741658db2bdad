package failure_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/upstream/failure"
)

const maxWait = 24 * time.Hour

// rows and outcomes are all that a verdict may name: it never quotes.
var (
	rows     = append(failure.Rules(), "break", "page", "in-band", "status")
	outcomes = append([]fairlead.Outcome{
		fairlead.OutcomeConnect, fairlead.OutcomeTimeout, fairlead.OutcomeServerError, fairlead.OutcomeRateLimited,
		fairlead.OutcomeCredential, fairlead.OutcomeModel, fairlead.OutcomeMalformed, fairlead.OutcomeQuota,
		fairlead.OutcomeOverloaded, fairlead.OutcomeRegion,
	}, own...)
)

// FuzzClassify holds for any status, header and body that a verdict is sound: check says how.
func FuzzClassify(f *testing.F) {
	for _, c := range cases(f) {
		var h strings.Builder
		for name, v := range c.evidence.Header {
			h.WriteString(name + ": " + v[0] + "\n")
		}
		f.Add(c.evidence.Place, c.evidence.Status, h.String(), c.evidence.Body, c.evidence.InBand)
	}
	f.Add("", -5, "", []byte(`{"error":{"error":{"error":{"error":{"error":{"error":{"error":{}}}}}}}}`), true)
	f.Add("", 429, "X-Ratelimit-Remaining: 0\nX-Ratelimit-Reset: 1e300", []byte(`[[[["a"]]]]`), false)
	f.Add("x", 429, "Retry-After: 1e400", []byte(`{"detail":[{"loc":[[]]}]}`), false)
	f.Fuzz(func(t *testing.T, place string, status int, headers string, body []byte, inBand bool) {
		e := failure.Evidence{Place: place, Status: status, Header: http.Header{}, Body: body, InBand: inBand, Now: now}
		for line := range strings.SplitSeq(headers, "\n") {
			if name, value, ok := strings.Cut(line, ": "); ok {
				e.Header[name] = append(e.Header[name], value)
			}
		}
		v := failure.Classify(e)
		check(t, &e, &v)
	})
}

// TestSound holds the same for all cases, at statuses that are not theirs.
func TestSound(t *testing.T) {
	statuses := []int{-1, 0, 4, 99, 200, 302, 400, 401, 402, 403, 404, 409, 413, 422, 424, 429, 498, 499, 500, 503, 504, 529, 599, 600}
	for _, c := range cases(t) {
		for _, status := range statuses {
			e := c.evidence
			e.Status = status
			v := failure.Classify(e)
			check(t, &e, &v)
		}
		if t.Failed() {
			t.Fatalf("%s %s", c.at, c.name)
		}
	}
}

func BenchmarkClassify(b *testing.B) {
	for _, c := range []struct{ name, place, body string }{
		{"by_code", "openai", `{"error":{"message":"Incorrect API key provided: sk-x","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`},
		{"by_text", "anthropic", `{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 205351 tokens > 200000 maximum"}}`},
		{"by_status", "openai", `{"error":{"message":"Invalid value for 'messages'.","type":"invalid_request_error","param":"messages","code":"invalid_value"}}`},
		{"long", "openai", `{"error":{"message":"` + strings.Repeat("prompt ", 9000) + `","type":"invalid_request_error","code":null}}`},
	} {
		b.Run(c.name, func(b *testing.B) {
			e := failure.Evidence{Place: c.place, Status: 400, Header: http.Header{}, Body: []byte(c.body), Now: now}
			b.ReportAllocs()
			for b.Loop() {
				failure.Classify(e)
			}
		})
	}
}
