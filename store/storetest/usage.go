package storetest

import (
	"fmt"
	"testing"
	"time"

	"fairlead"
)

// testUsage holds that exchanges are added up by the minute in which they began, and told apart as is asked.
func testUsage(t *testing.T, db Database) {
	s := open(t, db)
	minute := start.Truncate(time.Minute)
	line := func(node string, at time.Duration, account, model, endpoint string, more func(*fairlead.ChargeLine)) string {
		l := fairlead.ChargeLine{
			Kind: fairlead.LineCharge, ID: fairlead.NewExchangeID(fairlead.TagOf(node), minute.Add(at)), Account: account, Team: "t", Key: "key_" + account,
			Model: model, Endpoint: endpoint, Input: 1, CacheRead: 2, CacheWrite: 3, Output: 4, Reasoning: 5, Cost: ptr(6), Charge: ptr(7),
		}
		if more != nil {
			more(&l)
		}
		return lineText(t, l)
	}
	settle(t, s, frameFrom("edge-1", 1,
		line("edge-1", 0, "x", "a/b", "a/b@one", nil),
		line("edge-1", 59_999*time.Millisecond, "x", "a/b", "a/b@one", func(l *fairlead.ChargeLine) { l.Code, l.Cost, l.Charge = "timeout", nil, nil }),
		line("edge-1", time.Minute, "y", "a/c", "a/c@one~b", func(l *fairlead.ChargeLine) { l.Estimated = true })))
	settle(t, s, frameFrom("edge-2", 1, line("edge-2", time.Second, "x", "a/b", "a/b@two", nil), line("edge-2", time.Hour, "", "a/b", "", nil)))
	sum := func(n, failed, estimated, paid int64) fairlead.UsageSum {
		return fairlead.UsageSum{
			Exchanges: n, Failures: failed, Estimated: estimated, Input: n, CacheRead: 2 * n, CacheWrite: 3 * n, Output: 4 * n, Reasoning: 5 * n,
			Cost: fairlead.USD(6 * paid), Charge: fairlead.USD(7 * paid),
		}
	}
	at := func(d time.Duration) string { return minute.Add(d).Format(time.RFC3339) }
	type groups = []fairlead.UsageGroup
	day := fairlead.UsageFilter{From: minute, Until: minute.Add(2 * time.Hour)}
	for _, c := range []struct {
		name string
		f    func(*fairlead.UsageFilter)
		want groups
	}{
		{"by minute", func(f *fairlead.UsageFilter) { f.By, f.Step = fairlead.UsageByTime, time.Minute }, groups{{Name: at(0), UsageSum: sum(3, 1, 0, 2)}, {Name: at(time.Minute), UsageSum: sum(1, 0, 1, 1)}, {Name: at(time.Hour), UsageSum: sum(1, 0, 0, 1)}}},
		{"by model", func(f *fairlead.UsageFilter) { f.By = fairlead.UsageByModel }, groups{{Name: "a/b", UsageSum: sum(4, 1, 0, 3)}, {Name: "a/c", UsageSum: sum(1, 0, 1, 1)}}},
		{"by account", func(f *fairlead.UsageFilter) { f.By = fairlead.UsageByAccount }, groups{{Name: "x", UsageSum: sum(3, 1, 0, 2)}, {Name: "", UsageSum: sum(1, 0, 0, 1)}, {Name: "y", UsageSum: sum(1, 0, 1, 1)}}},
		{"by key", func(f *fairlead.UsageFilter) { f.By = fairlead.UsageByKey }, groups{{Name: "key_x", UsageSum: sum(3, 1, 0, 2)}, {Name: "key_", UsageSum: sum(1, 0, 0, 1)}, {Name: "key_y", UsageSum: sum(1, 0, 1, 1)}}},
		{"by provider", func(f *fairlead.UsageFilter) { f.By = fairlead.UsageByProvider }, groups{{Name: "one", UsageSum: sum(3, 1, 1, 2)}, {Name: "", UsageSum: sum(1, 0, 0, 1)}, {Name: "two", UsageSum: sum(1, 0, 0, 1)}}},
		{"of an account", func(f *fairlead.UsageFilter) { f.By, f.Account = fairlead.UsageByModel, "y" }, groups{{Name: "a/c", UsageSum: sum(1, 0, 1, 1)}}},
		{"of one minute", func(f *fairlead.UsageFilter) {
			f.By, f.From, f.Until = fairlead.UsageByModel, minute.Add(time.Minute), minute.Add(61*time.Second)
		}, groups{{Name: "a/c", UsageSum: sum(1, 0, 1, 1)}}},
		{"of no time", func(f *fairlead.UsageFilter) {
			f.By, f.From, f.Until = fairlead.UsageByModel, minute.Add(-time.Hour), minute
		}, nil},
	} {
		f := day
		c.f(&f)
		got, err := s.Usage(t.Context(), f)
		check(t, err)
		same(t, c.name, got, c.want)
	}
	for _, f := range []fairlead.UsageFilter{
		{From: minute, Until: minute, By: fairlead.UsageByModel},
		{From: minute, Until: minute.Add(1), By: "colour"},
		{From: minute, Until: minute.Add(1), By: fairlead.UsageByTime, Step: 7 * time.Minute},
		{From: minute, Until: minute.Add(1), By: fairlead.UsageByTime, Step: time.Second},
	} {
		_, err := s.Usage(t.Context(), f)
		wantCode(t, err, fairlead.CodeInvalidRequest)
	}
	wantLedger(t, s)
}

func ptr(n int64) *fairlead.USD { return new(fairlead.USD(n)) }

// testLongNames holds that a name as long as one can be is taken, and that one that is longer is not charged.
func testLongNames(t *testing.T, db Database) {
	s := open(t, db)
	var lines []string
	for i, n := range []int{400, 401} {
		l := fairlead.ChargeLine{Kind: fairlead.LineCharge, ID: fairlead.NewExchangeID(fairlead.TagOf("edge-1"), start), Account: "acc_1", Charge: ptr(5)}
		l.Model, l.Endpoint, l.Team, l.Key = fmt.Sprintf("%0*d", n, i), fmt.Sprintf("%0*d", n, i), fmt.Sprintf("%0*d", n, i), fmt.Sprintf("%0*d", n, i)
		lines = append(lines, lineText(t, l))
	}
	settle(t, s, frameFrom("edge-1", 1, lines...))
	if c := wantLedger(t, s); c.Lines != 1 || c.Unread != 1 {
		t.Errorf("audited %+v", c)
	}
	wantBalance(t, s, fairlead.BookRevenue, 5)
}
