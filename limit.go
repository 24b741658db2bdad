package fairlead

import "time"

// Counted is what a limit counts.
type Counted string

// What limits count.
const (
	LimitRequests    Counted = "requests"
	LimitTokens      Counted = "tokens"      // prompt and output together
	LimitConcurrency Counted = "concurrency" // exchanges under way at once
	LimitSpend       Counted = "spend"       // nano-dollars
)

// Period is a span of time that limits and budgets are for.
type Period string

// The periods. As that of a limit a day is 24 hours and a month 30 days, and they slide; as that of a budget they are those of the
// calendar, in UTC.
const (
	PerMinute Period = "minute"
	PerHour   Period = "hour"
	PerDay    Period = "day"
	PerMonth  Period = "month"
	PerEver   Period = "ever" // of a budget: it does not begin anew
)

// Duration is how long a limit's period lasts; 0 for what is none.
func (p Period) Duration() time.Duration {
	switch p {
	case PerMinute:
		return time.Minute
	case PerHour:
		return time.Hour
	case PerDay:
		return 24 * time.Hour
	case PerMonth:
		return 30 * 24 * time.Hour
	}
	return 0
}

// Limit bounds what a key, a team, an account, a model or an endpoint may do in any span of a period's length: Amount, and Burst
// beyond it.
type Limit struct {
	Of     Counted `json:"of"`
	Per    Period  `json:"per,omitempty"`   // none for concurrency
	Amount int64   `json:"amount"`          // requests, tokens, exchanges at once, or nano-dollars
	Burst  int64   `json:"burst,omitempty"` // what may come at once beyond the even pace; 0 = one minute's worth of it, at least 1
}

// MaxUnits bounds what is counted at once.
const MaxUnits = int64(mostAmount)

// mostAmount bounds amounts, so that sums and products of them stay in range.
const mostAmount = 1 << 53

// Validate says why a limit cannot be one.
func (l *Limit) Validate() error {
	switch l.Of {
	case LimitRequests, LimitTokens, LimitSpend:
		if l.Per.Duration() == 0 {
			return Errorf(CodeInvalidRequest, "a limit is per minute, hour, day or month")
		}
	case LimitConcurrency:
		if l.Per != "" || l.Burst != 0 {
			return Errorf(CodeInvalidRequest, "a limit of concurrency has neither a period nor a burst")
		}
	default:
		return Errorf(CodeInvalidRequest, "a limit is of requests, tokens, concurrency or spend")
	}
	if l.Amount < 0 || l.Amount > mostAmount || l.Burst < 0 || l.Burst > mostAmount {
		return Errorf(CodeInvalidRequest, "the amount of a limit is out of range")
	}
	return nil
}

// Budget bounds what may be charged in a window of the calendar: to the exchanges that enter in it.
type Budget struct {
	Per    Period `json:"per"`    // day, month or ever
	Amount USD    `json:"amount"` // in nano-dollars
}

// Validate says why a budget cannot be one.
func (b *Budget) Validate() error {
	if b.Per != PerDay && b.Per != PerMonth && b.Per != PerEver {
		return Errorf(CodeInvalidRequest, "a budget is per day, month or ever")
	}
	if b.Amount < 0 {
		return Errorf(CodeInvalidRequest, "the amount of a budget is out of range")
	}
	return nil
}

// Window names the window that a time falls into: "2026-11-21", "2026-11", or "" for ever. It is in UTC.
func (b *Budget) Window(at time.Time) string {
	switch b.Per {
	case PerDay:
		return at.UTC().Format("2006-01-02")
	case PerMonth:
		return at.UTC().Format("2006-01")
	}
	return ""
}

// Bounds are the limits and budgets of one account, team or key.
type Bounds struct {
	Limits  []Limit
	Budgets []Budget
}

const mostBounds = 16

// Validate says why bounds cannot be kept: one of them cannot, two are of the same kind, or they are more than 16 of a kind.
func (b Bounds) Validate() error {
	if len(b.Limits) > mostBounds || len(b.Budgets) > mostBounds {
		return Errorf(CodeInvalidRequest, "there are at most 16 limits and 16 budgets")
	}
	type kind struct {
		of  Counted
		per Period
	}
	seen := map[kind]bool{}
	note := func(k kind) error {
		if seen[k] {
			return Errorf(CodeInvalidRequest, "there are two bounds of the same kind and period")
		}
		seen[k] = true
		return nil
	}
	for i := range b.Limits {
		l := &b.Limits[i]
		if err := l.Validate(); err != nil {
			return err
		}
		if err := note(kind{l.Of, l.Per}); err != nil {
			return err
		}
	}
	for i := range b.Budgets {
		if err := b.Budgets[i].Validate(); err != nil {
			return err
		}
		if err := note(kind{"", b.Budgets[i].Per}); err != nil {
			return err
		}
	}
	return nil
}
