package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"fairlead"
)

func testKeys(t *testing.T, db Database) {
	s := open(t, db)
	wantKeys(t, s, nil)
	keys := fill(t, s, 3)
	odd := newKey(3)
	odd.Name = "naïve \"key\" <&>; DROP TABLE keys; --"
	c, err := s.CreateKeys(t.Context(), act("key.create", odd.ID), odd, newKeyOf(t, 4, &keys))
	check(t, err)
	if c.Number != 4 || !bytes.Contains(c.Content, []byte("<&>")) {
		t.Errorf("change %d: %s", c.Number, c.Content)
	}
	wantKeys(t, s, slices.Insert(keys, 3, odd))
	wantHead(t, s, 4) // two keys in one change
	c, err = s.CreateKeys(t.Context(), act("key.create", ""))
	check(t, err)
	if c.Number != 0 {
		t.Errorf("no keys made change %d", c.Number)
	}
	wantHead(t, s, 4)
}

// newKeyOf makes the nth key and appends it.
func newKeyOf(t *testing.T, n int, keys *[]fairlead.Key) fairlead.Key {
	t.Helper()
	k := newKey(n)
	*keys = append(*keys, k)
	return k
}

func testPages(t *testing.T, db Database) {
	s := open(t, db)
	keys := fill(t, s, 5)
	twin := keys[4] // made in the same microsecond as another
	twin.ID, twin.Hash = keys[4].ID+"z", fairlead.HashKey("twin")
	_, err := s.CreateKeys(t.Context(), act("key.create", twin.ID), twin)
	check(t, err)
	keys = append(keys, twin)

	var all []fairlead.Key
	for after := ""; ; after = all[len(all)-1].ID {
		page, err := s.Keys(t.Context(), after, 2)
		check(t, err)
		if all = append(all, page...); len(page) < 2 {
			break
		}
	}
	same(t, "all pages", all, keys)
	_, err = s.Keys(t.Context(), "key_unknown", 2)
	wantCode(t, err, fairlead.CodeNotFound)
}

func testKeyPages(t *testing.T, db Database) {
	s := open(t, db)
	keys := fill(t, s, 7)
	slices.SortFunc(keys, func(a, b fairlead.Key) int { return bytes.Compare(a.Hash[:], b.Hash[:]) })
	var all []fairlead.Key
	for after := (fairlead.KeyHash{}); ; after = all[len(all)-1].Hash {
		page, err := s.KeyPage(t.Context(), after, 3)
		check(t, err)
		if all = append(all, page...); len(page) < 3 {
			break
		}
	}
	same(t, "all pages", all, keys)
}

func testTaken(t *testing.T, db Database) {
	s := open(t, db)
	k := fill(t, s, 1)[0]
	sameID, sameHash := newKey(1), newKey(2)
	sameID.ID, sameHash.Hash = k.ID, k.Hash
	for _, taken := range []fairlead.Key{sameID, sameHash} {
		_, err := s.CreateKeys(t.Context(), act("key.create", ""), newKey(3), taken)
		wantCode(t, err, fairlead.CodeConflict)
	}
	wantKeys(t, s, []fairlead.Key{k})
	wantHead(t, s, 1)
	if v := wantWhole(t, s); v.Entries != 1 {
		t.Errorf("%d acts, want 1", v.Entries)
	}
}

func testRevoke(t *testing.T, db Database) {
	s := open(t, db)
	keys := fill(t, s, 2)
	at := start.Add(time.Hour + 999*time.Nanosecond)
	want := keys[0]
	want.Revoked = at.Truncate(time.Microsecond)
	for i, when := range []time.Time{at, at.Add(time.Minute), at.Add(-time.Minute)} {
		a := act("key.revoke", keys[0].ID)
		a.At = when.In(time.FixedZone("", 3600))
		k, c, err := s.RevokeKey(t.Context(), keys[0].ID, a)
		check(t, err)
		same(t, "revoked", k, want)
		if (c.Number == 3) != (i == 0) || (c.Number == 0) != (i > 0) {
			t.Errorf("revocation %d made change %d", i, c.Number)
		}
	}
	wantKeys(t, s, []fairlead.Key{want, keys[1]})
	wantHead(t, s, 3) // two creations, one revocation
	_, _, err := s.RevokeKey(t.Context(), "key_unknown", act("key.revoke", ""))
	wantCode(t, err, fairlead.CodeNotFound)
	wantHead(t, s, 3)
	wantWhole(t, s)
}

// testManyKeys goes past what one statement inserts, and ends between two.
func testManyKeys(t *testing.T, db Database) {
	s := open(t, db)
	keys := make([]fairlead.Key, 1201)
	for i := range keys {
		keys[i] = newKey(i)
	}
	c, err := s.CreateKeys(t.Context(), act("key.create", fmt.Sprint(len(keys), " keys")), keys...)
	check(t, err)
	if c.Number != 1 {
		t.Errorf("change %d, want 1", c.Number)
	}
	wantKeys(t, s, keys)
	wantWhole(t, s)
}
