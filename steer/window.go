package steer

import (
	"fmt"
	"time"
)

// Bounds of a window.
const (
	newest    = 2000             // exchanges of the judged side that count: enough to tell twice a limit of 2 % from half
	leastAge  = time.Minute      // so far back evidence counts at least,
	agePart   = 4                // and for a quarter of the whole duration; past that, only to make up 50
	keptFor   = 16               // times that: as long as anything can last
	slices    = 64               // of that time
	stepDelay = 2 * time.Second  // after a step what comes in was counted before it
	deafAfter = 10 * time.Second // without a report nothing is known
)

// Window is the newest evidence of two sides, as the node that leads gathers it: in its memory alone. A node that
// takes over begins with an empty one, and so with Hold. It belongs to one goroutine.
type Window struct {
	age     time.Duration
	stage   int
	before  int // the stage of what comes in now, while the last step is younger than stepDelay
	stepped time.Time
	begun   time.Time
	heard   time.Time
	list    []slice // by time
}

// slice is what came in within a part of the window's time, at one stage.
type slice struct {
	from        time.Time
	stage       int
	mine, peers Evidence
}

// NewWindow makes the window for a ramp or a trial of a duration, at a stage. That may have begun just now, on the
// node that led before.
func NewWindow(now time.Time, over time.Duration, stage int) *Window {
	return &Window{begun: now, age: max(over/agePart, leastAge), stage: stage, before: stage - 1, stepped: now}
}

// Stage tells that a step was taken. What edges send in the two seconds after it still counts as of the stage
// before, for they have counted it then.
func (w *Window) Stage(now time.Time, stage int) {
	if stage != w.stage {
		w.before, w.stage, w.stepped = w.stage, stage, now
	}
}

// Add takes what one edge has counted since its last report, nothing being worth a report too: it tells that the
// edge is heard.
func (w *Window) Add(now time.Time, mine, peers Evidence) {
	stage := w.stage
	if now.Sub(w.stepped) < stepDelay {
		stage = w.before
	}
	w.heard = now
	w.forget(now)
	last := len(w.list) - 1
	if last < 0 || w.list[last].stage != stage || now.Sub(w.list[last].from) >= w.age/slices {
		w.list, last = append(w.list, slice{from: now, stage: stage}), last+1
	}
	w.list[last].mine.Add(mine)
	w.list[last].peers.Add(peers)
}

func (w *Window) forget(now time.Time) {
	old := 0
	for old < len(w.list) && now.Sub(w.list[old].from) > keptFor*w.age {
		old++
	}
	w.list = append(w.list[:0], w.list[old:]...)
}

// Judge judges the newest evidence of both sides: of the judged one what came in since a stage, of the other one all
// that is kept. Where no edge has reported for 10 s, or none of the judged side's exchanges is new, it is Hold.
func (w *Window) Judge(now time.Time, g Guard, since int) Ruling {
	switch {
	case w.heard.IsZero() && now.Sub(w.begun) <= deafAfter:
		return Ruling{Verdict: Hold, Reason: "no report yet"}
	case now.Sub(w.heard) > deafAfter:
		return Ruling{Verdict: Hold, Reason: fmt.Sprintf("no edge has reported for %s", deafAfter)}
	}
	var mine, peers Evidence
	stage, fresh := w.stage, false
	for i := len(w.list) - 1; i >= 0; i-- {
		s := &w.list[i]
		young := now.Sub(s.from) <= w.age
		if s.stage >= since && wanted(&mine, young) && s.mine.exchanges() > 0 {
			mine.Add(s.mine)
			stage, fresh = s.stage, fresh || young
		}
		if wanted(&peers, young) {
			peers.Add(s.peers)
		}
	}
	r := Judge(g, mine, peers)
	r.Stage = stage
	if r.Verdict == Good && !fresh {
		r.Verdict, r.Reason = Hold, fmt.Sprintf("no exchange on this side for %s", w.age)
	}
	return r
}

// wanted reports whether there is too little evidence yet to leave an older slice out.
func wanted(have *Evidence, young bool) bool {
	n := have.exchanges()
	return n < Enough || young && n < newest
}
