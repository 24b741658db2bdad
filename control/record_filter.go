package control

import (
	"context"
	"strconv"
	"strings"
	"time"

	"fairlead"
)

// tailParams say which records are wanted; recordParams also of which time.
var (
	tailParams = []param{
		{name: "model", text: "Only this model, by its configured name"},
		{name: "endpoint", text: "Only what this endpoint answered"},
		{name: "provider", text: "Only what this provider was asked for, whether or not it answered"},
		{name: "key", text: "Only this key, by its id"},
		{name: "code", text: "Only this error code"},
		{name: "status", text: "Only this status, such as 502, a bound such as >=500 or <400, or a class such as 5xx"},
		{name: "min_duration", text: "Only what took so long, such as 2s"},
		{name: "node", text: "Only this node"},
		{name: "region", text: "Only nodes of this region"},
		{name: "stream", text: "Only streamed exchanges, or only others", oneOf: []string{"true", "false"}},
		{name: "trial", text: "Only exchanges that went by a revision on trial, or only others", oneOf: []string{"true", "false"}},
		{name: "kept", text: "Only records that were kept for this reason", oneOf: []string{string(fairlead.KeptFailure), string(fairlead.KeptSlow), string(fairlead.KeptSample)}},
	}
	recordParams = append([]param{
		{name: "from", text: "The begin of the time, such as 2026-01-02T15:04:05Z; left out, an hour before its end"},
		{name: "until", text: "Its end; left out, now"},
		{name: "cursor", text: "The next of the page before"},
		limit,
	}, tailParams...)
)

// recordFilter reads which records are asked for.
func (c *Control) recordFilter(a *ask) (f fairlead.RecordFilter, err error) {
	most, err := a.number("limit", recordsPage, fairlead.MaxRecords)
	if err != nil {
		return f, err
	}
	f = fairlead.RecordFilter{
		Limit: int(most), Node: a.query["node"], Key: a.query["key"], Model: a.query["model"], Endpoint: a.query["endpoint"],
		Provider: a.query["provider"], Code: fairlead.Code(a.query["code"]), Kept: fairlead.Kept(a.query["kept"]),
	}
	if err := a.readTimes(&f, c.Now()); err != nil {
		return f, err
	}
	if f.MinStatus, f.MaxStatus, err = statuses(a.query["status"]); err != nil {
		return f, err
	}
	if s := a.query["min_duration"]; s != "" {
		if f.MinDuration, err = time.ParseDuration(s); err != nil || f.MinDuration < 0 {
			return f, named("min_duration", fairlead.Errorf(fairlead.CodeInvalidRequest, "min_duration is a duration such as 2s or 250ms"))
		}
	}
	if s := a.query["stream"]; s != "" {
		f.Stream = new(s == "true")
	}
	if s := a.query["trial"]; s != "" {
		f.Tried = new(s == "true")
	}
	if s := a.query["cursor"]; s != "" {
		if f.Before, err = readCursor(s); err != nil {
			return f, err
		}
	}
	if region := a.query["region"]; region != "" {
		f.Nodes, err = c.nodesIn(a.Context(), region)
	}
	return f, err
}

func (a *ask) readTimes(f *fairlead.RecordFilter, now time.Time) error {
	f.Until = now.Add(clocksTime)
	for _, name := range []string{"until", "from"} {
		t, err := a.time(name)
		if err != nil {
			return err
		}
		if t.IsZero() {
			continue
		}
		if name == "until" {
			f.Until = t
		} else {
			f.From = t
		}
	}
	if f.From.IsZero() {
		f.From = f.Until.Add(-recordsTime)
		if a.query["until"] == "" {
			f.From = now.Add(-recordsTime)
		}
	}
	if !f.From.Before(f.Until) {
		return named("from", fairlead.Errorf(fairlead.CodeInvalidRequest, "from must be before until"))
	}
	return nil
}

// time reads a time in the query, in UTC; the zero one where there is none.
func (a *ask) time(name string) (time.Time, error) {
	s := a.query[name]
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if t = t.UTC(); err != nil || t.Year() < 1970 || t.Year() > 9999 {
		return time.Time{}, named(name, fairlead.Errorf(fairlead.CodeInvalidRequest, name+" is a time such as 2026-01-02T15:04:05Z"))
	}
	return t, nil
}

// statuses reads a status, the bound that it must keep, or a class of a hundred.
func statuses(s string) (least, most int, err error) {
	if s == "" {
		return 0, 0, nil
	}
	digits := strings.TrimLeft(s, "<>=")
	sign := strings.TrimSuffix(s, digits)
	class, hundred := strings.CutSuffix(digits, "xx")
	if hundred && sign == "" {
		digits = class + "00"
	}
	number, err := strconv.ParseUint(digits, 10, 16)
	n := int(number)
	if err == nil && n >= 100 && n <= 599 {
		switch sign {
		case "", "=":
			if hundred {
				return n, n + 99, nil
			}
			return n, n, nil
		case ">=":
			return n, 0, nil
		case ">":
			return n + 1, 0, nil
		case "<=":
			return 0, n, nil
		case "<":
			return 0, n - 1, nil
		}
	}
	return 0, 0, named("status", fairlead.Errorf(fairlead.CodeInvalidRequest, "status is one such as 502, a bound such as >=500 or <400, or a class such as 5xx"))
}

func readCursor(s string) (*fairlead.StoredRecord, error) {
	at, id, _ := strings.Cut(s, "_")
	n, err := strconv.ParseInt(at, 10, 64)
	if _, _, ok := fairlead.ParseID(id); err != nil || !ok {
		return nil, named("cursor", fairlead.Errorf(fairlead.CodeInvalidRequest, "cursor is the next of a page"))
	}
	return &fairlead.StoredRecord{ID: id, At: n}, nil
}

// regions gives the region of each node that is, or was, of the fleet.
func (c *Control) regions(ctx context.Context) (map[string]string, error) {
	stored, err := c.Store.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	spoke, _ := c.Fleet.all()
	regions := map[string]string{}
	for _, n := range stored {
		regions[n.Name] = n.Region
	}
	for name, h := range spoke {
		if h.Region != "" || regions[name] == "" {
			regions[name] = h.Region
		}
	}
	return regions, nil
}

// nodesIn lists the nodes of a region.
func (c *Control) nodesIn(ctx context.Context, region string) ([]string, error) {
	regions, err := c.regions(ctx)
	if err != nil {
		return nil, err
	}
	list := []string{}
	for name, r := range regions {
		if r == region {
			list = append(list, name)
		}
	}
	return sorted(list), nil
}
