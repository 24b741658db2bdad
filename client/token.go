package client

import (
	"context"
	"net/http"
	"time"

	"fairlead"
)

// NewToken is an admin token at its creation: the one time that its secret can be seen.
type NewToken struct {
	ID      string         `json:"id"`
	Name    string         `json:"name"`
	Level   fairlead.Level `json:"level"`
	Secret  string         `json:"secret"`
	Created time.Time      `json:"created"`
}

// CreateToken makes a token that speaks to the control plane.
func (c *Client) CreateToken(ctx context.Context, name string, level fairlead.Level) (NewToken, error) {
	var t NewToken
	body := map[string]string{"name": name, "level": string(level)}
	err := c.call(ctx, http.MethodPost, []string{"tokens"}, nil, body, &t)
	return t, err
}

// Tokens lists the tokens, revoked ones included.
func (c *Client) Tokens(ctx context.Context) ([]fairlead.Token, error) {
	var list struct {
		Data []fairlead.Token `json:"data"`
	}
	err := c.get(ctx, nil, &list, "tokens")
	return list.Data, err
}

// RevokeToken revokes a token and gives it.
func (c *Client) RevokeToken(ctx context.Context, id string) (fairlead.Token, error) {
	var t fairlead.Token
	err := c.call(ctx, http.MethodDelete, []string{"tokens", id}, nil, nil, &t)
	return t, err
}
