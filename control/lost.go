package control

import (
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"fairlead"
)

// lostChange is a change that nodes had seen and a restored store lacks: enough to make it again, and nothing secret.
type lostChange struct {
	Number int64               `json:"number"`
	Kind   fairlead.ChangeKind `json:"kind"`
	At     time.Time           `json:"at"`
	By     string              `json:"by"`
	What   []string            `json:"what"`            // names of what it was about
	Patch  jsontext.Value      `json:"patch,omitempty"` // of a revision: what it changed
	Nodes  []string            `json:"nodes"`           // that had seen it
}

type lostAnswer struct {
	Data []lostChange `json:"data"`
}

func (c *Control) listLost(a *ask) (any, error) {
	list, err := c.Store.Lost(a.Context())
	if err != nil {
		return nil, err
	}
	answer := lostAnswer{Data: []lostChange{}}
	for _, l := range list {
		shown := lostChange{Number: l.Number, Kind: l.Kind, At: l.At, By: l.By, Nodes: append([]string{}, l.Nodes...)}
		shown.What, shown.Patch = about(l.Kind, l.Content)
		answer.Data = append(answer.Data, shown)
	}
	return answer, nil
}

// lostAccount is what is told of an account or a team.
type lostAccount struct {
	ID     string     `json:"id"`
	Name   string     `json:"name"`
	Closed *time.Time `json:"closed"`
}

// about names what a change is about. Contents hold hashes of keys and sealed values, which are left out.
func about(kind fairlead.ChangeKind, content []byte) (what []string, patch jsontext.Value) {
	var c struct {
		Revision int64          `json:"revision"`
		Why      string         `json:"why"`
		Patch    jsontext.Value `json:"patch"`
		Name     string         `json:"name"`
		Version  int64          `json:"version"`
		Keys     []struct {
			ID       string     `json:"id"`
			Name     string     `json:"name"`
			Revoked  *time.Time `json:"revoked"`
			Disabled bool       `json:"disabled"`
			OldUntil *time.Time `json:"old_until"`
		} `json:"keys"`
		Accounts []lostAccount `json:"accounts"`
		Teams    []lostAccount `json:"teams"`
	}
	what = []string{}
	if json.Unmarshal(content, &c) != nil {
		return what, nil
	}
	switch kind {
	case fairlead.ChangeRevision:
		what = append(what, "revision "+number(c.Revision))
		if c.Why != "" {
			what = append(what, c.Why)
		}
		patch = c.Patch
	case fairlead.ChangeKey:
		for _, k := range c.Keys {
			text := k.ID + " " + k.Name
			switch {
			case k.Revoked != nil: // and it is again, where the log has the key
				text += ": revoked"
			case k.Disabled:
				text += ": disabled"
			case k.OldUntil != nil:
				text += ": rotated"
			}
			what = append(what, text)
		}
	case fairlead.ChangeAccount:
		for _, a := range append(c.Accounts, c.Teams...) {
			text := a.ID + " " + a.Name
			if a.Closed != nil {
				text += ": closed"
			}
			what = append(what, text)
		}
	case fairlead.ChangeSecret:
		what = append(what, c.Name+" version "+number(c.Version))
	case fairlead.ChangeNode:
		what = append(what, c.Name+": "+nodeWas(content))
	default:
		if c.Name != "" {
			what = append(what, c.Name)
		}
	}
	return what, patch
}

// nodeWas says what a change made of a node.
func nodeWas(content []byte) string {
	var n fairlead.Node
	switch err := json.Unmarshal(content, &n); {
	case err != nil:
		return "cannot be read"
	case !n.Removed.IsZero(): // and it is again, where the log has the node
		return "removed"
	case !n.Joined.IsZero():
		return "joined"
	}
	return "added"
}
