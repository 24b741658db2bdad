package client

import (
	"context"
	"net/http"
	"time"

	"fairlead"
)

// Secret is a stored credential as the control plane shows it: never its value.
type Secret struct {
	Name    string      `json:"name"`
	Version int64       `json:"version"` // from 1, one more with each value
	At      time.Time   `json:"at"`
	Deleted bool        `json:"deleted,omitempty"`
	UsedBy  []SecretUse `json:"used_by"`
}

// SecretUse is a credential of the configuration that names a secret.
type SecretUse struct {
	Provider   string `json:"provider"`
	Credential string `json:"credential"`
}

// SetSecret gives a secret a value. Nodes that use it have it a moment later, without a restart.
func (c *Client) SetSecret(ctx context.Context, name string, value fairlead.Secret) (Secret, error) {
	var s Secret
	body := map[string]string{"value": value.Reveal()}
	err := c.call(ctx, http.MethodPut, []string{"secrets", name}, nil, body, &s)
	return s, err
}

// Secrets lists the secrets that have a value, by name.
func (c *Client) Secrets(ctx context.Context) ([]Secret, error) {
	var list struct {
		Data []Secret `json:"data"`
	}
	err := c.get(ctx, nil, &list, "secrets")
	return list.Data, err
}

// DeleteSecret takes a secret's value away.
func (c *Client) DeleteSecret(ctx context.Context, name string) (Secret, error) {
	var s Secret
	err := c.call(ctx, http.MethodDelete, []string{"secrets", name}, nil, nil, &s)
	return s, err
}
