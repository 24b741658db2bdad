package compile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"fairlead"
)

// Defaults of the settings. Timeouts are documented at fairlead.Timeouts.
const (
	defaultMaxBody     = fairlead.Bytes(32 << 20)
	defaultMaxBodies   = fairlead.Bytes(1 << 30)
	defaultAttempts    = 3
	defaultRetryBudget = 0.15
	defaultPerSecond   = 200 // records
	defaultRecordsKeep = fairlead.Duration(30 * 24 * time.Hour)
	defaultRecordsMax  = fairlead.Bytes(1 << 30)
	defaultSpoolKeep   = fairlead.Duration(7 * 24 * time.Hour)
	defaultSpoolMax    = fairlead.Bytes(10 << 30)
	defaultWeight      = 100
)

var defaultTimeouts = fairlead.Timeouts{
	Connect:    2 * time.Second,
	Headers:    15 * time.Second,
	FirstToken: time.Duration(fairlead.Auto),
	Idle:       time.Duration(fairlead.Auto),
	Total:      10 * time.Minute,
}

// Bounds of what a configuration may ask for.
const (
	maxAttempts  = 10
	maxWeight    = 1_000_000_000
	maxPerSecond = 1_000_000
	maxKeep      = fairlead.Duration(3660 * 24 * time.Hour)
	minMax       = fairlead.Bytes(64 << 20) // of what is kept on a disk: less is a mistyped unit
	maxNameBytes = 200
)

var (
	nameShape   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	regionShape = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)
)

// Check says all that can be said about a Config by itself. Its findings have no lines; those of
// Read have.
func Check(c *fairlead.Config) Findings { return check(c).sorted() }

// checker collects findings about one Config.
type checker struct {
	c     *fairlead.Config
	found Findings
}

func check(c *fairlead.Config) Findings {
	if c == nil {
		c = &fairlead.Config{}
	}
	k := &checker{c: c}
	names := k.around()
	for _, name := range sortedKeys(c.Models) {
		if k.found.full() {
			break
		}
		k.model(name, c.Models[name], names)
	}
	return k.found
}

// around checks all but single models.
func (k *checker) around() names {
	if k.c.Version != 1 {
		k.fault("version", "must be 1", "this is the version of the document's form; write: version: 1")
	}
	for _, name := range sortedKeys(k.c.Providers) {
		k.provider(name, k.c.Providers[name])
	}
	if len(k.c.Models) == 0 {
		k.warn("models", "there are none, so nothing is served", "")
	}
	k.settings(k.c.Settings)
	return k.names()
}

func (k *checker) fault(path, message, hint string) {
	k.found = k.found.with(Finding{Severity: Error, Path: path, Message: message, Hint: hint})
}

func (k *checker) warn(path, message, hint string) {
	k.found = k.found.with(Finding{Severity: Warning, Path: path, Message: message, Hint: hint})
}

// choice checks a word that must be one of a list; "" leaves it to the default.
func (k *checker) choice(path, value string, allowed ...string) {
	if value == "" {
		return
	}
	if message, hint := oneOf(value, allowed); message != "" {
		k.fault(path, message, hint)
	}
}

func (k *checker) notNegative(path string, n int) {
	if n < 0 {
		k.fault(path, "must not be negative", "")
	}
}

func (k *checker) region(path, region string) {
	if region != "" && !regionShape.MatchString(region) {
		k.fault(path, show(region)+" is not a region's name", "small letters, digits and -, such as eu-west-1")
	}
}

func (k *checker) settings(s fairlead.SettingsConfig) {
	body, bodies := valueOr(s.MaxBody, defaultMaxBody), valueOr(s.MaxBodies, defaultMaxBodies)
	if body == 0 {
		k.fault("settings.max_body", "must be more than 0", "")
	}
	if bodies < body {
		path := "settings.max_bodies"
		if s.MaxBodies == nil {
			path = "settings.max_body"
		}
		k.fault(path, fmt.Sprintf("max_bodies (%s) is less than max_body (%s), so that no large request could enter", bodies, body), "")
	}
	if n := valueOr(s.Attempts, defaultAttempts); n < 1 || n > maxAttempts {
		k.fault("settings.attempts", fmt.Sprintf("must be 1 to %d", maxAttempts), "")
	}
	if b := valueOr(s.RetryBudget, defaultRetryBudget); !(b >= 0 && b <= 1) { // so that not-a-number fails too
		k.fault("settings.retry_budget", "must be 0 to 1, a share of the requests", "")
	}
	if n := valueOr(s.Records.PerSecond, 0); n < 0 || n > maxPerSecond {
		k.fault("settings.records.per_second", fmt.Sprintf("must be 0 to %d", maxPerSecond), "")
	}
	k.kept("settings.records", s.Records.Keep, s.Records.Max)
	k.kept("settings.spool", s.Spool.Keep, s.Spool.Max)
	k.timeouts("settings.timeouts", s.Timeouts, defaultTimeouts)
}

// kept checks how long something is kept, and how much of it.
func (k *checker) kept(path string, keep *fairlead.Duration, most *fairlead.Bytes) {
	if valueOr(keep, 0) > maxKeep {
		k.fault(path+".keep", "is more than 3660d", "")
	}
	if valueOr(most, minMax) < minMax {
		k.fault(path+".max", "is less than "+minMax.String(), "")
	}
}

// maxTimeout is far above any answer's length; what lies above is a mistyped unit.
const maxTimeout = 24 * time.Hour

// timeouts checks those stated at path against what they are merged into.
func (k *checker) timeouts(path string, stated fairlead.TimeoutsConfig, base fairlead.Timeouts) {
	t := merge(base, stated)
	each := []struct {
		name   string
		stated bool
		value  time.Duration
	}{
		{"connect", stated.Connect != nil, t.Connect},
		{"headers", stated.Headers != nil, t.Headers},
		{"first_token", stated.FirstToken != nil, t.FirstToken},
		{"idle", stated.Idle != nil, t.Idle},
		{"total", stated.Total != nil, t.Total},
	}
	for _, e := range each {
		switch {
		case !e.stated:
		case e.value > maxTimeout:
			k.fault(path+"."+e.name, "is more than 24h", "0 means no bound")
		case e.value > 0 && e.value < time.Millisecond:
			k.fault(path+"."+e.name, "is less than 1ms", "0 means no bound")
		case e.name != "total" && t.Total > 0 && e.value > t.Total:
			k.warn(path+"."+e.name, fmt.Sprintf("is longer than total (%s), which ends the exchange first", t.Total), "")
		}
	}
}

// printable reports whether a name can stand in a request, a log line and an address: no spaces, no
// control characters, not too long.
func printable(name string) bool {
	return name != "" && len(name) <= maxNameBytes && !strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r == 0x7f || r == '\ufffd' || (r >= 0x80 && r <= 0xa0) || (r >= 0x2000 && r <= 0x200f) || (r >= 0x2028 && r <= 0x202f) || r == 0xfeff
	})
}

func valueOr[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

func sortedKeys[T any](m map[string]T) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
