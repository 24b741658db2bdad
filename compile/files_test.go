package compile_test

import (
	"slices"
	"testing"

	"fairlead/compile"
)

func TestFiles(t *testing.T) {
	for _, c := range []struct {
		name, config string
		want         []string
	}{
		{"none", `{version: 1, providers: {openai: {}}}`, nil},
		{"variables are no files", `{version: 1, providers: {openai: {credentials: [{value: "${env:X}"}, {value: "${secret:Y}"}]}}}`, nil},
		{
			"of every kind, each once",
			`{version: 1, providers: {openai: {credentials: [{value: "${file:/run/b}"}, {name: two, value: "${file:/run/a}"}], transport: {ca: /etc/ca.pem}},
			  anthropic: {credentials: [{value: "${file:/run/a}"}], transport: {cert: /etc/c.pem, key: /etc/k.pem}}}}`,
			[]string{"/etc/c.pem", "/etc/ca.pem", "/etc/k.pem", "/run/a", "/run/b"},
		},
	} {
		config, found := compile.Read([]byte(c.config), "f")
		if config == nil {
			t.Errorf("%s: %s", c.name, found)
			continue
		}
		if got := compile.Files(config); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestModels(t *testing.T) {
	s := mustLoad(t, `
version: 1
providers: {vllm: {}}
models:
  a/one: {aliases: [x, y], endpoints: [{provider: vllm}]}
  a/two: {endpoints: [{provider: vllm}]}
  "a/*": {endpoints: [{provider: vllm}]}
`, nil)
	if got := compile.Models(s); got != 3 {
		t.Errorf("%d models, want 3", got)
	}
}
