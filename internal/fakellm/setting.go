package fakellm

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// setting is one key of the grammar. bare is the value that the key alone stands for; "" = it needs one.
type setting struct {
	key, bare, values string
	set               func(*Behaviour, string) error
}

// settings is the whole grammar; docs/fake.md has a row for each, which a test holds.
var settings = []setting{
	{"ttft", "", "a duration", duration(func(b *Behaviour) *time.Duration { return &b.ttft })},
	{"pace", "", "a duration", duration(func(b *Behaviour) *time.Duration { return &b.pace })},
	{"headers", "", "a duration", duration(func(b *Behaviour) *time.Duration { return &b.headers })},
	{"tokens", "", "0-200000", func(b *Behaviour, v string) error {
		b.tokensSet = true
		return number(&b.tokens, v, 0, 200_000)
	}},
	{"chunk", "", "1-10000", func(b *Behaviour, v string) error { return number(&b.chunk, v, 1, 10_000) }},
	{"size", "", "2-4096", func(b *Behaviour, v string) error { return number(&b.size, v, 2, 4096) }},
	{"fail", "", "a failure", func(b *Behaviour, v string) error {
		if classes[v] == nil && !slices.Contains(oddities, v) {
			return fmt.Errorf("no failure %q%s", v, near(v, failures()))
		}
		b.fail = v
		return nil
	}},
	{"then", "", strings.Join(breaks, " | "), oneOf(func(b *Behaviour) *string { return &b.then }, breaks)},
	{"at", "", "a number of chunks or end", func(b *Behaviour, v string) error {
		b.atSet = true
		if v == "end" {
			b.at = atEnd
			return nil
		}
		return number(&b.at, v, 0, 1_000_000)
	}},
	{"status", "", "400-599", func(b *Behaviour, v string) error { return number(&b.status, v, 400, 599) }},
	{"retry_after", "", "a duration", duration(func(b *Behaviour) *time.Duration { return &b.retryAfter })},
	{"times", "1", "1-1000000", func(b *Behaviour, v string) error { return number(&b.times, v, 1, 1_000_000) }},
	{"each", "true", "nothing, true or false", boolean(func(b *Behaviour) *bool { return &b.each })},
	{"bytes", "", "a size such as 64KiB or 10GB", func(b *Behaviour, v string) (err error) {
		b.bytes, err = parseBytes(v)
		return err
	}},
	{"shape", "", strings.Join(errorShapes, " | "), oneOf(func(b *Behaviour) *string { return &b.errorShape }, errorShapes)},
	{"usage", "", strings.Join(usages, " | "), oneOf(func(b *Behaviour) *string { return &b.usage }, usages)},
	{"tools", "1", "1-16", func(b *Behaviour, v string) error { return number(&b.tools, v, 1, 16) }},
	{"think", "8", "1-100000", func(b *Behaviour, v string) error { return number(&b.think, v, 1, 100_000) }},
	{"think_as", "", "reasoning_content | reasoning", oneOf(func(b *Behaviour) *string { return &b.thinkAs }, []string{"reasoning_content", "reasoning"})},
	{"cached", "", "0-10000000", func(b *Behaviour, v string) error { return number(&b.cached, v, 0, 10_000_000) }},
	{"finish", "", "a reason", func(b *Behaviour, v string) error {
		if v == "" {
			return errors.New("no reason given")
		}
		b.finish = v
		return nil
	}},
	{"echo", "true", "nothing, true or false", boolean(func(b *Behaviour) *bool { return &b.echo })},
	{"vary", "true", "nothing, true or false", boolean(func(b *Behaviour) *bool { return &b.vary })},
	{"honour", "", "none, or prefill, final and anchor joined by '+'", func(b *Behaviour, v string) error {
		for part := range strings.SplitSeq(v, "+") {
			if !slices.Contains([]string{"none", "prefill", "final", "anchor"}, part) {
				return fmt.Errorf("no way to continue %q", part)
			}
		}
		b.honour = v
		return nil
	}},
	{"no_prefill", "true", "nothing, true or false", boolean(func(b *Behaviour) *bool { return &b.noPrefill })},
	{"keepalive", "1s", "a duration", duration(func(b *Behaviour) *time.Duration { return &b.keepalive })},
	{"close", "header", "header | silent | delimited | idle:DURATION", func(b *Behaviour, v string) error {
		mode, after, _ := strings.Cut(v, ":")
		b.closing = mode
		if mode == "idle" {
			return parseDuration(&b.closeAfter, after)
		}
		if after != "" || !slices.Contains([]string{"header", "silent", "delimited"}, mode) {
			return fmt.Errorf("no way to close %q", v)
		}
		return nil
	}},
	{"split", "", "1-65536", func(b *Behaviour, v string) error { return number(&b.split, v, 1, 65_536) }},
	{"hints", "1", "1-20", func(b *Behaviour, v string) error { return number(&b.hints, v, 1, 20) }},
	{"seed", "", "a number", func(b *Behaviour, v string) (err error) {
		b.seedSet = true
		b.seed, err = strconv.ParseUint(v, 10, 64)
		return err
	}},
}

// usages are the places where usage may stand; the zero value is where the vendor puts it.
var usages = []string{"none", "split", "early", "late", "always"}

func findSetting(key string) *setting {
	i := slices.IndexFunc(settings, func(s setting) bool { return s.key == key })
	if i < 0 {
		return nil
	}
	return &settings[i]
}

func nearSetting(key string) string {
	keys := make([]string, len(settings))
	for i, s := range settings {
		keys[i] = s.key
	}
	return near(key, keys)
}

// near suggests the known word that shares the longest start (two letters or more) with a mistaken one.
func near(word string, known []string) string {
	best, score := "", 1
	for _, k := range known {
		n := 0
		for n < len(k) && n < len(word) && k[n] == word[n] {
			n++
		}
		if n > score {
			best, score = k, n
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}

func number(into *int, v string, low, high int) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < low || n > high {
		return fmt.Errorf("%q is not a number from %d to %d", v, low, high)
	}
	*into = n
	return nil
}

func duration(field func(*Behaviour) *time.Duration) func(*Behaviour, string) error {
	return func(b *Behaviour, v string) error { return parseDuration(field(b), v) }
}

func parseDuration(into *time.Duration, v string) error {
	d, err := time.ParseDuration(v)
	if err != nil || d < 0 || d > 24*time.Hour {
		return fmt.Errorf("%q is not a duration such as 20ms or 1.5s, up to 24h", v)
	}
	*into = d
	return nil
}

func boolean(field func(*Behaviour) *bool) func(*Behaviour, string) error {
	return func(b *Behaviour, v string) (err error) {
		*field(b), err = strconv.ParseBool(v)
		return err
	}
}

func oneOf(field func(*Behaviour) *string, values []string) func(*Behaviour, string) error {
	return func(b *Behaviour, v string) error {
		if !slices.Contains(values, v) {
			return fmt.Errorf("no %q%s", v, near(v, values))
		}
		*field(b) = v
		return nil
	}
}

// parseBytes reads 100, 64KiB, 10MB.
func parseBytes(v string) (int64, error) {
	units := []struct {
		suffix string
		factor int64
	}{
		{"KiB", 1 << 10},
		{"MiB", 1 << 20},
		{"GiB", 1 << 30},
		{"KB", 1_000},
		{"MB", 1_000_000},
		{"GB", 1_000_000_000},
		{"B", 1},
		{"", 1},
	}
	for _, u := range units {
		digits, ok := strings.CutSuffix(v, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n < 0 || n > (1<<62)/u.factor {
			return 0, fmt.Errorf("%q is not a size", v)
		}
		return n * u.factor, nil
	}
	return 0, nil
}
