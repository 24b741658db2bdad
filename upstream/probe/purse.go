package probe

import (
	"time"

	"fairlead"
)

// purse is what a provider's probes by generation have cost today.
type purse struct {
	day   int64 // since 1970, UTC
	spent fairlead.USD
	last  time.Time // when the last one began
}

func (s *Schedule) purse(provider string) *purse {
	p := s.purses[provider]
	if p == nil {
		p = &purse{}
		s.purses[provider] = p
	}
	return p
}

// Spent is what the probes at a provider have cost on the day of now.
func (s *Schedule) Spent(provider string, now time.Time) fairlead.USD {
	p := s.purse(provider)
	p.turn(now)
	return p.spent
}

// pays reports whether another probe is within the day's budget. One is under way at a time, so that nothing
// has to be held for others.
func (p *purse) pays(t Terms, now time.Time) bool {
	p.turn(now)
	return p.spent <= t.Budget && t.Cost <= t.Budget-p.spent
}

func (p *purse) spend(cost fairlead.USD, now time.Time) {
	p.turn(now)
	p.spent += max(cost, 0)
}

// turn begins a new day. A clock that is set back begins none.
func (p *purse) turn(now time.Time) {
	if day := now.Unix() / (24 * 60 * 60); day > p.day {
		p.day, p.spent = day, 0
	}
}
