package storetest

import (
	"encoding/json"
	"testing"
	"time"

	"fairlead"
)

func testSecrets(t *testing.T, db Database) {
	s := open(t, db)
	one := fairlead.SealedSecret{Name: "openai", Version: 1, At: start, Sealed: []byte{0, 1, 255}}
	two := fairlead.SealedSecret{Name: "openai", Version: 2, At: start, Sealed: []byte("sealed again")}
	gone := fairlead.SealedSecret{Name: "openai", Version: 3, At: start}
	other := fairlead.SealedSecret{Name: "Azure", Version: 1, At: start, Sealed: []byte("x")}
	for _, c := range []struct {
		base   int64
		put    fairlead.SealedSecret
		change int64 // 0 = refused
		want   []fairlead.SealedSecret
	}{
		{1, two, 0, nil},
		{0, two, 0, nil},
		{0, one, 1, []fairlead.SealedSecret{one}},
		{0, one, 0, []fairlead.SealedSecret{one}},
		{1, two, 2, []fairlead.SealedSecret{two}},
		{1, two, 0, []fairlead.SealedSecret{two}},
		{0, other, 3, []fairlead.SealedSecret{other, two}},
		{2, gone, 4, []fairlead.SealedSecret{other, gone}},
	} {
		change, err := s.PutSecret(t.Context(), c.base, c.put, act("secret.set", c.put.Name))
		if c.change == 0 {
			wantCode(t, err, fairlead.CodeConflict)
		} else {
			check(t, err)
			var content fairlead.SealedSecret
			check(t, json.Unmarshal(change.Content, &content))
			same(t, "change", content, c.put)
		}
		if change.Number != c.change {
			t.Errorf("change %d, want %d", change.Number, c.change)
		}
		got, err := s.Secrets(t.Context())
		check(t, err)
		same(t, "secrets", got, c.want)
	}
	wantWhole(t, s)
}

func testJoin(t *testing.T, db Database) {
	s := open(t, db)
	token, until := fairlead.Hash{1}, start.Add(time.Hour)
	added := fairlead.Node{Name: "edge-1", Role: fairlead.RoleEdge, Region: "eu", Added: start}
	_, err := s.AddNode(t.Context(), added, token, until, act("node.add", "edge-1"))
	check(t, err)
	for _, c := range []struct {
		token fairlead.Hash
		now   time.Time
	}{{fairlead.Hash{2}, start}, {token, until}, {fairlead.Hash{}, start}} {
		_, err := s.NodeByToken(t.Context(), c.token, c.now)
		wantCode(t, err, fairlead.CodeInvalidKey)
		_, _, err = s.JoinNode(t.Context(), c.token, c.now, fairlead.Node{}, act("node.join", "edge-1"))
		wantCode(t, err, fairlead.CodeInvalidKey)
	}
	n, err := s.NodeByToken(t.Context(), token, start)
	check(t, err)
	same(t, "by token", n, added)

	now := start.Add(time.Minute)
	keys := fairlead.Node{Name: "another", Role: fairlead.RoleControl, Public: []byte{7}, Certificate: fairlead.Hash{8}, Sealed: []byte{9}}
	want := added
	want.Joined, want.Public, want.Certificate, want.Sealed = now, keys.Public, keys.Certificate, keys.Sealed
	n, c, err := s.JoinNode(t.Context(), token, now, keys, act("node.join", "edge-1"))
	check(t, err)
	same(t, "joined", n, want)
	var content fairlead.Node
	check(t, json.Unmarshal(c.Content, &content))
	same(t, "change", content, want)

	_, _, err = s.JoinNode(t.Context(), token, now, keys, act("node.join", "edge-1"))
	wantCode(t, err, fairlead.CodeInvalidKey)
	_, err = s.NodeByToken(t.Context(), token, now)
	wantCode(t, err, fairlead.CodeInvalidKey)
	nodes, err := s.Nodes(t.Context())
	check(t, err)
	same(t, "nodes", nodes, []fairlead.Node{want})
	wantHead(t, s, 2)
	wantWhole(t, s)
}

func testNodeNames(t *testing.T, db Database) {
	s := open(t, db)
	node := fairlead.Node{Name: "edge-1", Role: fairlead.RoleEdge, Added: start}
	add := func(token byte) error {
		_, err := s.AddNode(t.Context(), node, fairlead.Hash{token}, start.Add(time.Hour), act("node.add", "edge-1"))
		return err
	}
	check(t, add(1))
	wantCode(t, add(2), fairlead.CodeConflict)
	n, c, err := s.RemoveNode(t.Context(), "edge-1", act("node.remove", "edge-1"))
	check(t, err)
	if n.Removed.IsZero() || c.Number != 2 {
		t.Errorf("removed %+v by change %d", n, c.Number)
	}
	_, err = s.NodeByToken(t.Context(), fairlead.Hash{1}, start)
	wantCode(t, err, fairlead.CodeInvalidKey) // of a removed node
	again, c, err := s.RemoveNode(t.Context(), "edge-1", act("node.remove", "edge-1"))
	check(t, err)
	same(t, "removed again", again, n)
	if c.Number != 0 {
		t.Errorf("removing it again made change %d", c.Number)
	}
	check(t, add(3))
	nodes, err := s.Nodes(t.Context())
	check(t, err)
	same(t, "nodes", nodes, []fairlead.Node{node})
	_, _, err = s.RemoveNode(t.Context(), "edge-2", act("node.remove", "edge-2"))
	wantCode(t, err, fairlead.CodeNotFound)
	other := node
	other.Name = "edge-2"
	_, err = s.AddNode(t.Context(), other, fairlead.Hash{3}, start.Add(time.Hour), act("node.add", "edge-2"))
	wantCode(t, err, fairlead.CodeConflict) // its token is another's
	wantHead(t, s, 3)
	wantWhole(t, s)
}

func testSetNode(t *testing.T, db Database) {
	s := open(t, db)
	node := fairlead.Node{Name: "control-1", Role: fairlead.RoleControl, Added: start, Joined: start, Public: []byte{1}}
	later := node
	later.Added, later.Joined = start.Add(time.Hour), start.Add(time.Hour)
	moved := later
	moved.Region = "eu"
	for _, c := range []struct {
		node   fairlead.Node
		change int64
		region string
	}{{node, 1, ""}, {later, 0, ""}, {moved, 2, "eu"}} {
		change, err := s.SetNode(t.Context(), c.node, act("node.set", node.Name))
		check(t, err)
		want := node
		want.Region = c.region
		nodes, err := s.Nodes(t.Context())
		check(t, err)
		same(t, "nodes", nodes, []fairlead.Node{want})
		if change.Number != c.change {
			t.Errorf("change %d, want %d", change.Number, c.change)
		}
	}
	wantWhole(t, s)
}

func testTokens(t *testing.T, db Database) {
	s := open(t, db)
	one := fairlead.Token{ID: "tok_1", Name: "ci", Level: fairlead.LevelOperator, Hash: fairlead.Hash{1}, Created: start}
	two := fairlead.Token{ID: "tok_2", Name: "ci", Level: fairlead.LevelViewer, Hash: fairlead.Hash{2}, Created: start.Add(-time.Second)}
	check(t, s.CreateToken(t.Context(), one, act("token.create", one.ID)))
	check(t, s.CreateToken(t.Context(), two, act("token.create", two.ID)))
	for _, taken := range []fairlead.Token{{ID: "tok_1", Hash: fairlead.Hash{3}}, {ID: "tok_3", Hash: fairlead.Hash{1}}} {
		wantCode(t, s.CreateToken(t.Context(), taken, act("token.create", taken.ID)), fairlead.CodeConflict)
	}
	got, found, err := s.Token(t.Context(), one.Hash)
	check(t, err)
	if same(t, "token", got, one); !found {
		t.Error("the token is not found")
	}
	_, found, err = s.Token(t.Context(), fairlead.Hash{9})
	if found || err != nil {
		t.Errorf("an unknown token: %v, %v", found, err)
	}
	one.Revoked = start
	for range 2 {
		got, err = s.RevokeToken(t.Context(), one.ID, act("token.revoke", one.ID))
		check(t, err)
		same(t, "revoked", got, one)
	}
	_, err = s.RevokeToken(t.Context(), "tok_9", act("token.revoke", "tok_9"))
	wantCode(t, err, fairlead.CodeNotFound)
	all, err := s.Tokens(t.Context())
	check(t, err)
	same(t, "tokens", all, []fairlead.Token{two, one})
	wantHead(t, s, 0) // edges know nothing of them
	if v := wantWhole(t, s); v.Entries != 3 {
		t.Errorf("%d acts, want 3", v.Entries)
	}
}

func testVault(t *testing.T, db Database) {
	s := open(t, db)
	if _, found, err := s.Vault(t.Context(), "fleet"); found || err != nil {
		t.Errorf("an empty vault: %v, %v", found, err)
	}
	for _, put := range []string{"first", "second"} {
		kept, err := s.PutVault(t.Context(), "fleet", []byte(put))
		if err != nil || string(kept) != "first" {
			t.Errorf("kept %q, %v", kept, err)
		}
	}
	got, found, err := s.Vault(t.Context(), "fleet")
	if string(got) != "first" || !found || err != nil {
		t.Errorf("%q, %v, %v", got, found, err)
	}
	wantWhole(t, s)
}

func testAudit(t *testing.T, db Database) {
	s := open(t, db)
	a := act("backup", "")
	a.Change = 7 // of nothing: an act alone has no change
	check(t, s.Note(t.Context(), a))
	keys := fill(t, s, 1)
	_, _, err := s.RevokeKey(t.Context(), keys[0].ID, act("key.revoke", keys[0].ID))
	check(t, err)
	all, err := s.Audit(t.Context(), 0, 10)
	check(t, err)
	if len(all) != 3 {
		t.Fatalf("%d entries", len(all))
	}
	hash := fairlead.Hash{}
	for i, want := range []fairlead.Act{act("backup", ""), act("key.create", keys[0].ID), act("key.revoke", keys[0].ID)} {
		want.Change = int64(i)
		e := all[2-i]
		same(t, "act", e.Act, want)
		if e.Number != int64(i+1) || e.Hash != e.Chain(hash) {
			t.Errorf("entry %d: %+v", i+1, e)
		}
		hash = e.Hash
	}
	for _, c := range []struct {
		before int64
		limit  int
		want   []fairlead.AuditEntry
	}{{0, 1, all[:1]}, {3, 10, all[1:]}, {2, 1, all[2:]}, {1, 10, nil}} {
		got, err := s.Audit(t.Context(), c.before, c.limit)
		check(t, err)
		same(t, "entries", got, c.want)
	}
}

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
		check(t, s.ReportLost(t.Context(), c.node, c.changes))
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
