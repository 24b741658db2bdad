package storetest

import (
	"strings"
	"testing"
	"time"

	"fairlead"
)

// testRests holds that what may wait rests between its pieces, that other writes of the store never do, and that pieces lose nothing:
// neither rows about their ends nor one that no newline ends.
func testRests(t *testing.T, db Database) {
	s := open(t, db)
	rests := 0
	s.Rest = func() { rests++ }
	const many = 100
	var rows []fairlead.StoredRecord
	for n := range many {
		rows = append(rows, row(n, func(r *fairlead.StoredRecord) { r.Key = "key_" + strings.Repeat("k", 5*n) }))
	}
	b := batchOf(t, rows...)
	b.Rows = b.Rows[:len(b.Rows)-1]
	bad, err := s.PutRecords(t.Context(), b)
	check(t, err)
	if pieces := len(b.Rows) / (17 << 10); bad != 0 || pieces < 2 || rests < pieces+many/20 {
		t.Errorf("%d bad; %d rests in %d pieces and %d rows", bad, rests, pieces, many)
	}
	got, err := s.Records(t.Context(), fairlead.RecordFilter{From: start.Add(-time.Minute), Until: start.Add(time.Hour), Limit: many + 1})
	check(t, err)
	for i := range got {
		if want := rows[many-1-i]; got[i].ID != want.ID || got[i].Key != want.Key {
			t.Fatalf("record %d is %s of %s, want %s of %s", i, got[i].ID, got[i].Key, want.ID, want.Key)
		}
	}
	if len(got) != many {
		t.Errorf("%d records of %d", len(got), many)
	}

	rests = 0
	kept, err := s.TakeFrames(t.Context(), []fairlead.Frame{frameOf(1, `{"n":1}`), frameOf(2, `{"n":2}`), frameOf(3, `{"n":3}`)})
	check(t, err)
	if len(kept) != 3 || rests < 4 {
		t.Errorf("%d frames with %d rests", len(kept), rests)
	}

	rests = 0
	k := newKey(1)
	_, err = s.CreateKeys(t.Context(), act("key.create", k.ID), k)
	check(t, err)
	if rests != 0 {
		t.Errorf("the creation of a key rested %d times", rests)
	}
}
