package admit_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/admit"
)

func TestRateHeaders(t *testing.T) {
	states := []admit.State{
		{ID: "key k", Limit: requests(60, 5), Remaining: 4, Reset: 8640 * time.Millisecond},
		{ID: "account a", Limit: requests(1000, 50), Remaining: 50},
		{ID: "key k", Limit: tokens(40_000, 0), Remaining: 39_000, Reset: 6*time.Minute + 1},
		{ID: "team t", Limit: tokens(90_000, 0), Remaining: 39_000, Reset: 6*time.Minute + 2*time.Second},
		{ID: "key k", Limit: fairlead.Limit{Of: fairlead.LimitConcurrency, Amount: 3}, Remaining: 1},
	}
	at := time.Date(2026, 11, 21, 12, 59, 58, 100, time.FixedZone("", 3600))
	for _, c := range []struct {
		name string
		tell func(add func(name, value string))
		want string
	}{
		{"openai", func(add func(name, value string)) { admit.OpenAIHeaders(states, add) }, `
			x-ratelimit-limit-requests: 60
			x-ratelimit-remaining-requests: 4
			x-ratelimit-reset-requests: 8.64s
			x-ratelimit-limit-tokens: 90000
			x-ratelimit-remaining-tokens: 39000
			x-ratelimit-reset-tokens: 6m2s`},
		{"anthropic", func(add func(name, value string)) { admit.AnthropicHeaders(states, at, add) }, `
			anthropic-ratelimit-requests-limit: 60
			anthropic-ratelimit-requests-remaining: 4
			anthropic-ratelimit-requests-reset: 2026-11-21T12:00:07Z
			anthropic-ratelimit-tokens-limit: 90000
			anthropic-ratelimit-tokens-remaining: 39000
			anthropic-ratelimit-tokens-reset: 2026-11-21T12:06:01Z`},
		{"none", func(add func(name, value string)) { admit.OpenAIHeaders(states[4:], add) }, ``},
		{"a limit of nothing", func(add func(name, value string)) {
			admit.AnthropicHeaders([]admit.State{{Limit: requests(0, 0), Reset: fairlead.Never}}, at, add)
		}, `
			anthropic-ratelimit-requests-limit: 0
			anthropic-ratelimit-requests-remaining: 0`},
	} {
		var got strings.Builder
		c.tell(func(name, value string) { fmt.Fprintf(&got, "\n\t\t\t%s: %s", name, value) })
		if got.String() != c.want {
			t.Errorf("%s:%s", c.name, got.String())
		}
	}
}

func TestResetSpans(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 1: "1ms", 12 * time.Millisecond: "12ms", time.Second: "1s", 999_000_001: "1s",
		6 * time.Minute: "6m0s", 61*time.Second + 1: "1m2s", fairlead.Never - 1: "2562047h47m16s",
	} {
		var got string
		admit.OpenAIHeaders([]admit.State{{Limit: requests(1, 1), Reset: d}}, func(name, value string) {
			if name == "x-ratelimit-reset-requests" {
				got = value
			}
		})
		if got != want {
			t.Errorf("%d: %s", d, got)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	for wait, want := range map[time.Duration]string{
		0: "1", 1: "1", time.Second: "1", time.Second + 1: "2", 90*time.Second - 1: "90", fairlead.Never: "",
	} {
		if got, ok := admit.RetryAfter(wait); got != want || ok != (want != "") {
			t.Errorf("%d: %q %v", wait, got, ok)
		}
	}
}
