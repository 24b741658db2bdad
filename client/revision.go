package client

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"fairlead"
)

// Written is what a write to the configuration did or, as a dry run, would do.
type Written struct {
	Changed  bool              `json:"changed"`
	DryRun   bool              `json:"dry_run,omitempty"`
	Revision int64             `json:"revision"` // in force after it; of a dry run, the one that it was compared with
	Change   int64             `json:"change,omitempty"`
	Restores int64             `json:"restores,omitempty"`       // of a rollback: whose document it is
	Ramp     string            `json:"ramp,omitempty"`           // the id of the ramp that began with it
	Trial    string            `json:"trial,omitempty"`          // the id of the trial that began with it
	Beside   string            `json:"beside_trial,omitempty"`   // of a dry run during a trial, its id: Diff is from what is in force beside it
	Tried    int64             `json:"tried_revision,omitempty"` // by that trial
	Percent  int               `json:"percent,omitempty"`        // of a dry run of a trial: on how much it would be tried,
	Hold     fairlead.Duration `json:"hold,omitempty"`           // how long,
	Guard    string            `json:"guard,omitempty"`          // and as long as what holds
	Ended    []EndedRamp       `json:"ended_ramps,omitempty"`    // ramps that end with it
	Diff     []Difference      `json:"diff"`
	LeftOut  int               `json:"diff_left_out,omitempty"` // differences beyond those in Diff
	Findings []Finding         `json:"findings"`
	Applied  bool              `json:"applied"`          // the node that answered decides by it
	Behind   []string          `json:"behind,omitempty"` // live nodes that do not yet, where they were waited for
}

// Difference is one thing in which two configurations differ. It holds references, never values of credentials.
type Difference struct {
	Op    string `json:"op"`              // added, removed or changed
	Thing string `json:"thing"`           // provider, model, endpoint, alias or settings
	Name  string `json:"name,omitempty"`  // of the provider or model, the endpoint's id, the alias; "" = settings
	Field string `json:"field,omitempty"` // of what changed, such as price.input; "" = the whole thing
	From  string `json:"from,omitempty"`  // "" = nothing was stated; of a whole thing: all that was
	To    string `json:"to,omitempty"`
}

// Finding is something that is wrong, or may be, with a document.
type Finding struct {
	Severity string `json:"severity"` // error or warning
	Path     string `json:"path,omitempty"`
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
	Message  string `json:"message"`
	Hint     string `json:"hint,omitempty"`
}

// String gives the finding in a line.
func (f Finding) String() string {
	s := f.Severity + ": "
	if f.Line > 0 && f.File != "" { // a line of what nobody typed says nothing
		s = fmt.Sprintf("%s:%d:%d: ", f.File, f.Line, f.Column) + s
	}
	if f.Path != "" {
		s += f.Path + ": "
	}
	s += f.Message
	if f.Hint != "" {
		s += " (" + f.Hint + ")"
	}
	return s
}

// Revision is a version of the configuration, with its document where one alone was asked for.
type Revision struct {
	fairlead.Revision
	Document json.RawMessage `json:"document,omitempty"`
}

// Revisions goes through all revisions, the newest first.
func (c *Client) Revisions(ctx context.Context) iter.Seq2[Revision, error] {
	return pages[Revision](ctx, c, "before", nil, "revisions")
}

// Revision gives a revision with its document.
func (c *Client) Revision(ctx context.Context, n int64) (Revision, error) {
	var r Revision
	err := c.get(ctx, nil, &r, "revisions", strconv.FormatInt(n, 10))
	return r, err
}

// RevisionYAML gives a revision's document as YAML.
func (c *Client) RevisionYAML(ctx context.Context, n int64) ([]byte, error) {
	return c.bytes(ctx, ask{
		method: http.MethodGet, path: []string{"revisions", strconv.FormatInt(n, 10)}, query: url.Values{"format": {"yaml"}},
	})
}

// Diff gives in what one revision differs from another: the first differences, and how many more there are.
func (c *Client) Diff(ctx context.Context, from, to int64) (diff []Difference, leftOut int, err error) {
	var answer struct {
		Diff    []Difference `json:"diff"`
		LeftOut int          `json:"diff_left_out"`
	}
	err = c.get(ctx, nil, &answer, "revisions", strconv.FormatInt(from, 10), "diff", strconv.FormatInt(to, 10))
	return answer.Diff, answer.LeftOut, err
}
