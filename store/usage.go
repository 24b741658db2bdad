package store

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"fairlead"
	"fairlead/ledger"
)

// mostGroups bounds the rows of an answer about usage.
const mostGroups = 10_000

// Usage adds up the exchanges of a time, one row for each name that the filter tells them apart by: by time in its order, else those
// of most exchanges first. More than 10,000 rows give CodeInvalidRequest.
func (s *Store) Usage(ctx context.Context, f fairlead.UsageFilter) (groups []fairlead.UsageGroup, err error) {
	name, err := usageName(&f)
	if err != nil {
		return nil, err
	}
	query := `SELECT ` + name + ` AS name` + usageSums + ` FROM usage_minutes
		WHERE minute >= $1 AND minute < $2 AND ($3 = '' OR account = $3) GROUP BY 1 LIMIT $4`
	err = s.askFor(ctx, "usage", func(ctx context.Context, q querier) (err error) {
		groups, err = list(ctx, q, scanGroup, query, minute(f.From), minute(f.Until.Add(time.Minute-1)), f.Account, mostGroups+1)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(groups) > mostGroups {
		return nil, fairlead.Errorf(fairlead.CodeInvalidRequest, "this has more than 10,000 rows; ask for a shorter time, or for an account")
	}
	return arrange(groups, f.By), nil
}

var usageSums = func() string {
	var b strings.Builder
	for _, c := range strings.Split(usageColumns, ", ")[6:] {
		b.WriteString(`, CAST(SUM(` + c + `) AS BIGINT)`)
	}
	return b.String()
}()

func minute(t time.Time) int64 { return t.Unix() / 60 }

// usageName gives the SQL of what names a group.
func usageName(f *fairlead.UsageFilter) (string, error) {
	if !f.From.Before(f.Until) || f.From.Unix() < 0 {
		return "", fairlead.Errorf(fairlead.CodeInvalidRequest, "usage is asked for from one time until a later one")
	}
	if err := storable(f.Account); err != nil {
		return "", err
	}
	switch f.By {
	case fairlead.UsageByModel:
		return "model", nil
	case fairlead.UsageByKey:
		return "key_id", nil
	case fairlead.UsageByAccount:
		return "account", nil
	case fairlead.UsageByProvider:
		return "endpoint", nil
	case fairlead.UsageByTime:
		step := int64(cmp.Or(f.Step, time.Hour) / time.Minute)
		if step < 1 || 24*60%step != 0 || f.Step%time.Minute != 0 {
			return "", fairlead.Errorf(fairlead.CodeInvalidRequest, "a step of usage is of whole minutes, and so many fit into a day")
		}
		return "minute - minute % " + strconv.FormatInt(step, 10), nil
	}
	return "", fairlead.Errorf(fairlead.CodeInvalidRequest, "usage is told apart by time, model, key, provider or account")
}

func scanGroup(r scanner) (g fairlead.UsageGroup, err error) {
	u := &g.UsageSum
	return g, r.Scan(&g.Name, &u.Exchanges, &u.Failures, &u.Estimated, &u.Input, &u.CacheRead, &u.CacheWrite, &u.Output, &u.Reasoning,
		(*int64)(&u.Cost), (*int64)(&u.Charge))
}

// arrange gives groups their names and their order.
func arrange(groups []fairlead.UsageGroup, by fairlead.UsageBy) []fairlead.UsageGroup {
	byName := func(a, b fairlead.UsageGroup) int { return cmp.Compare(a.Name, b.Name) }
	switch by {
	case fairlead.UsageByTime:
		for i := range groups {
			n, _ := strconv.ParseInt(groups[i].Name, 10, 64) // a number of the database
			groups[i].Name = time.Unix(n*60, 0).UTC().Format(time.RFC3339)
		}
		slices.SortFunc(groups, byName)
		return groups
	case fairlead.UsageByProvider:
		groups = byProvider(groups)
	}
	slices.SortFunc(groups, func(a, b fairlead.UsageGroup) int { return cmp.Or(cmp.Compare(b.Exchanges, a.Exchanges), byName(a, b)) })
	return groups
}

// byProvider makes one group of the endpoints of each provider: author/name@provider, or author/name@provider~name.
func byProvider(endpoints []fairlead.UsageGroup) (groups []fairlead.UsageGroup) {
	at := map[string]int{}
	for _, g := range endpoints {
		name := g.Name[strings.LastIndexByte(g.Name, '@')+1:]
		name, _, _ = strings.Cut(name, "~")
		i, ok := at[name]
		if !ok {
			i = len(groups)
			at[name], groups = i, append(groups, fairlead.UsageGroup{Name: name})
		}
		ledger.Add(&groups[i].UsageSum, &g.UsageSum)
	}
	return groups
}
