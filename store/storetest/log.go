package storetest

import (
	"context"
	"database/sql"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"fairlead"
)

func testEmpty(t *testing.T, db Database) {
	s := open(t, db)
	p, err := s.Head(t.Context())
	check(t, err)
	if p.Log == "" || p.Number != 0 || p.Hash != (fairlead.Hash{}) {
		t.Errorf("head %+v", p)
	}
	st, at, err := s.State(t.Context())
	check(t, err)
	same(t, "state", st, fairlead.State{Document: []byte(`{}`)})
	same(t, "position", at, p)
	if all := everything(t, s); len(all) != 0 {
		t.Errorf("changes %v", all)
	}
	wantKeys(t, s, nil)
	wantWhole(t, s)
}

func testNames(t *testing.T, a, b Database) {
	one, err := open(t, a).Head(t.Context())
	check(t, err)
	two, err := open(t, b).Head(t.Context())
	check(t, err)
	if one.Log == "" || one.Log == two.Log {
		t.Errorf("two stores name their logs %q and %q", one.Log, two.Log)
	}
}

func testReopen(t *testing.T, db Database) {
	s, err := db.Open(t.Context())
	check(t, err)
	keys := fill(t, s, 2)
	commit(t, s, document(1))
	before, err := s.Head(t.Context())
	check(t, err)
	check(t, s.Close())
	s = open(t, db)
	wantKeys(t, s, keys)
	after, err := s.Head(t.Context())
	check(t, err)
	same(t, "head", after, before)
	wantWhole(t, s)
}

func testKilled(t *testing.T, db Database) {
	s := open(t, db) // closed only after the test
	keys := fill(t, s, 2)
	k, _, err := s.RevokeKey(t.Context(), keys[1].ID, act("key.revoke", keys[1].ID))
	check(t, err)
	again := open(t, db)
	wantKeys(t, again, []fairlead.Key{keys[0], k})
	wantHead(t, again, 3)
	more := newKey(2)
	_, err = again.CreateKeys(t.Context(), act("key.create", more.ID), more)
	check(t, err)
	wantKeys(t, again, []fairlead.Key{keys[0], k, more})
	wantHead(t, s, 4)
}

// testChanges makes contents of known sizes, so that each bound can be met exactly.
func testChanges(t *testing.T, db Database) {
	s := open(t, db)
	keys := fill(t, s, 3)
	_, _, err := s.RevokeKey(t.Context(), keys[0].ID, act("key.revoke", keys[0].ID))
	check(t, err)
	all := everything(t, s)
	if len(all) != 4 {
		t.Fatalf("%d changes, want 4", len(all))
	}
	hash := fairlead.Hash{}
	for i, c := range all {
		if c.Number != int64(i+1) || c.Kind != fairlead.ChangeKey || c.By != "admin" || !c.At.Equal(start) || c.Hash != c.Chain(hash) {
			t.Errorf("change %d: %+v", i+1, c)
		}
		hash = c.Hash
		one, err := s.Change(t.Context(), c.Number)
		check(t, err)
		same(t, "one change", one, c)
	}
	var last fairlead.KeyContent
	check(t, json.Unmarshal(all[3].Content, &last))
	if len(last.Keys) != 1 || last.Keys[0].ID != keys[0].ID || last.Keys[0].Revoked == nil || !last.Keys[0].Revoked.Equal(start) {
		t.Errorf("the last change says %s", all[3].Content)
	}
	size := len(all[0].Content)
	for _, c := range []struct {
		after        int64
		limit, bytes int
		want         []fairlead.Change
	}{
		{0, 10, 1 << 20, all},
		{0, 2, 1 << 20, all[:2]},
		{3, 10, 1 << 20, all[3:]},
		{4, 10, 1 << 20, nil},
		{9, 10, 1 << 20, nil},
		{0, 0, 1 << 20, nil},
		{0, 10, 1, all[:1]}, // one at least
		{1, 10, 0, all[1:2]},
		{0, 10, 2 * size, all[:2]},
		{0, 10, 2*size - 1, all[:1]},
	} {
		got, err := s.Changes(t.Context(), c.after, c.limit, c.bytes)
		check(t, err)
		same(t, "changes", got, c.want)
	}
	_, err = s.Change(t.Context(), 5)
	wantCode(t, err, fairlead.CodeNotFound)

	// A large one is given without its content, as the last of a page: its content is asked for alone.
	name := strings.Repeat("x", fairlead.LargeContent)
	large := newKey(5)
	large.Name = name
	change, err := s.CreateKeys(t.Context(), act("key.create", large.ID), large)
	check(t, err)
	fill(t, s, 1)
	got, err := s.Changes(t.Context(), 3, 10, 1<<30)
	check(t, err)
	bare := change
	bare.Content = nil
	same(t, "up to a large one", got, []fairlead.Change{all[3], bare})
	one, err := s.Change(t.Context(), 5)
	check(t, err)
	same(t, "the large one", one, change)
}

func testHasChange(t *testing.T, db Database) {
	s := open(t, db)
	fill(t, s, 2)
	all := everything(t, s)
	for _, c := range []struct {
		number int64
		hash   fairlead.Hash
		want   bool
	}{
		{0, fairlead.Hash{}, true},
		{0, all[0].Hash, false},
		{1, all[0].Hash, true},
		{1, all[1].Hash, false},
		{2, all[1].Hash, true},
		{2, fairlead.Hash{}, false},
		{3, all[1].Hash, false},
		{-1, fairlead.Hash{}, false},
	} {
		got, err := s.HasChange(t.Context(), c.number, c.hash)
		if err != nil || got != c.want {
			t.Errorf("%d, %s: %v, %v; want %v", c.number, c.hash, got, err, c.want)
		}
	}
}

func testCancelled(t *testing.T, db Database) {
	s := open(t, db)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	k := newKey(0)
	if _, err := s.CreateKeys(ctx, act("key.create", k.ID), k); err == nil {
		t.Error("a cancelled call succeeded")
	}
	wantKeys(t, s, nil)
	wantHead(t, s, 0)
	wantKeys(t, s, fill(t, s, 1)) // the writer is free again
}

// testUnstorable holds that both back ends refuse the same texts: one of them could not store them, and JSON would
// change them in silence.
func testUnstorable(t *testing.T, db Database) {
	s := open(t, db)
	for _, bad := range []string{"a\x00b", "a\xffb"} {
		k := newKey(0)
		k.Name = bad
		_, err := s.CreateKeys(t.Context(), act("key.create", ""), k)
		wantCode(t, err, fairlead.CodeInvalidRequest)
		wantCode(t, s.Note(t.Context(), act("backup", bad)), fairlead.CodeInvalidRequest)
		_, err = s.AddNode(t.Context(), fairlead.Node{Name: "n", Region: bad}, fairlead.Hash{1}, start, act("node.add", "n"))
		wantCode(t, err, fairlead.CodeInvalidRequest)
		wantCode(t, s.CreateToken(t.Context(), fairlead.Token{Name: bad}, act("token.create", "")), fairlead.CodeInvalidRequest)
		c := commitOf(t, 0, []byte(`{}`), document(1))
		c.Content.Why = bad
		_, _, err = s.CommitRevision(t.Context(), c)
		wantCode(t, err, fairlead.CodeInvalidRequest)
	}
	wantHead(t, s, 0)
	if v := wantWhole(t, s); v.Entries != 0 {
		t.Errorf("%d acts of what was refused", v.Entries)
	}
}

// testFirstSchema takes a database of before the log had contents: its keys become the first change of a new log.
func testFirstSchema(t *testing.T, db Database) {
	raw := db.SQL(t)
	schema := firstSchema
	if isPostgres(t, raw) {
		schema = strings.Replace(schema, "INTEGER PRIMARY KEY,", "INTEGER PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY (START WITH 10),", 1)
	}
	for _, statement := range strings.Split(schema, ";") {
		if strings.TrimSpace(statement) != "" {
			_, err := raw.ExecContext(t.Context(), statement)
			check(t, err)
		}
	}
	keys := []fairlead.Key{newKey(0), newKey(1), newKey(2)}
	keys[1].Revoked = start.Add(time.Hour)
	for i, k := range keys {
		var revoked any
		if !k.Active() {
			revoked = k.Revoked.UnixMicro()
		}
		_, err := raw.ExecContext(t.Context(), `INSERT INTO keys (id, name, hash, hint, created, revoked, change) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			k.ID, k.Name, k.Hash[:], k.Hint, k.Created.UnixMicro(), revoked, i+1)
		check(t, err)
	}
	s := open(t, db)
	wantKeys(t, s, keys)
	wantHead(t, s, 1)
	if p, _ := s.Head(t.Context()); p.Log == "log_of_before" {
		t.Error("the new log has the name of the old one")
	}
	var content fairlead.KeyContent
	check(t, json.Unmarshal(everything(t, s)[0].Content, &content))
	seen := map[string]fairlead.Key{}
	for i := range content.Keys {
		seen[content.Keys[i].ID] = content.Keys[i].Key()
	}
	for _, k := range keys {
		if !reflect.DeepEqual(seen[k.ID], k) {
			t.Errorf("the change has %+v, want %+v", seen[k.ID], k)
		}
	}
	wantWhole(t, s)
	again := open(t, db)
	wantHead(t, again, 1)
}

// isPostgres tells the back ends apart, where the table of another program, goose, differs.
func isPostgres(t *testing.T, raw *sql.DB) bool {
	t.Helper()
	var is bool
	err := raw.QueryRowContext(t.Context(), `SELECT version() LIKE 'PostgreSQL%'`).Scan(&is)
	return err == nil && is // SQLite has no such function
}

const firstSchema = `
CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY, version_id BIGINT NOT NULL, is_applied BOOLEAN NOT NULL, tstamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
INSERT INTO goose_db_version (id, version_id, is_applied) VALUES (1, 0, TRUE), (2, 1, TRUE);
CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 1), source TEXT NOT NULL, n BIGINT NOT NULL);
INSERT INTO head (id, source, n) VALUES (1, 'log_of_before', 3);
CREATE TABLE keys (id TEXT PRIMARY KEY, name TEXT NOT NULL, hash BYTEA NOT NULL UNIQUE, hint TEXT NOT NULL,
    created BIGINT NOT NULL, revoked BIGINT, change BIGINT NOT NULL UNIQUE);
CREATE INDEX keys_by_created ON keys (created, id)`
