package steer

import (
	"fmt"
	"time"

	"fairlead"
)

// Ramp moves an endpoint's weight from one value to another over a time, up or down, in at most 60 steps of at least
// one unit and a second; the first is due at once, the last one step's time before the end. With a guard its time
// counts, and a step is taken, only while the evidence is good; the first one up from 0 needs none:
//
//	good    the time runs on, and the next step is taken when it is due
//	hold    the time stands; after three times the ramp's own duration of that it ends where it is
//	breach  it goes back to where it began, at once
//
// At the full weight it is done once its time is over and the evidence counted at that weight is good. Without a
// guard the time alone moves it. Judged is the side that gains exchanges: the endpoint on the way up, its peers on
// the way down.
//
// A Ramp is a value: its JSON is all that another node needs to go on.
type Ramp struct {
	fairlead.Ramp
	Clock
	Steps int           `json:"steps"` // taken
	Since time.Duration `json:"since"` // the last one
}

// NewRamp makes a ramp that has not begun. Errors have the code invalid_request.
func NewRamp(terms fairlead.Ramp) (Ramp, error) {
	guard, err := Parse(terms.Guard)
	switch {
	case err != nil:
		return Ramp{}, err
	case terms.From < 0 || terms.To < 0 || terms.From == terms.To:
		return Ramp{}, fairlead.Errorf(fairlead.CodeInvalidRequest, "a ramp leads from one weight to another, both 0 or more")
	case time.Duration(terms.Over) < leastBetween, time.Duration(terms.Over) > longest:
		return Ramp{}, fairlead.Errorf(fairlead.CodeInvalidRequest, "a ramp takes a second or more, and at most 30 days")
	}
	terms.Guard = guard.String()
	return Ramp{Ramp: terms}, nil
}

// total is how many steps there are.
func (r *Ramp) total() int {
	units := max(r.To-r.From, r.From-r.To)
	return max(1, min(units, mostSteps, int(time.Duration(r.Over)/leastBetween)))
}

// after is the weight after so many steps.
func (r *Ramp) after(steps int) int {
	return r.From + int(int64(r.To-r.From)*int64(steps)/int64(r.total()))
}

// Total is how many steps there are in all.
func (r *Ramp) Total() int { return r.total() }

// Weight is the weight after the steps that were taken.
func (r *Ramp) Weight() int { return r.after(r.Steps) }

// full reports whether the last step was taken.
func (r *Ramp) full() bool { return r.Steps >= r.total() }

// due is the running time at which a step may be taken; the first is step 1.
func (r *Ramp) due(step int) time.Duration {
	return time.Duration(r.Over) / time.Duration(r.total()) * time.Duration(step-1)
}

// Sides sums what a report says of the side that the ramp is judged by and of the other one.
func (r *Ramp) Sides(report *Report, peers []string) (mine, rest Evidence) {
	mine = report.Endpoints[r.Endpoint]
	for _, p := range peers {
		if p != r.Endpoint {
			rest.Add(report.Endpoints[p])
		}
	}
	if r.To < r.From {
		return rest, mine
	}
	return mine, rest
}

// Judge judges the ramp by what its window holds: at the full weight, by what was counted there.
func (r *Ramp) Judge(now time.Time, w *Window) Ruling {
	guard, err := Parse(r.Guard)
	if err != nil { // kept by a version that knew more
		return Ruling{Verdict: Hold, Reason: fairlead.AsError(err).Message}
	}
	since := 0
	if r.full() {
		since = r.Steps
	}
	return w.Judge(now, guard, since)
}

// Resume makes a ramp that was kept begin again from the weight in force, whether or not the last step was kept with
// it. ok is false where that weight is none of the ramp's: somebody else wrote it, and the ramp is over.
func (r Ramp) Resume(weight int) (_ Ramp, ok bool) {
	for steps := range r.total() + 1 {
		if r.after(steps) != weight {
			continue
		}
		if steps != r.Steps {
			r.Steps, r.Since = steps, 0
		}
		if steps > 0 {
			r.Ran = max(r.Ran, r.due(steps))
		}
		return r, true
	}
	return r, false
}

// Next says what is to be done now, and gives the ramp as it is once that is done: where doing it fails, the one
// before is asked again. It is asked each second or so.
func (r Ramp) Next(now time.Time, on Ruling) (Ramp, Move) {
	since := r.look(now)
	r.Since += since
	switch {
	case r.Ended != "":
	case r.verdict(&on) == Breach:
		r.end(Revert, on.Reason)
	case r.verdict(&on) == Hold:
		if r.Held += since; r.Held < MostHeld*time.Duration(r.Over) {
			return r, Move{Pause, r.Weight(), on.Reason}
		}
		r.end(Stop, fmt.Sprintf("held for %s: %s", r.Held.Round(time.Second), on.Reason))
	default:
		r.Ran += since
		if !r.full() {
			return r.step()
		}
		if r.Ran < time.Duration(r.Over) {
			return r, Move{Wait, r.Weight(), ""}
		}
		r.end(Promote, on.Reason)
	}
	if r.Ended == Revert {
		return r, Move{Revert, r.From, r.Why}
	}
	return r, Move{r.Ended, r.Weight(), r.Why}
}

// verdict is what a ruling means to the ramp. At the full weight, evidence from before it is none. At a weight of 0
// there is none to be had: the first step up from there needs none.
func (r *Ramp) verdict(on *Ruling) Verdict {
	switch {
	case r.Guard == "":
		return Good
	case r.Weight() == 0 && r.To > 0:
		return Good
	case !on.enough(), on.Verdict == Good && r.full() && on.Stage < r.Steps:
		return Hold
	}
	return on.Verdict
}

// step takes the next step if it is due.
func (r Ramp) step() (Ramp, Move) {
	if r.Ran < r.due(r.Steps+1) || (r.Steps > 0 && r.Since < leastBetween) {
		return r, Move{Wait, r.Weight(), ""}
	}
	r.Steps, r.Since = r.Steps+1, 0
	return r, Move{Advance, r.Weight(), fmt.Sprintf("step %d of %d", r.Steps, r.total())}
}
