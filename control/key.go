package control

import (
	"cmp"
	"net/http"
	"time"

	"fairlead"
)

// keyAnswer is a key as the API shows it: never its secret, never its hash.
type keyAnswer struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	Hint    string     `json:"hint"`
	Created time.Time  `json:"created"`
	Revoked *time.Time `json:"revoked,omitempty"`
	Behind  []string   `json:"behind,omitempty"` // live nodes that do not know yet
}

// newKeyAnswer is a key at its creation, the one time that its secret is shown.
type newKeyAnswer struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Secret  string    `json:"secret"`
	Hint    string    `json:"hint"`
	Created time.Time `json:"created"`
	Behind  []string  `json:"behind,omitempty"`
}

type keysAnswer struct {
	Data []keyAnswer `json:"data"`
	Next string      `json:"next,omitempty"` // what to list after for the rest; "" at the end
}

func showKey(k fairlead.Key) keyAnswer {
	a := keyAnswer{ID: k.ID, Name: k.Name, Hint: k.Hint, Created: k.Created}
	if !k.Active() {
		a.Revoked = &k.Revoked
	}
	return a
}

type keyBody struct {
	Name string `json:"name"`
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
	return newKeyAnswer{k.ID, k.Name, secret.Reveal(), k.Hint, k.Created, behind}, nil
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
	if change.Number > 0 {
		answer.Behind, err = c.spread(ctx, a, change)
	} else if head, headErr := c.Store.Head(ctx); headErr == nil { // it may have failed to come down the first time
		answer.Behind, err = c.settled(ctx, a, fairlead.Change{Number: head.Number, Kind: fairlead.ChangeKey})
	}
	if err != nil {
		return nil, &fairlead.Error{
			Code:    fairlead.CodeInternal,
			Message: "key " + k.ID + " is revoked in the store, but this node's data plane may still admit it",
			Hint:    "revoke it again, or restart the node; the server's log has the cause",
			Err:     err,
		}
	}
	c.Log.InfoContext(ctx, "key revoked", "key", k.ID, "name", k.Name, "by", a.who.name)
	return answer, nil
}

// listKeys lists keys in the order of their creation, a page at a time.
func (c *Control) listKeys(a *ask) (any, error) {
	most, err := a.number("limit", pageSize, pageSize)
	if err != nil {
		return nil, err
	}
	keys, err := c.Store.Keys(a.Context(), a.query["after"], int(most)+1)
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
