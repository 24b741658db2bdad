package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/store"
)

// frameOf makes a frame of edge-1 with lines.
func frameOf(sequence int64, lines ...string) fairlead.Frame {
	f := fairlead.Frame{Node: "edge-1", Incarnation: "inc_1", Sequence: sequence, At: start.Truncate(time.Microsecond).Add(time.Duration(sequence) * time.Second), Count: len(lines)}
	for _, l := range lines {
		f.Lines = append(append(f.Lines, l...), '\n')
	}
	f.Hash = f.Sum()
	return f
}

// testFrames holds that a frame is taken once, and that another one under its key is refused and stands in the audit.
func testFrames(t *testing.T, db Database) {
	s := open(t, db)
	take := func(what string, f fairlead.Frame, want bool) {
		t.Helper()
		if kept, err := s.TakeFrames(t.Context(), []fairlead.Frame{f}); err != nil || len(kept) != 1 || kept[0] != want {
			t.Errorf("%s: kept %v, %v", what, kept, err)
		}
	}
	one, two := frameOf(1, `{"n":1}`), frameOf(2, `{"n":2}`, `{"n":3}`)
	take("the first", one, true)
	take("again", one, false)
	take("the second", two, true)
	take("the first once more", one, false)
	_, err := s.TakeFrames(t.Context(), []fairlead.Frame{frameOf(2, `{"n":4}`)})
	wantCode(t, err, fairlead.CodeConflict)
	entries, err := s.Audit(t.Context(), 0, 1)
	check(t, err)
	if len(entries) != 1 || entries[0].Action != "frame.conflict" || entries[0].By != "edge-1" || entries[0].Target != "inc_1/2" {
		t.Errorf("audit %+v", entries)
	}
	altered := frameOf(3, `{"n":5}`)
	altered.Lines[3] = 'm'
	_, err = s.TakeFrames(t.Context(), []fairlead.Frame{altered})
	wantCode(t, err, fairlead.CodeInvalidRequest)

	var gap *fairlead.FrameGap
	if _, err = s.TakeFrames(t.Context(), []fairlead.Frame{frameOf(5, `{"n":9}`)}); !errors.As(err, &gap) || gap.Last != 2 {
		t.Errorf("a frame too early: %v", err)
	}
	late := frameOf(5, `{"n":9}`)
	late.Gap = true
	take("what is before is kept nowhere", late, true)
	damaged := frameOf(6, `{"n":10}`, `{"n":11}`)
	damaged.Lines, damaged.Lost = damaged.Lines[9:], 1
	take("a damaged one", damaged, true)
	take("whole", frameOf(6, `{"n":10}`, `{"n":11}`), false)

	got, err := s.Frames(t.Context(), fairlead.FrameKey{Node: "edge-1", Incarnation: "inc_1", Sequence: 1}, 10)
	check(t, err)
	same(t, "frames", got, []fairlead.Frame{two, late, damaged})
	wantWhole(t, s)
}

// testFramesTogether holds that of frames that come together those before the first bad one are kept.
func testFramesTogether(t *testing.T, db Database) {
	s := open(t, db)
	altered := frameOf(5, `{"n":5}`)
	altered.Lines[3] = 'm'
	for _, c := range []struct {
		name   string
		frames []fairlead.Frame
		kept   []bool
		code   fairlead.Code // "" = none
		gap    int64         // 0 = none
	}{
		{"two", []fairlead.Frame{frameOf(1, `{"n":1}`), frameOf(2, `{"n":2}`)}, []bool{true, true}, "", 0},
		{"one again, and two", []fairlead.Frame{frameOf(2, `{"n":2}`), frameOf(3, `{"n":3}`), frameOf(4, `{"n":4}`)}, []bool{false, true, true}, "", 0},
		{"one twice", []fairlead.Frame{frameOf(5, `{"n":5}`), frameOf(5, `{"n":5}`)}, []bool{true, false}, "", 0},
		{"one, and one too early", []fairlead.Frame{frameOf(6, `{"n":6}`), frameOf(8, `{"n":8}`), frameOf(9, `{"n":9}`)}, []bool{true}, "", 6},
		{"one, and another one under a key", []fairlead.Frame{frameOf(7, `{"n":7}`), frameOf(7, `{"n":0}`), frameOf(8, `{"n":8}`)}, []bool{true}, fairlead.CodeConflict, 0},
		{"one, and one that is none", []fairlead.Frame{frameOf(8, `{"n":8}`), altered, frameOf(9, `{"n":9}`)}, []bool{true}, fairlead.CodeInvalidRequest, 0},
		{"one that is none", []fairlead.Frame{altered, frameOf(9, `{"n":9}`)}, nil, fairlead.CodeInvalidRequest, 0},
	} {
		kept, err := s.TakeFrames(t.Context(), c.frames)
		same(t, c.name, kept, c.kept)
		var gap *fairlead.FrameGap
		switch {
		case c.code != "":
			wantCode(t, err, c.code)
		case c.gap != 0:
			if !errors.As(err, &gap) || gap.Last != c.gap {
				t.Errorf("%s: %v", c.name, err)
			}
		default:
			check(t, err)
		}
	}
	got, err := s.Frames(t.Context(), fairlead.FrameKey{Node: "edge-1", Incarnation: "inc_1"}, 10)
	check(t, err)
	for i, f := range got {
		same(t, "frame", f, frameOf(int64(i+1), fmt.Sprintf(`{"n":%d}`, i+1)))
	}
	if len(got) != 8 {
		t.Errorf("%d frames, want 8", len(got))
	}
	wantWhole(t, s)
}

// testFramesRestored holds that frames are in a backup: an edge that has sent more is told from where on to send again.
func testFramesRestored(t *testing.T, db, other Database) {
	s := open(t, db)
	for i := range int64(3) {
		_, err := s.TakeFrames(t.Context(), []fairlead.Frame{frameOf(i+1, `{}`)})
		check(t, err)
	}
	var file strings.Builder
	_, err := s.Backup(t.Context(), &file)
	check(t, err)
	o := open(t, other)
	_, err = o.Restore(t.Context(), strings.NewReader(file.String()))
	check(t, err)
	var gap *fairlead.FrameGap
	if _, err := o.TakeFrames(t.Context(), []fairlead.Frame{frameOf(9, `{}`)}); !errors.As(err, &gap) || gap.Last != 3 {
		t.Errorf("after the restore: %v", err)
	}
}

// testChargeLines holds that the lines of an exchange are found by its id, among those of many others.
func testChargeLines(t *testing.T, db Database) {
	s := open(t, db)
	tag, ids := fairlead.TagOf("edge-1"), []string{}
	line := func(kind fairlead.LineKind, id string, at time.Time) string {
		text, err := json.Marshal(fairlead.ChargeLine{Kind: kind, ID: id, At: at.UnixMicro(), Status: 200})
		check(t, err)
		return string(text)
	}
	var begun, ended []string
	for i := range 50 {
		at := start.Add(time.Duration(i) * time.Second)
		id := fairlead.NewExchangeID(tag, at)
		ids = append(ids, id)
		begun, ended = append(begun, line(fairlead.LineIntent, id, at)), append(ended, line(fairlead.LineCharge, id, at.Add(10*time.Minute)))
	}
	foreign := fairlead.NewExchangeID(fairlead.TagOf("edge-2"), start)
	begun = append(begun, line(fairlead.LineCharge, foreign, start), "not JSON")
	slices.Reverse(ended)
	for i, lines := range [][]string{begun[:20], begun[20:], ended[:9], ended[9:]} {
		_, err := s.TakeFrames(t.Context(), []fairlead.Frame{frameOf(int64(i+1), lines...)})
		check(t, err)
	}
	for i, id := range ids {
		found, err := s.ChargeLines(t.Context(), id)
		check(t, err)
		if len(found) != 2 || found[0].Kind != fairlead.LineIntent || found[1].Kind != fairlead.LineCharge || found[1].ID != id {
			t.Fatalf("exchange %d: %+v", i, found)
		}
		if want := (fairlead.FrameKey{Node: "edge-1", Incarnation: "inc_1", Sequence: 1 + int64(i)/20}); i < 20 && found[0].Frame != want {
			t.Errorf("exchange %d is in %+v, want %+v", i, found[0].Frame, want)
		}
	}
	for id, code := range map[string]fairlead.Code{
		foreign: fairlead.CodeNotFound, fairlead.NewExchangeID(tag, start): fairlead.CodeNotFound, "req_1": fairlead.CodeInvalidRequest,
	} {
		_, err := s.ChargeLines(t.Context(), id)
		wantCode(t, err, code)
	}
}

// row is a record of edge-1 that began so many seconds after start.
func row(n int, change func(*fairlead.StoredRecord)) fairlead.StoredRecord {
	at := start.Add(time.Duration(n) * time.Second)
	r := fairlead.StoredRecord{ID: fairlead.NewExchangeID(fairlead.TagOf("edge-1"), at), Node: "edge-1", At: at.UnixMicro(), Kept: fairlead.KeptSample, Operation: "chat", Dialect: fairlead.OpenAI, Served: "a/m"}
	if change != nil {
		change(&r)
	}
	return r
}

func batchOf(t *testing.T, rows ...fairlead.StoredRecord) fairlead.RecordBatch {
	t.Helper()
	b := fairlead.RecordBatch{Node: "edge-1"}
	for i := range rows {
		text, err := json.Marshal(&rows[i])
		check(t, err)
		b.Rows = append(append(b.Rows, text...), '\n')
	}
	return b
}

// tenRows are records of ten seconds, two of which are unlike the others.
func tenRows() (rows []fairlead.StoredRecord) {
	cost := fairlead.USD(12)
	for n := range 10 {
		rows = append(rows, row(n, func(r *fairlead.StoredRecord) {
			r.Cost, r.Attempts = &cost, []fairlead.StoredAttempt{{Endpoint: "a/m@p", Outcome: fairlead.OutcomeOK}}
			if n == 3 {
				r.Kept, r.Code, r.Key, r.Endpoint, r.Served = fairlead.KeptFailure, fairlead.CodeUpstreamFailed, "key_1", "b/n@p", "b/n"
				r.Status, r.Duration, r.Stream, r.Trial = 502, 2_500_000, true, "trial_1"
				r.Attempts = append(r.Attempts, fairlead.StoredAttempt{Endpoint: "b/n@az_re~two", Outcome: fairlead.OutcomeConnect})
			}
			if n == 4 {
				r.Status, r.Attempts[0].Endpoint = 200, "a/m@azure"
			}
		}))
	}
	return rows
}

// testRecords holds that records are kept once and found by time and by what they say, page by page.
func testRecords(t *testing.T, db Database) {
	s := open(t, db)
	rows := tenRows()
	bad := row(3, func(r *fairlead.StoredRecord) { r.Endpoint = "a\x00b" })
	stranger := row(3, func(r *fairlead.StoredRecord) { r.ID = fairlead.NewExchangeID(fairlead.TagOf("edge-2"), start) })
	for range 2 {
		if n, err := s.PutRecords(t.Context(), batchOf(t, append(rows[:10:10], bad, stranger)...)); err != nil || n != 2 {
			t.Errorf("%d are bad, %v", n, err)
		}
	}
	all := slices.Clone(rows)
	slices.Reverse(all)
	from, until := start.Truncate(time.Microsecond), start.Add(time.Minute)
	for _, c := range []struct {
		name   string
		filter fairlead.RecordFilter
		want   []fairlead.StoredRecord
	}{
		{"all", fairlead.RecordFilter{}, all},
		{"some", fairlead.RecordFilter{Limit: 3}, all[:3]},
		{"the next page", fairlead.RecordFilter{Limit: 3, Before: &all[2]}, all[3:6]},
		{"of a time", fairlead.RecordFilter{From: time.UnixMicro(rows[4].At), Until: time.UnixMicro(rows[6].At)}, all[4:6]},
		{"of a node", fairlead.RecordFilter{Node: "edge-1"}, all},
		{"of another", fairlead.RecordFilter{Node: "edge-2"}, nil},
		{"of a key", fairlead.RecordFilter{Key: "key_1"}, rows[3:4]},
		{"of a model", fairlead.RecordFilter{Model: "b/n"}, rows[3:4]},
		{"of an endpoint", fairlead.RecordFilter{Endpoint: "b/n@p"}, rows[3:4]},
		{"with a code", fairlead.RecordFilter{Code: fairlead.CodeUpstreamFailed}, rows[3:4]},
		{"of some nodes", fairlead.RecordFilter{Nodes: []string{"edge-2", "edge-1"}, Key: "key_1"}, rows[3:4]},
		{"of other nodes", fairlead.RecordFilter{Nodes: []string{"edge-2", "edge-3"}}, nil},
		{"of no node", fairlead.RecordFilter{Nodes: []string{}}, nil},
		{"with an attempt at a provider", fairlead.RecordFilter{Provider: "az_re"}, rows[3:4]},
		{"with another's", fairlead.RecordFilter{Provider: "azure"}, rows[4:5]},
		{"with a part of a provider's name", fairlead.RecordFilter{Provider: "az"}, nil},
		{"with a provider in other letters", fairlead.RecordFilter{Provider: "AZURE"}, nil},
		{"with a pattern", fairlead.RecordFilter{Provider: "az%"}, nil},
		{"with a status", fairlead.RecordFilter{MinStatus: 502, MaxStatus: 502}, rows[3:4]},
		{"with a status or more", fairlead.RecordFilter{MinStatus: 200}, []fairlead.StoredRecord{rows[4], rows[3]}},
		{"with a status at most", fairlead.RecordFilter{MinStatus: 1, MaxStatus: 499}, rows[4:5]},
		{"that took long", fairlead.RecordFilter{MinDuration: 2500 * time.Millisecond}, rows[3:4]},
		{"that took longer", fairlead.RecordFilter{MinDuration: 2501 * time.Millisecond}, nil},
		{"streamed", fairlead.RecordFilter{Stream: new(true)}, rows[3:4]},
		{"not streamed", fairlead.RecordFilter{Stream: new(false), MinStatus: 200}, rows[4:5]},
		{"on trial", fairlead.RecordFilter{Tried: new(true)}, rows[3:4]},
		{"not on trial", fairlead.RecordFilter{Tried: new(false), MinStatus: 200}, rows[4:5]},
		{"kept as failures", fairlead.RecordFilter{Kept: fairlead.KeptFailure, Model: "b/n"}, rows[3:4]},
		{"nothing", fairlead.RecordFilter{Code: fairlead.CodeInternal}, nil},
	} {
		if c.filter.From.IsZero() {
			c.filter.From, c.filter.Until = from, until
		}
		whole := c.filter.Limit == 0
		if whole {
			c.filter.Limit = fairlead.MaxRecords
		}
		got, err := s.Records(t.Context(), c.filter)
		check(t, err)
		same(t, c.name, got, c.want)
		if whole {
			wantMatches(t, c.name, &c.filter, rows, got)
		}
	}
	wantRefused(t, s, from, until)
	got, err := s.Record(t.Context(), rows[5].ID)
	check(t, err)
	same(t, "one", got, rows[5])
	for id, code := range map[string]fairlead.Code{stranger.ID: fairlead.CodeNotFound, "x": fairlead.CodeInvalidRequest} {
		_, err := s.Record(t.Context(), id)
		wantCode(t, err, code)
	}
}

// wantRefused holds which questions cannot be asked.
func wantRefused(t *testing.T, s *store.Store, from, until time.Time) {
	t.Helper()
	for _, f := range []fairlead.RecordFilter{
		{Limit: 1},
		{From: until, Until: from, Limit: 1},
		{From: from, Until: until},
		{From: from, Until: until, Limit: fairlead.MaxRecords + 1},
		{From: from, Until: until, Limit: 1, Key: "a\x00"},
	} {
		_, err := s.Records(t.Context(), f)
		wantCode(t, err, fairlead.CodeInvalidRequest)
	}
}

// wantMatches holds that a filter finds by itself what the database finds by it.
func wantMatches(t *testing.T, name string, f *fairlead.RecordFilter, rows, found []fairlead.StoredRecord) {
	t.Helper()
	for i := range rows {
		at := time.UnixMicro(rows[i].At)
		inTime := !at.Before(f.From) && at.Before(f.Until)
		was := slices.ContainsFunc(found, func(r fairlead.StoredRecord) bool { return r.ID == rows[i].ID })
		if got := f.Matches(&rows[i]); inTime && got != was {
			t.Errorf("%s: record %d matches: %v; the database finds it: %v", name, i, got, was)
		}
	}
}

// testRecordCounts holds that what was left out is counted once, however often it is told.
func testRecordCounts(t *testing.T, db Database) {
	s := open(t, db)
	at := start.Unix()
	for range 2 {
		for _, node := range []string{"edge-1", "edge-2"} {
			_, err := s.PutRecords(t.Context(), fairlead.RecordBatch{Node: node, Seconds: []fairlead.RecordSecond{
				{Second: at, Seen: 10, Kept: 4, LeftOut: 5, Dropped: 1}, {Second: at + 1, Seen: 7, Kept: 7},
			}})
			check(t, err)
		}
	}
	for _, c := range []struct {
		from, until int64
		node        string
		want        fairlead.RecordSecond
	}{
		{at, at + 2, "", fairlead.RecordSecond{Second: at, Seen: 34, Kept: 22, LeftOut: 10, Dropped: 2}},
		{at, at + 1, "edge-2", fairlead.RecordSecond{Second: at, Seen: 10, Kept: 4, LeftOut: 5, Dropped: 1}},
		{at + 5, at + 9, "", fairlead.RecordSecond{Second: at + 5}},
	} {
		got, err := s.RecordCounts(t.Context(), time.Unix(c.from, 0), time.Unix(c.until, 0), c.node)
		check(t, err)
		same(t, fmt.Sprint(c.from-at, c.until-at, c.node), got, c.want)
	}
	_, err := s.RecordCounts(t.Context(), start, start, "")
	wantCode(t, err, fairlead.CodeInvalidRequest)
}

// testSweep holds that old records go, and the oldest of too many, and no others.
func testSweep(t *testing.T, db Database) {
	s := open(t, db)
	const n = 2500 // more than one step removes
	for i := 0; i < n; i += 100 {
		var rows []fairlead.StoredRecord
		for j := range 100 {
			rows = append(rows, row(i+j, nil))
		}
		b := batchOf(t, rows...)
		b.Seconds = []fairlead.RecordSecond{{Second: start.Unix() + int64(i), Seen: 100}}
		if bad, err := s.PutRecords(t.Context(), b); err != nil || bad != 0 {
			t.Fatalf("%d are bad, %v", bad, err)
		}
	}
	size := int64(0)
	left := func() (count int, first time.Time) {
		t.Helper()
		f := fairlead.RecordFilter{From: start.Add(-time.Hour), Until: start.Add(time.Hour), Limit: fairlead.MaxRecords}
		for {
			page, err := s.Records(t.Context(), f)
			check(t, err)
			if len(page) == 0 {
				return count, first
			}
			text, err := json.Marshal(&page[0])
			check(t, err)
			size = int64(len(text))
			count += len(page)
			f.Before = &page[len(page)-1]
			first = time.UnixMicro(f.Before.At).UTC()
		}
	}
	cut := start.Truncate(time.Microsecond).Add(1200 * time.Second)
	if removed, err := s.SweepRecords(t.Context(), cut, 0); err != nil || removed != 1200 {
		t.Errorf("%d are removed, %v", removed, err)
	}
	if count, first := left(); count != n-1200 || !first.Equal(cut) {
		t.Errorf("%d are left from %s on", count, first)
	}
	c, err := s.RecordCounts(t.Context(), start.Add(-time.Hour), start.Add(time.Hour), "")
	if check(t, err); c.Seen != n-1200 {
		t.Errorf("%d are counted", c.Seen)
	}
	if removed, err := s.SweepRecords(t.Context(), cut, 100*size); err != nil || removed != n-1200-100 {
		t.Errorf("%d are removed, %v", removed, err)
	}
	if count, _ := left(); count != 100 {
		t.Errorf("%d are left", count)
	}
	if removed, err := s.SweepRecords(t.Context(), cut, 100*size); err != nil || removed != 0 {
		t.Errorf("%d more are removed, %v", removed, err)
	}
}
