package compile_test

import "testing"

// TestWildcardNames holds what a provider is asked for under each form of wildcard: what follows the
// author, all of a name without an author, and what a stated model says.
func TestWildcardNames(t *testing.T) {
	s := mustLoad(t, `
version: 1
providers: {vllm: {}}
models:
  "gpt-*": {endpoints: [{provider: vllm}]}
  "gpt-5*": {endpoints: [{provider: vllm, model: "*"}]}
  "tuned-*": {endpoints: [{provider: vllm, model: "served/*"}]}
  "fixed-*": {endpoints: [{provider: vllm, model: one}]}
  "a/*": {endpoints: [{provider: vllm}]}
  "a/gpt-*": {endpoints: [{provider: vllm}]}
  "a/family/*": {endpoints: [{provider: vllm}]}
  "*": {endpoints: [{provider: vllm}]}
  a/main: {endpoints: [{provider: vllm}], route: {fallbacks: [gpt-4o]}}
`, nil)
	for _, c := range []struct{ asked, model, upstream string }{
		{"gpt-4o-mini", "gpt-*", "gpt-4o-mini"},
		{"gpt-5-mini", "gpt-5*", "-mini"},
		{"tuned-x", "tuned-*", "served/x"},
		{"fixed-x", "fixed-*", "one"},
		{"a/x", "a/*", "x"},
		{"a/gpt-4o", "a/gpt-*", "gpt-4o"},
		{"a/family/x", "a/family/*", "family/x"},
		{"other", "*", "other"},
		{"some/other", "*", "some/other"},
	} {
		m, ok := s.Model(c.asked)
		if !ok || m.Name != c.model {
			t.Errorf("%s: model %v, want %s", c.asked, m, c.model)
			continue
		}
		if got := m.Endpoints[0].UpstreamModel(c.asked); got != c.upstream {
			t.Errorf("%s: the provider is asked for %q, want %q", c.asked, got, c.upstream)
		}
	}
	if e := s.Models["a/main"].Fallbacks[0].Endpoints[0]; e.UpstreamModel("a/main") != "gpt-4o" {
		t.Errorf("a fallback under a wildcard is asked for as %q", e.UpstreamModel("a/main"))
	}
}
