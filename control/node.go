package control

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"fairlead"
)

// joinTime is how long a join token can be used.
const joinTime = 24 * time.Hour

type nodeBody struct {
	Name   string        `json:"name"`
	Role   fairlead.Role `json:"role,omitempty"` // default edge
	Region string        `json:"region,omitempty"`
}

// newNodeAnswer is a node at its adding, the one time that its token is shown.
type newNodeAnswer struct {
	Name    string        `json:"name"`
	Role    fairlead.Role `json:"role"`
	Region  string        `json:"region,omitempty"`
	Token   string        `json:"token"`
	Expires time.Time     `json:"expires"`
}

// nodeAnswer is a node as the store knows it, and as it tells of itself.
type nodeAnswer struct {
	Name    string        `json:"name"`
	Role    fairlead.Role `json:"role"`
	Region  string        `json:"region,omitempty"`
	Egress  string        `json:"egress,omitempty"`
	Added   *time.Time    `json:"added,omitempty"` // left out = the store does not know it
	Joined  *time.Time    `json:"joined,omitempty"`
	Removed *time.Time    `json:"removed,omitempty"`

	Live        bool       `json:"live"` // heard of in the last seconds
	Heard       *time.Time `json:"heard,omitempty"`
	Version     string     `json:"version,omitempty"`
	Incarnation string     `json:"incarnation,omitempty"`
	Started     *time.Time `json:"started,omitempty"`
	Revision    *int64     `json:"revision,omitempty"` // in force there; left out of a control node, where none is
	Position    int64      `json:"position"`           // its last change
	Lag         *int64     `json:"lag,omitempty"`      // changes that it does not know yet; left out = not known, or a control node: it reads the log itself
	Stale       bool       `json:"stale"`              // it has heard nothing of control lately
	Loading     string     `json:"loading,omitempty"`
	NameTaken   bool       `json:"name_taken,omitempty"` // there are two control nodes of this name
	ConfigError string     `json:"config_error,omitempty"`
	Unresolved  []string   `json:"unresolved"` // references without a value there

	Spool *fairlead.SpoolStatus `json:"spool,omitempty"` // what it has to send up
}

type nodesAnswer struct {
	Data []nodeAnswer `json:"data"`
	Head int64        `json:"head"` // the last change of the log
}

func (c *Control) listNodes(a *ask) (any, error) {
	head, err := c.Store.Head(a.Context())
	if err != nil {
		return nil, err
	}
	stored, err := c.Store.Nodes(a.Context())
	if err != nil {
		return nil, err
	}
	spoke, _ := c.Fleet.all()
	shown := map[string]nodeAnswer{}
	for _, n := range stored {
		if n.Removed.IsZero() {
			shown[n.Name] = showNode(n)
		} else {
			delete(spoke, n.Name)
		}
	}
	for name, h := range spoke {
		n, known := shown[name]
		if !known {
			if !c.Fleet.live(h) {
				continue
			}
			n = nodeAnswer{Name: name, Unresolved: []string{}}
		}
		shown[name] = c.tell(n, h, head)
	}
	answer := nodesAnswer{Data: []nodeAnswer{}, Head: head.Number}
	for _, name := range slices.Sorted(maps.Keys(shown)) {
		answer.Data = append(answer.Data, shown[name])
	}
	return answer, nil
}

func showNode(n fairlead.Node) nodeAnswer {
	return nodeAnswer{
		Name: n.Name, Role: n.Role, Region: n.Region, Unresolved: []string{},
		Added: stated(n.Added), Joined: stated(n.Joined), Removed: stated(n.Removed),
	}
}

func stated(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// tell adds what a node says of itself. What it says is shown as it is, whether or not it is live: the last words
// of a silent node say how far it came.
func (c *Control) tell(n nodeAnswer, h heard, head fairlead.Position) nodeAnswer {
	n.Role, n.Egress, n.Version, n.Incarnation = h.Role, h.Egress, h.Version, h.Incarnation
	if h.Region != "" {
		n.Region = h.Region
	}
	n.Live, n.Heard, n.Started = c.Fleet.live(h), stated(h.at.UTC()), stated(h.Started)
	n.Position, n.Stale, n.Loading, n.ConfigError = h.Position.Number, h.Stale, h.Loading, h.ConfigError
	n.Unresolved = append(n.Unresolved, h.Unresolved...)
	n.Spool = h.Spool
	n.NameTaken = c.Fleet.lately(h.taken)
	if h.Role == fairlead.RoleControl {
		return n
	}
	n.Revision = new(h.Revision)
	if h.Position.Log == head.Log {
		lag := max(head.Number-h.Position.Number, 0)
		n.Lag = &lag
	}
	return n
}

// addNode makes a node known and gives the token with which it joins.
func (c *Control) addNode(a *ask) (any, error) {
	body := nodeBody{Role: fairlead.RoleEdge}
	if err := readBody(a.Request, &body); err != nil {
		return nil, err
	}
	if err := fairlead.ValidNodeName(body.Name); err != nil {
		return nil, named("name", err)
	}
	if err := c.apart(a.Context(), body.Name); err != nil {
		return nil, named("name", err)
	}
	if body.Role != fairlead.RoleEdge {
		return nil, named("role", fairlead.Errorf(fairlead.CodeInvalidRequest, "edges join by a token; a control node belongs to the fleet by its database"))
	}
	if !validRegion(body.Region) {
		return nil, named("region", fairlead.Errorf(fairlead.CodeInvalidRequest, "a region has at most 64 printable characters and no space"))
	}
	if c.NewJoinToken == nil {
		return nil, &fairlead.Error{
			Code: fairlead.CodeConflict, Message: "no node can join this control plane: its bus has no address",
			Hint: "start it with --bus-listen",
		}
	}
	random := make([]byte, 32)
	rand.Read(random) // never fails: crypto/rand ends the process instead
	secret := hex.EncodeToString(random)
	token, err := c.NewJoinToken(body.Name, fairlead.NewSecret(secret))
	if err != nil {
		return nil, err
	}
	now := c.config.time()
	n := fairlead.Node{Name: body.Name, Role: body.Role, Region: body.Region, Added: now}
	ctx, cancel := detach(a.Context())
	defer cancel()
	change, err := c.Store.AddNode(ctx, n, sha256.Sum256([]byte(secret)), now.Add(joinTime), a.act(now, "node.add", n.Name))
	if err != nil {
		return nil, err
	}
	c.Log.InfoContext(ctx, "node added", "name", n.Name, "by", a.who.name)
	_, err = c.spread(ctx, a, change)
	if err != nil { // the node can join all the same
		c.Log.ErrorContext(ctx, "this node's own edge has not taken a change", "change", change.Number, "error", err.Error())
	}
	return newNodeAnswer{n.Name, n.Role, n.Region, token, now.Add(joinTime)}, nil
}

// apart refuses a node the name by which somebody else stands in the audit.
func (c *Control) apart(ctx context.Context, name string) error {
	tokens, err := c.Store.Tokens(ctx)
	if err != nil {
		return err
	}
	taken := slices.Clone(standing)
	for _, t := range tokens {
		taken = append(taken, strings.ToLower(t.Name))
	}
	if slices.Contains(taken, name) {
		return fairlead.Errorf(fairlead.CodeConflict, "this name stands for someone else in the audit")
	}
	return nil
}

func validRegion(region string) bool {
	odd := func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) }
	return len(region) <= 64 && !strings.ContainsFunc(region, odd)
}

// removeNode shuts a node out: its credential counts no more, and a new token is needed to join again.
func (c *Control) removeNode(a *ask) (any, error) {
	name := a.PathValue("name")
	ctx, cancel := detach(a.Context())
	defer cancel()
	n, change, err := c.Store.RemoveNode(ctx, name, a.act(c.Now(), "node.remove", shortened(name)))
	if err != nil {
		return nil, err
	}
	c.Fleet.Forget(n.Name)
	c.Log.InfoContext(ctx, "node removed", "name", n.Name, "by", a.who.name)
	if _, err := c.spread(ctx, a, change); err != nil {
		c.Log.ErrorContext(ctx, "this node's own edge has not taken a change", "change", change.Number, "error", err.Error())
	}
	return showNode(n), nil
}
