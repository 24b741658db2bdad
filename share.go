package fairlead

import "time"

// Share is a part of a limit that one edge has to itself.
type Share struct {
	Amount int64 `json:"amount,omitempty"` // a period; of concurrency at once
	Burst  int64 `json:"burst,omitempty"`  // none of concurrency
}

// Plus is both shares together.
func (s Share) Plus(o Share) Share { return Share{s.Amount + o.Amount, s.Burst + o.Burst} }

// Minus is what of a share is left without another one; nothing of it is below zero.
func (s Share) Minus(o Share) Share { return Share{max(s.Amount-o.Amount, 0), max(s.Burst-o.Burst, 0)} }

// Max has the larger amount and the larger burst of both.
func (s Share) Max(o Share) Share { return Share{max(s.Amount, o.Amount), max(s.Burst, o.Burst)} }

// Min has the smaller amount and the smaller burst of both.
func (s Share) Min(o Share) Share { return Share{min(s.Amount, o.Amount), min(s.Burst, o.Burst)} }

// Whole is the whole of a limit as a share: its burst said, where the limit leaves it out.
func (l *Limit) Whole() Share {
	switch {
	case l.Of == LimitConcurrency || l.Amount == 0:
		return Share{Amount: l.Amount}
	case l.Burst > 0:
		return Share{Amount: l.Amount, Burst: l.Burst}
	}
	minutes := int64(l.Per.Duration() / time.Minute)
	if minutes == 0 {
		return Share{Amount: l.Amount}
	}
	return Share{Amount: l.Amount, Burst: max(l.Amount/minutes, 1)}
}

// ShareTerm is for how long a share is lent. The edge counts it from its ask, by its own clock, and leaves off ShareTermEarly before
// its end; control adds ShareTermLate, by its own, before it lends the same part to another one. Their clocks may differ in speed by
// 11 % until both believe to have it: one that is 5 % slow counts 4.95 s in 5.21 s, one that is 5 % fast 5.5 s in 5.24 s.
const (
	ShareTerm      = 5 * time.Second
	ShareTermEarly = ShareTerm / 100
	ShareTermLate  = ShareTerm / 10
)

// ClockError is by how many millionths a node's monotonic clock may be fast or slow: at most 50,000.
type ClockError int64

// Stretch is a limit's period for one who has a share of it: longer, so that not even fast clocks give the fleet more than the limit.
func (e ClockError) Stretch(period time.Duration) time.Duration {
	const million = 1_000_000
	whole, rest := int64(period)/million, int64(period)%million
	return period + time.Duration(whole*int64(e)+(rest*int64(e)+million-1)/million)
}

// ShareAsk is what an edge says of one limit and asks of control. Of one incarnation it counts with no other answer than that to
// its latest ask: who reads ask n knows that no answer before it will be taken any more.
type ShareAsk struct {
	Edge        string `json:"edge"`
	Incarnation int64  `json:"incarnation"` // higher at each start of the edge
	Seq         int64  `json:"seq"`         // 1, 2, 3, ... in an incarnation
	Floor       Share  `json:"floor"`       // that it has
	Held        int64  `json:"held"`        // the ask whose answer it holds a lent share by; 0 = it holds none
	Want        int64  `json:"want"`        // a period (of concurrency: at once), of which its floor is a part; 0 = nothing
	Least       int64  `json:"least"`       // the most that one exchange wants at once: a smaller burst is of no use
	InUse       int64  `json:"in_use"`      // of concurrency: exchanges under way
	Took        bool   `json:"took"`        // whether anything was let in since the ask before
	Back        Fill   `json:"back"`        // of a rate: what was left of a lent share, or a part of it, that the edge has no more
}

// ShareReply is control's answer to an ask.
type ShareReply struct {
	Incarnation int64 `json:"incarnation"` // the ask's
	Seq         int64 `json:"seq"`         // likewise
	Floor       Share `json:"floor"`       // that the edge has from now on, for ever: until an answer says otherwise
	Lent        Share `json:"lent"`        // beyond the floor, for ShareTerm from the ask
	Fill        Fill  `json:"fill"`        // what of the burst is there at once; nothing of concurrency
}

// Floors is what of a limit is split evenly among the edges for ever, so that each has something without control: a tenth. It is
// nothing where a tenth is no whole unit, of the amount or of the burst: such a limit is lent whole.
func (s Share) Floors() Share {
	f := Share{s.Amount / 10, s.Burst / 10}
	if f.Amount == 0 || (s.Burst > 0 && f.Burst == 0) {
		return Share{}
	}
	return f
}

// Split is the i-th of n even parts, of which the first are a unit larger where units are left over. Where there are fewer units than
// parts the last ones have nothing: neither an amount without a burst nor a burst without an amount.
func (s Share) Split(i, n int) Share {
	parts := min(int64(n), s.Amount)
	if s.Burst > 0 {
		parts = min(parts, s.Burst)
	}
	if int64(i) >= parts {
		return Share{}
	}
	return Share{even(s.Amount, int64(i), parts), even(s.Burst, int64(i), parts)}
}

func even(whole, i, n int64) int64 {
	part := whole / n
	if i < whole%n {
		part++
	}
	return part
}
