package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"
	"time"

	"fairlead"
)

// AuditFilter says which entries of the audit are wanted; the zero one wants all.
type AuditFilter struct {
	Action string    // such as config.apply
	By     string    // who
	Since  time.Time // this old at most
}

// Verified is what a walk over the chains of log and audit found.
type Verified struct {
	OK        bool              `json:"ok"` // there is no fault
	Changes   int64             `json:"changes"`
	Revisions int64             `json:"revisions"`
	Entries   int64             `json:"entries"`
	Position  fairlead.Position `json:"position"`
	Faults    []string          `json:"faults"` // none where everything is as it was written
}

// Audit goes through what was done, the newest first.
func (c *Client) Audit(ctx context.Context, f AuditFilter) iter.Seq2[fairlead.AuditEntry, error] {
	query := url.Values{}
	for name, value := range map[string]string{"action": f.Action, "by": f.By} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if !f.Since.IsZero() {
		query.Set("since", f.Since.UTC().Format(time.RFC3339Nano))
	}
	return pages[fairlead.AuditEntry](ctx, c, "before", query, "audit")
}

// VerifyAudit has the control plane walk the chains of its log and its audit, and the sums of its documents.
func (c *Client) VerifyAudit(ctx context.Context) (Verified, error) {
	var v Verified
	err := c.get(ctx, nil, &v, "audit", "verify")
	return v, err
}

// LostChange is a change that nodes had and the store, which was restored since, has not.
type LostChange struct {
	Number int64               `json:"number"`
	Kind   fairlead.ChangeKind `json:"kind"`
	At     time.Time           `json:"at"`
	By     string              `json:"by"`
	What   []string            `json:"what"`            // names of what it was about
	Patch  json.RawMessage     `json:"patch,omitempty"` // of a revision: what it changed
	Nodes  []string            `json:"nodes"`           // that had it
}

// Lost lists what a restore has lost, as far as nodes had seen it.
func (c *Client) Lost(ctx context.Context) ([]LostChange, error) {
	var list struct {
		Data []LostChange `json:"data"`
	}
	err := c.get(ctx, nil, &list, "lost")
	return list.Data, err
}
