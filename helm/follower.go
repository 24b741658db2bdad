package helm

import (
	"encoding/json"
	"fmt"
	"time"

	"fairlead"
	"fairlead/steer"
)

// decode reads how far a course has come.
func decode(c *fairlead.Course) (follower, error) {
	switch c.Kind {
	case fairlead.CourseRamp:
		var r ramp
		err := json.Unmarshal(c.State, &r)
		return r, err
	case fairlead.CourseTrial:
		var t trial
		err := json.Unmarshal(c.State, &t)
		return t, err
	}
	return nil, fmt.Errorf("%q is neither a ramp nor a trial", c.Kind)
}

// ramp follows a steer.Ramp.
type ramp struct{ steer.Ramp }

func (r ramp) sides(report *steer.Report, peers []string) (mine, rest steer.Evidence) {
	return r.Sides(report, peers)
}

func (r ramp) judge(now time.Time, w *steer.Window) steer.Ruling { return r.Judge(now, w) }

func (r ramp) next(now time.Time, on steer.Ruling) (follower, steer.Move) {
	next, move := r.Next(now, on)
	return ramp{next}, move
}

func (r ramp) inForce(s *fairlead.State) (follower, bool) {
	weight, ok := s.Weights[r.Endpoint]
	if !ok {
		return r, false
	}
	at, ok := r.Resume(weight)
	return ramp{at}, ok
}

func (r ramp) stage() int { return r.Steps }

func (r ramp) takes() time.Duration { return time.Duration(r.Over) }

func (r ramp) said(m steer.Move) string {
	text := map[steer.Action]string{
		steer.Advance: fmt.Sprintf("weight %d", m.Weight),
		steer.Promote: fmt.Sprintf("the weight is %d after %s", m.Weight, time.Duration(r.Over)),
		steer.Revert:  fmt.Sprintf("back to the weight of %d from %d", m.Weight, r.Weight()),
		steer.Stop:    fmt.Sprintf("left at the weight of %d on the way from %d to %d", m.Weight, r.From, r.To),
	}[m.Action]
	return because(text, m.Why)
}

// trial follows a steer.Trial.
type trial struct{ steer.Trial }

func (t trial) sides(report *steer.Report, _ []string) (mine, rest steer.Evidence) {
	return t.Sides(report)
}

func (t trial) judge(now time.Time, w *steer.Window) steer.Ruling { return t.Judge(now, w) }

func (t trial) next(now time.Time, on steer.Ruling) (follower, steer.Move) {
	next, move := t.Next(now, on)
	return trial{next}, move
}

func (t trial) inForce(s *fairlead.State) (follower, bool) {
	return t, s.Trial != nil && s.Trial.ID == t.ID
}

func (t trial) stage() int { return 0 }

func (t trial) takes() time.Duration { return time.Duration(t.Takes) }

func (t trial) said(m steer.Move) string {
	text := map[steer.Action]string{
		steer.Promote: fmt.Sprintf("it was tried for %s", time.Duration(t.Takes)),
		steer.Revert:  "it broke its guard",
		steer.Stop:    "it could not be judged",
	}[m.Action]
	return because(text, m.Why)
}

func because(text, why string) string {
	if why == "" {
		return text
	}
	return text + ": " + why
}
