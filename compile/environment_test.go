package compile_test

import (
	"os"
	"strings"
	"testing"

	"fairlead"
	"fairlead/compile"
)

// TestFromEnvironment holds which provider each name reaches, by the variables that are set.
func TestFromEnvironment(t *testing.T) {
	cases := []struct {
		name  string
		env   string // NAME=value, separated by spaces
		found string
		asks  string // asked -> provider/upstream name, separated by spaces; "-" = no such model
	}{
		{"nothing", "", "", "gpt-4o=- openai/gpt-4o=-"},
		{"a key set to nothing", "OPENAI_API_KEY=", "", "gpt-4o=-"},
		{"one key", "OPENAI_API_KEY=a", "openai", "gpt-4o=openai:gpt-4o openai/gpt-4o=openai:gpt-4o claude-x=openai:claude-x"},
		{
			"two keys", "ANTHROPIC_API_KEY=a OPENAI_API_KEY=b", "openai anthropic",
			"gpt-4o=openai:gpt-4o openai/gpt-4o=openai:gpt-4o claude-x=anthropic:claude-x anthropic/claude-x=anthropic:claude-x",
		},
		{
			"a name with an author reaches an aggregator whole", "OPENROUTER_API_KEY=a XAI_API_KEY=b", "openrouter xai",
			"openai/gpt-4o=openrouter:openai/gpt-4o openrouter/openai/gpt-4o=openrouter:openai/gpt-4o grok-4=xai:grok-4",
		},
		{"the first alone needs no family", "ANTHROPIC_API_KEY=a", "anthropic", "claude-x=anthropic:claude-x gpt=anthropic:gpt"},
		{"a base URL without a key", "OPENAI_BASE_URL=http://127.0.0.1:9/v1", "", "gpt-4o=-"},
		{"a key that fairlead issued", "OPENAI_API_KEY=sk-fl-abc ANTHROPIC_API_KEY=a", "anthropic", "gpt=anthropic:gpt"},
	}
	for _, c := range cases {
		getenv := func(name string) string {
			for _, pair := range strings.Fields(c.env) {
				if k, v, _ := strings.Cut(pair, "="); k == name {
					return v
				}
			}
			return ""
		}
		config, found := compile.FromEnvironment(getenv)
		if got := strings.Join(found, " "); got != c.found {
			t.Errorf("%s: found %q, want %q", c.name, got, c.found)
		}
		s, findings := compile.Compile(config, 1, env(strings.Fields(c.env)...))
		if s == nil || (len(findings) > 0 && len(found) > 0) {
			t.Errorf("%s: findings %s", c.name, findings)
			continue
		}
		for _, ask := range strings.Fields(c.asks) {
			asked, want, _ := strings.Cut(ask, "=")
			if got := reach(s, asked); got != want {
				t.Errorf("%s: %s reaches %s, want %s", c.name, asked, got, want)
			}
		}
	}
}

// reach gives the provider and the upstream name that a model is asked at.
func reach(s *fairlead.Snapshot, asked string) string {
	m, ok := s.Model(asked)
	if !ok {
		return "-"
	}
	e := m.Endpoints[0]
	if _, ok := e.Provider.Credential(); !ok {
		return "no credential"
	}
	return e.Provider.Name + ":" + e.UpstreamModel(asked)
}

func TestFromEnvironmentBaseURL(t *testing.T) {
	vars := map[string]string{
		"OPENAI_API_KEY": "a", "OPENAI_BASE_URL": "https://eu.api.openai.com/v1/",
		"ANTHROPIC_API_KEY": "b", "ANTHROPIC_BASE_URL": "not an address",
	}
	config, _ := compile.FromEnvironment(func(name string) string { return vars[name] })
	findings := compile.Check(config)
	if got := findings.String(); got != "error: providers.anthropic.base_url: must be an absolute http or https address (such as https://api.openai.com/v1)\n" {
		t.Errorf("findings: %s", got)
	}
	delete(vars, "ANTHROPIC_BASE_URL")
	config, _ = compile.FromEnvironment(func(name string) string { return vars[name] })
	s, findings := compile.Compile(config, 1, nil)
	if s == nil {
		t.Fatal(findings)
	}
	for i, want := range []string{"https://api.anthropic.com", "https://eu.api.openai.com/v1"} {
		if got := s.Providers[i].BaseURL.String(); got != want {
			t.Errorf("%s at %s, want %s", s.Providers[i].Name, got, want)
		}
	}
}

// TestFake holds that the built-in provider needs nothing and takes any behaviour as a model's name.
func TestFake(t *testing.T) {
	s, findings := compile.Compile(compile.Fake("http://127.0.0.1:9001/v1"), 1, compile.Local(os.LookupEnv))
	if s == nil || len(findings) > 0 {
		t.Fatalf("findings: %s", findings)
	}
	for asked, want := range map[string]string{
		"fake/echo":           "fake:echo",
		"echo":                "fake:echo",
		"fake/echo:tokens=50": "fake:echo:tokens=50",
		"gpt-4o":              "-",
	} {
		if got := reach(s, asked); got != want {
			t.Errorf("%s reaches %s, want %s", asked, got, want)
		}
	}
}
