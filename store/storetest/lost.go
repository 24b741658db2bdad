package storetest

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"fairlead"
)

func testLost(t *testing.T, db Database) {
	s := open(t, db)
	fill(t, s, 2)
	have := everything(t, s)
	gone := fairlead.Change{Number: 2, Kind: fairlead.ChangeKey, At: start, By: "admin", Content: []byte(`{"keys":[]}`)}
	gone.Hash = gone.Chain(have[0].Hash)
	next := fairlead.Change{Number: 3, Kind: "kind-of-later", At: start, By: "admin", Content: []byte(`{}`)}
	next.Hash = next.Chain(gone.Hash)
	for _, c := range []struct {
		node    string
		changes []fairlead.Change
	}{
		{"edge-2", []fairlead.Change{have[0], gone, next}}, // the first is not lost
		{"edge-1", []fairlead.Change{gone}},
		{"edge-1", []fairlead.Change{gone}}, // said already
		{"edge-3", []fairlead.Change{have[1]}},
		{"edge-3", nil},
	} {
		made, err := s.ReportLost(t.Context(), c.node, c.changes)
		if check(t, err); len(made) != 0 {
			t.Errorf("%s: changes %+v", c.node, made)
		}
	}
	lost, err := s.Lost(t.Context())
	check(t, err)
	if len(lost) != 2 {
		t.Fatalf("lost %+v", lost)
	}
	same(t, "first", lost[0].Change, gone)
	same(t, "first by", lost[0].Nodes, []string{"edge-1", "edge-2"})
	same(t, "second", lost[1].Change, next)
	same(t, "second by", lost[1].Nodes, []string{"edge-2"})
	all, err := s.Audit(t.Context(), 0, 2)
	check(t, err)
	if all[0].By != "edge-1" || all[1].By != "edge-2" || all[1].Action != "log.lost" {
		t.Errorf("audit %+v", all)
	}

	// What is known already need not be brought.
	id := func(c fairlead.Change) fairlead.Position { return fairlead.Position{Number: c.Number, Hash: c.Hash} }
	fresh := fairlead.Change{Number: 4, Hash: fairlead.Hash{4}}
	for range 2 {
		missing, err := s.NoteLost(t.Context(), "edge-4", []fairlead.Position{id(fresh), id(next), id(gone), id(have[0])})
		check(t, err)
		same(t, "missing", missing, []int64{4})
	}
	missing, err := s.NoteLost(t.Context(), "edge-5", []fairlead.Position{id(have[1])})
	if check(t, err); missing != nil {
		t.Errorf("missing are %v", missing)
	}
	lost, err = s.Lost(t.Context())
	check(t, err)
	same(t, "first by", lost[0].Nodes, []string{"edge-1", "edge-2", "edge-4"})
	same(t, "second by", lost[1].Nodes, []string{"edge-2", "edge-4"})
	all, err = s.Audit(t.Context(), 0, 2)
	check(t, err)
	if all[0].By != "edge-4" || all[0].Target != "2 changes, 2 to 3" || all[1].By != "edge-1" {
		t.Errorf("audit %+v", all)
	}
	wantWhole(t, s)
}

// testLostRevocations holds that a key whose revocation a restored log lacks is revoked again as soon as a node tells of it: once, all
// of a report in one change, and nothing else that was lost comes back by itself.
func testLostRevocations(t *testing.T, db, restored Database) {
	before := open(t, db)
	keys := fill(t, before, 4)
	file := backUp(t, before)
	late := newKey(9)
	_, err := before.CreateKeys(t.Context(), act("key.create", late.ID), late)
	check(t, err)
	for _, id := range []string{keys[0].ID, keys[2].ID, late.ID} {
		_, _, err := before.RevokeKey(t.Context(), id, act("key.revoke", id))
		check(t, err)
	}
	lost := everything(t, before)[4:]

	s := open(t, restored)
	_, err = s.Restore(t.Context(), bytes.NewReader(file))
	check(t, err)
	odd := fairlead.Change{Number: 99, Kind: fairlead.ChangeKey, At: start, Content: []byte(`no JSON`), Hash: fairlead.Hash{3}}
	stranger := keys[1]
	stranger.Hash, stranger.Revoked = fairlead.KeyHash{1}, start // the id of one key, the secret of another
	content, err := json.Marshal(fairlead.KeyContent{Keys: []fairlead.StoredKey{stranger.Stored()}})
	check(t, err)
	other := fairlead.Change{Number: 100, Kind: fairlead.ChangeKey, At: start, Content: content, Hash: fairlead.Hash{4}}
	for _, c := range []struct {
		node    string
		changes []fairlead.Change
		revokes []string
	}{
		{"edge-1", slices.Concat(lost[:1], []fairlead.Change{odd, other}), nil},
		{"edge-1", lost, []string{keys[0].ID, keys[2].ID}},
		{"edge-1", lost, nil},
		{"edge-2", lost, nil},
	} {
		made, err := s.ReportLost(t.Context(), c.node, c.changes)
		check(t, err)
		revoked := keysIn(t, made)
		slices.Sort(c.revokes)
		same(t, c.node+" revokes", revoked, c.revokes)
	}
	want := slices.Clone(keys)
	want[0].Revoked, want[2].Revoked = start, start // when it was
	wantKeys(t, s, want)
	all, err := s.Audit(t.Context(), 0, 3)
	check(t, err)
	if a := all[2]; a.By != "restore" || a.Action != "key.revoke" || a.Target != "2 keys" || a.Change != 5 || !strings.Contains(a.Why, "edge-1") {
		t.Errorf("audit %+v", a)
	}
	wantWhole(t, s)
}

// keysIn gives the ids of the keys in changes, sorted.
func keysIn(t *testing.T, changes []fairlead.Change) (ids []string) {
	t.Helper()
	for i := range changes {
		var content fairlead.KeyContent
		check(t, json.Unmarshal(changes[i].Content, &content))
		for _, k := range content.Keys {
			ids = append(ids, k.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// testRevokedBefore holds that keys are revoked again which a node remembers as revoked, though by no change: once, and none but those
// of the same secret.
func testRevokedBefore(t *testing.T, db Database) {
	s := open(t, db)
	s.Clock = func() time.Time { return start.Add(time.Hour) }
	keys := fill(t, s, 4)
	was := slices.Clone(keys)
	was[0].Revoked, was[1].Revoked = start.Add(time.Minute), start.Add(time.Minute)
	was[1].Hash = fairlead.KeyHash{1} // another secret
	was[3].Revoked = start.Add(48 * time.Hour)
	unknown := newKey(77)
	unknown.Revoked = start
	was = append(was, unknown)
	for _, c := range []struct {
		node    string
		revokes []string
	}{{"edge-1", []string{keys[0].ID, keys[3].ID}}, {"edge-1", nil}, {"edge-2", nil}} {
		made, err := s.RevokeLost(t.Context(), c.node, was)
		check(t, err)
		slices.Sort(c.revokes)
		same(t, c.node+" revokes", keysIn(t, made), c.revokes)
	}
	want := slices.Clone(keys)
	want[0].Revoked, want[3].Revoked = start.Add(time.Minute), start.Add(time.Hour)
	wantKeys(t, s, want)
	all, err := s.Audit(t.Context(), 0, 1)
	check(t, err)
	if a := all[0]; a.By != "restore" || a.Action != "key.revoke" || a.Target != "2 keys" || a.Change != 5 || !strings.Contains(a.Why, "edge-1") {
		t.Errorf("audit %+v", a)
	}
	wantWhole(t, s)
}
