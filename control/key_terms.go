package control

import (
	"cmp"
	"context"
	"time"

	"fairlead"
)

const (
	usualGrace = 24 * time.Hour
	mostGrace  = 365 * 24 * time.Hour
)

// termsAnswer is what a key may do, as the API shows it.
type termsAnswer struct {
	Account   string            `json:"account,omitempty"`
	Team      string            `json:"team,omitempty"`
	Owner     string            `json:"owner,omitempty"`
	Models    []string          `json:"models,omitempty"`
	Endpoints []string          `json:"endpoints,omitempty"`
	Expires   *time.Time        `json:"expires,omitempty"`
	Disabled  bool              `json:"disabled,omitempty"`
	Metadata  map[string]string `json:"metadata,omitempty"`
	OldUntil  *time.Time        `json:"old_until,omitempty"` // when the secret before the last rotation ends, or ended
}

func showTerms(t *fairlead.KeyTerms) termsAnswer {
	return termsAnswer{t.Account, t.Team, t.Owner, t.Models, t.Endpoints, shownTime(t.Expires), t.Disabled, t.Metadata, shownTime(t.OldUntil)}
}

// shownTime is nil for what is not set.
func shownTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// keyBody is a key to be made.
type keyBody struct {
	Name      string            `json:"name"`
	Account   string            `json:"account,omitempty"`
	Team      string            `json:"team,omitempty"`
	Owner     string            `json:"owner,omitempty"`
	Models    []string          `json:"models,omitempty"`
	Endpoints []string          `json:"endpoints,omitempty"`
	Expires   string            `json:"expires,omitempty"` // RFC 3339
	Disabled  bool              `json:"disabled,omitempty"`
	Metadata  map[string]string `json:"metadata,omitempty"`
}

func (b *keyBody) into(k *fairlead.Key) error {
	k.Account, k.Team = b.Account, b.Team
	p := keyPatch{Owner: &b.Owner, Models: &b.Models, Endpoints: &b.Endpoints, Expires: &b.Expires, Disabled: &b.Disabled, Metadata: &b.Metadata}
	return p.into(k)
}

// keyPatch is what is to be changed of a key; what it leaves out stays. Lists and metadata are replaced as wholes.
type keyPatch struct {
	Name      *string            `json:"name,omitempty"`
	Owner     *string            `json:"owner,omitempty"`
	Models    *[]string          `json:"models,omitempty"`
	Endpoints *[]string          `json:"endpoints,omitempty"`
	Expires   *string            `json:"expires,omitempty"` // RFC 3339; "" = never
	Disabled  *bool              `json:"disabled,omitempty"`
	Metadata  *map[string]string `json:"metadata,omitempty"`
}

// set changes what is given.
func set[T any](to, given *T) {
	if given != nil {
		*to = *given
	}
}

func (p *keyPatch) into(k *fairlead.Key) (err error) {
	set(&k.Name, p.Name)
	set(&k.Owner, p.Owner)
	set(&k.Models, p.Models)
	set(&k.Endpoints, p.Endpoints)
	set(&k.Disabled, p.Disabled)
	set(&k.Metadata, p.Metadata)
	if p.Expires != nil {
		if k.Expires, err = readExpiry(*p.Expires); err != nil {
			return err
		}
	}
	k.Tidy()
	if err := fairlead.ValidKeyName(k.Name); err != nil {
		return named("name", err)
	}
	return k.Validate()
}

func readExpiry(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if t = t.UTC().Truncate(time.Microsecond); err != nil || t.Year() < 1970 || t.Year() > 9999 {
		return time.Time{}, named("expires", fairlead.Errorf(fairlead.CodeInvalidRequest, "expires is a time such as 2026-01-02T15:04:05Z, or empty for never"))
	}
	return t, nil
}

func (c *Control) getKey(a *ask) (any, error) {
	k, err := c.Store.Key(a.Context(), a.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return showKey(k), nil
}

// patchKey changes a key. It answers once this node's data plane decides by it.
func (c *Control) patchKey(a *ask) (any, error) {
	var patch keyPatch
	if err := readBody(a.Request, &patch); err != nil {
		return nil, err
	}
	ctx, cancel := detach(a.Context())
	defer cancel()
	k, change, err := c.Store.UpdateKey(ctx, a.PathValue("id"), a.act(c.Now(), "key.patch", shortened(a.PathValue("id"))), patch.into)
	if err != nil {
		return nil, err
	}
	answer := showKey(k)
	if answer.Behind, err = c.spreadAgain(ctx, a, change, fairlead.ChangeKey); err != nil {
		return nil, stillAdmits("key "+k.ID+" is changed", "change it again", err)
	}
	c.Log.InfoContext(ctx, "key changed", "key", k.ID, "name", k.Name, "by", a.who.name)
	return answer, nil
}

// rotateBody says for how long the secret before stays good: 24 hours where it says nothing, 0 = not at all.
type rotateBody struct {
	Grace *fairlead.Duration `json:"grace,omitempty"`
	Why   string             `json:"why,omitempty"`
}

// rotateKey gives a key another secret, which can be used once it is shown.
func (c *Control) rotateKey(a *ask) (any, error) {
	var body rotateBody
	if err := readOptional(a.Request, &body); err != nil {
		return nil, err
	}
	if err := validWhy(body.Why); err != nil {
		return nil, err
	}
	grace := usualGrace
	if body.Grace != nil {
		grace = time.Duration(*body.Grace)
	}
	if grace < 0 || grace > mostGrace {
		return nil, named("grace", fairlead.Errorf(fairlead.CodeInvalidRequest, "a grace is 0 to 8760h"))
	}
	act := a.act(c.Now(), "key.rotate", shortened(a.PathValue("id")))
	act.Why = cmp.Or(act.Why, body.Why)
	ctx, cancel := detach(a.Context())
	defer cancel()
	var secret fairlead.Secret
	k, change, err := c.Store.UpdateKey(ctx, a.PathValue("id"), act, func(k *fairlead.Key) error {
		secret = k.Rotate(act.At.Add(grace))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c.rotated(ctx, a, k, secret, change)
}

func (c *Control) rotated(ctx context.Context, a *ask, k fairlead.Key, secret fairlead.Secret, change fairlead.Change) (any, error) {
	behind, err := c.spread(ctx, a, change)
	if err != nil {
		return nil, &fairlead.Error{
			Code:    fairlead.CodeInternal,
			Message: "key " + k.ID + " has another secret in the store, but this node's data plane could not take it, so it is not shown",
			Hint:    "rotate it again; the server's log has the cause",
			Err:     err,
		}
	}
	c.Log.InfoContext(ctx, "key rotated", "key", k.ID, "name", k.Name, "old_until", k.OldUntil, "by", a.who.name)
	return showNewKey(k, secret, behind), nil
}
