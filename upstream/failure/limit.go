package failure

import (
	"net/http"
	"regexp"
	"strings"
)

// limitText is how OpenAI, and those who imitate it, name the limit that was reached.
var limitText = regexp.MustCompile(` on (requests|tokens|input tokens|output tokens|images) per (min|minute|day) \(`)

// dimension finds the limit that was reached: as the type or the quota says, as the text's template does, or
// the one of which the headers say that nothing is left. Always one of Dimensions, or "".
func (s *seen) dimension(h http.Header) string {
	if d := s.quotaDimension(); d != "" {
		return d
	}
	if strings.HasPrefix(s.text, "rate limit reached for ") {
		if all := limitText.FindAllStringSubmatch(s.text, -1); len(all) > 0 {
			last := all[len(all)-1]
			return byDay(strings.ReplaceAll(last[1], " ", "_"), last[2] == "day")
		}
	}
	switch {
	case s.has("tokens"), s.has("token_quota_exceeded"), s.has("token_quota_reached"):
		return "tokens"
	case s.has("requests"):
		return "requests"
	}
	for _, l := range limitNames {
		if limit, remaining, _ := limitHeaders(h, l.header); l.dimension != "" && exhausted(limit, remaining) {
			return l.dimension
		}
	}
	return ""
}

// quotaDimension reads Google's names, such as GenerateRequestsPerMinutePerProjectPerModel.
func (s *seen) quotaDimension() string {
	for _, id := range s.quotas {
		d := ""
		switch {
		case strings.Contains(id, "InputToken"):
			d = "input_tokens"
		case strings.Contains(id, "Token"):
			d = "tokens"
		case strings.Contains(id, "Request"):
			d = "requests"
		}
		if d != "" {
			return byDay(d, strings.Contains(id, "PerDay"))
		}
	}
	return ""
}

// byDay names a limit of a day, where it has a name of its own.
func byDay(dimension string, day bool) string {
	if day && (dimension == "requests" || dimension == "tokens") {
		return dimension + "_day"
	}
	if day && strings.HasSuffix(dimension, "_tokens") {
		return "tokens_day"
	}
	return dimension
}

// daily reports whether a quota of Google's for a day is used up.
func daily(s *seen) bool {
	for _, id := range s.quotas {
		if strings.Contains(id, "PerDay") {
			return true
		}
	}
	return false
}

// wholeAccount reports whether a limit holds for all models of a credential: Google's quota names say so,
// and so does OpenRouter's own limit, which comes with its own headers.
func (s *seen) wholeAccount(e *Evidence) bool {
	for _, id := range s.quotas {
		if strings.Contains(id, "PerProject") && !strings.Contains(id, "PerModel") && !strings.Contains(id, "PerBaseModel") {
			return true
		}
	}
	return s.place == "openrouter" && e.Header.Get("X-Ratelimit-Limit") != ""
}
