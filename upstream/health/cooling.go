package health

import (
	"sync"
	"sync/atomic"
	"time"
)

// Dimension is what a provider's limit counts.
type Dimension uint8

// The dimensions of limits.
const (
	AnyDimension Dimension = iota // not told
	Requests
	Tokens
	InputTokens
	OutputTokens
	Concurrency
	dimensions
)

// String is the dimension as records spell it.
func (d Dimension) String() string {
	return [...]string{"any", "requests", "tokens", "input_tokens", "output_tokens", "concurrency"}[min(d, dimensions-1)]
}

// Limit is what a 429 said.
type Limit struct {
	Dimension   Dimension
	After       time.Duration // what Retry-After or its like asks for; 0 = nothing was said
	Long        bool          // a quota, not a rate: After is obeyed beyond a minute
	AccountWide bool          // a code or header says that it is the whole credential's
}

const (
	obeyed   = int64(time.Minute)      // of a Retry-After that is no quota
	longFrom = int64(10 * time.Minute) // a wait beyond it is a quota, whatever it is called
	longest  = int64(24 * time.Hour)
	guessMin = int64(time.Second) // without a Retry-After: doubling
	guessMax = int64(30 * time.Second)
)

// cooling is the cooldowns of one credential for one model, or of one credential. Reading takes no lock.
type cooling struct {
	until atomic.Int64 // the latest of all dimensions
	first atomic.Int64 // the end that an exchange waits for as the first one

	mu      sync.Mutex
	dice    jitter
	cell    [dimensions]int64
	hitAt   [dimensions]int64
	strikes [dimensions]int
}

func (c *cooling) cools(now int64) (int64, bool) {
	t := c.until.Load()
	return t, now < t
}

// claim makes one exchange the first of those that wait for an end.
func (c *cooling) claim(until int64) bool {
	known := c.first.Load()
	return known != until && c.first.CompareAndSwap(known, until)
}

// hit cools a dimension and gives the end. A shorter time never takes back a longer one.
func (c *cooling) hit(l Limit, began, now int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := min(l.Dimension, dimensions-1)
	d := min(int64(l.After), longest)
	switch {
	case d <= 0:
		d = c.guess(i, began, now)
	case !l.Long && d <= longFrom:
		d = min(d, obeyed)
	}
	c.hitAt[i] = now
	until := now + d + int64(0.1*c.dice.float()*float64(d))
	c.cell[i] = max(c.cell[i], until)
	c.until.Store(max(c.until.Load(), until))
}

// guess doubles from a second to 30 s with each refusal of an attempt that was begun after the last one
// was known; a minute after a cooldown was over it begins anew.
func (c *cooling) guess(i Dimension, began, now int64) int64 {
	switch {
	case c.cell[i] != 0 && now-c.cell[i] > int64(time.Minute):
		c.strikes[i] = 1
	case c.strikes[i] == 0 || began >= c.hitAt[i]:
		c.strikes[i]++
	}
	return min(guessMin<<min(c.strikes[i]-1, 5), guessMax)
}

// clear is told of a success: the next guess begins at a second. A cooldown that was stated stays.
func (c *cooling) clear(began int64) {
	if c.until.Load() == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.cell {
		if c.cell[i] != 0 && began >= c.cell[i] {
			c.cell[i], c.strikes[i] = 0, 0
		}
	}
	c.settle()
}

func (c *cooling) settle() {
	var t int64
	for _, v := range c.cell {
		t = max(t, v)
	}
	c.until.Store(t)
}

// dimension tells which one cools longest.
func (c *cooling) dimension() Dimension {
	c.mu.Lock()
	defer c.mu.Unlock()
	best := AnyDimension
	for i, t := range c.cell {
		if t > c.cell[best] {
			best = Dimension(i)
		}
	}
	return best
}
