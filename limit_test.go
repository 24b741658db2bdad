package fairlead_test

import (
	"testing"
	"time"

	"fairlead"
)

func TestBounds(t *testing.T) {
	requests := func(per fairlead.Period, amount, burst int64) fairlead.Limit {
		return fairlead.Limit{Of: fairlead.LimitRequests, Per: per, Amount: amount, Burst: burst}
	}
	many := make([]fairlead.Limit, 17)
	for _, c := range []struct {
		name string
		of   fairlead.Bounds
		ok   bool
	}{
		{"none", fairlead.Bounds{}, true},
		{"one of each", fairlead.Bounds{
			Limits: []fairlead.Limit{
				requests(fairlead.PerMinute, 1000, 50), requests(fairlead.PerHour, 1, 0),
				{Of: fairlead.LimitTokens, Per: fairlead.PerDay, Amount: 1},
				{Of: fairlead.LimitSpend, Per: fairlead.PerMonth, Amount: 1},
				{Of: fairlead.LimitConcurrency, Amount: 0},
			},
			Budgets: []fairlead.Budget{{Per: fairlead.PerDay}, {Per: fairlead.PerMonth, Amount: 5}, {Per: fairlead.PerEver, Amount: 1 << 62}},
		}, true},
		{"two of a kind", fairlead.Bounds{Limits: []fairlead.Limit{requests(fairlead.PerMinute, 1, 0), requests(fairlead.PerMinute, 2, 0)}}, false},
		{"two budgets of a period", fairlead.Bounds{Budgets: []fairlead.Budget{{Per: fairlead.PerDay}, {Per: fairlead.PerDay, Amount: 1}}}, false},
		{"too many", fairlead.Bounds{Limits: many}, false},
		{"no period", fairlead.Bounds{Limits: []fairlead.Limit{requests("", 1, 0)}}, false},
		{"for ever", fairlead.Bounds{Limits: []fairlead.Limit{requests(fairlead.PerEver, 1, 0)}}, false},
		{"below 0", fairlead.Bounds{Limits: []fairlead.Limit{requests(fairlead.PerDay, -1, 0)}}, false},
		{"a burst below 0", fairlead.Bounds{Limits: []fairlead.Limit{requests(fairlead.PerDay, 1, -1)}}, false},
		{"beyond all sums", fairlead.Bounds{Limits: []fairlead.Limit{requests(fairlead.PerDay, 1<<53+1, 0)}}, false},
		{"concurrency per minute", fairlead.Bounds{Limits: []fairlead.Limit{{Of: fairlead.LimitConcurrency, Per: fairlead.PerMinute, Amount: 1}}}, false},
		{"of nothing", fairlead.Bounds{Limits: []fairlead.Limit{{Of: "coffee", Per: fairlead.PerDay}}}, false},
		{"a budget an hour", fairlead.Bounds{Budgets: []fairlead.Budget{{Per: fairlead.PerHour}}}, false},
		{"a budget below 0", fairlead.Bounds{Budgets: []fairlead.Budget{{Per: fairlead.PerDay, Amount: -1}}}, false},
	} {
		if err := c.of.Validate(); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestWindow(t *testing.T) {
	at := time.Date(2026, 11, 30, 23, 30, 0, 0, time.FixedZone("", -3600))
	for per, want := range map[fairlead.Period]string{fairlead.PerDay: "2026-12-01", fairlead.PerMonth: "2026-12", fairlead.PerEver: ""} {
		if got := (&fairlead.Budget{Per: per}).Window(at); got != want {
			t.Errorf("window per %s is %q, want %q", per, got, want)
		}
	}
}

func TestMargin(t *testing.T) {
	for m, ok := range map[fairlead.Margin]bool{0: true, 100_000: true, 100_000_000: true, 100_000_001: false, -1: false} {
		if err := m.Validate(); (err == nil) != ok {
			t.Errorf("margin %d: %v", m, err)
		}
	}
}

func TestMetadata(t *testing.T) {
	many := map[string]string{}
	for i := range 33 {
		many[string(rune('A'+i))] = ""
	}
	long := string(make([]byte, 513))
	for _, c := range []struct {
		of map[string]string
		ok bool
	}{
		{nil, true},
		{map[string]string{"team": "search", "empty": ""}, true},
		{many, false},
		{map[string]string{"": "x"}, false},
		{map[string]string{"a\nb": "x"}, false},
		{map[string]string{"a": "b\u202ec"}, false},
		{map[string]string{"a": long}, false},
	} {
		if err := fairlead.ValidMetadata(c.of); (err == nil) != c.ok {
			t.Errorf("%q: %v", c.of, err)
		}
	}
}
