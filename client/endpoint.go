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
	Tried      *int    `json:"trial_weight,omitempty"`      // that of the revision on trial, where it is another
	Context    int     `json:"context,omitempty"`
	Fleet      *Fleet  `json:"fleet,omitempty"`  // nil = not known
	Price      *Price  `json:"price"`            // nil = unknown
	Health     *Health `json:"health,omitempty"` // nil = nothing is held against it
	Trial      bool    `json:"trial,omitempty"`  // only the revision on trial has it
}

// Health is what a node holds against an endpoint.
type Health struct {
	State  string    `json:"state"` // closed, with a share of its weight; half_open, cooling, open, disabled
	Reason string    `json:"reason,omitempty"`
	Share  int       `json:"share,omitempty"` // per cent of its weight, while closed
	Until  time.Time `json:"until,omitzero"`  // when that may change by itself
}

// Fleet is what the live edges hold against an endpoint.
type Fleet struct {
	Edges   int      `json:"edges"`   // live ones
	Shut    int      `json:"shut"`    // of them, that send nothing there but to try it
	Reduced int      `json:"reduced"` // that send less than its weight
	Reason  string   `json:"reason,omitempty"`
	Nodes   []string `json:"nodes,omitempty"` // that hold anything against it, at most 10
}

// Price is in USD per million tokens, as decimal strings; all of it is stated.
type Price struct {
	Rates
	Tiers []Tier `json:"tiers,omitempty"` // the lowest first
}

// Tier is the price of exchanges whose whole prompt has more tokens than Above.
type Tier struct {
	Above int64 `json:"above"`
	Rates
}

// Rates is what a price is made of.
type Rates struct {
	Input       string `json:"input"`
	Output      string `json:"output"`
	CacheRead   string `json:"cache_read"`
	CacheWrite  string `json:"cache_write"`
	Reasoning   string `json:"reasoning"`
	AudioInput  string `json:"audio_input"`
	AudioOutput string `json:"audio_output"`
	Image       string `json:"image"`   // per million images in prompts
	Request     string `json:"request"` // per million requests
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

// ForgetHealth drops everything that is held against endpoints on the node and on all live edges: open breakers, cooldowns,
// credentials that were refused, what was learned of their speed.
func (c *Client) ForgetHealth(ctx context.Context) error {
	var done struct{}
	return c.call(ctx, http.MethodDelete, []string{"health"}, nil, nil, &done)
}
