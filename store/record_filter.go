package store

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"fairlead"
)

// RecordFilter says which records are asked for: those of exchanges that began at From or later and before Until, and that have
// all the other values which are not empty.
type RecordFilter struct {
	From, Until time.Time
	Node        string
	Nodes       []string // one of these; nil = any, and none where there is none in it
	Key         string
	Model       string // the configured name
	Endpoint    string // that was committed to
	Provider    string // that was asked, whether or not it answered
	Code        fairlead.Code
	Kept        fairlead.Kept
	// MinStatus and MaxStatus bound the status; 0 = not.
	MinStatus, MaxStatus int
	MinDuration          time.Duration
	Stream               *bool
	Tried                *bool // it went by a revision on trial, or it did not
	// Before is the last record of the page before, for the next one; nil = the newest are asked for.
	Before *fairlead.StoredRecord
	Limit  int // 1 to MaxRecords
}

// maxNodes bounds how many nodes a question can name.
const maxNodes = 10_000

func (f *RecordFilter) check() error {
	switch {
	case f.From.IsZero() || f.Until.IsZero() || !f.From.Before(f.Until):
		return fairlead.Errorf(fairlead.CodeInvalidRequest, "records are asked for by time: from one until a later one")
	case f.Limit < 1 || f.Limit > MaxRecords:
		return fairlead.Errorf(fairlead.CodeInvalidRequest, "1 to "+strconv.Itoa(MaxRecords)+" records can be asked for at once")
	case len(f.Nodes) > maxNodes:
		return fairlead.Errorf(fairlead.CodeInvalidRequest, "too many nodes are named")
	case f.Before != nil:
		if err := storable(f.Before.ID); err != nil {
			return err
		}
	}
	return storable(slices.Concat(f.Nodes, []string{f.Node, f.Key, f.Model, f.Endpoint, f.Provider, string(f.Code), string(f.Kept)})...)
}

// Matches reports whether a record is one of those asked for, its time and place aside.
func (f *RecordFilter) Matches(r *fairlead.StoredRecord) bool {
	for _, c := range f.texts(r) {
		if c.wanted != "" && c.wanted != c.value {
			return false
		}
	}
	return (f.Nodes == nil || slices.Contains(f.Nodes, r.Node)) &&
		(f.Provider == "" || slices.Contains(asked(r), f.Provider)) &&
		r.Status >= f.MinStatus && (f.MaxStatus == 0 || r.Status <= f.MaxStatus) &&
		r.Duration >= f.MinDuration.Microseconds() && (f.Stream == nil || *f.Stream == r.Stream) &&
		(f.Tried == nil || *f.Tried == (r.Trial != ""))
}

// texts are the columns that are compared as they are.
func (f *RecordFilter) texts(r *fairlead.StoredRecord) [6]struct{ column, wanted, value string } {
	return [...]struct{ column, wanted, value string }{
		{"node", f.Node, r.Node},
		{"key_id", f.Key, r.Key},
		{"model", f.Model, r.Served},
		{"endpoint", f.Endpoint, r.Endpoint},
		{"code", string(f.Code), string(r.Code)},
		{"kept", string(f.Kept), string(r.Kept)},
	}
}

// asked lists the providers of a record's endpoints.
func asked(r *fairlead.StoredRecord) (list []string) {
	add := func(endpoint string) {
		_, place, _ := strings.Cut(endpoint, "@")
		place, _, _ = strings.Cut(place, "~")
		if place != "" && !slices.Contains(list, place) {
			list = append(list, place)
		}
	}
	add(r.Endpoint)
	for i := range r.Attempts {
		add(r.Attempts[i].Endpoint)
	}
	return list
}

// askedText has each provider between spaces, so that one can be looked for without finding a part of another.
func askedText(r *fairlead.StoredRecord) string { return " " + strings.Join(asked(r), " ") + " " }

func (f *RecordFilter) query() (string, []any) {
	var s strings.Builder
	args := []any{f.From.UnixMicro(), f.Until.UnixMicro()}
	s.WriteString(`SELECT content FROM records WHERE at >= $1 AND at < $2`)
	// and adds a condition on one value, whose place in it is $.
	and := func(condition string, value any) {
		args = append(args, value)
		s.WriteString(` AND ` + strings.Replace(condition, "$", "$"+strconv.Itoa(len(args)), 1))
	}
	for _, c := range f.texts(&fairlead.StoredRecord{}) {
		if c.wanted != "" {
			and(c.column+` = $`, c.wanted)
		}
	}
	if f.Provider != "" {
		and(`REPLACE(providers, $, '') <> providers`, " "+f.Provider+" ") // LIKE knows no letter cases in SQLite
	}
	if f.MinStatus > 0 {
		and(`status >= $`, f.MinStatus)
	}
	if f.MaxStatus > 0 {
		and(`status <= $`, f.MaxStatus)
	}
	if f.MinDuration > 0 {
		and(`duration >= $`, f.MinDuration.Microseconds())
	}
	if f.Stream != nil {
		and(`stream = $`, bit(*f.Stream))
	}
	if f.Tried != nil {
		and(`tried = $`, bit(*f.Tried))
	}
	if f.Nodes != nil {
		s.WriteString(` AND node IN (`)
		for i, n := range f.Nodes {
			args = append(args, n)
			s.WriteString([]string{"", ", "}[min(i, 1)] + `$` + strconv.Itoa(len(args)))
		}
		s.WriteString(`)`)
	}
	if f.Before != nil {
		args = append(args, f.Before.At, f.Before.ID)
		fmt.Fprintf(&s, ` AND (at, id) < ($%d, $%d)`, len(args)-1, len(args))
	}
	args = append(args, f.Limit)
	s.WriteString(` ORDER BY at DESC, id DESC LIMIT $` + strconv.Itoa(len(args)))
	return s.String(), args
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
