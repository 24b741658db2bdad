package failover_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// want is one thing that every answer must have.
type want struct{ word, value string }

// answerWants are those of an answer, with the values that they may have; nil = any.
var answerWants = map[string][]string{
	"status": nil, "code": nil, "tells": nil, "text": nil, "finish": nil, "usage": nil, "model": nil, "answered": nil, "header": nil, "continued": nil,
	"end":          {"proper", "error", "left", "none"},
	"tool":         {"whole", "none", "part"},
	"retry-after":  {"yes", "no"},
	"should-retry": {"false", "unsaid"},
	"honest":       {""},
	"reasoning":    {"some", "none"},
}

// want takes a line that begins with the word.
func (p *play) want(words []string, value string) (err error) {
	if len(words) == 0 {
		return fmt.Errorf("what is wanted?")
	}
	word := words[0]
	if values, ok := answerWants[word]; ok && len(words) == 1 {
		if values != nil && !slices.Contains(values, value) {
			return fmt.Errorf("%s is one of %q, not %q", word, values, value)
		}
		p.wants = append(p.wants, want{word, value})
		return nil
	}
	switch n := len(words); {
	case word == "attempts" && n == 1:
		p.attempts = repeated(fields(value))
	case word == "record" && n == 1:
		p.record = repeated(fields(value))
	case word == "left" && n == 1:
		p.left = append(p.left, value)
	case word == "most" && n == 2:
		p.most[words[1]], err = strconv.Atoi(value)
	case p.counted(word) != nil && n == 2:
		p.counted(word)[words[1]], err = parseBounds(value)
	case (word == "wait" || word == "key") && n == 2:
		var number int
		if number, err = strconv.Atoi(words[1]); err != nil {
			return err
		}
		if word == "key" {
			p.keys[number] = value
			return nil
		}
		p.waits[number], err = parseSpan(value)
	case word == "back" && n == 2:
		p.back = words[1]
		p.backBy, err = time.ParseDuration(value)
	default:
		return fmt.Errorf("nothing that can be wanted is called %q", strings.Join(words, " "))
	}
	return err
}

// counted gives what is wanted of what a word counts; nil = it counts nothing.
func (p *play) counted(word string) map[string]bounds {
	return map[string]map[string]bounds{"pages": p.pages, "probes": p.probes, "failures": p.failures, "returns": p.returns}[word]
}

// parseBounds reads 2..40, or 2 for 2..2.
func parseBounds(s string) (b bounds, err error) {
	least, most, ok := strings.Cut(s, "..")
	if !ok {
		most = least
	}
	if b.least, err = strconv.Atoi(least); err != nil {
		return b, err
	}
	b.most, err = strconv.Atoi(most)
	return b, err
}

// fields are separated by commas.
func fields(s string) (list []string) {
	for f := range strings.SplitSeq(s, ",") {
		if f = strings.TrimSpace(f); f != "" {
			list = append(list, f)
		}
	}
	return list
}

var repeatForm = regexp.MustCompile(`^(.+) x([1-9][0-9]{0,2})$`)

// repeated writes out each `THING xN`.
func repeated(list []string) (all []string) {
	for _, f := range list {
		n := 1
		if m := repeatForm.FindStringSubmatch(f); m != nil {
			f = m[1]
			n, _ = strconv.Atoi(m[2]) // three digits at most
		}
		all = append(all, slices.Repeat([]string{f}, n)...)
	}
	return all
}

// parseSpan reads 250ms..3s.
func parseSpan(s string) (d span, err error) {
	least, most, ok := strings.Cut(s, "..")
	if !ok {
		return d, fmt.Errorf("%q is not DURATION..DURATION", s)
	}
	if d.least, err = time.ParseDuration(least); err != nil {
		return d, err
	}
	d.most, err = time.ParseDuration(most)
	return d, err
}

// ask is what a caller wants, one or several times.
type ask struct {
	model     string
	tools     bool
	think     bool
	cold      bool // temperature 0: the same answer each time
	maxTokens int
	extra     string        // more fields of the body
	times     int           // one after the other
	each      time.Duration // between their beginnings
	leave     time.Duration // when the caller leaves; 0 = stays
	leaveAt   int           // deltas of content after which it does; 0 = stays
	slow      time.Duration // between its reads
}

// ask takes `MODEL: OPTION, OPTION=VALUE`.
func (p *play) ask(model, options string) (err error) {
	a := ask{model: model, times: 1, maxTokens: 4096}
	for _, option := range fields(options) {
		name, value, _ := strings.Cut(option, "=")
		switch name {
		case "tools":
			a.tools = true
		case "think":
			a.think = true
		case "json":
			a.extra += `,"response_format":{"type":"json_object"}`
		case "several":
			a.extra += `,"n":2`
		case "logprobs":
			a.extra += `,"logprobs":true`
		case "search":
			a.extra += `,"web_search_options":{}`
		case "stored":
			a.extra += `,"store":true`
		case "cold":
			a.cold = true
		case "max_tokens":
			a.maxTokens, err = strconv.Atoi(value)
		case "times":
			a.times, err = strconv.Atoi(value)
		case "each":
			a.each, err = time.ParseDuration(value)
		case "slow":
			a.slow, err = time.ParseDuration(value)
		case "leave":
			if a.leave, err = time.ParseDuration(value); err != nil {
				a.leaveAt, err = strconv.Atoi(value)
			}
		default:
			err = fmt.Errorf("no option of ask is called %q", name)
		}
		if err != nil {
			return err
		}
	}
	p.asks = append(p.asks, a)
	return nil
}
