package compile_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/compile"
)

func itoa(i int) string { return strconv.Itoa(i) }

// env resolves ${env:...} references from pairs "NAME=value".
func env(pairs ...string) compile.Resolver {
	return compile.Local(func(name string) (string, bool) {
		for _, p := range pairs {
			if k, v, _ := strings.Cut(p, "="); k == name {
				return v, true
			}
		}
		return "", false
	})
}

// mustLoad compiles a document that has no errors.
func mustLoad(t testing.TB, doc string, resolve compile.Resolver) *fairlead.Snapshot {
	t.Helper()
	_, s, findings := compile.Load([]byte(doc), "config.yaml", 7, resolve)
	if s == nil {
		t.Fatalf("no snapshot:\n%s", findings)
	}
	return s
}

// example is the one of the design.
const example = `
version: 1
providers:
  openai:
    dialect: openai
    base_url: https://api.openai.com/v1
    credentials: [{name: main, value: "${env:OPENAI_API_KEY}"}]
    callable_from: {deny: [CN, HK, RU]}
    retention: {days: 30, trains: false}
    timeouts: {connect: 2s, headers: 15s, first_token: auto, idle: auto, total: 10m}
  gpu-singapore:
    dialect: openai
    base_url: http://10.0.3.7:8000/v1
    region: ap-southeast-1
    probe: {path: /health, interval: 1s}
models:
  openai/gpt-4o-mini:
    aliases: [fast]
    context: 128000
    max_output: 16384
    endpoints:
      - provider: openai
        model: gpt-4o-mini
        weight: 100
        price: {input: "0.15", output: "0.60", cache_read: "0.075"}
        supports: [tools, json_schema, vision]
        limits: {rpm: 500, tpm: 200000, concurrency: 64}
    route:
      optimize: balanced
      fallbacks: [anthropic/claude-haiku-4.5]
      placement: {mode: smart}
      continue: auto
  "openai/*":
    endpoints: [{provider: openai}]
settings: {max_body: 32MiB, max_bodies: 1GiB, attempts: 3, timeouts: {total: 10m}, retry_budget: 0.15, records: {per_second: 200}}
`

// TestExample holds that the design's example compiles, with nothing to say but what it refers to
// and does not hold: the key, and the fallback.
func TestExample(t *testing.T) {
	_, s, findings := compile.Load([]byte(example), "example.yaml", 7, env())
	want := `example.yaml:7:39: warning: providers.openai.credentials[0].value: ${env:OPENAI_API_KEY} is not resolved: the variable is not set (the credential main is out of use until it is)
example.yaml:30:19: warning: models.openai/gpt-4o-mini.route.fallbacks[0]: there is no model "anthropic/claude-haiku-4.5"; this fallback is left out
`
	if got := findings.String(); got != want || s == nil {
		t.Fatalf("findings:\n%s\nwant:\n%s", got, want)
	}
	if s.Revision != 7 {
		t.Errorf("revision %d, want 7", s.Revision)
	}
	m := s.Models["openai/gpt-4o-mini"]
	if m == nil || s.Models["fast"] != m || len(s.Models) != 2 {
		t.Fatalf("models %v: want the model and its alias", s.Models)
	}
	e := m.Endpoints[0]
	if e.Price.Input.String() != "0.15" || e.Price.CacheRead.String() != "0.075" || e.Price.CacheWrite.String() != "0.15" || e.Price.Output.String() != "0.6" {
		t.Errorf("price %+v: a cache price left out is the input's", e.Price)
	}
	if e.Supports.Lacks(fairlead.Chat|fairlead.Tools|fairlead.Vision) != 0 || e.Supports.Lacks(fairlead.Embeddings) == 0 {
		t.Errorf("supports %+v: want a closed list, chat in it", e.Supports)
	}
	if e.Limits != (fairlead.LimitsConfig{RPM: 500, TPM: 200000, Concurrency: 64}) || e.Context != 128000 {
		t.Errorf("limits %+v, context %d", e.Limits, e.Context)
	}
	if got, ok := s.Model("openai/o4"); !ok || got != s.Wildcards[0] || got.Endpoints[0].UpstreamModel("openai/o4") != "o4" {
		t.Errorf("the wildcard gives %v", got)
	}
}

// TestEndpoints holds ids, upstream names, back references and order.
func TestEndpoints(t *testing.T) {
	s := mustLoad(t, `
version: 1
providers:
  zed: {dialect: openai, base_url: "http://127.0.0.1:1/v1/", region: eu-west-1}
  ant: {dialect: anthropic, base_url: http://127.0.0.1:2}
models:
  b/m:
    context: 1000
    endpoints:
      - {provider: zed}
      - {provider: zed, name: two, model: other, weight: 0, region: us-east-1, context: 50, supports: [embeddings]}
      - {provider: ant, supports: []}
  a/family/m: {endpoints: [{provider: zed}]}
  "a/*": {endpoints: [{provider: zed}]}
  "a/family/*": {endpoints: [{provider: zed, model: "models/*"}, {provider: ant, model: fixed}]}
  "*": {endpoints: [{provider: zed}]}
`, nil)
	want := []string{
		"*@zed '*'/100 eu-west-1 0",
		"a/*@zed '*'/100 eu-west-1 0",
		"a/family/*@ant 'fixed'/100  0",
		"a/family/*@zed 'models/*'/100 eu-west-1 0",
		"a/family/m@zed 'family/m'/100 eu-west-1 0",
		"b/m@ant 'm'/100  1000",
		"b/m@zed 'm'/100 eu-west-1 1000",
		"b/m@zed~two 'other'/0 us-east-1 50",
	}
	for i, e := range s.Endpoints {
		got := fmt.Sprintf("%s '%s'/%d %s %d", e.ID, e.Upstream, e.Weight, e.Region, e.Context)
		if i >= len(want) || got != want[i] {
			t.Errorf("endpoint %d: %s", i, got)
		}
		if !strings.HasPrefix(e.ID, e.Model.Name+"@"+e.Provider.Name) {
			t.Errorf("%s: model %s, provider %s", e.ID, e.Model.Name, e.Provider.Name)
		}
	}
	if len(s.Endpoints) != len(want) {
		t.Errorf("%d endpoints, want %d", len(s.Endpoints), len(want))
	}
	asked := []struct{ name, model, upstream string }{
		{"b/m", "b/m", "m"},
		{"a/family/m", "a/family/m", "family/m"},
		{"a/family/n", "a/family/*", "models/n"},
		{"a/n", "a/*", "n"},
		{"gpt-4o", "*", "gpt-4o"},
		{"x/y", "*", "x/y"},
	}
	for _, c := range asked {
		m, ok := s.Model(c.name)
		if !ok || m.Name != c.model || m.Endpoints[0].UpstreamModel(c.name) != c.upstream {
			t.Errorf("%s: model %v, upstream %q; want %s, %q", c.name, m, m.Endpoints[0].UpstreamModel(c.name), c.model, c.upstream)
		}
	}
	two := s.Models["b/m"].Endpoints[1]
	if two.Supports.Lacks(fairlead.Embeddings) != 0 || two.Supports.Lacks(fairlead.Chat) == 0 {
		t.Errorf("supports %+v: an endpoint for embeddings alone is no chat endpoint", two.Supports)
	}
	if empty := s.Models["b/m"].Endpoints[2].Supports; !empty.Closed || empty.Lacks(fairlead.Tools) == 0 || empty.Lacks(fairlead.Chat) != 0 {
		t.Errorf("supports %+v: an empty list is closed, but for chat", empty)
	}
	if s.Models["b/m"].Endpoints[0].Supports.Closed || s.Models["b/m"].Endpoints[0].Price != nil {
		t.Error("without a list anything is tried, and without a price it is unknown")
	}
	if got := s.Models["b/m"].Endpoints[0].Provider.BaseURL.String(); got != "http://127.0.0.1:1/v1" {
		t.Errorf("base URL %s, want it without its last slash", got)
	}
}

func TestSettings(t *testing.T) {
	auto := time.Duration(fairlead.Auto)
	cases := []struct {
		name, settings, provider string
		want                     fairlead.Settings
		wantProvider             fairlead.Timeouts
	}{
		{
			"defaults", "{}", "{}",
			fairlead.Settings{MaxBody: 32 << 20, MaxBodies: 1 << 30, Attempts: 3, RecordsPerSecond: 200, RecordsKeep: 720 * time.Hour, RecordsMax: 1 << 30, SpoolKeep: 168 * time.Hour, SpoolMax: 10 << 30, RetryBudget: 0.15, Timeouts: fairlead.Timeouts{Connect: 2 * time.Second, Headers: 15 * time.Second, FirstToken: auto, Idle: auto, Total: 10 * time.Minute}},
			fairlead.Timeouts{Connect: 2 * time.Second, Headers: 15 * time.Second, FirstToken: auto, Idle: auto, Total: 10 * time.Minute},
		},
		{
			"the provider's go before the settings'",
			"{max_body: 1MiB, max_bodies: 2MiB, attempts: 10, records: {per_second: 7, keep: 36h}, spool: {keep: 2d, max: 1GiB}, timeouts: {connect: 1s, idle: 5s, total: 0s}}",
			"{connect: 3s, first_token: 4s, idle: auto}",
			fairlead.Settings{MaxBody: 1 << 20, MaxBodies: 2 << 20, Attempts: 10, RecordsPerSecond: 7, RecordsKeep: 36 * time.Hour, RecordsMax: 1 << 30, SpoolKeep: 48 * time.Hour, SpoolMax: 1 << 30, RetryBudget: 0.15, Timeouts: fairlead.Timeouts{Connect: time.Second, Headers: 15 * time.Second, FirstToken: auto, Idle: 5 * time.Second}},
			fairlead.Timeouts{Connect: 3 * time.Second, Headers: 15 * time.Second, FirstToken: 4 * time.Second, Idle: auto},
		},
	}
	for _, c := range cases {
		s := mustLoad(t, fmt.Sprintf("version: 1\nproviders: {vllm: {timeouts: %s}}\nsettings: %s", c.provider, c.settings), nil)
		if s.Settings != c.want {
			t.Errorf("%s: settings %+v, want %+v", c.name, s.Settings, c.want)
		}
		if s.Providers[0].Timeouts != c.wantProvider {
			t.Errorf("%s: provider's timeouts %+v, want %+v", c.name, s.Providers[0].Timeouts, c.wantProvider)
		}
	}
}

// TestProviders holds what the table brings and what stated fields change of it.
func TestProviders(t *testing.T) {
	rename := "[[max_completion_tokens max_tokens]"
	cases := []struct {
		name, provider string
		want           string // dialect, base URL, auth, no stream options, needs no key, credentials, renames
	}{
		{"openai", "openai: {}", "openai https://api.openai.com/v1 0 false false [main=o] []"},
		{"anthropic", "anthropic: {}", "anthropic https://api.anthropic.com 1 false false [main=a] []"},
		{"mistral", "mistral: {}", "openai https://api.mistral.ai/v1 0 true false [main=] " + rename + " [seed random_seed]]"},
		{"mistral that learned stream_options", "mistral: {quirks: {stream_options: true}}", "openai https://api.mistral.ai/v1 0 false false [main=] " + rename + " [seed random_seed]]"},
		{"ollama", "ollama: {}", "openai http://127.0.0.1:11434/v1 0 false true [] " + rename + "]"},
		{"ollama elsewhere", "ollama: {base_url: 'http://gpu:11434/v1'}", "openai http://gpu:11434/v1 0 false true [] " + rename + "]"},
		{"the vendor's key does not travel to another address", "openai: {base_url: 'http://gpu:8000/v1'}", "openai http://gpu:8000/v1 0 false true [] []"},
		{"unless it is told to", "openai: {base_url: 'http://gpu:8000/v1', credentials: [{name: k, value: '${env:OPENAI_API_KEY}'}]}", "openai http://gpu:8000/v1 0 false false [k=o] []"},
		{"another dialect leaves the table's ways behind", "mistral: {dialect: anthropic, base_url: 'http://gpu:8000'}", "anthropic http://gpu:8000 1 false true [] []"},
		{"a name of one's own", "gpu: {dialect: openai, base_url: 'http://gpu:8000/v1', quirks: {stream_options: false}}", "openai http://gpu:8000/v1 0 true true [] []"},
		{"several credentials", "groq: {credentials: [{value: '${env:NONE}'}, {value: '${env:GROQ_API_KEY}'}, {name: spare, value: '${secret:S}'}]}", "openai https://api.groq.com/openai/v1 0 false false [main= main-2=g spare=] []"},
	}
	for _, c := range cases {
		s := mustLoad(t, "version: 1\nproviders:\n  "+c.provider, env("OPENAI_API_KEY=o", "ANTHROPIC_API_KEY=a", "GROQ_API_KEY=g"))
		p := s.Providers[0]
		var creds []string
		for _, cred := range p.Credentials {
			creds = append(creds, cred.Name+"="+cred.Value.Reveal())
		}
		got := fmt.Sprintf("%s %s %d %v %v %v %v", p.Dialect, p.BaseURL, p.Auth, p.Quirks.NoStreamOptions, p.Quirks.NeedsNoKey, creds, p.Quirks.Rename)
		if got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

// TestFallbacks holds that fallbacks are models, whether named, by alias or under a wildcard, in
// order and not transitive.
func TestFallbacks(t *testing.T) {
	s := mustLoad(t, `
version: 1
providers: {vllm: {}, sglang: {}}
models:
  a/one: {endpoints: [{provider: vllm}], route: {fallbacks: [quick, c/free, missing, b/family/x]}}
  a/two: {aliases: [quick], endpoints: [{provider: vllm}], route: {fallbacks: [a/one, c/free]}}
  "c/*": {context: 9, max_output: 3, endpoints: [{provider: sglang, weight: 5}, {provider: vllm, model: "served/*"}], route: {fallbacks: [a/one]}}
  "b/*": {endpoints: [{provider: sglang}]}
  "b/family/*": {endpoints: [{provider: vllm}]}
`, nil)
	var names []string
	for _, m := range s.Models["a/one"].Fallbacks {
		names = append(names, m.Name)
	}
	if got := strings.Join(names, " "); got != "a/two c/free b/family/x" {
		t.Fatalf("fallbacks %s", got)
	}
	if s.Models["a/one"].Fallbacks[0] != s.Models["a/two"] || s.Models["a/two"].Fallbacks[0] != s.Models["a/one"] {
		t.Error("two models may be each other's fallbacks, and are the snapshot's own")
	}
	free := s.Models["a/one"].Fallbacks[1]
	if free != s.Models["a/two"].Fallbacks[1] || free.Wildcard || free.Context != 9 || free.MaxOutput != 3 || len(free.Fallbacks) != 0 {
		t.Errorf("fallback under a wildcard: %+v", free)
	}
	for i, want := range []string{"c/*@sglang free 5", "c/*@vllm served/free 100"} {
		e := free.Endpoints[i]
		if got := fmt.Sprintf("%s %s %d", e.ID, e.UpstreamModel("a/one"), e.Weight); got != want || e.Model != free {
			t.Errorf("its endpoint: %s, want %s", got, want)
		}
	}
	if b := s.Models["a/one"].Fallbacks[2].Endpoints[0]; b.ID != "b/family/*@vllm" || b.Upstream != "family/x" {
		t.Errorf("the longest wildcard covers a fallback; got %s %s", b.ID, b.Upstream)
	}
	if len(s.Endpoints) != 6 {
		t.Errorf("%d endpoints; those of a fallback under a wildcard are the wildcard's", len(s.Endpoints))
	}
	if _, ok := s.Models["c/free"]; ok {
		t.Error("a fallback under a wildcard is no model of its own")
	}
	if w, _ := s.Model("c/x"); len(w.Fallbacks) != 1 || w.Fallbacks[0].Name != "a/one" {
		t.Errorf("a wildcard's fallbacks: %v", w.Fallbacks)
	}
}

// TestCompileRefuses holds that a Config with errors gives no snapshot, whoever made it.
func TestCompileRefuses(t *testing.T) {
	for name, c := range map[string]*fairlead.Config{
		"nil":              nil,
		"zero":             {},
		"unknown provider": {Version: 1, Models: map[string]fairlead.ModelConfig{"a/b": {Endpoints: []fairlead.EndpointConfig{{Provider: "p"}}}}},
		"no base URL":      {Version: 1, Providers: map[string]fairlead.ProviderConfig{"p": {Dialect: fairlead.OpenAI}}},
	} {
		if s, findings := compile.Compile(c, 1, nil); s != nil || findings.Err() == nil {
			t.Errorf("%s: snapshot %v, findings %s", name, s, findings)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	doc := large(1000)
	c, findings := compile.Read(doc, "large.yaml")
	if findings.Err() != nil {
		b.Fatal(findings)
	}
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(doc)))
		for b.Loop() {
			compile.Read(doc, "large.yaml")
		}
	})
	b.Run("compile", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if s, _ := compile.Compile(c, 1, nil); len(s.Endpoints) != 1000 {
				b.Fatal(len(s.Endpoints))
			}
		}
	})
}

// large is a document with so many endpoints, four a model.
func large(endpoints int) []byte {
	var b strings.Builder
	b.WriteString("version: 1\nproviders:\n  vllm: {}\n  sglang: {}\n  openai: {}\n  groq: {}\nmodels:\n")
	for i := range endpoints / 4 {
		fmt.Fprintf(&b, "  author/model-%d:\n    aliases: [alias-%d]\n    context: 128000\n    endpoints:\n", i, i)
		for _, p := range []string{"vllm", "sglang", "openai", "groq"} {
			fmt.Fprintf(&b, "      - {provider: %s, weight: 50, price: {input: \"0.15\", output: \"0.60\"}, supports: [tools, vision]}\n", p)
		}
		if i > 0 {
			fmt.Fprintf(&b, "    route: {fallbacks: [author/model-%d]}\n", i-1)
		}
	}
	return []byte(b.String())
}
