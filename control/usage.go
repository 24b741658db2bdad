package control

import (
	"time"

	"fairlead"
)

const (
	// usageTime is what is added up where nobody says.
	usageTime = 24 * time.Hour
	// hoursTime is the longest time that is told apart by hours; a longer one is by days.
	hoursTime = 14 * 24 * time.Hour
)

var usageParams = []param{
	{name: "by", text: "What usage is told apart by; time = by the hour, of more than 14 days by the day", oneOf: []string{"time", "model", "key", "provider", "account"}},
	{name: "from", text: "Exchanges that began from this time on, in whole minutes; a day before until where it is left out"},
	{name: "until", text: "Exchanges that began before this time; now where it is left out"},
	{name: "account", text: "Only exchanges of this account"},
}

// usageGroupAnswer is what exchanges of one name add up to, in tokens and USD.
type usageGroupAnswer struct {
	Name       string `json:"name"` // of a model or provider, a key's or an account's id, or when the time begins; "" = none
	Exchanges  int64  `json:"exchanges"`
	Failures   int64  `json:"failures"`
	Estimated  int64  `json:"estimated"` // exchanges whose tokens were counted here
	Input      int64  `json:"input"`
	CacheRead  int64  `json:"cache_read"`
	CacheWrite int64  `json:"cache_write"`
	Output     int64  `json:"output"`
	Reasoning  int64  `json:"reasoning"` // a part of output
	Cost       string `json:"cost_usd"`  // of the exchanges whose price is known
	Charge     string `json:"charge_usd"`
}

type usageSumsAnswer struct {
	By    fairlead.UsageBy   `json:"by"`
	From  time.Time          `json:"from"`
	Until time.Time          `json:"until"`
	Data  []usageGroupAnswer `json:"data"`
}

func (c *Control) getUsage(a *ask) (any, error) {
	f := fairlead.UsageFilter{By: fairlead.UsageBy(a.query["by"]), Account: a.query["account"], Step: time.Hour}
	if f.By == "" {
		f.By = fairlead.UsageByTime
	}
	var err error
	if f.Until, err = a.time("until"); err != nil {
		return nil, err
	}
	if f.Until.IsZero() {
		f.Until = c.Now().UTC().Add(clocksTime)
	}
	if f.From, err = a.time("from"); err != nil {
		return nil, err
	}
	if f.From.IsZero() {
		f.From = f.Until.Add(-usageTime)
	}
	f.From, f.Until = f.From.Truncate(time.Minute), f.Until.Add(time.Minute-1).Truncate(time.Minute)
	if !f.From.Before(f.Until) {
		return nil, named("from", fairlead.Errorf(fairlead.CodeInvalidRequest, "from must be before until"))
	}
	if f.Until.Sub(f.From) > hoursTime {
		f.Step = 24 * time.Hour
	}
	groups, err := c.Store.Usage(a.Context(), f)
	if err != nil {
		return nil, err
	}
	answer := usageSumsAnswer{By: f.By, From: f.From, Until: f.Until, Data: make([]usageGroupAnswer, 0, len(groups))}
	for i := range groups {
		g := &groups[i]
		answer.Data = append(answer.Data, usageGroupAnswer{
			g.Name, g.Exchanges, g.Failures, g.Estimated, g.Input, g.CacheRead, g.CacheWrite, g.Output, g.Reasoning, g.Cost.String(), g.Charge.String(),
		})
	}
	return answer, nil
}
