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
	if err := a.store.CreateKey(ctx, k); err != nil {
		return fairlead.Secret{}, err
	}
	return secret, control.Sync(ctx, a.store, a.replica)
}

// Banner says what is served where, with a line ready to paste: for a person at a terminal.
func (a *App) Banner() string {
	var b strings.Builder
	fmt.Fprintf(&b, "fairlead serves on %s; control plane on %s\n", a.DataURL(), a.ControlURL())
	switch {
	case a.config.file != "":
		fmt.Fprintf(&b, "The file %s is the truth: it is watched and applied when it changes.\n", a.config.file)
	case a.fake != nil:
		b.WriteString("No configuration and no provider key in the environment: serving the built-in fake provider.\n")
	default:
		b.WriteString("No configuration: serving the providers whose keys are in the environment.\n")
	}
	if a.NoAuth {
		b.WriteString("WARNING: --no-auth: everyone who reaches this address is let in, without a key.\n")
	}
	if a.config.file == "" {
		fmt.Fprintf(&b, "Try it:\n\n  %s\n\n", a.example())
	}
	return b.String()
}

func (a *App) example() string {
	model := "fake/echo"
	if a.fake == nil {
		model = "MODEL"
	}
	key := ""
	if a.first.Set() {
		key = " -H 'Authorization: Bearer " + a.first.Reveal() + "'"
	}
	return fmt.Sprintf(`curl %s/v1/chat/completions%s -d '{"model":"%s","messages":[{"role":"user","content":"Hello"}]}'`, a.DataURL(), key, model)
}
