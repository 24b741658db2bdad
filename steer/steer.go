// Package steer decides how weights move and whether what is tried is kept: the guard language, the evidence that
// edges count, the judgement of one side against another, and the pace of ramps and trials.
//
// It is pure: every method takes the time, and nothing here runs by itself. What it decides can be kept as JSON, so
// that another node goes on where one stopped:
//
//	guard.go      "error_rate<2% and ttft_p95<1.5x" -> Guard
//	evidence.go   what an edge counted, and the sum over many; report.go what goes up
//	place.go      endpoints of a side that health keeps exchanges from on suspicion
//	judge.go      Guard + evidence of two sides -> Ruling; sure.go how sure that is
//	window.go     the newest evidence of two sides, in the memory of the node that leads
//	ramp.go       weight a to b over a time; trial.go a revision on a share of the exchanges
//	side.go       which side an account is on
package steer

import "time"

// Verdict is what a guard says of evidence.
type Verdict uint8

// The verdicts.
const (
	Hold   Verdict = iota // too little is known, or what was measured may be chance
	Good                  // what was measured keeps to the guard
	Breach                // the guard is surely broken
)

// String is the verdict as logs and answers spell it.
func (v Verdict) String() string { return [...]string{"hold", "good", "breach"}[v] }

// Enough is how many exchanges each side must show before anything is said but Hold.
const Enough = 50

// Ruling is a verdict with its reason and what it rests on.
type Ruling struct {
	Verdict Verdict
	Reason  string // in words and figures; "" where there was nothing to judge
	Mine    int64  // exchanges of the side that is judged
	Peers   int64  // and of the one that it is compared with
	Stage   int    // the least number of steps that were taken when the first of Mine was counted
}

// enough reports whether both sides show as many exchanges as it takes.
func (r *Ruling) enough() bool { return r.Mine >= Enough && r.Peers >= Enough }

// Action is what is to be done now.
type Action string

// The actions. The last three are ends: they are given again for as long as they are asked for.
const (
	Wait    Action = "wait"    // nothing yet
	Pause   Action = "hold"    // nothing, and the time does not count
	Advance Action = "step"    // go to Move.Weight
	Revert  Action = "revert"  // back to where it began; a trial is dropped
	Promote Action = "promote" // it is done; a trial's revision becomes the one in force
	Stop    Action = "held"    // it has been held for too long: it stays where it is; a trial is dropped
)

// Ends reports whether nothing follows the action.
func (a Action) Ends() bool { return a == Revert || a == Promote || a == Stop }

// Move is an action with its reason.
type Move struct {
	Action Action
	Weight int    // of a ramp: the weight from here on
	Why    string // for the audit
}

// Bounds of a pace.
const (
	mostSteps    = 60
	leastBetween = time.Second // steps
	longest      = 30 * 24 * time.Hour
	longestLook  = 3 * time.Second // of the time between two looks, more does not count: nobody was looking

	// MostHeld is how many times its own duration a course may be held; then it ends.
	MostHeld = 3
)

// Clock is how far a ramp or a trial has come. Its time counts while the evidence is good and somebody looks, so
// that the clocks of two nodes need not agree.
type Clock struct {
	Ran    time.Duration `json:"ran"`    // of the time that it takes
	Held   time.Duration `json:"held"`   // stood still for lack of evidence
	Looked time.Time     `json:"looked"` // last
	Ended  Action        `json:"ended,omitempty"`
	Why    string        `json:"why,omitempty"` // it ended
}

// look gives the time since the last look that counts.
func (c *Clock) look(now time.Time) time.Duration {
	since := now.Sub(c.Looked)
	if c.Looked.IsZero() {
		since = 0
	}
	c.Looked = now
	return min(max(since, 0), longestLook)
}

// end ends it for good.
func (c *Clock) end(a Action, why string) { c.Ended, c.Why = a, why }
