package store

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"fairlead"
)

// maxNodes bounds how many nodes a question can name.
const maxNodes = 10_000

func checkFilter(f *fairlead.RecordFilter) error {
	switch {
	case f.From.IsZero() || f.Until.IsZero() || !f.From.Before(f.Until):
		return fairlead.Errorf(fairlead.CodeInvalidRequest, "records are asked for by time: from one until a later one")
	case f.Limit < 1 || f.Limit > fairlead.MaxRecords:
		return fairlead.Errorf(fairlead.CodeInvalidRequest, "1 to "+strconv.Itoa(fairlead.MaxRecords)+" records can be asked for at once")
	case len(f.Nodes) > maxNodes:
		return fairlead.Errorf(fairlead.CodeInvalidRequest, "too many nodes are named")
	case f.Before != nil:
		if err := storable(f.Before.ID); err != nil {
			return err
		}
	}
	return storable(slices.Concat(f.Nodes, []string{f.Node, f.Key, f.Model, f.Endpoint, f.Provider, string(f.Code), string(f.Kept)})...)
}

// filterTexts are the columns that are compared as they are.
func filterTexts(f *fairlead.RecordFilter) [6]struct{ column, wanted string } {
	return [...]struct{ column, wanted string }{
		{"node", f.Node},
		{"key_id", f.Key},
		{"model", f.Model},
		{"endpoint", f.Endpoint},
		{"code", string(f.Code)},
		{"kept", string(f.Kept)},
	}
}

// askedText has each provider between spaces, so that one can be looked for without finding a part of another.
func askedText(r *fairlead.StoredRecord) string { return " " + strings.Join(r.Providers(), " ") + " " }

func filterQuery(f *fairlead.RecordFilter) (string, []any) {
	var s strings.Builder
	args := []any{f.From.UnixMicro(), f.Until.UnixMicro()}
	s.WriteString(`SELECT content FROM records WHERE at >= $1 AND at < $2`)
	// and adds a condition on one value, whose place in it is $.
	and := func(condition string, value any) {
		args = append(args, value)
		s.WriteString(` AND ` + strings.Replace(condition, "$", "$"+strconv.Itoa(len(args)), 1))
	}
	for _, c := range filterTexts(f) {
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
