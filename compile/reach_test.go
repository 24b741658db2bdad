package compile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fairlead/compile"
)

// TestOwnFiles holds that nothing of the node's own is given to whoever writes a configuration, whatever way is written.
func TestOwnFiles(t *testing.T) {
	dir := t.TempDir()
	data, elsewhere := filepath.Join(dir, "data"), filepath.Join(dir, "elsewhere")
	for _, d := range []string{filepath.Join(data, "replica"), elsewhere} {
		check(t, os.MkdirAll(d, 0o700))
	}
	for _, path := range []string{"data/admin.token", "data/replica/x", "key", "elsewhere/good"} {
		check(t, os.WriteFile(filepath.Join(dir, path), []byte("hunter2"), 0o600))
	}
	check(t, os.Symlink(data, filepath.Join(elsewhere, "link")))
	check(t, os.Symlink(filepath.Join(dir, "key"), filepath.Join(elsewhere, "key")))
	check(t, os.Symlink(data, filepath.Join(dir, "data.link")))
	resolve := compile.Local(func(string) (string, bool) { return "hunter2", true }, filepath.Join(dir, "data.link"), filepath.Join(dir, "key"), filepath.Join(dir, "none"))
	file := func(path string) compile.Reference {
		return compile.Reference{Kind: "file", Name: dir + "/" + path}
	}
	for _, c := range []struct {
		ref compile.Reference
		own bool
	}{
		{file("elsewhere/good"), false},
		{file("data/admin.token"), true},
		{file("data/replica/x"), true},
		{file("data/../data/./admin.token"), true},
		{file("elsewhere/link/admin.token"), true},
		{file("elsewhere/key"), true},
		{file("key"), true},
		{compile.Reference{Kind: "env", Name: "OPENAI_API_KEY"}, false},
		{compile.Reference{Kind: "env", Name: "FAIRLEAD_ADMIN_TOKEN"}, true},
		{compile.Reference{Kind: "env", Name: "fairlead_secret_key"}, true},
	} {
		got, err := resolve(c.ref)
		if (err != nil) != c.own || got.Set() == c.own {
			t.Errorf("%s: a value %v, error %v", c.ref, got.Set(), err)
		}
	}
}

func TestReaches(t *testing.T) {
	const before = `
version: 1
providers:
  openai: {}
  own: {dialect: openai, base_url: "http://10.0.0.1/v1", credentials: [{name: a, value: "${secret:prod}"}, {name: b, value: "${env:B}"}]}
  bare: {dialect: openai, base_url: "http://10.0.0.2/v1"}
`
	for _, c := range []struct{ name, providers, want string }{
		{"the same", `openai: {}, own: {dialect: openai, base_url: "http://10.0.0.1/v1", credentials: [{value: "${env:B}"}, {value: "${secret:prod}"}]}`, ""},
		{"steering", `own: {dialect: openai, base_url: "http://10.0.0.1/v1/", region: eu, timeouts: {total: 1m}, transport: {http2: true}, credentials: [{value: "${env:B}"}]}`, ""},
		{"the same pair under another name", `mine: {dialect: openai, base_url: "http://10.0.0.1/v1", credentials: [{value: "${env:B}"}]}`, ""},
		{"an address of one's own", `own: {dialect: openai, base_url: "http://evil/v1", credentials: [{value: "${secret:prod}"}]}`, "own"},
		{"another provider", `x: {dialect: openai, base_url: "http://evil/v1", credentials: [{value: "${secret:prod}"}]}`, "x"},
		{"another reference", `own: {dialect: openai, base_url: "http://10.0.0.1/v1", credentials: [{value: "${env:C}"}]}`, "own"},
		{"a proxy", `own: {dialect: openai, base_url: "http://10.0.0.1/v1", transport: {proxy: "http://evil:1"}, credentials: [{value: "${env:B}"}]}`, "own"},
		{"an authority of one's own", `own: {dialect: openai, base_url: "http://10.0.0.1/v1", transport: {ca: /tmp/ca}, credentials: [{value: "${env:B}"}]}`, "own"},
		{"a file without a credential", `bare: {dialect: openai, base_url: "http://10.0.0.2/v1", transport: {ca: /etc/x}}`, "bare"},
		{"without credentials", `bare: {dialect: openai, base_url: "http://10.0.0.3/v1"}, more: {dialect: openai, base_url: "http://10.0.0.4/v1"}`, ""},
		{"the vendor's by its name", `anthropic: {}`, "anthropic"},
		{"the vendor's key to another address", `openai: {base_url: "http://evil/v1", credentials: [{value: "${env:OPENAI_API_KEY}"}]}`, "openai"},
	} {
		_, from, found := compile.Canonical([]byte(before), "")
		check(t, found.Err())
		_, to, found := compile.Canonical([]byte("version: 1\nproviders: {"+c.providers+"}"), "")
		check(t, found.Err())
		if got := strings.Join(compile.Reaches(from, to), " "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	_, to, _ := compile.Canonical([]byte(before), "")
	if got := strings.Join(compile.Reaches(nil, to), " "); got != "openai own" {
		t.Errorf("of nothing: %q", got)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
