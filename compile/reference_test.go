package compile_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fairlead"
	"fairlead/compile"
)

func TestParseReference(t *testing.T) {
	cases := []struct {
		in   string
		want compile.Reference
		ok   bool
	}{
		{"${env:OPENAI_API_KEY}", compile.Reference{Kind: "env", Name: "OPENAI_API_KEY"}, true},
		{"${file:/run/secrets/a b}", compile.Reference{Kind: "file", Name: "/run/secrets/a b"}, true},
		{"${secret:openai-main.2}", compile.Reference{Kind: "secret", Name: "openai-main.2"}, true},
		{"sk-proj-hunter2", compile.Reference{}, false},
		{"", compile.Reference{}, false},
		{"${env:}", compile.Reference{}, false},
		{"${env:1A}", compile.Reference{}, false},
		{"${env:A B}", compile.Reference{}, false},
		{"${ENV:A}", compile.Reference{}, false},
		{"$env:A", compile.Reference{}, false},
		{"x${env:A}", compile.Reference{}, false},
		{"${env:A}\n", compile.Reference{}, false},
		{"${env:A}${env:B}", compile.Reference{}, false},
		{"${env:${env:B}}", compile.Reference{}, false},
		{"${file:secrets/a}", compile.Reference{}, false},
		{"${file:/a\nb}", compile.Reference{}, false},
		{"${secret:a/b}", compile.Reference{}, false},
		{"${vault:a}", compile.Reference{}, false},
	}
	for _, c := range cases {
		got, err := compile.ParseReference(c.in)
		if got != c.want || (err == nil) != c.ok {
			t.Errorf("ParseReference(%q) = %v, %v; want %v, good %v", c.in, got, err, c.want, c.ok)
		}
		if c.ok && got.String() != c.in {
			t.Errorf("String() = %q, want %q", got, c.in)
		}
	}
}

func TestLocal(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cases := []struct {
		name      string
		ref       compile.Reference
		want, err string
	}{
		{"variable", compile.Reference{Kind: "env", Name: "A"}, "hunter2", ""},
		{"variable not set", compile.Reference{Kind: "env", Name: "B"}, "", "not set"},
		{"variable set to nothing", compile.Reference{Kind: "env", Name: "EMPTY"}, "", "not set"},
		{"file", compile.Reference{Kind: "file", Name: write("a", "hunter2")}, "hunter2", ""},
		{"its last newline is the editor's", compile.Reference{Kind: "file", Name: write("b", "hunter2\n")}, "hunter2", ""},
		{"of any system", compile.Reference{Kind: "file", Name: write("c", "hunter2\r\n")}, "hunter2", ""},
		{"only one of them", compile.Reference{Kind: "file", Name: write("d", "hunter2\n\n")}, "hunter2\n", ""},
		{"empty file", compile.Reference{Kind: "file", Name: write("e", "\n")}, "", "empty"},
		{"largest file", compile.Reference{Kind: "file", Name: write("f", strings.Repeat("x", 64<<10))}, strings.Repeat("x", 64<<10), ""},
		{"too large a file", compile.Reference{Kind: "file", Name: write("g", strings.Repeat("x", 64<<10+1))}, "", "larger than 64 KiB"},
		{"no file", compile.Reference{Kind: "file", Name: filepath.Join(dir, "none")}, "", "no such file"},
		{"folder", compile.Reference{Kind: "file", Name: dir}, "", "not a regular file"},
		{"secret", compile.Reference{Kind: "secret", Name: "A"}, "", "cannot be resolved here"},
	}
	resolve := env("A=hunter2", "EMPTY=")
	for _, c := range cases {
		got, err := resolve(c.ref)
		switch {
		case c.err == "" && (err != nil || got.Reveal() != c.want):
			t.Errorf("%s: %d bytes, %v", c.name, len(got.Reveal()), err)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err) || got.Set()):
			t.Errorf("%s: error %v, want %q and no value", c.name, err, c.err)
		case err != nil && strings.Contains(err.Error(), "hunter2"):
			t.Errorf("%s: the error repeats a secret: %v", c.name, err)
		}
	}
}

// TestUnresolved holds that a reference that cannot be followed disables its credential, by name,
// and never the snapshot or another credential.
func TestUnresolved(t *testing.T) {
	const doc = "version: 1\nproviders: {openai: {credentials: [{name: first, value: '${env:A}'}, {name: second, value: '${env:B}'}]}}\nmodels: {openai/a: {endpoints: [{provider: openai}]}}"
	cases := []struct {
		name    string
		resolve compile.Resolver
		use     string // name of the credential in use
		finding string
	}{
		{"both", env("A=a", "B=b"), "first", ""},
		{"the second stands in", env("B=b"), "second", "${env:A} is not resolved: the variable is not set"},
		{"none", env(), "", "${env:B} is not resolved: the variable is not set"},
		{"a line break would begin another header", env("A=hunter2\r\nX-Evil: 1", "B=b"), "second", "characters that no header can carry"},
		{"a space at its end", env("A=hunter2 ", "B=b"), "second", "begins or ends with a space"},
		{"letters beyond ASCII", env("A=hunter2ä", "B=b"), "second", "characters that no header can carry"},
		{"an error beside a value", func(compile.Reference) (fairlead.Secret, error) {
			return fairlead.NewSecret("hunter2"), errors.New("vault is sealed")
		}, "", "${env:A} is not resolved: vault is sealed"},
		{"nobody asked", nil, "", ""},
	}
	for _, c := range cases {
		_, s, findings := compile.Load([]byte(doc), "f", 1, c.resolve)
		if s == nil {
			t.Errorf("%s: no snapshot: %s", c.name, findings)
			continue
		}
		got, ok := s.Providers[0].Credential()
		if got.Name != c.use || ok != (c.use != "") {
			t.Errorf("%s: credential %q, %v; want %q", c.name, got.Name, ok, c.use)
		}
		text := findings.String()
		if !strings.Contains(text, c.finding) || (c.finding == "" && text != "") || strings.Contains(text, "hunter2") {
			t.Errorf("%s: findings %s; want %q and no secret", c.name, text, c.finding)
		}
	}
}
