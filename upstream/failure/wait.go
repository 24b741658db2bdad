package failure

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// wait reads how long the provider asks to wait; the first place that says anything wins. Reset times, the
// details of quotas and texts count only where a limit was reached: they stand in other answers too.
func (s *seen) wait(e *Evidence, limit bool, dimension string) time.Duration {
	if d, ok := retryAfter(e.Header, e.Now); ok {
		return d
	}
	if d := seconds(s.after.Word()); d > 0 {
		return d
	}
	if d, err := time.ParseDuration(s.delay); err == nil && d > 0 {
		return clamp(d)
	}
	if !limit {
		return 0
	}
	if d := reset(e.Header, dimension, e.Now); d > 0 {
		return d
	}
	return s.said()
}

// retryAfter reads `retry-after-ms` (milliseconds), else `retry-after` (seconds, or an HTTP date).
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil {
		return ofSeconds(ms / 1000), true
	}
	v := h.Get("Retry-After")
	if n, err := strconv.ParseFloat(v, 64); err == nil {
		return ofSeconds(n), true
	}
	if t, err := http.ParseTime(v); err == nil {
		return clamp(t.Sub(now)), true
	}
	return 0, false
}

// limitNames are the limits that reset headers come with: the header's name, and the dimension.
var limitNames = []struct{ header, dimension string }{
	{"Requests", "requests"},
	{"Tokens", "tokens"},
	{"Input-Tokens", "input_tokens"},
	{"Output-Tokens", "output_tokens"},
	{"Images", "images"},
	{"Requests-Minute", "requests"},
	{"Tokens-Minute", "tokens"},
	{"Requests-Day", "requests_day"},
	{"Tokens-Day", "tokens_day"},
	{"", ""},
}

// limitHeaders gives what is said of a limit, in OpenAI's names or in Anthropic's.
func limitHeaders(h http.Header, name string) (limit, remaining, reset string) {
	if name == "" {
		return h.Get("X-Ratelimit-Limit"), h.Get("X-Ratelimit-Remaining"), h.Get("X-Ratelimit-Reset")
	}
	if v := h.Get("X-Ratelimit-Reset-" + name); v != "" {
		return h.Get("X-Ratelimit-Limit-" + name), h.Get("X-Ratelimit-Remaining-" + name), v
	}
	name = "Anthropic-Ratelimit-" + name
	return h.Get(name + "-Limit"), h.Get(name + "-Remaining"), h.Get(name + "-Reset")
}

// exhausted reports whether nothing is left of a limit. Some servers send 0 or less as the limit where they
// know none.
func exhausted(limit, remaining string) bool {
	left, err := strconv.ParseFloat(remaining, 64)
	if err != nil || left > 0 {
		return false
	}
	most, err := strconv.ParseFloat(limit, 64)
	return err != nil || most > 0
}

// reset reads when a limit is there again: that of the dimension that was told, else the latest of those
// that are used up.
func reset(h http.Header, dimension string, now time.Time) time.Duration {
	var latest time.Duration
	for _, l := range limitNames {
		limit, remaining, at := limitHeaders(h, l.header)
		told := dimension != "" && l.dimension == dimension
		if at == "" || (!told && !exhausted(limit, remaining)) {
			continue
		}
		if d := resetTime(at, now); told && d > 0 {
			return d
		} else if d > latest {
			latest = d
		}
	}
	return latest
}

// resetTime reads a reset: a duration (12ms, 6m0s), a time of RFC 3339, seconds, or seconds or milliseconds
// since 1970.
func resetTime(v string, now time.Time) time.Duration {
	if t, err := time.Parse(time.RFC3339, v); err == nil {
		return clamp(t.Sub(now))
	}
	n, err := strconv.ParseFloat(v, 64)
	switch {
	case err != nil:
		d, err := time.ParseDuration(v)
		if err != nil {
			return 0
		}
		return clamp(d)
	case n >= 1e15:
		return 0
	case n >= 1e12:
		return clamp(time.UnixMilli(int64(n)).Sub(now))
	case n >= 1e9:
		return clamp(time.Unix(int64(n), 0).Sub(now))
	}
	return ofSeconds(n)
}

// asks are the ways in which a text asks to wait. They stand at a text's end, so the last one is the
// provider's own.
var asks = []struct {
	pattern *regexp.Regexp
	unit    string
}{
	{regexp.MustCompile(`try again in (\d+ms|(?:\d+h)?(?:\d+m)?(?:\d+(?:\.\d+)?s)?)`), ""},
	{regexp.MustCompile(`retry after (\d+) seconds?`), "s"},
	{regexp.MustCompile(`in (\d+) seconds`), "s"},
}

// templates are how texts begin that ask for more than a rate limit lasts and can be believed: else a
// caller who gets a text of his own quoted could keep a credential out of use for a day.
var templates = begins(`rate limit reached for |requests to the .{1,80} operation |request was throttled\.|you exceeded your current quota`)

// said reads how long the text asks to wait.
func (s *seen) said() time.Duration {
	for _, ask := range asks {
		found := ask.pattern.FindAllStringSubmatch(s.text, -1)
		if len(found) == 0 {
			continue
		}
		d, err := time.ParseDuration(found[len(found)-1][1] + ask.unit)
		if err != nil || d <= 0 {
			continue
		}
		if !templates.MatchString(s.text) {
			return min(clamp(d), longWait)
		}
		return clamp(d)
	}
	return 0
}

func seconds(v string) time.Duration {
	n, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
	if err != nil {
		return 0
	}
	return ofSeconds(n)
}

func ofSeconds(n float64) time.Duration {
	switch {
	case !(n > 0): // NaN too
		return 0
	case n >= maxWait.Seconds():
		return maxWait
	}
	return time.Duration(n * float64(time.Second))
}

func clamp(d time.Duration) time.Duration { return min(max(d, 0), maxWait) }
