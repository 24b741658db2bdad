package helm

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"fairlead"
	"fairlead/steer"
)

// keepEvery is how often it is kept how far a course has come, where nothing else is written of it: so much of its time
// another node may have to wait for again.
const keepEvery = 2 * time.Second

// decide judges a course and does what follows.
func (w *watch) decide(ctx context.Context, c *fairlead.Course) {
	w.mu.Lock()
	t := w.tracks[c.ID]
	if t == nil || t.follow == nil {
		w.mu.Unlock()
		return
	}
	now := w.Clock()
	on := t.follow.judge(now, t.window)
	w.mu.Unlock()
	next, move := t.follow.next(now, on)
	if t.astray {
		next, move = t.follow, steer.Move{Action: steer.Stop, Weight: w.state.Weights[c.Endpoint], Why: "somebody else has moved it"}
	}
	to := t.course
	to.Seen = &fairlead.Sight{At: moment(now), Node: w.Node, Verdict: on.Verdict.String(), Reason: on.Reason, Mine: on.Mine, Peers: on.Peers}
	state, err := json.Marshal(next)
	if err == nil {
		to.State = state
		err = w.do(ctx, t, to, next, move)
	}
	var e *fairlead.Error
	switch {
	case err == nil:
		t.fault = ""
	case ctx.Err() != nil, errors.As(err, &e) && e.Code == fairlead.CodeStale: // somebody wrote meanwhile: the next look sees what
	case t.fault != err.Error():
		t.fault = err.Error()
		w.Log.Error("a ramp or trial cannot go on", "id", c.ID, "error", t.fault)
	}
}

// do writes what was decided. Only what was written is believed.
func (w *watch) do(ctx context.Context, t *track, to fairlead.Course, next follower, m steer.Move) error {
	now := w.Clock()
	act := fairlead.Act{At: moment(now), By: string(to.Kind), Target: to.Endpoint, Why: next.said(m)}
	switch {
	case m.Action.Ends():
		to.Ended, to.End, to.Why = act.At, endOf(to.Kind, m.Action), act.Why
		act.Action = string(to.Kind) + "." + string(to.End)
		change, err := w.End(ctx, to, act)
		if err != nil {
			return err
		}
		w.Log.Info("a "+string(to.Kind)+" has ended", "id", to.ID, "end", string(to.End), "why", to.Why, "change", change.Number)
		return nil // the next look finds it ended
	case m.Action == steer.Advance:
		act.Action = "ramp.step"
		change, err := w.Store.StepCourse(ctx, fairlead.WeightStep{Base: w.state.Revision, Course: to, Weight: m.Weight, Act: act})
		if err != nil {
			return err
		}
		w.Publish(change)
		w.kept(t, to, next)
		w.Log.Info("a ramp has taken a step", "id", to.ID, "endpoint", to.Endpoint, "weight", m.Weight, "change", change.Number)
		return nil
	case now.Sub(t.kept) >= keepEvery || t.course.Seen == nil || t.course.Seen.Verdict != to.Seen.Verdict:
		if err := w.Store.KeepCourse(ctx, to); err != nil {
			return err
		}
		w.kept(t, to, next)
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	t.follow = next
	return nil
}

// kept takes down that a course was written.
func (w *watch) kept(t *track, to fairlead.Course, next follower) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.Clock()
	to.Version++
	t.course, t.follow, t.kept = to, next, now
	t.window.Stage(now, next.stage())
}

// endOf is how a course ends by an action.
func endOf(kind fairlead.CourseKind, a steer.Action) fairlead.CourseEnd {
	switch {
	case a == steer.Promote:
		return fairlead.EndPromoted
	case kind == fairlead.CourseTrial:
		return fairlead.EndDropped
	case a == steer.Revert:
		return fairlead.EndReverted
	}
	return fairlead.EndHeld
}

func moment(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
