package provider_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"fairlead"
	"fairlead/provider"
)

// TestPlaces holds what the rest of the program takes for granted of every row.
func TestPlaces(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range provider.Places {
		t.Run(p.Name, func(t *testing.T) {
			if p.Name == "" || seen[p.Name] {
				t.Fatalf("name %q is empty or stands twice", p.Name)
			}
			seen[p.Name] = true
			u, err := url.Parse(p.BaseURL)
			if err != nil || u.Host == "" || strings.HasSuffix(p.BaseURL, "/") || u.RawQuery != "" {
				t.Errorf("base URL %q is not absolute, or ends in a slash", p.BaseURL)
			}
			hosted := u.Scheme == "https"
			if hosted == p.Quirks.NeedsNoKey || hosted != (p.Env != "") {
				t.Errorf("scheme %s, key variable %q, needs no key %v: hosted places want a key over TLS, own servers none", u.Scheme, p.Env, p.Quirks.NeedsNoKey)
			}
			switch p.Dialect {
			case fairlead.OpenAI:
				if p.Auth != fairlead.AuthBearer {
					t.Error("the openai dialect shows its key as a bearer token")
				}
			case fairlead.Anthropic:
				if p.Auth != fairlead.AuthXAPIKey || strings.HasSuffix(p.BaseURL, "/v1") {
					t.Error("the anthropic dialect shows its key as x-api-key, and its SDK appends /v1 itself")
				}
			default:
				t.Errorf("unknown dialect %q", p.Dialect)
			}
			for _, r := range p.Quirks.Rename {
				if r[0] == "" || r[1] == "" || r[0] == r[1] {
					t.Errorf("rename %q", r)
				}
			}
		})
	}
}

// TestQuirks holds the rows whose place refuses or ignores a field: sources beside the rows.
func TestQuirks(t *testing.T) {
	oldName := [2]string{"max_completion_tokens", "max_tokens"}
	cases := []struct {
		name            string
		noStreamOptions bool
		rename          [][2]string
	}{
		{"openai", false, nil},
		{"anthropic", false, nil},
		{"openrouter", false, nil},
		{"groq", false, nil},
		{"together", false, [][2]string{oldName}},
		{"fireworks", false, nil},
		{"deepseek", false, [][2]string{oldName}},
		{"mistral", true, [][2]string{oldName, {"seed", "random_seed"}}},
		{"xai", false, nil},
		{"cerebras", false, nil},
		{"vllm", false, nil},
		{"sglang", false, nil},
		{"llama.cpp", false, [][2]string{oldName}},
		{"llamacpp", false, [][2]string{oldName}},
		{"ollama", false, [][2]string{oldName}},
	}
	if len(cases) != len(provider.Places) {
		t.Errorf("%d places, %d cases", len(provider.Places), len(cases))
	}
	for _, c := range cases {
		p, ok := provider.Lookup(c.name)
		if !ok {
			t.Errorf("%s is not in the table", c.name)
			continue
		}
		if p.Quirks.NoStreamOptions != c.noStreamOptions || !slices.Equal(p.Quirks.Rename, c.rename) {
			t.Errorf("%s: quirks %+v, want no stream_options %v, renames %v", c.name, p.Quirks, c.noStreamOptions, c.rename)
		}
	}
}

func TestLookupUnknown(t *testing.T) {
	for _, name := range []string{"", "OpenAI", "open"} {
		if p, ok := provider.Lookup(name); ok {
			t.Errorf("Lookup(%q) found %q", name, p.Name)
		}
	}
}
