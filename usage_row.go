package fairlead

import (
	"fmt"
	"time"
)

// UsageSum adds up exchanges. Its numbers are all 0 or above.
type UsageSum struct {
	Exchanges  int64 `json:"exchanges"`
	Failures   int64 `json:"failures"`  // of these, how many ended with an error
	Estimated  int64 `json:"estimated"` // of these, in how many tokens were counted here, for the provider reported none
	Input      int64 `json:"input"`
	CacheRead  int64 `json:"cache_read"`
	CacheWrite int64 `json:"cache_write"`
	Output     int64 `json:"output"`
	Reasoning  int64 `json:"reasoning"` // a part of Output
	Cost       USD   `json:"cost"`      // in nano-dollars; of the exchanges whose price is known
	Charge     USD   `json:"charge"`
}

// UsageRow is what exchanges that began within one minute add up to.
type UsageRow struct {
	Minute   int64 // since 1970, by the exchanges' ids
	Account  string
	Team     string
	Key      string
	Model    string
	Endpoint string
	UsageSum
}

// UsageBy says what usage is told apart by.
type UsageBy string

// What usage is told apart by.
const (
	UsageByTime     UsageBy = "time"
	UsageByModel    UsageBy = "model"
	UsageByKey      UsageBy = "key"
	UsageByProvider UsageBy = "provider"
	UsageByAccount  UsageBy = "account"
)

// UsageFilter asks for usage: of exchanges that began from From until Until, in whole minutes.
type UsageFilter struct {
	From, Until time.Time
	By          UsageBy
	Step        time.Duration // of UsageByTime: how long each row is, in whole minutes that an hour, or hours that a day has; 0 = an hour
	Account     string        // "" = all, and those that have none
}

// UsageGroup is one row of an answer: what the exchanges of one name add up to.
type UsageGroup struct {
	Name string `json:"name"` // of a model, provider or key, an account's id, or when the row's time begins (RFC 3339); "" = none
	UsageSum
}

// Reference is the reference of what a frame charges.
func (k FrameKey) Reference() string {
	return fmt.Sprintf("%s/%s/%d", k.Node, k.Incarnation, k.Sequence)
}
