package control

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"fairlead"
)

const (
	// writeTime bounds a write to the store together with its way down the feed.
	writeTime = 30 * time.Second
	// pageSize is how many keys one answer lists at most.
	pageSize = 1000
)

// keyAnswer is a key as the API shows it: never its secret, never its hash.
type keyAnswer struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	Hint    string     `json:"hint"`
	Created time.Time  `json:"created"`
	Revoked *time.Time `json:"revoked,omitempty"`
}

// newKeyAnswer is a key at its creation, the one time that its secret is shown.
type newKeyAnswer struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Secret  string    `json:"secret"`
	Hint    string    `json:"hint"`
	Created time.Time `json:"created"`
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

// createKey makes a key. It answers only when this node's data plane knows the key: what is shown
// can be used.
func (c *control) createKey(r *http.Request) (int, any, error) {
	var ask struct {
		Name string `json:"name"`
	}
	if err := readBody(r, &ask); err != nil {
		return 0, nil, err
	}
	if err := fairlead.ValidKeyName(ask.Name); err != nil {
		e := fairlead.AsError(err)
		e.Param = "name"
		return 0, nil, e
	}
	k, secret := fairlead.NewKey(ask.Name, c.Now())
	stored, err := c.writeKey(r.Context(), func(ctx context.Context) error {
		_, err := c.Store.CreateKeys(ctx, fairlead.Act{At: k.Created, By: "admin", Action: "key.create", Target: k.ID}, k)
		return err
	})
	if stored && err != nil {
		return 0, nil, &fairlead.Error{
			Code:    fairlead.CodeInternal,
			Message: "key " + k.ID + " is stored, but this node's data plane could not take it, so its secret is not shown",
			Hint:    "revoke it and create another; the server's log has the cause",
			Err:     err,
		}
	}
	if err != nil {
		return 0, nil, err
	}
	c.Log.InfoContext(r.Context(), "key created", "key", k.ID, "name", k.Name)
	return http.StatusCreated, newKeyAnswer{k.ID, k.Name, secret.Reveal(), k.Hint, k.Created}, nil
}

// revokeKey revokes a key; again, it gives the key as it is.
func (c *control) revokeKey(r *http.Request) (int, any, error) {
	var k fairlead.Key
	stored, err := c.writeKey(r.Context(), func(ctx context.Context) (err error) {
		id := r.PathValue("id")
		k, _, err = c.Store.RevokeKey(ctx, id, fairlead.Act{At: c.Now(), By: "admin", Action: "key.revoke", Target: id})
		return err
	})
	if stored && err != nil {
		return 0, nil, &fairlead.Error{
			Code:    fairlead.CodeInternal,
			Message: "key " + k.ID + " is revoked in the store, but this node's data plane may still admit it",
			Hint:    "revoke it again, or restart the node; the server's log has the cause",
			Err:     err,
		}
	}
	if err != nil {
		return 0, nil, err
	}
	c.Log.InfoContext(r.Context(), "key revoked", "key", k.ID, "name", k.Name)
	return http.StatusOK, showKey(k), nil
}

// writeKey writes to the store and brings the change down the feed; stored says whether the first
// was done. A caller who leaves does not cancel it: a revocation that is stored and never reaches
// the data plane would be the worst of all outcomes.
func (c *control) writeKey(ctx context.Context, write func(context.Context) error) (stored bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
	defer cancel()
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := write(ctx); err != nil {
		return false, err
	}
	return true, Sync(ctx, c.Store, c.Feed)
}

// listKeys lists keys in the order of their creation, a page at a time.
func (c *control) listKeys(r *http.Request) (int, any, error) {
	q := r.URL.Query()
	limit := pageSize
	if s := q.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > pageSize {
			e := fairlead.Errorf(fairlead.CodeInvalidRequest, "limit is a number from 1 to "+strconv.Itoa(pageSize))
			e.Param = "limit"
			return 0, nil, e
		}
		limit = n
	}
	keys, err := c.Store.Keys(r.Context(), q.Get("after"), limit+1)
	if err != nil {
		return 0, nil, err
	}
	answer := keysAnswer{Data: make([]keyAnswer, 0, len(keys))}
	if len(keys) > limit { // one more than asked for: there is a rest
		keys = keys[:limit]
		answer.Next = keys[limit-1].ID
	}
	for _, k := range keys {
		answer.Data = append(answer.Data, showKey(k))
	}
	return http.StatusOK, answer, nil
}
