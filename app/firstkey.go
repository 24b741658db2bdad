package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"fairlead"
	"fairlead/control"
)

// firstKeyFile keeps the secret of the key that the line to paste shows, so that it is the same one
// after a restart.
const firstKeyFile = "first.key"

// firstKey gives the key of a start without configuration: the one of the last start while it is
// good, else a new one.
func (a *App) firstKey(ctx context.Context) (fairlead.Secret, error) {
	path := filepath.Join(a.Data, firstKeyFile)
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fairlead.Secret{}, fmt.Errorf("read first key: %w", err)
	}
	secret := strings.TrimSpace(string(text))
	if secret != "" {
		k, found, err := a.replica.Key(ctx, fairlead.HashKey(secret))
		if err != nil {
			return fairlead.Secret{}, err
		}
		if found && k.Active() {
			return fairlead.NewSecret(secret), nil
		}
	}
	fresh, err := a.NewKey(ctx, "first")
	if err != nil {
		return fairlead.Secret{}, err
	}
	if err := os.WriteFile(path, []byte(fresh.Reveal()+"\n"), 0o600); err != nil {
		return fairlead.Secret{}, fmt.Errorf("keep first key: %w", err)
	}
	return fresh, nil
}

// NewKey creates a key; once it returns, the data plane takes it.
func (a *App) NewKey(ctx context.Context, name string) (fairlead.Secret, error) {
	k, secret := fairlead.NewKey(name, time.Now())
	act := fairlead.Act{At: k.Created, By: "fairlead", Action: "key.create", Target: k.ID}
	if _, err := a.store.CreateKeys(ctx, act, k); err != nil {
		return fairlead.Secret{}, err
	}
	return secret, control.Sync(ctx, a.store, a.replica)
}
