package bus

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"fairlead"
)

// TestShortened holds that a status fits, whatever is long in it: one that is too large is heard by nobody.
func TestShortened(t *testing.T) {
	long := strings.Repeat("<é>", 50_000)
	for name, s := range map[string]fairlead.NodeStatus{
		"few long references":  {Unresolved: []string{long}},
		"many long references": {Unresolved: slices.Repeat([]string{long}, 1000)},
		"many references":      {Unresolved: slices.Repeat([]string{strings.Repeat("x", 2000)}, 1000)},
		"a long error":         {ConfigError: long},
		"all of them":          {ConfigError: long, Loading: long, Unresolved: slices.Repeat([]string{long}, 7), Spool: &fairlead.SpoolStatus{Failing: long}},
	} {
		s.Name = "paris"
		text := shortened(s)
		var got fairlead.NodeStatus
		if err := json.Unmarshal(text, &got); err != nil || got.Name != "paris" || len(text) > statusBytes || !utf8.Valid(text) {
			t.Errorf("%s: %d bytes, %v", name, len(text), err)
		}
		if name == "many references" && len(got.Unresolved) < 10 {
			t.Errorf("%s: %d are left", name, len(got.Unresolved))
		}
		if s.Spool != nil && s.Spool.Failing != long {
			t.Errorf("%s: it was altered", name)
		}
	}
}
