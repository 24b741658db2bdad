package app_test

import (
	"strings"
	"testing"

	"fairlead/app"
)

// TestBanner holds what a start says: the address first, whether it is open to other machines, which
// providers are served, and a line with a model that is there.
func TestBanner(t *testing.T) {
	const local, all = "127.0.0.1:0", ":0"
	for _, c := range []struct {
		name, listen string
		noAuth       bool
		variables    []string
		says         []string
		not          string
	}{
		{"loopback", local, false, nil, []string{`"model":"fake/echo"`}, "all interfaces"},
		{"all interfaces", all, false, nil, []string{" (all interfaces); control plane on http://127.0.0.1:"}, "WARNING"},
		{"all of IPv4", "0.0.0.0:0", true, nil, []string{" (all interfaces); ", "WARNING: --no-auth: everyone who reaches this machine by any of its addresses"}, "Bearer"},
		{"without keys, on loopback", local, true, nil, []string{"WARNING: --no-auth: everyone who reaches this address"}, "all interfaces"},
		{"OpenAI", local, false, []string{"OPENAI_API_KEY", "k"}, []string{"environment: openai.", `"model":"openai/gpt-4o-mini"`}, "MODEL"},
		{"Anthropic", local, false, []string{"ANTHROPIC_API_KEY", "k"}, []string{"environment: anthropic.", `"model":"anthropic/claude-haiku-4-5"`}, "MODEL"},
		{"two", local, false, []string{"OPENAI_API_KEY", "k", "GROQ_API_KEY", "k"}, []string{"environment: openai, groq.", `"model":"openai/gpt-4o-mini"`}, "MODEL"},
		{"the second has an example", local, false, []string{"TOGETHER_API_KEY", "k", "DEEPSEEK_API_KEY", "k"}, []string{`"model":"deepseek/deepseek-chat"`}, "MODEL"},
		{"none has", local, false, []string{"TOGETHER_API_KEY", "k"}, []string{`"model":"together/MODEL"`, "with the name of one of together's models in place of MODEL"}, "gpt"},
	} {
		a, err := app.New(t.Context(), app.Options{
			Listen: c.listen, Control: local, Data: t.TempDir(), NoAuth: c.noAuth, LookupEnv: environment(c.variables...),
		})
		check(t, err)
		banner := a.Banner()
		if !strings.HasPrefix(banner, "fairlead serves on "+a.DataURL()) || !strings.HasPrefix(a.DataURL(), "http://127.0.0.1:") {
			t.Errorf("%s: the address does not stand first: %s", c.name, banner)
		}
		for _, says := range c.says {
			if !strings.Contains(banner, says) {
				t.Errorf("%s: it does not say %q:\n%s", c.name, says, banner)
			}
		}
		if strings.Contains(banner, c.not) {
			t.Errorf("%s: it says %q:\n%s", c.name, c.not, banner)
		}
		check(t, a.Close())
	}
}
