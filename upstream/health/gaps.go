package health

import (
	"sync"
	"time"
)

// Phase is what a stream is in the middle of. Each has its own clock, for its silences differ.
type Phase uint8

// The phases of a stream.
const (
	Text Phase = iota
	Reasoning
	ToolArguments
	phases
)

// LeastSilence is what Bytes is never below.
const LeastSilence = 15 * time.Second

const (
	gapsFrom      = 1000 // a p99.9 of fewer is a guess
	gapFactor     = 8
	gapLeast      = 5 * time.Second
	gapLeastOther = 30 * time.Second // how long a model thinks over one step no other step tells
	gapMost       = 180 * time.Second
	gapText       = 60 * time.Second  // of deltas, while nothing is learned and bytes come
	gapOther      = 180 * time.Second // likewise, of reasoning and tool arguments
	silentText    = 20 * time.Second  // without a byte, while nothing is learned
	beatsFrom     = 20
	beatFactor    = 4
	longestBeat   = 60 * time.Second // an interval beyond it is no keep-alive
	leastInterval = 0.0005           // s
)

// gaps is the intervals between events of one kind.
type gaps struct {
	mu   sync.Mutex
	seen *sketch
}

func (g *gaps) learn(gap time.Duration, cut bool, now int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.seen == nil {
		g.seen = newSketch(leastInterval)
	}
	g.seen.add(gap.Seconds(), cut, now)
}

func (g *gaps) quantile(q float64, from int64, now int64) (time.Duration, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.seen == nil || g.seen.count < from || g.seen.weight(now) < remembered {
		return 0, false
	}
	v, found := g.seen.quantile(q, nil, 0)
	if !found {
		v *= 1.5
	}
	return seconds(v), true
}

// LearnGap takes the time between two meaningful deltas of a phase. cut says that the stream was given
// up after so long.
func (d *Deadlines) LearnGap(p Phase, gap time.Duration, cut bool, now time.Time) {
	if gap >= 0 {
		d.gaps[min(p, phases-1)].learn(gap, cut, d.at(now))
	}
}

// LearnKeepAlive takes the time between two keep-alives (comments, pings) in a row with nothing else
// between them.
func (d *Deadlines) LearnKeepAlive(interval time.Duration, now time.Time) {
	if interval > 0 && interval <= longestBeat {
		d.beats.learn(interval, false, d.at(now))
	}
}

// Gap is the bound of the clock of meaningful deltas: max(5 s, 8 x p99.9 of the gaps of this phase), for
// reasoning and tool arguments max(30 s, ...), at most 180 s; 60 s for text and 180 s for the others while
// fewer than 1,000 gaps were seen.
func (d *Deadlines) Gap(p Phase, now time.Time) time.Duration {
	least := gapLeast
	if p != Text {
		least = gapLeastOther
	}
	if v, ok := d.gaps[min(p, phases-1)].quantile(0.999, gapsFrom, d.at(now)); ok {
		return min(max(gapFactor*v, least), gapMost)
	}
	if p == Text {
		return gapText
	}
	return gapOther
}

// Bytes is the bound of the clock of bytes: where keep-alives were learned max(15 s, 4 x the 90th
// percentile of their interval). Else text without a byte is dead after 20 s, or after its learned gap
// where that is more, and the other phases have the clock of deltas alone.
func (d *Deadlines) Bytes(p Phase, now time.Time) time.Duration {
	if v, ok := d.beats.quantile(0.9, beatsFrom, d.at(now)); ok {
		return max(beatFactor*v, LeastSilence)
	}
	if p != Text {
		return d.Gap(p, now)
	}
	if v, ok := d.gaps[Text].quantile(0.999, gapsFrom, d.at(now)); ok {
		return min(max(gapFactor*v, silentText), gapMost)
	}
	return silentText
}
