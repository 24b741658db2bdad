package steer

import (
	"fmt"
	"time"

	"fairlead"
)

// Trial tries a revision on a share of the exchanges for a time, which counts while the evidence is good: its side is
// judged against all others. Then it is promoted; a breach drops it at once, and so does a lack of evidence for three
// times its duration. Without a guard the time alone promotes it.
//
// A Trial is a value: its JSON is all that another node needs to go on.
type Trial struct {
	ID    string            `json:"id"`
	Takes fairlead.Duration `json:"takes"`
	Guard string            `json:"guard,omitempty"`
	Clock
}

// NewTrial makes a trial that has not begun. Errors have the code invalid_request.
func NewTrial(terms *fairlead.Trial) (Trial, error) {
	guard, err := Parse(terms.Guard)
	switch {
	case err != nil:
		return Trial{}, err
	case terms.Percent < 1 || terms.Percent > 99:
		return Trial{}, fairlead.Errorf(fairlead.CodeInvalidRequest, "a trial takes 1 to 99 percent of the exchanges")
	case time.Duration(terms.Hold) < leastBetween, time.Duration(terms.Hold) > longest:
		return Trial{}, fairlead.Errorf(fairlead.CodeInvalidRequest, "a trial takes a second or more, and at most 30 days")
	}
	return Trial{ID: terms.ID, Takes: terms.Hold, Guard: guard.String()}, nil
}

// Sides gives what a report says of the trial's side and of all others; nothing where it is of another trial.
func (t *Trial) Sides(report *Report) (mine, rest Evidence) {
	if report.Trial != t.ID {
		return mine, rest
	}
	return report.Tried, report.Rest
}

// Judge judges the trial by what its window holds.
func (t *Trial) Judge(now time.Time, w *Window) Ruling {
	guard, err := Parse(t.Guard)
	if err != nil { // kept by a version that knew more
		return Ruling{Verdict: Hold, Reason: fairlead.AsError(err).Message}
	}
	return w.Judge(now, guard, 0)
}

// Next says what is to be done now, as Ramp.Next does: Wait, Pause, or one of the ends.
func (t Trial) Next(now time.Time, on Ruling) (Trial, Move) {
	since := t.look(now)
	verdict := on.Verdict
	switch {
	case t.Guard == "":
		verdict = Good
	case !on.enough():
		verdict = Hold
	}
	switch {
	case t.Ended != "":
	case verdict == Breach:
		t.end(Revert, on.Reason)
	case verdict == Hold:
		if t.Held += since; t.Held < MostHeld*time.Duration(t.Takes) {
			return t, Move{Action: Pause, Why: on.Reason}
		}
		t.end(Stop, fmt.Sprintf("held for %s: %s", t.Held.Round(time.Second), on.Reason))
	default:
		if t.Ran += since; t.Ran < time.Duration(t.Takes) {
			return t, Move{Action: Wait}
		}
		t.end(Promote, on.Reason)
	}
	return t, Move{Action: t.Ended, Why: t.Why}
}
