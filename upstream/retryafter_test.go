package upstream

import (
	"net/http"
	"testing"
	"time"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		ms, after string
		want      time.Duration
	}{
		{"", "", 0},
		{"", "7", 7 * time.Second},
		{"", "1.5", 1500 * time.Millisecond},
		{"250", "7", 250 * time.Millisecond},
		{"nonsense", "7", 7 * time.Second},
		{"", "Fri, 20 Nov 2026 12:00:30 GMT", 30 * time.Second},
		{"", "Fri, 20 Nov 2026 11:00:00 GMT", 0},
		{"", "-3", 0},
		{"", "NaN", 0},
		{"", "1e300", 24 * time.Hour},
		{"", "+Inf", 24 * time.Hour},
		{"", "soon", 0},
	} {
		h := http.Header{}
		h.Set("Retry-After-Ms", c.ms)
		h.Set("Retry-After", c.after)
		if got := retryAfter(h, now); got != c.want {
			t.Errorf("ms %q, after %q: %v, want %v", c.ms, c.after, got, c.want)
		}
	}
}
