package storetest

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/store"
)

// node adds an edge, and lets it join.
func node(t *testing.T, s *store.Store, name string, token byte, at time.Time, joins bool) {
	t.Helper()
	n := fairlead.Node{Name: name, Role: fairlead.RoleEdge, Added: at}
	_, err := s.AddNode(t.Context(), n, fairlead.Hash{token}, at.Add(time.Hour), act("node.add", name))
	check(t, err)
	if !joins {
		return
	}
	_, _, err = s.JoinNode(t.Context(), fairlead.Hash{token}, at, fairlead.Node{Public: []byte("p"), Sealed: []byte("s"), Certificate: fairlead.Hash{token}}, act("node.join", name))
	check(t, err)
}

// testLostRemovals holds that an edge whose removal a restored log lacks is removed again as soon as a node tells of it, and that one
// which was added anew since is not.
func testLostRemovals(t *testing.T, db, restored Database) {
	before := open(t, db)
	for i, name := range []string{"gone", "again", "stays"} {
		node(t, before, name, byte(i+1), start, true)
	}
	_, err := before.SetNode(t.Context(), fairlead.Node{Name: "control-1", Role: fairlead.RoleAll, Added: start}, act("node.start", "control-1"))
	check(t, err)
	file := backUp(t, before)
	head, err := before.Head(t.Context())
	check(t, err)
	for _, name := range []string{"gone", "again", "control-1"} {
		_, _, err := before.RemoveNode(t.Context(), name, act("node.remove", name))
		check(t, err)
	}
	lost := everything(t, before)[head.Number:]

	s := open(t, restored)
	_, err = s.Restore(t.Context(), bytes.NewReader(file))
	check(t, err)
	_, _, err = s.RemoveNode(t.Context(), "again", act("node.remove", "again"))
	check(t, err)
	node(t, s, "again", 9, start.Add(time.Minute), true)
	report := func(_ []fairlead.Change, err error) {
		t.Helper()
		check(t, err)
	}
	odd := fairlead.Change{Number: 99, Kind: fairlead.ChangeNode, At: start, Content: []byte(`no JSON`), Hash: fairlead.Hash{3}}
	report(s.ReportLost(t.Context(), "edge-1", append([]fairlead.Change{odd}, lost...)))
	wantRemoved := func() {
		t.Helper()
		nodes, err := s.Nodes(t.Context())
		check(t, err)
		removed := ""
		for _, n := range nodes {
			if !n.Removed.IsZero() {
				removed += n.Name + " "
				if n.Sealed != nil || !n.Removed.Equal(start) {
					t.Errorf("%s is removed as %+v", n.Name, n)
				}
			}
		}
		same(t, "removed", removed, "gone ")
	}
	wantRemoved()
	at, err := s.Head(t.Context())
	check(t, err)
	all, err := s.Audit(t.Context(), 0, 2)
	check(t, err)
	if a := all[1]; a.By != "restore" || a.Action != "node.remove" || a.Target != "gone" || a.Change != at.Number || !strings.Contains(a.Why, "edge-1") {
		t.Errorf("audit %+v", a)
	}
	report(s.ReportLost(t.Context(), "edge-1", lost))
	report(s.ReportLost(t.Context(), "edge-2", lost))
	wantRemoved()
	wantHead(t, s, at.Number)
	node(t, s, "gone", 10, start.Add(time.Minute), true)
	report(s.ReportLost(t.Context(), "edge-3", lost))
	if n, err := s.Nodes(t.Context()); err != nil || len(n) != 4 || !n[2].Removed.IsZero() {
		t.Errorf("after it was added again: %+v, %v", n, err)
	}
	wantWhole(t, s)
}

// testUntrueRemovals holds that a node has no other one removed by what it says: not where nothing was restored, not long after a
// restore, and not what was added or removed since one.
func testUntrueRemovals(t *testing.T, db Database, fresh func(*testing.T) Database) {
	before := open(t, db)
	before.Clock = func() time.Time { return start.Add(time.Minute) }
	for i, name := range []string{"victim", "other"} {
		node(t, before, name, byte(i+1), start, true)
	}
	head, err := before.Head(t.Context())
	check(t, err)
	file := backUp(t, before)
	minute := func(n int) time.Time { return start.Add(time.Duration(n) * time.Minute) }
	says := func(number int64, name string, at time.Time) fairlead.Change {
		content, err := json.Marshal(fairlead.Node{Name: name, Role: fairlead.RoleEdge, Added: start, Removed: at})
		check(t, err)
		c := fairlead.Change{Number: number, Kind: fairlead.ChangeNode, At: at, By: "admin", Content: content}
		c.Hash = c.Chain(head.Hash)
		return c
	}
	next := head.Number + 1
	for _, c := range []struct {
		name     string
		restored bool
		later    time.Duration
		says     []fairlead.Change
		removes  int
		why      string
	}{
		{"undone by a restore", true, 0, []fairlead.Change{says(next, "victim", minute(1)), says(next+1, "other", minute(1))}, 2, ""},
		{"no restore", false, 0, []fairlead.Change{says(next, "victim", minute(1)), says(next+1, "other", minute(1))}, 0, "other, victim"},
		{"far beyond the log", false, 0, []fairlead.Change{says(1_000_003, "victim", minute(1))}, 0, "victim"},
		{"the restore is long ago", true, 8 * 24 * time.Hour, []fairlead.Change{says(next, "victim", minute(1))}, 0, "victim"},
		{"dated after the restore", true, time.Hour, []fairlead.Change{says(next, "victim", minute(3))}, 0, "victim"},
		{"of a part that the backup has", true, 0, []fairlead.Change{says(next-1, "victim", minute(1))}, 0, "victim"},
		{"added after the restore", true, time.Hour, []fairlead.Change{says(next, "new", minute(1))}, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := before
			if c.restored {
				s = open(t, fresh(t))
				s.Clock = func() time.Time { return minute(2) }
				_, err := s.Restore(t.Context(), bytes.NewReader(file))
				check(t, err)
				s.Clock = func() time.Time { return minute(2).Add(c.later) }
			}
			if c.name == "added after the restore" {
				node(t, s, "new", 7, minute(5), true)
			}
			made, err := s.ReportLost(t.Context(), "liar", c.says)
			check(t, err)
			at, err := s.Head(t.Context())
			check(t, err)
			if len(made) != c.removes || (len(made) > 0 && made[len(made)-1].Number != at.Number) {
				t.Errorf("made %d changes, of %d; want %d", len(made), at.Number, c.removes)
			}
			nodes, err := s.Nodes(t.Context())
			check(t, err)
			for _, n := range nodes {
				if (c.removes == 0) != n.Removed.IsZero() {
					t.Errorf("%s: removed at %v", n.Name, n.Removed)
				}
			}
			all, err := s.Audit(t.Context(), 0, 1)
			check(t, err)
			if a := all[0]; a.By != "liar" || a.Action != "log.lost" || !strings.HasSuffix(a.Why, c.why) || (a.Why == "") != (c.why == "") {
				t.Errorf("audit %+v, want %q", a, c.why)
			}
			lost, err := s.Lost(t.Context())
			if check(t, err); len(lost) < len(c.says) {
				t.Errorf("%d changes are listed", len(lost))
			}
		})
	}
}

// testRestoredTokens holds that a restore brings no token back to life that may have been revoked or used after the backup.
func testRestoredTokens(t *testing.T, db, restored Database) {
	before := open(t, db)
	for i, name := range []string{"one", "two", "three"} {
		token := fairlead.Token{ID: "tok_" + name, Name: name, Level: fairlead.LevelAdmin, Hash: fairlead.Hash{byte(i)}, Created: start}
		check(t, before.CreateToken(t.Context(), token, act("token.create", token.ID)))
	}
	_, err := before.RevokeToken(t.Context(), "tok_one", act("token.revoke", "tok_one"))
	check(t, err)
	node(t, before, "joined", 1, start, true)
	node(t, before, "open", 2, start, false)
	file := backUp(t, before)
	s := open(t, restored)
	var tokens, joins int64
	_, err = s.Restore(t.Context(), bytes.NewReader(file), store.VoidJoins(&joins), store.RevokeTokens(&tokens))
	check(t, err)
	if tokens != 2 || joins != 1 {
		t.Errorf("%d tokens are revoked and %d join tokens void, want 2 and 1", tokens, joins)
	}
	list, err := s.Tokens(t.Context())
	check(t, err)
	for _, token := range list {
		if token.Revoked.IsZero() || (token.Revoked.Equal(start) != (token.Name == "one")) {
			t.Errorf("after the restore: %+v", token)
		}
	}
	_, err = s.NodeByToken(t.Context(), fairlead.Hash{2}, start)
	wantCode(t, err, fairlead.CodeInvalidKey)
	all, err := s.Audit(t.Context(), 0, 3)
	check(t, err)
	if all[0].Action != "token.revoke" || all[1].Action != "join.void" || all[1].Target != "1 join tokens" || all[2].Action != "store.restore" || all[2].Why != "" {
		t.Errorf("audit %+v", all)
	}
	wantWhole(t, s)
}
