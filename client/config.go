package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"fairlead"
)

// Config is the configuration, and what of it is in force on the node that answered.
type Config struct {
	Revision int64           `json:"revision"` // 0 = nobody wrote one yet
	Source   string          `json:"source"`   // store, file, environment or builtin
	File     string          `json:"file,omitempty"`
	At       time.Time       `json:"at,omitzero"`
	Document json.RawMessage `json:"document"`          // whole, canonical
	Weights  map[string]int  `json:"weights,omitempty"` // laid over the document for now
	Trial    *fairlead.Trial `json:"trial,omitempty"`
	Live     Live            `json:"live"`
}

// Live is the configuration that a node decides by.
type Live struct {
	Revision int64     `json:"revision"`
	Loaded   time.Time `json:"loaded,omitzero"` // when it came into force there
	Error    string    `json:"error,omitempty"` // why a later one is not; "" where there is none
}

// Write says how the configuration is to be written.
type Write struct {
	Why     string
	DryRun  bool   // say what would change, and change nothing
	IfMatch *int64 // the revision that it was made from; another in force refuses the write. nil = any
	WaitAll bool   // wait, at most 2 s, until every live node has it
	Try     *Try   // try it beside what is in force; nil = it takes its place
}

// Try says how a document is tried.
type Try struct {
	Percent int           // of the exchanges, 1 to 99
	Hold    time.Duration // until it takes the place of what is in force
	Guard   string        // what must hold meanwhile; "" = nothing
}

func (w Write) query() url.Values {
	q := url.Values{}
	if w.Why != "" {
		q.Set("why", w.Why)
	}
	if w.DryRun {
		q.Set("dry_run", "true")
	}
	if w.WaitAll {
		q.Set("wait", "all")
	}
	if t := w.Try; t != nil {
		q.Set("percent", strconv.Itoa(t.Percent))
		q.Set("hold", t.Hold.String())
		if t.Guard != "" {
			q.Set("guard", t.Guard)
		}
	}
	return q
}

// Config gives the configuration with its document.
func (c *Client) Config(ctx context.Context) (Config, error) {
	var s Config
	err := c.get(ctx, nil, &s, "config")
	return s, err
}

// PutConfig makes a document, in YAML or JSON, the whole configuration.
func (c *Client) PutConfig(ctx context.Context, document []byte, w Write) (Written, error) {
	var done Written
	err := c.send(ctx, ask{
		method: http.MethodPut, path: []string{"config"}, query: w.query(),
		raw: document, kind: "application/yaml", ifMatch: w.IfMatch,
	}, &done)
	return done, err
}

// PatchConfig changes the configuration by a merge patch (RFC 7396).
func (c *Client) PatchConfig(ctx context.Context, patch []byte, w Write) (Written, error) {
	var done Written
	err := c.send(ctx, ask{
		method: http.MethodPatch, path: []string{"config"}, query: w.query(),
		raw: patch, kind: "application/merge-patch+json", ifMatch: w.IfMatch,
	}, &done)
	return done, err
}

// Rollback makes the document of an earlier revision the configuration again, as a new revision. 0 leaves the choice
// to the control plane: the last revision that held all exchanges and was not itself undone.
func (c *Client) Rollback(ctx context.Context, to int64, w Write) (Written, error) {
	path := []string{"revisions", "rollback"}
	if to != 0 {
		path = []string{"revisions", strconv.FormatInt(to, 10), "rollback"}
	}
	var done Written
	err := c.send(ctx, ask{method: http.MethodPost, path: path, query: w.query(), ifMatch: w.IfMatch}, &done)
	return done, err
}
