package upstream

import (
	"time"

	"fairlead/dialect"
	"fairlead/upstream/health"
)

const (
	learnOneIn = 8           // gaps: what is learned of all of them is learned of some
	leastBeat  = time.Second // between keep-alives; comments that come faster are padding
)

// clock is the two clocks of a committed stream: one of bytes, of whatever kind, and one of meaningful
// deltas. It is a value: times go in, a verdict comes out.
//
// Both run only while the provider is waited for. While the caller is slow to take what was written nobody
// reads, and a provider that cannot send is not silent.
type clock struct {
	idle    time.Duration // stated: that long without a byte; health's where it is fairlead.Auto, 0 = no bound
	phase   health.Phase
	running bool
	limits  bounds // the least there can be, or those of the phase once they had to be looked up
	at      time.Time
	ran     span
	byte    span // what ran was at the last byte,
	delta   span // the last meaningful delta
	beat    span // and the last keep-alive,
	beating bool // which nothing has followed yet
	turn    uint8
}

// span is time that was spent waiting for the provider, and away from it.
type span struct{ waited, away time.Duration }

// bounds are those of the two clocks; 0 = none.
type bounds struct{ bytes, deltas time.Duration }

// stall is what the clocks say of a stream.
type stall uint8

const (
	lively   stall = iota
	silenced       // no byte came for too long
	emptied        // bytes came, but no meaningful delta for too long
)

// phases are the clocks' words for a dialect's.
var phases = [...]health.Phase{
	dialect.PhaseText: health.Text, dialect.PhaseReasoning: health.Reasoning, dialect.PhaseTools: health.ToolArguments,
}

// start sets both clocks to zero, at a commit.
func (c *clock) start(now time.Time) {
	*c = clock{idle: c.idle, phase: c.phase, running: true, at: now, turn: uint8(now.UnixNano()>>4) % learnOneIn}
	c.forget()
}

// wait begins a wait for the provider.
func (c *clock) wait(now time.Time) {
	c.ran.away += now.Sub(c.at)
	c.at = now
}

// woke ends a wait, or a part of one, in which so many bytes came.
func (c *clock) woke(now time.Time, bytes int) {
	c.ran.waited += now.Sub(c.at)
	c.at = now
	if bytes > 0 {
		c.byte = c.ran
	}
}

// due is when the first of the clocks runs out, where nothing comes; zero = never.
func (c *clock) due() time.Time {
	var t time.Time
	if c.limits.bytes > 0 {
		t = c.at.Add(c.limits.bytes - (c.ran.waited - c.byte.waited))
	}
	if c.limits.deltas > 0 {
		t = earliest(t, c.at.Add(c.limits.deltas-(c.ran.waited-c.delta.waited)))
	}
	return t
}

// verdict tells which clock has run out its limit. It counts once that was looked up.
func (c *clock) verdict() stall {
	switch silent := c.ran.waited - c.byte.waited; {
	case c.limits.bytes > 0 && silent >= c.limits.bytes:
		return silenced
	case c.limits.deltas == 0 || c.ran.waited-c.delta.waited < c.limits.deltas:
		return lively
	case silent == c.ran.waited-c.delta.waited:
		return silenced
	}
	return emptied
}

// know sets the limits until the phase changes. They are looked up only by a silence as long as the least
// they can be, so that a stream that flows pays nothing for them. A stated idle takes the place of what was
// learned of bytes. No gap between deltas is too long before the clock of bytes would call it so: a bound
// that one gap in a thousand comes near is met by many a healthy stream, for they have hundreds.
func (c *clock) know(bytes, gap time.Duration) {
	switch {
	case c.idle == 0:
		return
	case c.idle > 0:
		bytes = c.idle
	}
	c.limits = bounds{bytes, max(gap, bytes, health.LeastSilence)}
}

// forget goes back to the least limits.
func (c *clock) forget() {
	switch least := health.LeastSilence; {
	case c.idle < 0:
		c.limits = bounds{least, least}
	case c.idle == 0:
		c.limits = bounds{}
	default:
		c.limits = bounds{c.idle, max(c.idle, least)}
	}
}

// enter notes the phase that a frame leaves the stream in.
func (c *clock) enter(p dialect.Phase) {
	if p == dialect.PhaseSame || phases[p] == c.phase {
		return
	}
	c.phase = phases[p]
	c.forget()
}

// meaningful sets the clock of deltas to zero. ok says that the gap before it is one to learn from: one
// in eight, chosen before it begins, so that those that are cut have their share and no more. A gap that
// was spent away from the provider more than waiting for it says nothing of the provider, and what came
// in one piece with the delta before it came at a time that nobody saw.
func (c *clock) meaningful() (gap time.Duration, ok bool) {
	c.beating = false
	if !c.running || c.delta.waited == c.ran.waited {
		return 0, false
	}
	gap = c.ran.waited - c.delta.waited
	ok = c.turn == 0 && gap >= c.ran.away-c.delta.away
	c.turn = (c.turn + 1) % learnOneIn
	c.delta = c.ran
	return gap, ok
}

// cut is the gap that a verdict ends, and whether it is one to learn from.
func (c *clock) cut() (gap time.Duration, ok bool) { return c.ran.waited - c.delta.waited, c.turn == 0 }

// alive notes a keep-alive. ok says that it follows another one, with nothing between them, after so long.
func (c *clock) alive() (interval time.Duration, ok bool) {
	interval = c.ran.waited - c.beat.waited
	ok = c.running && c.beating && interval >= leastBeat && interval >= c.ran.away-c.beat.away
	c.beat, c.beating = c.ran, c.running
	return interval, ok
}

// other notes a frame that is neither.
func (c *clock) other() { c.beating = false }
