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
	Ran      fairlead.Duration  `json:"ran"`       // of its time
	Held     fairlead.Duration  `json:"held"`      // it stood still for lack of evidence
	MostHeld fairlead.Duration  `json:"most_held"` // it ends once it stood still for so long, in all
	Ended    time.Time          `json:"ended,omitzero"`
	End      fairlead.CourseEnd `json:"end,omitempty"` // left out while it is under way
	Why      string             `json:"why,omitempty"` // it ended
	Seen     *fairlead.Sight    `json:"seen"`          // at the last look; null = nobody looked yet
}

func showCourse(c *fairlead.Course, guard string, clock *steer.Clock, takes fairlead.Duration) courseStatus {
	return courseStatus{
		ID: c.ID, Revision: c.Revision, Begun: c.Begun, Guard: guard,
		Ran: fairlead.Duration(clock.Ran.Truncate(time.Second)), Held: fairlead.Duration(clock.Held.Truncate(time.Second)),
		MostHeld: steer.MostHeld * takes,
		Ended:    c.Ended, End: c.End, Why: c.Why, Seen: c.Seen,
	}
}
