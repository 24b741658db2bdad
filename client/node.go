package client

import (
	"context"
	"net/http"
	"time"

	"fairlead"
)

// Node is a member of the fleet with what it says of itself.
type Node struct {
	Name        string        `json:"name"`
	Role        fairlead.Role `json:"role"`
	Region      string        `json:"region,omitempty"`
	Egress      string        `json:"egress,omitempty"`
	Added       time.Time     `json:"added,omitzero"`
	Joined      time.Time     `json:"joined,omitzero"`
	Removed     time.Time     `json:"removed,omitzero"`
	Live        bool          `json:"live"` // heard of in the last seconds
	Heard       time.Time     `json:"heard,omitzero"`
	Version     string        `json:"version,omitempty"`
	Incarnation string        `json:"incarnation,omitempty"` // of its process
	Started     time.Time     `json:"started,omitzero"`
	Revision    int64         `json:"revision,omitempty"` // in force there; 0 = none, as on a control node
	Position    int64         `json:"position"`           // its last change
	Lag         *int64        `json:"lag,omitempty"`      // changes that it does not know yet; nil = not known, or a control node
	Stale       bool          `json:"stale"`              // it has heard nothing of control lately
	Loading     string        `json:"loading,omitempty"`
	NameTaken   bool          `json:"name_taken,omitempty"` // there are two control nodes of this name
	ConfigError string        `json:"config_error,omitempty"`
	Unresolved  []string      `json:"unresolved"` // references without a value there

	Spool *fairlead.SpoolStatus `json:"spool,omitempty"` // what it has to send up; nil = nothing is known of it
}

// State is in a word how the node is.
func (n Node) State() string {
	switch {
	case !n.Live && n.Joined.IsZero() && n.Heard.IsZero():
		return "not joined"
	case !n.Live:
		return "not heard of"
	case n.NameTaken:
		return "name in use twice"
	case n.Stale:
		return "stale"
	case n.ConfigError != "":
		return "configuration refused"
	case n.Loading != "":
		return "loading"
	case n.Lag == nil && n.Role != fairlead.RoleControl: // which reads the log itself, and follows nothing
		return "on another log"
	case n.Lag != nil && *n.Lag > 0:
		return "behind"
	case n.Spool != nil && n.Spool.Failing != "":
		return "charge lines refused"
	case len(n.Unresolved) > 0:
		return "unresolved"
	}
	return "ok"
}

// NewNode is a node at its addition: the one time that its join token can be seen.
type NewNode struct {
	Name    string        `json:"name"`
	Role    fairlead.Role `json:"role"`
	Region  string        `json:"region,omitempty"`
	Token   string        `json:"token"`
	Expires time.Time     `json:"expires,omitzero"`
}

// Nodes lists the fleet.
func (c *Client) Nodes(ctx context.Context) ([]Node, error) {
	var list struct {
		Data []Node `json:"data"`
	}
	err := c.get(ctx, nil, &list, "nodes")
	return list.Data, err
}

// AddNode makes room for a node and gives the token with which it joins, once.
func (c *Client) AddNode(ctx context.Context, name, region string) (NewNode, error) {
	var n NewNode
	body := map[string]string{"name": name}
	if region != "" {
		body["region"] = region
	}
	err := c.call(ctx, http.MethodPost, []string{"nodes"}, nil, body, &n)
	return n, err
}

// RemoveNode takes a node out of the fleet; what it shows is good for nothing from then on.
func (c *Client) RemoveNode(ctx context.Context, name string) (Node, error) {
	var n Node
	err := c.call(ctx, http.MethodDelete, []string{"nodes", name}, nil, nil, &n)
	return n, err
}
