package client

import (
	"context"
	"net/http"
	"time"

	"fairlead"
)

// Endpoint is a live endpoint.
type Endpoint struct {
	ID         string  `json:"id"`
	Model      string  `json:"model"`
	Provider   string  `json:"provider"`
	Dialect    string  `json:"dialect"`
	Upstream   string  `json:"upstream,omitempty"` // the provider's own model name; "" under a wildcard
	Region     string  `json:"region,omitempty"`
	Weight     int     `json:"weight"`                      // that the node decides by; 0 = drained
	Configured *int    `json:"configured_weight,omitempty"` // the document's; nil = not known
	Context    int     `json:"context,omitempty"`
	Price      *Price  `json:"price"`            // nil = unknown
	Health     *Health `json:"health,omitempty"` // nil = nothing is held against it
	Trial      bool    `json:"trial,omitempty"`  // only the revision on trial has it
}

// Health is what a node holds against an endpoint.
type Health struct {
	State  string    `json:"state"` // such as open, half-open, cooling
	Reason string    `json:"reason,omitempty"`
	Until  time.Time `json:"until,omitzero"`
}

// Price is in USD per million tokens, as decimal strings.
type Price struct {
	Input      string `json:"input"`
	Output     string `json:"output"`
	CacheRead  string `json:"cache_read"`
	CacheWrite string `json:"cache_write"`
}

// Endpoints lists the live endpoints.
func (c *Client) Endpoints(ctx context.Context) ([]Endpoint, error) {
	var list struct {
		Data []Endpoint `json:"data"`
	}
	err := c.get(ctx, nil, &list, "endpoints")
	return list.Data, err
}

// SetWeight gives an endpoint another weight; 0 drains it.
func (c *Client) SetWeight(ctx context.Context, endpoint string, weight int, w Write) (Written, error) {
	return c.patchEndpoint(ctx, endpoint, map[string]int{"weight": weight}, w)
}

// Pace is how a weight is moved.
type Pace struct {
	Weight int               `json:"weight"` // to which
	Over   fairlead.Duration `json:"ramp"`
	Guard  string            `json:"guard,omitempty"` // what must hold meanwhile; "" = nothing
}

// RampWeight moves an endpoint's weight by a ramp.
func (c *Client) RampWeight(ctx context.Context, endpoint string, p Pace, w Write) (Written, error) {
	return c.patchEndpoint(ctx, endpoint, p, w)
}

// Drain takes an endpoint out of use, or gives it back the weight that it had before.
func (c *Client) Drain(ctx context.Context, endpoint string, drain bool, w Write) (Written, error) {
	return c.patchEndpoint(ctx, endpoint, map[string]bool{"drain": drain}, w)
}

func (c *Client) patchEndpoint(ctx context.Context, endpoint string, body any, w Write) (Written, error) {
	var done Written
	err := c.send(ctx, ask{
		method: http.MethodPatch, path: []string{"endpoints", endpoint}, query: w.query(), body: body, ifMatch: w.IfMatch,
	}, &done)
	return done, err
}

// ForgetHealth drops everything that is held against endpoints on the node: open breakers, cooldowns,
// credentials that were refused, what was learned of their speed.
func (c *Client) ForgetHealth(ctx context.Context) error {
	var done struct{}
	return c.call(ctx, http.MethodDelete, []string{"health"}, nil, nil, &done)
}
