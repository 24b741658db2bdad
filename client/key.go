package client

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// Key is a key as the control plane shows it.
type Key struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Hint    string    `json:"hint"` // the secret's first and last characters
	Created time.Time `json:"created"`
	KeyTerms
	OldUntil *time.Time `json:"old_until,omitempty"` // when the secret before the last rotation ends, or ended
	Revoked  *time.Time `json:"revoked,omitempty"`   // nil while the key is good
}

// NewKey is a key at its creation or rotation: the one time that its secret can be seen.
type NewKey struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Secret  string    `json:"secret"`
	Hint    string    `json:"hint"`
	Created time.Time `json:"created"`
	KeyTerms
	OldUntil *time.Time `json:"old_until,omitempty"` // when the secret before ends
}

// CreateKey makes a key, which can be used once this returns. A call that failed on its way may have
// made one all the same, whose secret nobody knows.
func (c *Client) CreateKey(ctx context.Context, name string, terms ...KeyTerms) (NewKey, error) {
	var k NewKey
	body := struct {
		Name string `json:"name"`
		KeyTerms
	}{Name: name}
	for _, t := range terms {
		body.KeyTerms = t
	}
	err := c.call(ctx, http.MethodPost, []string{"keys"}, nil, body, &k)
	return k, err
}

// RevokeKey revokes a key and gives it; again, it gives the key with the time of the first call.
func (c *Client) RevokeKey(ctx context.Context, id string) (Key, error) {
	var k Key
	if id == "" {
		return k, errors.New("revoke key: no id")
	}
	err := c.call(ctx, http.MethodPost, []string{"keys", id, "revoke"}, nil, nil, &k)
	return k, err
}

// Keys goes through all keys in the order of their creation, revoked ones included, a page at a time.
func (c *Client) Keys(ctx context.Context) iter.Seq2[Key, error] {
	return pages[Key](ctx, c, "after", nil, "keys")
}

// KeysOf goes through the keys of an account, or of a team of it where one is named.
func (c *Client) KeysOf(ctx context.Context, account, team string) iter.Seq2[Key, error] {
	query := url.Values{"account": {account}}
	if team != "" {
		query.Set("team", team)
	}
	return pages[Key](ctx, c, "after", query, "keys")
}
