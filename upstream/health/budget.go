package health

import (
	"math"
	"sync"
	"time"

	"fairlead"
)

// Terms say how much a budget pays for: a share of what is deposited and so much a second on top, of
// the last Window.
type Terms struct {
	Share     float64       // of what is deposited
	PerSecond float64       // units, whatever is deposited
	Window    time.Duration // 0 = 10 s
}

// The terms of the design.
var (
	// RetryTerms pay for second tries at one endpoint, tries at a half-open one, and hedges at it. The unit
	// is an attempt.
	RetryTerms = Terms{Share: 0.15, PerSecond: 3}
	// HedgeTerms bound hedges to 2 % of requests. The window is long enough for 50 requests at one in 2 s.
	HedgeTerms = Terms{Share: 0.02, Window: 100 * time.Second}
	// HedgeSpendTerms bound them to 3 % of spend. The unit is a nano-dollar.
	HedgeSpendTerms = Terms{Share: 0.03, Window: 100 * time.Second}
)

const budgetCells = 10

// Budget is a token bucket over a sliding window, as Finagle's RetryBudget: what is taken in any window
// is at most Share of what was deposited in it, plus PerSecond times its length. Ten cells make the
// window, the one under way among them, so that it looks back between 9 and 10 tenths of its length and
// holds at most 10 s (or Window) of both. It is safe for concurrent use.
type Budget struct {
	since
	mu    sync.Mutex
	terms Terms
	head  int64
	in    [budgetCells]float64
	out   [budgetCells]float64
}

// NewBudget makes a full budget: nothing was taken before epoch.
func NewBudget(t Terms, epoch time.Time) *Budget {
	b := &Budget{since: since{epoch}}
	b.Tune(t)
	return b
}

// Tune changes the terms; what was deposited and taken stays.
func (b *Budget) Tune(t Terms) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t.Window <= 0 {
		t.Window = 10 * time.Second
	}
	t.Share, t.PerSecond = atLeast0(t.Share), atLeast0(t.PerSecond)
	if b.terms.Window != t.Window {
		b.in, b.out, b.head = [budgetCells]float64{}, [budgetCells]float64{}, 0
	}
	b.terms = t
}

// Pays reports whether the terms pay for anything at all.
func (b *Budget) Pays() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.terms.Share > 0 || b.terms.PerSecond > 0
}

// Deposit notes units that a share of may be taken for: a first attempt is 1.
func (b *Budget) Deposit(units float64, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.in[b.roll(now)] += atLeast0(units)
}

// Take pays for units, or reports that it cannot.
func (b *Budget) Take(units float64, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := b.roll(now)
	if units = atLeast0(units); b.left() < units {
		return false
	}
	b.out[i] += units
	return true
}

// Refund gives back what was taken for something that then was not done.
func (b *Budget) Refund(units float64, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	head := b.roll(now)
	units = atLeast0(units)
	for back := range budgetCells { // what was taken some time ago stands in an earlier cell
		cell := &b.out[(head+budgetCells-back)%budgetCells]
		given := min(*cell, units)
		*cell, units = *cell-given, units-given
	}
}

// Left is what Take would pay for.
func (b *Budget) Left(now time.Time) float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.roll(now)
	return max(b.left(), 0)
}

func (b *Budget) left() float64 {
	var in, out float64
	for i := range b.in {
		in, out = in+b.in[i], out+b.out[i]
	}
	// Twenty deposits of 1 at 5 % are 1, though not in binary.
	const dust = 1e-9
	return b.terms.Share*in + b.terms.PerSecond*b.terms.Window.Seconds() - out + dust
}

// roll forgets cells that are too old and gives the one under way.
func (b *Budget) roll(now time.Time) int {
	head := max(b.at(now)/max(int64(b.terms.Window)/budgetCells, 1), b.head)
	for range min(head-b.head, budgetCells) {
		b.head++
		b.in[b.head%budgetCells], b.out[b.head%budgetCells] = 0, 0
	}
	b.head = head
	return int(head % budgetCells)
}

func atLeast0(v float64) float64 {
	if !(v > 0) || math.IsInf(v, 1) { // NaN too
		return 0
	}
	return v
}

// Hedges is the budget of second attempts beside a first one: of requests and of spend.
type Hedges struct{ requests, spend *Budget }

// NewHedges makes an empty budget: hedges come after requests.
func NewHedges(epoch time.Time) *Hedges {
	return &Hedges{NewBudget(HedgeTerms, epoch), NewBudget(HedgeSpendTerms, epoch)}
}

// Deposit notes an exchange and what it cost; nil = its price is unknown.
func (h *Hedges) Deposit(cost *fairlead.USD, now time.Time) {
	h.requests.Deposit(1, now)
	if cost != nil {
		h.spend.Deposit(float64(*cost), now)
	}
}

// Take pays for a hedge of an expected cost out of both, or out of none. Where the price is unknown
// (nil), only their number bounds hedges.
func (h *Hedges) Take(cost *fairlead.USD, now time.Time) bool {
	if !h.requests.Take(1, now) {
		return false
	}
	if cost != nil && !h.spend.Take(float64(*cost), now) {
		h.requests.Refund(1, now)
		return false
	}
	return true
}

// Refund gives back what was taken for a hedge that then was not sent.
func (h *Hedges) Refund(cost *fairlead.USD, now time.Time) {
	h.requests.Refund(1, now)
	if cost != nil {
		h.spend.Refund(float64(*cost), now)
	}
}
