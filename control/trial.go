package control

import (
	"bytes"
	"context"
	"encoding/json"

	"fairlead"
	"fairlead/compile"
	"fairlead/steer"
)

// trialStatus is a trial.
type trialStatus struct {
	courseStatus
	Percent int                  `json:"percent"`
	Hold    fairlead.Duration    `json:"hold"`
	Diff    []compile.Difference `json:"diff"`                    // what is tried has otherwise, the first 1000; empty once it has ended
	LeftOut int                  `json:"diff_left_out,omitempty"` // of the diff, beyond those
}

// writeOrTry writes a configuration, or tries it beside the one in force where the query says on how much.
func (c *Control) writeOrTry(a *ask, e edit) (any, error) {
	e.level = a.who.level
	share, err := a.number("percent", 0, 99)
	if err != nil {
		return nil, err
	}
	if share == 0 {
		for _, name := range []string{hold.name, guard.name} {
			if _, ok := a.query[name]; ok {
				return nil, named(name, fairlead.Errorf(fairlead.CodeInvalidRequest, name+" is of a trial: say on how many percent"))
			}
		}
		return c.writeConfig(a, e)
	}
	e.tries = &fairlead.Trial{Percent: int(share), Guard: a.query[guard.name]}
	if err := e.tries.Hold.UnmarshalText([]byte(a.query[hold.name])); err != nil {
		return nil, named(hold.name, fairlead.Errorf(fairlead.CodeInvalidRequest, "hold is how long a trial takes, such as 10m"))
	}
	if _, err := steer.NewTrial(e.tries); err != nil {
		return nil, err
	}
	e.act.Action, e.origin = "trial.begin", fairlead.OriginTrial
	return c.writeConfig(a, e)
}

// beside makes a document be tried beside the one in force. Where they say the same there is nothing to try.
func beside(now *current, tried []byte, terms *fairlead.Trial) (draft, error) {
	d := draft{text: now.Document}
	switch {
	case now.Revision == 0:
		return d, &fairlead.Error{
			Code: fairlead.CodeConflict, Message: "there is no revision yet beside which another could be tried",
			Hint: "apply the first one whole",
		}
	case len(now.Weights) > 0:
		return d, &fairlead.Error{
			Code: fairlead.CodeConflict, Message: "a weight is being moved by a ramp; a trial begins after its end",
			Hint: "fairlead ramps shows it, fairlead ramps stop ID ends it",
		}
	case bytes.Equal(now.Document, tried):
		return d, nil
	}
	patch, err := compile.Patch(now.Document, tried)
	if err != nil {
		return d, err
	}
	t := *terms
	t.ID, t.Revision, t.Patch = fairlead.NewID("trial_"), now.Revision+1, patch
	kept, err := steer.NewTrial(&t)
	if err != nil {
		return d, err
	}
	t.Guard = kept.Guard
	state, err := json.Marshal(kept)
	d.trial = &t
	d.course = &fairlead.Course{ID: t.ID, Kind: fairlead.CourseTrial, State: state}
	return d, err
}

func (c *Control) getTrial(a *ask) (any, error) {
	list, err := c.Store.Courses(a.Context(), fairlead.CourseTrial, 1)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fairlead.Errorf(fairlead.CodeNotFound, "nothing has been tried yet")
	}
	course := &list[0]
	var t steer.Trial
	_ = json.Unmarshal(course.State, &t) // what another version kept is shown as far as it goes
	r, err := c.Store.Revision(a.Context(), course.Revision)
	if err != nil {
		return nil, err
	}
	answer := trialStatus{courseStatus: showCourse(course, t.Guard, &t.Clock, t.Takes), Percent: r.Percent, Hold: t.Takes, Diff: []compile.Difference{}}
	now, err := c.config.current(a.Context())
	if err != nil || now.Trial == nil || now.Trial.ID != course.ID {
		return answer, err
	}
	return c.whole(a, func() (any, error) {
		tried, err := now.tried()
		if err != nil {
			return nil, err
		}
		answer.Diff, answer.LeftOut = firstOf(compile.Diff(now.config, tried))
		return answer, nil
	})
}

// tried reads what is being tried.
func (n *current) tried() (*fairlead.Config, error) {
	doc, err := compile.Merge(n.Document, n.Trial.Patch)
	if err != nil {
		return nil, err
	}
	return readDocument(doc)
}

func (c *Control) promoteTrial(a *ask) (any, error) {
	return c.endTrial(a, fairlead.EndPromoted, "trial.promoted")
}

func (c *Control) dropTrial(a *ask) (any, error) {
	return c.endTrial(a, fairlead.EndDropped, "trial.dropped")
}

// endTrial ends the trial under way by hand.
func (c *Control) endTrial(a *ask, end fairlead.CourseEnd, action string) (any, error) {
	var body whyBody
	if err := readOptional(a.Request, &body); err != nil {
		return nil, err
	}
	if err := validWhy(body.Why); err != nil {
		return nil, err
	}
	e := edit{act: a.act(c.Now(), action, ""), origin: fairlead.OriginTrial, trial: true}
	if e.act.Why == "" {
		e.act.Why = body.Why
	}
	e.next = func(ctx context.Context, now *current) (draft, error) {
		if now.Trial == nil {
			return draft{}, &fairlead.Error{
				Code: fairlead.CodeConflict, Message: "no revision is being tried",
				Hint: "fairlead apply --percent begins a trial; fairlead trial shows the last one",
			}
		}
		course, err := c.Store.Course(ctx, now.Trial.ID)
		if err != nil {
			return draft{}, err
		}
		return ended(now, endedBy(course, end, e.act))
	}
	return c.writeConfig(a, e)
}
