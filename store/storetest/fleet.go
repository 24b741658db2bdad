package storetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"testing"
	"time"

	"fairlead"
	"fairlead/store"
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
	two := fairlead.Token{ID: "tok_2", Name: "deploys", Level: fairlead.LevelViewer, Hash: fairlead.Hash{2}, Created: start.Add(-time.Second)}
	check(t, s.CreateToken(t.Context(), one, act("token.create", one.ID)))
	check(t, s.CreateToken(t.Context(), two, act("token.create", two.ID)))
	for _, taken := range []fairlead.Token{
		{ID: "tok_1", Name: "x", Hash: fairlead.Hash{3}}, {ID: "tok_3", Name: "x", Hash: fairlead.Hash{1}}, {ID: "tok_3", Name: "ci", Hash: fairlead.Hash{3}},
	} {
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
	three := fairlead.Token{ID: "tok_3", Name: "ci", Level: fairlead.LevelAdmin, Hash: fairlead.Hash{3}, Created: start}
	check(t, s.CreateToken(t.Context(), three, act("token.create", three.ID))) // the name is free again
	all, err := s.Tokens(t.Context())
	check(t, err)
	same(t, "tokens", all, []fairlead.Token{two, one, three})
	wantHead(t, s, 0) // edges know nothing of them
	if v := wantWhole(t, s); v.Entries != 4 {
		t.Errorf("%d acts, want 4", v.Entries)
	}
}

// testTokensOfOneName opens, and restores, a database from before names of tokens in use had to differ.
func testTokensOfOneName(t *testing.T, db, empty Database) {
	s, err := db.Open(t.Context())
	check(t, err)
	check(t, s.Close())
	sql := db.SQL(t)
	for _, statement := range []string{
		`DROP TABLE usage_minutes`, // 00008
		`DROP TABLE settled`,
		`DROP TABLE balances`,
		`DROP TABLE entries`,
		`DROP TABLE postings`,
		`DROP TABLE ledger`,
		`ALTER TABLE records DROP COLUMN tried`, // 00006
		`DROP INDEX tokens_by_name`,
		`DROP INDEX keys_by_account`,
		`ALTER TABLE keys DROP COLUMN account`,
		`ALTER TABLE keys DROP COLUMN team`,
		`ALTER TABLE keys DROP COLUMN terms`,
		`DROP TABLE teams`,
		`DROP TABLE accounts`,
		`DELETE FROM goose_db_version WHERE version_id >= 5`,
	} {
		_, err := sql.ExecContext(t.Context(), statement)
		check(t, err)
	}
	for n, row := range []struct {
		name    string
		created int
		revoked any
	}{{"ci", 3, nil}, {"ci", 1, nil}, {"ci", 2, nil}, {"ci", 0, 9}, {"other", 4, nil}} {
		_, err := sql.ExecContext(t.Context(), `INSERT INTO tokens (id, name, level, hash, created, revoked) VALUES ($1, $2, 'admin', $3, $4, $5)`,
			fmt.Sprintf("tok_%d", n+1), row.name, bytes.Repeat([]byte{byte(n)}, 32), row.created, row.revoked)
		check(t, err)
	}
	names := func(s *store.Store) (names []string) {
		t.Helper()
		all, err := s.Tokens(t.Context())
		check(t, err)
		for _, token := range all {
			names = append(names, token.Name)
		}
		return names
	}
	s = open(t, db)
	want := []string{"ci", "ci", "ci tok_3", "ci tok_1", "other"} // the first is revoked
	same(t, "names", names(s), want)
	two := fairlead.Token{ID: "tok_6", Name: "ci", Level: fairlead.LevelAdmin, Hash: fairlead.Hash{6}, Created: start}
	wantCode(t, s.CreateToken(t.Context(), two, act("token.create", two.ID)), fairlead.CodeConflict)

	old := regexp.MustCompile(`"ci tok_[0-9]"`).ReplaceAllString(unzip(t, backUp(t, s)), `"ci"`)
	restored := open(t, empty)
	_, err = restored.Restore(t.Context(), bytes.NewReader(zip(t, sealAgain(old))))
	check(t, err)
	same(t, "names of the restored", names(restored), []string{"ci", "ci tok_2", "ci tok_3", "ci", "other"})
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
