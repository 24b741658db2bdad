package compile_test

import (
	"testing"
	"time"

	"fairlead"
	"fairlead/compile"
)

// TestProbe tables what a provider's probe comes to.
func TestProbe(t *testing.T) {
	for _, c := range []struct {
		name, base string
		probe      *fairlead.Probe
		want       fairlead.ProbeTerms
	}{
		{"none", "http://10.0.0.1/v1", nil, fairlead.ProbeTerms{}},
		{"a page in one's own network", "http://10.0.0.1/v1", &fairlead.Probe{Path: "/health"}, fairlead.ProbeTerms{Path: "/health", Every: 250 * time.Millisecond}},
		{"a page elsewhere", "https://api.example.com/v1", &fairlead.Probe{Path: "/health"}, fairlead.ProbeTerms{Path: "/health"}},
		{"a stated pace", "http://10.0.0.1/v1", &fairlead.Probe{Path: "/h?deep=1", Interval: fairlead.Duration(time.Second)}, fairlead.ProbeTerms{Path: "/h?deep=1", Every: time.Second}},
		{"a budget", "http://10.0.0.1/v1", &fairlead.Probe{Budget: "0.5"}, fairlead.ProbeTerms{Budget: 500_000_000}},
	} {
		cfg := &fairlead.Config{Version: 1, Providers: map[string]fairlead.ProviderConfig{"p": {Dialect: fairlead.OpenAI, BaseURL: c.base, Probe: c.probe}}}
		s, found := compile.Compile(cfg, 1, nil)
		if err := found.Err(); err != nil {
			t.Fatal(err)
		}
		if got := s.Providers[0].Probe; got != c.want {
			t.Errorf("%s: %+v; want %+v", c.name, got, c.want)
		}
	}
}
