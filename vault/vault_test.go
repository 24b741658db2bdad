package vault_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fairlead"
	"fairlead/internal/seal"
	"fairlead/store"
	"fairlead/store/sqlite"
	"fairlead/vault"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func openStore(t *testing.T, path string) *store.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
	check(t, err)
	t.Cleanup(func() { check(t, s.Close()) })
	return s
}

// TestVault holds that a vault is the same each time, is made once by many, and opens under its own key alone.
func TestVault(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fairlead.db")
	s := openStore(t, path)
	key := fairlead.NewSecret(seal.NewText())
	vaults := make([]*vault.Vault, 8)
	var group sync.WaitGroup
	for i := range vaults {
		group.Go(func() {
			v, err := vault.Open(context.Background(), s, key, start)
			if err != nil {
				t.Error(err)
			}
			vaults[i] = v
		})
	}
	group.Wait()
	if t.Failed() {
		return
	}
	sealed, err := vaults[0].Seal("openai", 1, fairlead.NewSecret("sk-provider-zebra"))
	check(t, err)
	for i, v := range vaults {
		got, err := v.Reader().Open(fairlead.SealedSecret{Name: "openai", Version: 1, Sealed: sealed})
		if err != nil || got.Reveal() != "sk-provider-zebra" || v.Authority().Pin() != vaults[0].Authority().Pin() {
			t.Errorf("vault %d is another one: %v", i, err)
		}
	}
	for name, text := range map[string]string{"another key": seal.NewText(), "a short key": "short", "no key": ""} {
		if _, err := vault.Open(t.Context(), s, fairlead.NewSecret(text), start); err == nil || (name == "another key" && !errors.Is(err, vault.ErrSecretKey)) {
			t.Errorf("%s: %v", name, err)
		} else if name == "another key" && !strings.Contains(fairlead.AsError(err).Hint, "--secret-key") {
			t.Errorf("%s: no hint: %v", name, err)
		}
	}
	for _, suffix := range []string{"", "-wal"} {
		disk, err := os.ReadFile(path + suffix)
		if err == nil && (bytes.Contains(disk, []byte("zebra")) || bytes.Contains(disk, []byte("PRIVATE KEY"))) {
			t.Errorf("fairlead.db%s holds what is secret", suffix)
		}
	}
}

// TestReader holds who can read a secret, and that no value can be put in another's place.
func TestReader(t *testing.T) {
	v, err := vault.Open(t.Context(), openStore(t, filepath.Join(t.TempDir(), "fairlead.db")), fairlead.NewSecret(seal.NewText()), start)
	check(t, err)
	pair, err := seal.NewPair()
	check(t, err)
	box, err := v.SealFleetKey("edge-1", pair.Public())
	check(t, err)
	edge, err := vault.OpenFleetKey("edge-1", pair, box)
	check(t, err)
	sealed, err := v.Seal("a", 2, fairlead.NewSecret("value"))
	check(t, err)
	for _, c := range []struct {
		name   string
		reader vault.Reader
		secret fairlead.SealedSecret
		want   string // "" = refused
	}{
		{"the node", edge, fairlead.SealedSecret{Name: "a", Version: 2, Sealed: sealed}, "value"},
		{"another name", edge, fairlead.SealedSecret{Name: "b", Version: 2, Sealed: sealed}, ""},
		{"another version", edge, fairlead.SealedSecret{Name: "a", Version: 3, Sealed: sealed}, ""},
		{"altered", edge, fairlead.SealedSecret{Name: "a", Version: 2, Sealed: append([]byte{9}, sealed...)}, ""},
		{"deleted", edge, fairlead.SealedSecret{Name: "a", Version: 2}, ""},
		{"nobody", vault.Reader{}, fairlead.SealedSecret{Name: "a", Version: 2, Sealed: sealed}, ""},
	} {
		got, err := c.reader.Open(c.secret)
		if got.Reveal() != c.want || (err == nil) != (c.want != "") || (err != nil && strings.Contains(err.Error(), "value")) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	other, err := seal.NewPair()
	check(t, err)
	if _, err := vault.OpenFleetKey("edge-1", other, box); err == nil {
		t.Error("another node opens the fleet's key")
	}
	if _, err := vault.OpenFleetKey("edge-2", pair, box); err == nil {
		t.Error("the fleet's key opens under another name")
	}
}
