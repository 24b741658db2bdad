package compile_test

import (
	"strings"
	"testing"

	"fairlead/compile"
)

// TestRisks tables edits and what is warned of.
func TestRisks(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"nothing", "", "", ""},
		{"less weight", "weight: 50", "weight: 1", ""},
		{"a model is gone", "  a/o: {endpoints: [{provider: gpu}]}\n", "", `warning: models.a/o: is taken away: requests for "a/o" get 404`},
		{"a model that a wildcard serves then", "  a/o: {endpoints: [{provider: gpu}]}\n", "  \"a/*\": {endpoints: [{provider: gpu}]}\n", ""},
		{"an alias is gone", "aliases: [fast, m]", "aliases: [m]", `warning: models.a/m.aliases[0]: is taken away: requests for "fast" get 404`},
		{"all weight is gone", "a/o: {endpoints: [{provider: gpu}]}", "a/o: {endpoints: [{provider: gpu, weight: 0}]}", "warning: models.a/o: all endpoints are drained (weight 0): requests for it fail"},
		{"a price is gone", `price: {input: "0.15", output: "0.6"}, `, "", "warning: models.a/m.endpoints[0]: has no price any more, which was 0.15 in and 0.6 out (what it costs is unknown then, never taken as 0)"},
		{"an address is another", "http://gpu:8000/v1", "http://gpu:8001/v1", "warning: providers.gpu.base_url: becomes another: requests and the keys for them go there"},
		{"an address is written otherwise", "http://gpu:8000/v1", "http://gpu:8000/v1/", ""},
	} {
		got := compile.Risks(config(t, before), config(t, strings.Replace(before, c.old, c.new, 1))).String()
		if strings.TrimSpace(got) != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
	wild := config(t, "version: 1\nproviders: {vllm: {}}\nmodels: {\"a/*\": {endpoints: [{provider: vllm}]}}")
	if got := compile.Risks(wild, nil).String(); !strings.Contains(got, "models.a/*: is taken away: names that only it covers") {
		t.Errorf("a wildcard is gone: %s", got)
	}
}
