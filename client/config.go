package client

import (
	"context"
	"net/http"
	"time"
)

// Config is the state of the configuration.
type Config struct {
	Revision int64     `json:"revision"`
	Source   string    `json:"source"` // file, environment or builtin
	File     string    `json:"file,omitempty"`
	Loaded   time.Time `json:"loaded"`
	Error    string    `json:"error,omitempty"` // why a later edit of the file was refused
}

// Endpoint is a live endpoint.
type Endpoint struct {
	ID       string `json:"id"`
	Model    string `json:"model"`
	Provider string `json:"provider"`
	Dialect  string `json:"dialect"`
	Upstream string `json:"upstream,omitempty"` // the provider's own model name; "" under a wildcard
	Region   string `json:"region,omitempty"`
	Weight   int    `json:"weight"` // 0 = drained
	Context  int    `json:"context,omitempty"`
	Price    *Price `json:"price"` // nil = unknown
}

// Price is in USD per million tokens, as decimal strings.
type Price struct {
	Input      string `json:"input"`
	Output     string `json:"output"`
	CacheRead  string `json:"cache_read"`
	CacheWrite string `json:"cache_write"`
}

// Config gives the state of the configuration.
func (c *Client) Config(ctx context.Context) (Config, error) {
	var s Config
	err := c.call(ctx, http.MethodGet, []string{"config"}, nil, nil, &s)
	return s, err
}

// ForgetHealth drops everything that is held against endpoints on the node: open breakers, cooldowns,
// credentials that were refused, what was learned of their speed.
func (c *Client) ForgetHealth(ctx context.Context) error {
	var done struct{}
	return c.call(ctx, http.MethodDelete, []string{"health"}, nil, nil, &done)
}

// Endpoints lists the live endpoints.
func (c *Client) Endpoints(ctx context.Context) ([]Endpoint, error) {
	var list struct {
		Data []Endpoint `json:"data"`
	}
	err := c.call(ctx, http.MethodGet, []string{"endpoints"}, nil, nil, &list)
	return list.Data, err
}
