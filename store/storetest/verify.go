package storetest

import (
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/store"
)

// furnish puts something of everything into a store.
func furnish(t *testing.T, s *store.Store) {
	t.Helper()
	keys := fill(t, s, 3)
	_, _, err := s.RevokeKey(t.Context(), keys[1].ID, act("key.revoke", keys[1].ID))
	check(t, err)
	for n := range 2 {
		commit(t, s, document(n))
	}
	_, err = s.StepCourse(t.Context(), stepOf(3, beginRamp(t, s, "ramp_1", endpoint), 5))
	check(t, err)
	_, err = s.PutSecret(t.Context(), 0, fairlead.SealedSecret{Name: "openai", Version: 1, At: start, Sealed: []byte("sealed")}, act("secret.set", "openai"))
	check(t, err)
	_, err = s.PutSecret(t.Context(), 0, fairlead.SealedSecret{Name: "gone", Version: 1, At: start}, act("secret.delete", "gone"))
	check(t, err)
	_, err = s.AddNode(t.Context(), fairlead.Node{Name: "edge-1", Role: fairlead.RoleEdge, Added: start}, fairlead.Hash{1}, start.Add(time.Hour), act("node.add", "edge-1"))
	check(t, err)
	_, err = s.SetNode(t.Context(), fairlead.Node{Name: "control-1", Role: fairlead.RoleControl, Added: start, Joined: start, Public: []byte{1}, Certificate: fairlead.Hash{2}}, act("node.set", "control-1"))
	check(t, err)
	check(t, s.CreateToken(t.Context(), fairlead.Token{ID: "tok_1", Name: "ci", Level: fairlead.LevelViewer, Hash: fairlead.Hash{1}, Created: start}, act("token.create", "tok_1")))
	_, err = s.PutVault(t.Context(), "fleet", []byte{0, 1, 2})
	check(t, err)
	_, err = s.ReportLost(t.Context(), "edge-1", []fairlead.Change{{Number: 99, Kind: fairlead.ChangeKey, At: start, Content: []byte(`{}`), Hash: fairlead.Hash{3}}})
	check(t, err)
	check(t, s.Note(t.Context(), act("backup", "")))
}

func testVerify(t *testing.T, db Database) {
	s := open(t, db)
	furnish(t, s)
	v := wantWhole(t, s)
	head, err := s.Head(t.Context())
	check(t, err)
	if v.Changes != head.Number || v.Changes != 12 || v.Revisions != 3 || v.Entries != 16 || v.Position != head {
		t.Errorf("walked %+v, head %+v", v, head)
	}
}

// testAltered does by hand what nobody should be able to do unseen.
func testAltered(t *testing.T, fresh func(*testing.T) Database) {
	for _, c := range []struct{ name, statement, want string }{
		{"a content", `UPDATE changes SET content = replace(content, 'admin', 'nobody') || ' ' WHERE number = 2`, "change 2 is not what was written"},
		{"an author", `UPDATE changes SET author = 'nobody' WHERE number = 6`, "change 6 is not"},
		{"a time", `UPDATE changes SET at = at + 1 WHERE number = 1`, "change 1 is not"},
		{"a change removed", `DELETE FROM changes WHERE number = 4`, "change 5 stands where 4 should"},
		{"the last change removed", `DELETE FROM changes WHERE number = 12`, "ends otherwise than its head"},
		{"numbers swapped", `UPDATE changes SET number = CASE number WHEN 1002 THEN 3 ELSE 2 END WHERE number > 1000`, "change 2 is not"},
		{"the head set back", `UPDATE head SET number = 11, hash = (SELECT hash FROM changes WHERE number = 11)`, "ends otherwise"},
		{"an act", `UPDATE audit SET why = 'none' WHERE number = 3`, "audit entry 3 is not"},
		{"an act removed", `DELETE FROM audit WHERE number = 3`, "audit entry 4 stands where 3 should"},
		{"the last act removed", `DELETE FROM audit WHERE number = 16`, "the audit has 15 entries"},
		{"the current document", `UPDATE state SET document = '{"models":{}}'`, "the configuration is not"},
		{"the weights", `UPDATE state SET weights = '{"a/b@c":100}'`, "the configuration is not"},
		{"a document that is kept", `UPDATE documents SET document = '{"models":{}}' WHERE revision = 1`, "revision 1: the document that is kept"},
		{"a document added", `INSERT INTO documents (revision, document) VALUES (7, '{}')`, "a document of revision 7"},
		{"a revision", `UPDATE revisions SET why = 'good' WHERE number = 2`, "revision 2: the table"},
		{"a revision removed", `DELETE FROM revisions WHERE number = 2`, "revision 2: the table"},
		{"a revision added", `INSERT INTO revisions SELECT 9, 99, at, author, why, origin, restores, sum, percent FROM revisions WHERE number = 1`, "revision 9 is in no change"},
		{"a key that is good again", `UPDATE keys SET revoked = NULL`, "the key key_"},
		{"a key removed", `DELETE FROM keys WHERE revoked IS NOT NULL`, "of the log is not in its table"},
		{"a secret", `UPDATE secrets SET version = 9 WHERE name = 'openai'`, "the secret openai"},
		{"a ramp that is over", `INSERT INTO courses SELECT 'ramp_2', kind, 'x/y@z', revision, version, state, seen, begun, NULL, outcome, why FROM courses`, "ramp ramp_2 is under way"},
		{"a node", `UPDATE nodes SET role = 'control' WHERE name = 'edge-1'`, "the node edge-1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := fresh(t)
			s := open(t, db)
			furnish(t, s)
			raw := db.SQL(t)
			if strings.Contains(c.statement, "1000") { // unique numbers are swapped in two steps
				_, err := raw.ExecContext(t.Context(), `UPDATE changes SET number = number + 1000 WHERE number IN (2, 3)`)
				check(t, err)
			}
			result, err := raw.ExecContext(t.Context(), c.statement)
			check(t, err)
			if n, err := result.RowsAffected(); err != nil || n == 0 {
				t.Fatalf("the statement changed %d rows (%v)", n, err)
			}
			v, err := s.Verify(t.Context())
			check(t, err)
			if !strings.Contains(strings.Join(v.Faults, "\n"), c.want) {
				t.Errorf("faults %q, want one with %q", v.Faults, c.want)
			}
		})
	}
}
