package admit

import (
	"strconv"
	"time"

	"fairlead"
)

// RetryAfter is a wait as the value of Retry-After: whole seconds, rounded up, at least 1. There is none (ok is false) for what no wait
// brings.
func RetryAfter(wait time.Duration) (value string, ok bool) {
	if wait == fairlead.Never {
		return "", false
	}
	return strconv.FormatInt(max(ceil(wait, time.Second), 1), 10), true
}

// OpenAIHeaders tells the state of limits in the rate headers of OpenAI: x-ratelimit-limit-requests, -remaining-requests and
// -reset-requests, and the same with -tokens. Resets are durations as "12ms", "1s" or "6m0s". Of several limits of a kind the one with
// the least remaining is told; limits of concurrency and of spend have no such headers.
func OpenAIHeaders(states []State, add func(name, value string)) {
	for _, of := range []fairlead.Counted{fairlead.LimitRequests, fairlead.LimitTokens} {
		s, ok := tightest(states, of)
		if !ok {
			continue
		}
		add("x-ratelimit-limit-"+string(of), strconv.FormatInt(s.Limit.Amount, 10))
		add("x-ratelimit-remaining-"+string(of), strconv.FormatInt(s.Remaining, 10))
		if s.Reset != fairlead.Never {
			add("x-ratelimit-reset-"+string(of), span(s.Reset))
		}
	}
}

// AnthropicHeaders tells the state of limits in the rate headers of Anthropic: anthropic-ratelimit-requests-limit, -remaining and
// -reset, and the same of tokens. Resets are times of RFC 3339 in UTC, in whole seconds, rounded up; at is the time of the wall's clock.
// Of several limits of a kind the one with the least remaining is told.
func AnthropicHeaders(states []State, at time.Time, add func(name, value string)) {
	for _, of := range []fairlead.Counted{fairlead.LimitRequests, fairlead.LimitTokens} {
		s, ok := tightest(states, of)
		if !ok {
			continue
		}
		name := "anthropic-ratelimit-" + string(of)
		add(name+"-limit", strconv.FormatInt(s.Limit.Amount, 10))
		add(name+"-remaining", strconv.FormatInt(s.Remaining, 10))
		if s.Reset != fairlead.Never {
			t := at.UTC().Add(s.Reset)
			if r := t.Truncate(time.Second); r.Before(t) {
				t = r.Add(time.Second)
			}
			add(name+"-reset", t.Format(time.RFC3339))
		}
	}
}

// tightest is the limit of a kind with the least remaining; of those that are alike the one that takes the longest to be full.
func tightest(states []State, of fairlead.Counted) (State, bool) {
	best := -1
	for i := range states {
		if states[i].Limit.Of != of {
			continue
		}
		if best < 0 || states[i].Remaining < states[best].Remaining ||
			(states[i].Remaining == states[best].Remaining && states[i].Reset > states[best].Reset) {
			best = i
		}
	}
	if best < 0 {
		return State{}, false
	}
	return states[best], true
}

// span writes a duration in milliseconds, from a minute on in seconds, rounded up.
func span(d time.Duration) string {
	unit := time.Millisecond
	if d >= time.Minute {
		unit = time.Second
	}
	d = time.Duration(min(ceil(d, unit), int64(fairlead.Never/unit))) * unit
	return d.String()
}

// ceil is d in units, rounded up.
func ceil(d, unit time.Duration) int64 {
	n := int64(d / unit)
	if d%unit > 0 {
		n++
	}
	return n
}
