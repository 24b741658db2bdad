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
	const many, each = 100, 20 // rows, and those of a statement
	var rows []fairlead.StoredRecord
	for n := range many {
		rows = append(rows, row(n, func(r *fairlead.StoredRecord) { r.Key = "key_" + strings.Repeat("k", 300) }))
	}
	b := batchOf(t, rows...)
	b.Rows = b.Rows[:len(b.Rows)-1]
	bad, err := s.PutRecords(t.Context(), b)
	check(t, err)
	size := len(b.Rows)/many + 1                                                 // of a row
	inPiece := (16<<10)/size + 1                                                 // rows: the one in which the piece's bytes end is its last
	pieces := (many + inPiece - 1) / inPiece                                     // read
	if want := pieces + many/each + 1; bad != 0 || pieces < 3 || rests != want { // and the commit
		t.Errorf("%d bad; %d rests in %d pieces of %d rows, want %d", bad, rests, pieces, inPiece, want)
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
	// Each frame twice (packed, read), the statements that keep and settle them, the commit.
	if len(kept) != 3 || rests != 9 {
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
