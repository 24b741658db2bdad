package control

import (
	"time"

	"fairlead"
	"fairlead/steer"
)

// courseStatus is what a ramp and a trial have in common.
type courseStatus struct {
	ID       string             `json:"id"`
	Revision int64              `json:"revision"` // that it began with
	Begun    time.Time          `json:"begun"`
	Guard    string             `json:"guard,omitempty"`
	Ran      fairlead.Duration  `json:"ran"`  // of its time
	Held     fairlead.Duration  `json:"held"` // it stood still for lack of evidence
	Ended    time.Time          `json:"ended,omitzero"`
	End      fairlead.CourseEnd `json:"end,omitempty"` // left out while it is under way
	Why      string             `json:"why,omitempty"` // it ended
	Seen     *fairlead.Sight    `json:"seen"`          // at the last look; null = nobody looked yet
}

func showCourse(c *fairlead.Course, guard string, clock *steer.Clock) courseStatus {
	return courseStatus{
		ID: c.ID, Revision: c.Revision, Begun: c.Begun, Guard: guard,
		Ran: fairlead.Duration(clock.Ran.Truncate(time.Second)), Held: fairlead.Duration(clock.Held.Truncate(time.Second)),
		Ended: c.Ended, End: c.End, Why: c.Why, Seen: c.Seen,
	}
}
