package storetest

import (
	"testing"
	"time"

	"fairlead"
)

func testCreateAndList(t *testing.T, db Database) {
	s := open(t, db)
	wantKeys(t, s, nil)
	keys := fill(t, s, 3)
	odd := newKey(3)
	odd.Name = "naïve \"key\"; DROP TABLE keys; --"
	if err := s.CreateKey(t.Context(), odd); err != nil {
		t.Fatal(err)
	}
	wantKeys(t, s, append(keys, odd))
}

func testPages(t *testing.T, db Database) {
	s := open(t, db)
	keys := fill(t, s, 5)
	twin := keys[4] // made in the same microsecond as another
	twin.ID, twin.Hash = keys[4].ID+"z", fairlead.HashKey("twin")
	if err := s.CreateKey(t.Context(), twin); err != nil {
		t.Fatal(err)
	}
	keys = append(keys, twin)

	var all []fairlead.Key
	for after := ""; ; after = all[len(all)-1].ID {
		page, err := s.Keys(t.Context(), after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if all = append(all, page...); len(page) < 2 {
			break
		}
	}
	wantSame(t, all, keys)
	_, err := s.Keys(t.Context(), "key_unknown", 2)
	wantCode(t, err, fairlead.CodeNotFound)
}

func testTaken(t *testing.T, db Database) {
	s := open(t, db)
	k := fill(t, s, 1)[0]
	sameID, sameHash := newKey(1), newKey(2)
	sameID.ID, sameHash.Hash = k.ID, k.Hash
	wantCode(t, s.CreateKey(t.Context(), sameID), fairlead.CodeConflict)
	wantCode(t, s.CreateKey(t.Context(), sameHash), fairlead.CodeConflict)
	wantKeys(t, s, []fairlead.Key{k})
	wantHead(t, s, 1)
}

func testRevoke(t *testing.T, db Database) {
	s := open(t, db)
	keys := fill(t, s, 2)
	at := start.Add(time.Hour + 999*time.Nanosecond)
	for _, when := range []time.Time{at, at.Add(time.Minute), at.Add(-time.Minute)} {
		k, err := s.RevokeKey(t.Context(), keys[0].ID, when.In(time.FixedZone("", 3600)))
		if err != nil {
			t.Fatal(err)
		}
		want := keys[0]
		want.Revoked = at.Truncate(time.Microsecond)
		wantSame(t, []fairlead.Key{k}, []fairlead.Key{want})
	}
	keys[0].Revoked = at.Truncate(time.Microsecond)
	wantKeys(t, s, keys)
	wantHead(t, s, 3) // two creations, one revocation
}

func testRevokeUnknown(t *testing.T, db Database) {
	s := open(t, db)
	keys := fill(t, s, 1)
	_, err := s.RevokeKey(t.Context(), "key_unknown", start)
	wantCode(t, err, fairlead.CodeNotFound)
	wantKeys(t, s, keys)
	wantHead(t, s, 1)
}

func testReopen(t *testing.T, db Database) {
	s, err := db.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	keys := fill(t, s, 2)
	source, _, _ := s.Head(t.Context())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, db)
	wantKeys(t, s, keys)
	again, _, _ := s.Head(t.Context())
	if source == "" || source != again {
		t.Errorf("the log's name was %q and is %q after reopening", source, again)
	}
}

func testKilled(t *testing.T, db Database) {
	s := open(t, db) // closed only after the test
	keys := fill(t, s, 2)
	if _, err := s.RevokeKey(t.Context(), keys[1].ID, start); err != nil {
		t.Fatal(err)
	}
	keys[1].Revoked = start
	again := open(t, db)
	wantKeys(t, again, keys)
	wantHead(t, again, 3)
	more := newKey(2)
	if err := again.CreateKey(t.Context(), more); err != nil {
		t.Fatal(err)
	}
	wantKeys(t, again, append(keys, more))
}
