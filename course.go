package fairlead

import (
	"encoding/json"
	"time"
)

// CourseKind says what a course moves.
type CourseKind string

// The kinds of courses.
const (
	CourseRamp  CourseKind = "ramp"  // an endpoint's weight
	CourseTrial CourseKind = "trial" // the share of a revision that is tried
)

// CourseEnd says how a course ended.
type CourseEnd string

// The ends of courses.
const (
	EndPromoted CourseEnd = "promoted" // the weight is at its target; the revision that was tried is in force
	EndReverted CourseEnd = "reverted" // the weight is the one that the ramp began with
	EndHeld     CourseEnd = "held"     // the weight is the one that the ramp had reached, or what was written since
	EndDropped  CourseEnd = "dropped"  // of the revision that was tried nothing is in force
)

// Course is a ramp or a trial as the store keeps it: all that another node needs to go on with it. While a ramp is under
// way, its endpoint's weight is laid over the document; while a trial is, it stands in the State. A revision
// that takes either away ends the course.
type Course struct {
	ID       string
	Kind     CourseKind
	Endpoint string // of a ramp
	Revision int64  // that it began with
	Begun    time.Time
	Version  int64           // one more each time that it is kept; 0 = it is new
	State    json.RawMessage // how far it has come: a Ramp or a Trial of package steer
	Seen     *Sight          // nil = nobody looked yet
	Ended    time.Time       // zero = it is under way
	End      CourseEnd       // "" likewise
	Why      string          // it ended
}

// Sight is what the node that leads saw of a course when it looked.
type Sight struct {
	At      time.Time `json:"at"`
	Node    string    `json:"node"`
	Verdict string    `json:"verdict"` // good, hold or breach
	Reason  string    `json:"reason,omitempty"`
	Mine    int64     `json:"mine"`  // exchanges of the side that is judged
	Peers   int64     `json:"peers"` // and of the one that it is compared with
}

// WeightStep is a ramp's next weight, to be written.
type WeightStep struct {
	Base   int64  // the revision in force; another is a conflict
	Course Course // with the state after the step, and the version that it was read with
	Weight int
	Act    Act
}
