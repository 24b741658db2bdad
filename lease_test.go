package fairlead_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"fairlead"
)

func TestPools(t *testing.T) {
	budget := func(per ...fairlead.Period) (list []fairlead.Budget) {
		for _, p := range per {
			list = append(list, fairlead.Budget{Per: p})
		}
		return list
	}
	for _, c := range []struct {
		name               string
		account, team, key []fairlead.Budget
		prepaid            bool
		want               string
	}{
		{"nothing", nil, nil, nil, false, "[]"},
		{"the balance alone", nil, nil, nil, true, "[{acc  }]"},
		{
			"every budget", budget(fairlead.PerEver, fairlead.PerDay, fairlead.PerMonth), budget(fairlead.PerMonth), budget(fairlead.PerDay, fairlead.PerEver), true,
			"[{acc  } {acc day 2026-11-21} {acc month 2026-11} {acc ever } {team month 2026-11} {key day 2026-11-21} {key ever }]",
		},
		{"a key's month", nil, nil, budget(fairlead.PerMonth), false, "[{key month 2026-11}]"},
	} {
		p := fairlead.Payer{Account: "acc", Team: "team", Key: "key"}
		if c.prepaid {
			p.Pools = fairlead.FromBalance
		}
		p.Pools = p.Pools.With(fairlead.FromAccountDay, c.account).With(fairlead.FromTeamDay, c.team).With(fairlead.FromKeyDay, c.key)
		p.Day = fairlead.EnteredOn(time.Date(2026, 11, 21, 23, 59, 59, 0, time.UTC))
		if got := fmt.Sprint(p.Append(nil)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	all := fairlead.Payer{Account: "a", Team: "t", Key: "k", Pools: 1<<fairlead.MostPools - 1}
	if n := len(all.Append(nil)); n != fairlead.MostPools {
		t.Errorf("all pools are %d", n)
	}
	if got := (fairlead.Payer{Account: "a", Pools: fairlead.FromTeamDay}).Append(nil); len(got) != 0 {
		t.Errorf("the pool of no team: %v", got)
	}
}

// TestPayerOfLine holds that a charge belongs to the window in which its exchange entered, not to that of its line.
func TestPayerOfLine(t *testing.T) {
	entered := time.Date(2026, 11, 30, 23, 59, 59, 0, time.UTC)
	line := fairlead.ChargeLine{
		ID: fairlead.NewExchangeID(fairlead.TagOf("edge"), entered), At: entered.Add(time.Hour).UnixMicro(),
		Account: "acc", Key: "key", Pools: fairlead.FromBalance | fairlead.FromKeyMonth,
	}
	p, ok := line.Payer()
	want := []fairlead.PoolID{{Of: "acc"}, {Of: "key", Per: fairlead.PerMonth, Window: "2026-11"}}
	if got := p.Append(nil); !ok || !slices.Equal(got, want) {
		t.Errorf("pools %v, %v; want %v", got, ok, want)
	}
	for _, bad := range []fairlead.ChargeLine{{ID: "req_x", Pools: 1}, {ID: line.ID}} {
		if _, ok := bad.Payer(); ok {
			t.Errorf("%+v has a payer", bad)
		}
	}
}

func TestEnteredOn(t *testing.T) {
	for _, at := range []time.Time{
		time.Unix(0, 0), time.Unix(-1, 0), time.Unix(86_399, 0), time.Unix(86_400, 0), time.Unix(-86_400, 0),
		time.Date(2026, 11, 22, 3, 0, 0, 0, time.FixedZone("", 5*60*60)),
	} {
		day := time.Unix(int64(fairlead.EnteredOn(at))*86_400, 0)
		if day.UTC().Format(time.DateOnly) != at.UTC().Format(time.DateOnly) {
			t.Errorf("%s is on %s", at.UTC(), day.UTC())
		}
	}
}

func TestLaterGrant(t *testing.T) {
	g := fairlead.LevelGrant{Era: 2, Version: 5}
	for _, c := range []struct {
		era, version int64
		want         bool
	}{{2, 4, true}, {2, 5, false}, {2, 6, false}, {1, 9, true}, {3, 0, false}, {0, 0, true}} {
		if g.After(c.era, c.version) != c.want {
			t.Errorf("era 2, version 5 is later than era %d, version %d: %v", c.era, c.version, !c.want)
		}
	}
}
