package client

import (
	"context"
	"net/http"
	"time"

	"fairlead"
)

// Course is what a ramp and a trial have in common.
type Course struct {
	ID       string             `json:"id"`
	Revision int64              `json:"revision"` // that it began with
	Begun    time.Time          `json:"begun"`
	Guard    string             `json:"guard,omitempty"`
	Ran      fairlead.Duration  `json:"ran"`       // of its time
	Held     fairlead.Duration  `json:"held"`      // it stood still for lack of evidence
	MostHeld fairlead.Duration  `json:"most_held"` // it ends once it stood still for so long, in all
	Ended    time.Time          `json:"ended,omitzero"`
	End      fairlead.CourseEnd `json:"end,omitempty"` // "" = it is under way
	Why      string             `json:"why,omitempty"` // it ended
	Seen     *fairlead.Sight    `json:"seen"`          // at the last look; nil = nobody looked yet
}

// Ramp moves an endpoint's weight.
type Ramp struct {
	Course
	Endpoint string            `json:"endpoint"`
	From     int               `json:"from"`
	To       int               `json:"to"`
	Weight   int               `json:"weight"` // that it has reached
	Over     fairlead.Duration `json:"over"`
	Steps    int               `json:"steps"` // taken
	Of       int               `json:"of"`    // steps in all
}

// EndedRamp is a ramp that a write of the configuration ended or, as a dry run, would end.
type EndedRamp struct {
	Endpoint string `json:"endpoint"`
	Reached  int    `json:"reached"` // the weight in force until then
	Target   int    `json:"target"`
	Weight   *int   `json:"weight"` // the weight in force from then on; nil = the endpoint is there no more
}

// Trial tries a revision.
type Trial struct {
	Course
	Percent int               `json:"percent"`
	Hold    fairlead.Duration `json:"hold"`
	Diff    []Difference      `json:"diff"`                    // what is tried has otherwise; empty once it has ended
	LeftOut int               `json:"diff_left_out,omitempty"` // differences beyond those in Diff
}

// Ramps lists the last ramps, newest first.
func (c *Client) Ramps(ctx context.Context) ([]Ramp, error) {
	var list struct {
		Data []Ramp `json:"data"`
	}
	err := c.get(ctx, nil, &list, "ramps")
	return list.Data, err
}

// StopRamp ends a ramp at the weight that it has reached.
func (c *Client) StopRamp(ctx context.Context, id string, w Write) (Written, error) {
	var done Written
	err := c.send(ctx, ask{method: http.MethodDelete, path: []string{"ramps", id}, query: w.query(), ifMatch: w.IfMatch}, &done)
	return done, err
}

// Trial gives the trial under way, else the last one; CodeNotFound where there was none.
func (c *Client) Trial(ctx context.Context) (Trial, error) {
	var t Trial
	err := c.get(ctx, nil, &t, "trial")
	return t, err
}

// PromoteTrial puts what is being tried in force.
func (c *Client) PromoteTrial(ctx context.Context, w Write) (Written, error) {
	return c.endTrial(ctx, "promote", w)
}

// DropTrial ends the trial; what was in force stays.
func (c *Client) DropTrial(ctx context.Context, w Write) (Written, error) {
	return c.endTrial(ctx, "drop", w)
}

func (c *Client) endTrial(ctx context.Context, how string, w Write) (Written, error) {
	var done Written
	err := c.send(ctx, ask{method: http.MethodPost, path: []string{"trial", how}, query: w.query(), ifMatch: w.IfMatch}, &done)
	return done, err
}
