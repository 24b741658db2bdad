package fairlead

import (
	"math"
	"math/bits"
	"time"
)

// Pace is what a Bucket is filled with: Amount a Period, evenly, up to Burst.
type Pace struct {
	Amount int64         // 0 to 2^54
	Period time.Duration // the same one for the whole life of a bucket; at least 1 ns
	Burst  int64         // the most that the bucket holds; 0 to 2^54
}

// Never is the wait for what no wait brings.
const Never = time.Duration(math.MaxInt64)

// mostDebt bounds what is owed, so that no sum overflows.
const mostDebt = int64(1) << 60

// Bucket is the generic cell rate algorithm in its form as a continuous-state leaky bucket (ATM Forum, Traffic Management
// Specification 4.0, section 4.4.2; ITU-T I.371, annex A), turned round: it counts what may still be let in. It is exact, for the part
// of a unit that has come in since the last whole one is kept as a fraction of the period, and so its pace may change while it runs.
//
// What is taken in any span of time is at most what the pace gives in it and the largest burst. Times are those of a monotonic clock,
// as what has passed since a moment of the caller's choosing; one that lies before the bucket's last time counts as that one.
// The zero Bucket is empty at time 0.
type Bucket struct {
	have int64 // whole units; below zero is a debt
	part int64 // of the next unit, in 1/Period of it
	at   time.Duration
}

// EmptyBucket is a bucket with nothing in it at a time.
func EmptyBucket(at time.Duration) Bucket { return Bucket{at: at} }

// Have is how much may be taken at once; below zero is a debt. It is that of the last Fill.
func (b *Bucket) Have() int64 { return b.have }

// Fill adds what has come in until now by the pace, and cuts what is above its burst.
func (b *Bucket) Fill(now time.Duration, p Pace) {
	if now > b.at {
		hi, lo := bits.Mul64(uint64(p.Amount), uint64(now)-uint64(b.at))
		lo, carry := bits.Add64(lo, uint64(b.part), 0)
		hi += carry
		b.at = now
		if hi >= uint64(p.Period) { // more units than 64 bits hold
			b.have, b.part = p.Burst, 0
			return
		}
		whole, part := bits.Div64(hi, lo, uint64(p.Period))
		if whole >= uint64(mostDebt)*2 {
			b.have, b.part = p.Burst, 0
			return
		}
		b.have, b.part = b.have+int64(whole), int64(part)
	}
	b.cut(p.Burst)
}

// Take takes n, of 0 to 2^54, if that much is there.
func (b *Bucket) Take(n int64) bool {
	if n > b.have {
		return false
	}
	b.have -= n
	return true
}

// Owe takes n whether it is there or not: what is missing is a debt that later takings wait for.
func (b *Bucket) Owe(n int64) {
	b.have = max(b.have-min(n, mostDebt), -mostDebt)
}

// Put gives n back, up to the burst.
func (b *Bucket) Put(n int64, p Pace) {
	b.have += min(n, mostDebt)
	b.cut(p.Burst)
}

// Fill is a piece of a bucket's content, to be carried to another bucket of the same period.
type Fill struct {
	Units int64 `json:"units,omitempty"` // not below zero
	Part  int64 `json:"part,omitempty"`  // of another unit, in 1/Period of it
}

// Draw takes all that is there, but most units at most.
func (b *Bucket) Draw(most int64) Fill {
	switch {
	case b.have < 0 || most <= 0:
		return Fill{}
	case b.have >= most:
		b.have -= most
		return Fill{Units: most}
	}
	f := Fill{b.have, b.part}
	b.have, b.part = 0, 0
	return f
}

// Spill takes what is there above a burst.
func (b *Bucket) Spill(burst int64) Fill {
	if b.have < burst {
		return Fill{}
	}
	f := Fill{b.have - burst, b.part}
	b.have, b.part = burst, 0
	return f
}

// Pour adds a piece, up to the burst.
func (b *Bucket) Pour(f Fill, p Pace) {
	part := b.part + min(max(f.Part, 0), int64(p.Period)-1)
	if part >= int64(p.Period) {
		part -= int64(p.Period)
		b.have++
	}
	b.have, b.part = b.have+min(max(f.Units, 0), mostDebt), part
	b.cut(p.Burst)
}

// Wait is how long from the last Fill until n may be taken if the pace stays and nobody else takes: 0 for now, Never for what is more
// than the burst or comes at no pace.
func (b *Bucket) Wait(n int64, p Pace) time.Duration {
	switch {
	case n <= b.have:
		return 0
	case n > p.Burst || p.Amount <= 0:
		return Never
	}
	return b.until(n, p)
}

// Full is how long from the last Fill until the bucket holds its burst: 0 for now, Never without a pace.
func (b *Bucket) Full(p Pace) time.Duration {
	if b.have >= p.Burst {
		return 0
	}
	if p.Amount <= 0 {
		return Never
	}
	return b.until(p.Burst, p)
}

func (b *Bucket) until(n int64, p Pace) time.Duration {
	hi, lo := bits.Mul64(uint64(n)-uint64(b.have), uint64(p.Period))
	lo, borrow := bits.Sub64(lo, uint64(b.part), 0)
	hi -= borrow
	lo, carry := bits.Add64(lo, uint64(p.Amount)-1, 0) // rounded up
	hi += carry
	if hi >= uint64(p.Amount) {
		return Never
	}
	wait, _ := bits.Div64(hi, lo, uint64(p.Amount))
	if wait > math.MaxInt64 {
		return Never
	}
	return time.Duration(wait)
}

func (b *Bucket) cut(burst int64) {
	if b.have >= burst {
		b.have, b.part = burst, 0
	}
}
