package client

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"time"
)

// Key is a key as the control plane shows it.
type Key struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	Hint    string     `json:"hint"` // the secret's first and last characters
	Created time.Time  `json:"created"`
	Revoked *time.Time `json:"revoked,omitempty"` // nil while the key is good
}

// NewKey is a key at its creation: the one time that its secret can be seen.
type NewKey struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Secret  string    `json:"secret"`
	Hint    string    `json:"hint"`
	Created time.Time `json:"created"`
}

// CreateKey makes a key, which can be used once this returns. A call that failed on its way may have
// made one all the same, whose secret nobody knows.
func (c *Client) CreateKey(ctx context.Context, name string) (NewKey, error) {
	var k NewKey
	err := c.call(ctx, http.MethodPost, []string{"keys"}, nil, map[string]string{"name": name}, &k)
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
