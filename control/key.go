package control

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"fairlead"
)

// keyAnswer is a key as the API shows it: never its secret, never its hash.
type keyAnswer struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Hint    string    `json:"hint"`
	Created time.Time `json:"created"`
	termsAnswer
	Revoked *time.Time `json:"revoked,omitempty"`
	Behind  []string   `json:"behind,omitempty"` // live nodes that do not know yet
}

// newKeyAnswer is a key at its creation or rotation, the one time that its secret is shown.
type newKeyAnswer struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Secret  string    `json:"secret"`
	Hint    string    `json:"hint"`
	Created time.Time `json:"created"`
	termsAnswer
	Behind []string `json:"behind,omitempty"`
}

type keysAnswer struct {
	Data []keyAnswer `json:"data"`
	Next string      `json:"next,omitempty"` // what to list after for the rest; "" at the end
}

func showKey(k fairlead.Key) keyAnswer {
	a := keyAnswer{ID: k.ID, Name: k.Name, Hint: k.Hint, Created: k.Created, termsAnswer: showTerms(&k.KeyTerms)}
	if !k.Active() {
		a.Revoked = &k.Revoked
	}
	return a
}

func showNewKey(k fairlead.Key, secret fairlead.Secret, behind []string) newKeyAnswer {
	return newKeyAnswer{k.ID, k.Name, secret.Reveal(), k.Hint, k.Created, showTerms(&k.KeyTerms), behind}
}

// createKey makes a key. It answers only when this node's data plane knows the key: what is shown
// can be used.
func (c *Control) createKey(a *ask) (any, error) {
	var body keyBody
	if err := readBody(a.Request, &body); err != nil {
		return nil, err
	}
	if err := fairlead.ValidKeyName(body.Name); err != nil {
		return nil, named("name", err)
	}
	k, secret := fairlead.NewKey(body.Name, c.Now())
	if err := body.into(&k); err != nil {
		return nil, err
	}
	ctx, cancel := detach(a.Context())
	defer cancel()
	change, err := c.Store.CreateKeys(ctx, a.act(c.Now(), "key.create", k.ID), k)
	if err != nil {
		return nil, err
	}
	behind, err := c.spread(ctx, a, change)
	if err != nil {
		return nil, &fairlead.Error{
			Code:    fairlead.CodeInternal,
			Message: "key " + k.ID + " is stored, but this node's data plane could not take it, so its secret is not shown",
			Hint:    "revoke it and create another; the server's log has the cause",
			Err:     err,
		}
	}
	c.Log.InfoContext(ctx, "key created", "key", k.ID, "name", k.Name, "by", a.who.name)
	return showNewKey(k, secret, behind), nil
}

// revokeKey revokes a key; again, it gives the key as it is, once this node's data plane knows.
func (c *Control) revokeKey(a *ask) (any, error) {
	var body whyBody
	if a.Method == http.MethodPost {
		if err := readOptional(a.Request, &body); err != nil {
			return nil, err
		}
	}
	if err := validWhy(body.Why); err != nil {
		return nil, err
	}
	act := a.act(c.Now(), "key.revoke", shortened(a.PathValue("id")))
	act.Why = cmp.Or(act.Why, body.Why)
	ctx, cancel := detach(a.Context())
	defer cancel()
	k, change, err := c.Store.RevokeKey(ctx, a.PathValue("id"), act)
	if err != nil {
		return nil, err
	}
	answer := showKey(k)
	if answer.Behind, err = c.spreadAgain(ctx, a, change, fairlead.ChangeKey); err != nil {
		return nil, stillAdmits("key "+k.ID+" is revoked", "revoke it again", err)
	}
	c.Log.InfoContext(ctx, "key revoked", "key", k.ID, "name", k.Name, "by", a.who.name)
	return answer, nil
}

// spreadAgain brings a change down that takes something from somebody. Where it was made before, it may have failed to come down then.
func (c *Control) spreadAgain(ctx context.Context, a *ask, change fairlead.Change, kind fairlead.ChangeKind) (behind []string, err error) {
	if change.Number > 0 {
		return c.spread(ctx, a, change)
	}
	head, err := c.Store.Head(ctx)
	if err != nil {
		return nil, nil // as it is in the store
	}
	return c.settled(ctx, a, fairlead.Change{Number: head.Number, Kind: kind})
}

// stillAdmits says that what was taken away may be in use at this node all the same.
func stillAdmits(what, again string, err error) error {
	return &fairlead.Error{
		Code:    fairlead.CodeInternal,
		Message: what + " in the store, but this node's data plane may still admit it",
		Hint:    again + ", or restart the node; the server's log has the cause",
		Err:     err,
	}
}

// listKeys lists keys, of an account or a team where one is named, in the order of their creation, a page at a time.
func (c *Control) listKeys(a *ask) (any, error) {
	most, err := a.number("limit", pageSize, pageSize)
	if err != nil {
		return nil, err
	}
	var keys []fairlead.Key
	switch account, team := a.query["account"], a.query["team"]; {
	case account != "":
		keys, err = c.Store.KeysOf(a.Context(), account, team, a.query["after"], int(most)+1)
	case team != "":
		return nil, named("team", fairlead.Errorf(fairlead.CodeInvalidRequest, "a team is named with its account"))
	default:
		keys, err = c.Store.Keys(a.Context(), a.query["after"], int(most)+1)
	}
	if err != nil {
		return nil, err
	}
	answer := keysAnswer{Data: make([]keyAnswer, 0, len(keys))}
	if len(keys) > int(most) { // one more than asked for: there is a rest
		keys = keys[:most]
		answer.Next = keys[most-1].ID
	}
	for _, k := range keys {
		answer.Data = append(answer.Data, showKey(k))
	}
	return answer, nil
}
