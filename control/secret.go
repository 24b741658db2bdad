package control

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"fairlead"
	"fairlead/compile"
)

// maxSecret bounds a secret's value, in bytes.
const maxSecret = 64 << 10

type secretBody struct {
	Value string `json:"value"`
}

// secretAnswer is a secret as the API shows it: never its value, sealed or not.
type secretAnswer struct {
	Name    string      `json:"name"`
	Version int64       `json:"version"`
	At      time.Time   `json:"at"`
	Deleted bool        `json:"deleted,omitempty"`
	UsedBy  []secretUse `json:"used_by"`
	Applied bool        `json:"applied,omitempty"` // of a write: this node's own edge knows it
	Behind  []string    `json:"behind,omitempty"`
}

// secretUse is a credential that names a secret.
type secretUse struct {
	Provider   string `json:"provider"`
	Credential string `json:"credential"`
}

type secretsAnswer struct {
	Data []secretAnswer `json:"data"`
}

// listSecrets lists what has a value, and what the configuration names.
func (c *Control) listSecrets(a *ask) (any, error) {
	stored, err := c.Store.Secrets(a.Context())
	if err != nil {
		return nil, err
	}
	now, err := c.config.current(a.Context())
	if err != nil {
		return nil, err
	}
	uses := secretUses(now.config)
	answer := secretsAnswer{Data: []secretAnswer{}}
	for _, s := range stored {
		if !s.Deleted() {
			answer.Data = append(answer.Data, showSecret(s, uses[s.Name]))
		}
	}
	return answer, nil
}

func showSecret(s fairlead.SealedSecret, uses []secretUse) secretAnswer {
	return secretAnswer{Name: s.Name, Version: s.Version, At: s.At, Deleted: s.Deleted(), UsedBy: append([]secretUse{}, uses...)}
}

// secretUses lists who uses which stored secret.
func secretUses(c *fairlead.Config) map[string][]secretUse {
	uses := map[string][]secretUse{}
	for provider, p := range c.Providers {
		for i, cred := range p.Credentials {
			if ref, err := compile.ParseReference(cred.Value); err == nil && ref.Kind == "secret" {
				name := cmp.Or(cred.Name, map[bool]string{true: "main", false: "main-" + number(int64(i)+1)}[i == 0])
				uses[ref.Name] = append(uses[ref.Name], secretUse{provider, name})
			}
		}
	}
	for _, list := range uses {
		slices.SortFunc(list, func(x, y secretUse) int {
			return cmp.Or(strings.Compare(x.Provider, y.Provider), strings.Compare(x.Credential, y.Credential))
		})
	}
	return uses
}

// putSecret stores a value. It leaves this function only sealed.
func (c *Control) putSecret(a *ask) (any, error) {
	if err := fairlead.ValidSecretName(a.PathValue("name")); err != nil {
		return nil, named("name", err)
	}
	var body secretBody
	if err := readBody(a.Request, &body); err != nil {
		return nil, err
	}
	if err := validValue(body.Value); err != nil {
		return nil, err
	}
	if c.Seal == nil {
		return nil, &fairlead.Error{
			Code: fairlead.CodeConflict, Message: "this control plane has no key to keep secrets under",
			Hint: "start it with --secret-key",
		}
	}
	value := fairlead.NewSecret(body.Value)
	return c.writeSecret(a, "secret.set", func(old fairlead.SealedSecret) ([]byte, error) {
		return c.Seal(a.PathValue("name"), old.Version+1, value)
	})
}

func validValue(value string) error {
	unfit := func(r rune) bool { return r < ' ' || r > '~' }
	switch {
	case value == "" || len(value) > maxSecret:
		return named("value", fairlead.Errorf(fairlead.CodeInvalidRequest, "a secret's value has 1 byte to 64 KiB"))
	case value != strings.TrimSpace(value) || strings.ContainsFunc(value, unfit):
		return named("value", fairlead.Errorf(fairlead.CodeInvalidRequest, "a secret's value begins or ends with a space, or holds what no header can carry"))
	}
	return nil
}

func (c *Control) deleteSecret(a *ask) (any, error) {
	return c.writeSecret(a, "secret.delete", func(old fairlead.SealedSecret) ([]byte, error) {
		if old.Version == 0 || old.Deleted() {
			return nil, &fairlead.Error{Code: fairlead.CodeNotFound, Message: "no secret has this name", Hint: "fairlead secret list lists them"}
		}
		return nil, nil
	})
}

// writeSecret stores the version after the last one, and begins again where another came between.
func (c *Control) writeSecret(a *ask, action string, seal func(old fairlead.SealedSecret) ([]byte, error)) (any, error) {
	name := a.PathValue("name")
	ctx, cancel := detach(a.Context())
	defer cancel()
	for try := 1; ; try++ {
		old, err := c.secret(ctx, name)
		if err != nil {
			return nil, err
		}
		next := fairlead.SealedSecret{Name: name, Version: old.Version + 1, At: c.config.time()}
		if next.Sealed, err = seal(old); err != nil {
			return nil, err
		}
		change, err := c.Store.PutSecret(ctx, old.Version, next, a.act(c.Now(), action, name))
		if conflict := fairlead.AsError(err); err != nil && conflict.Code == fairlead.CodeConflict && try < maxTries {
			continue
		}
		if err != nil {
			return nil, err
		}
		c.Log.InfoContext(ctx, "secret written", "secret", name, "version", next.Version, "deleted", next.Deleted(), "by", a.who.name)
		return c.wroteSecret(ctx, a, next, change)
	}
}

func (c *Control) wroteSecret(ctx context.Context, a *ask, s fairlead.SealedSecret, change fairlead.Change) (any, error) {
	var uses []secretUse
	if now, err := c.config.current(ctx); err == nil { // the write is done whoever uses it
		uses = secretUses(now.config)[s.Name]
	}
	answer := showSecret(s, uses)
	var err error
	answer.Behind, err = c.spread(ctx, a, change)
	answer.Applied = err == nil
	if err != nil {
		c.Log.ErrorContext(ctx, "this node's own edge has not taken a secret", "secret", s.Name, "error", err.Error())
	}
	return answer, nil
}

// secret gives a stored secret; version 0 = there was none.
func (c *Control) secret(ctx context.Context, name string) (fairlead.SealedSecret, error) {
	all, err := c.Store.Secrets(ctx)
	if err != nil {
		return fairlead.SealedSecret{}, err
	}
	i, found := slices.BinarySearchFunc(all, name, func(s fairlead.SealedSecret, name string) int { return strings.Compare(s.Name, name) })
	if !found {
		return fairlead.SealedSecret{Name: name}, nil
	}
	return all[i], nil
}
