package control_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"fairlead/control"
)

func TestLoadToken(t *testing.T) {
	for _, c := range []struct {
		name    string
		env     string
		file    string // content of admin.token; "" = none
		mode    os.FileMode
		want    string // the token; "" = any
		created bool
		err     string
	}{
		{"from the environment", "from-env", "", 0, "from-env", false, ""},
		{"the environment goes before the file", "from-env", "in-file", 0o600, "from-env", false, ""},
		{"a bad one in the environment", "two words", "", 0, "", false, "cannot stand in a header"},
		{"from the file", "", "in-file\n", 0o600, "in-file", false, ""},
		{"read-only file", "", "in-file", 0o400, "in-file", false, ""},
		{"made", "", "", 0, "", true, ""},
		{"readable by the group", "", "in-file", 0o640, "", false, "others can read"},
		{"readable by all", "", "in-file", 0o644, "", false, "others can read"},
		{"blank file", "", " \n", 0o600, "", false, "holds no token"},
		{"several lines", "", "a\nb\n", 0o600, "", false, "holds no token"},
		{"a large file", "", strings.Repeat("x", 5000), 0o600, "", false, "holds no token"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "admin.token")
			if c.file != "" {
				check(t, os.WriteFile(path, []byte(c.file), 0o600))
				check(t, os.Chmod(path, c.mode))
			}
			token, created, err := control.LoadToken(dir, c.env)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "in-file") || token.Set() {
					t.Errorf("got %v, want an error with %q that shows no token", err, c.err)
				}
				return
			}
			check(t, err)
			if created != c.created || (c.want != "" && token.Reveal() != c.want) {
				t.Errorf("got %q, created %v", token.Reveal(), created)
			}
			if c.created {
				wantTokenFile(t, dir, token.Reveal())
			}
		})
	}
}

// wantTokenFile holds that a made token is long, kept, private, and the only thing left behind.
func wantTokenFile(t *testing.T, dir, token string) {
	t.Helper()
	if len(strings.TrimPrefix(token, "fl-admin-")) != 64 {
		t.Errorf("the token %q has not 256 bits in hex", token)
	}
	info, err := os.Stat(filepath.Join(dir, "admin.token"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	again, created, err := control.LoadToken(dir, "")
	if err != nil || created || again.Reveal() != token {
		t.Errorf("the second start has %q, %v, %v", again.Reveal(), created, err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Errorf("left behind: %v, %v", files, err)
	}
}

func TestLoadTokenConcurrently(t *testing.T) {
	dir := t.TempDir()
	tokens, made := make([]string, 8), make([]bool, 8)
	var wg sync.WaitGroup
	for i := range tokens {
		wg.Go(func() {
			token, created, err := control.LoadToken(dir, "")
			if err != nil {
				t.Error(err)
			}
			tokens[i], made[i] = token.Reveal(), created
		})
	}
	wg.Wait()
	n := 0
	for i := range tokens {
		if tokens[i] != tokens[0] {
			t.Errorf("tokens differ: %q and %q", tokens[i], tokens[0])
		}
		if made[i] {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d of them made it, want 1", n)
	}
}

func TestReadTokenWithoutFile(t *testing.T) {
	if _, err := control.ReadToken(t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want os.ErrNotExist", err)
	}
	if _, _, err := control.LoadToken(filepath.Join(t.TempDir(), "no folder"), ""); err == nil {
		t.Error("a token was made in no folder")
	}
}
