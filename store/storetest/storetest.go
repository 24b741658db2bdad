// Package storetest is the contract of every store: what control and ledger rely on, whatever the
// back end. A back end's own test calls Run.
package storetest

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"fairlead"
	"fairlead/internal/mergepatch"
	"fairlead/store"
)

// Database is one database of a back end. Open opens it, and may be called again while an earlier
// Store of it was never closed: that is what a killed process leaves behind. SQL opens it beside the store, to do
// what no store does.
type Database struct {
	Open func(ctx context.Context) (*store.Store, error)
	SQL  func(t *testing.T) *sql.DB
}

// clause is a part of the contract.
type clause struct {
	name string
	test func(*testing.T, Database)
}

// Run holds a back end to the contract. Each call of fresh gives an empty database, which lives as
// long as its test.
func Run(t *testing.T, fresh func(t *testing.T) Database) {
	t.Helper()
	for _, c := range append([]clause{
		{"an empty store", testEmpty},
		{"names of logs differ", func(t *testing.T, db Database) { testNames(t, db, fresh(t)) }},
		{"reopen", testReopen},
		{"reopen after a kill", testKilled},
		{"a schema of the first release", testFirstSchema},
		{"changes after a number", testChanges},
		{"is a change in the log", testHasChange},
		{"a cancelled call changes nothing", testCancelled},
		{"text that cannot be stored", testUnstorable},

		{"create keys and list them", testKeys},
		{"pages of keys", testPages},
		{"pages of keys by hash", testKeyPages},
		{"all keys or none", testTaken},
		{"revoke", testRevoke},
		{"many keys", testManyKeys},

		{"revisions", testRevisions},
		{"a revision on another base", testStale},
		{"a patch that makes another document", testWrongPatch},
		{"a patch is looked at before the lock", testExamined},
		{"a patch of more names than a document", testManyNames},
		{"steps", testSteps},
		{"trials", testTrials},
		{"courses", testCourses},
		{"revisions end courses", testCoursesEnd},
		{"courses of trials", testTrialCourses},
		{"documents", testDocuments},
		{"documents take little room", testRoom},

		{"secrets", testSecrets},
		{"nodes join", testJoin},
		{"names of nodes", testNodeNames},
		{"nodes that make themselves known", testSetNode},
		{"admin tokens", testTokens},
		{"admin tokens of one name", func(t *testing.T, db Database) { testTokensOfOneName(t, db, fresh(t)) }},
		{"vault", testVault},
		{"audit", testAudit},
		{"lost changes", testLost},
		{"removals that a restore has lost", func(t *testing.T, db Database) { testLostRemovals(t, db, fresh(t)) }},
		{"removals that nothing has undone", func(t *testing.T, db Database) { testUntrueRemovals(t, db, fresh) }},
		{"keys revoked before", testRevokedBefore},
		{"tokens after a restore", func(t *testing.T, db Database) { testRestoredTokens(t, db, fresh(t)) }},
		{"lost revocations", func(t *testing.T, db Database) { testLostRevocations(t, db, fresh(t)) }},

		{"frames", testFrames},
		{"frames together", testFramesTogether},
		{"frames in a backup", func(t *testing.T, db Database) { testFramesRestored(t, db, fresh(t)) }},
		{"charge lines", testChargeLines},
		{"records", testRecords},
		{"rests", testRests},
		{"counts of records", testRecordCounts},
		{"old records go", testSweep},

		{"verify", testVerify},
		{"verify finds what was altered", func(t *testing.T, _ Database) { testAltered(t, fresh) }},
		{"back up and restore", func(t *testing.T, db Database) { testBackup(t, db, fresh(t)) }},
		{"restore refuses a damaged backup", func(t *testing.T, db Database) { testDamagedBackup(t, db, fresh) }},
		{"restore refuses a database in use", func(t *testing.T, db Database) { testRestoreInUse(t, db, fresh(t)) }},
		{"back up while writing", func(t *testing.T, db Database) { testBackupWhileWriting(t, db, fresh(t)) }},

		{"writers on one base", testRace},
		{"concurrent keys", testConcurrentKeys},
		{"concurrent revocation", testConcurrentRevoke},
		{"a token joins once", testConcurrentJoin},
		{"a step is taken once", testConcurrentSteps},
		{"reads while writing", testReadWhileWriting},
		{"one leads", testLead},
	}, ledgerClauses(fresh)...) {
		t.Run(c.name, func(t *testing.T) { c.test(t, fresh(t)) })
	}
	runAccounts(t, fresh)
}

// start is when things of these tests happen, one second after the other.
var start = time.Date(2026, 3, 4, 5, 6, 7, 891_234_000, time.UTC)

func act(action, target string) fairlead.Act {
	return fairlead.Act{At: start, By: "admin", Action: action, Target: target, Why: "a test"}
}

func open(t *testing.T, db Database) *store.Store {
	t.Helper()
	s, err := db.Open(t.Context())
	check(t, err)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// newKey makes the nth key.
func newKey(n int) fairlead.Key {
	k, _ := fairlead.NewKey("key of a test", start.Add(time.Duration(n)*time.Second))
	return k
}

// fill creates n keys in order, each in a change of its own.
func fill(t *testing.T, s *store.Store, n int) []fairlead.Key {
	t.Helper()
	keys := make([]fairlead.Key, n)
	for i := range keys {
		keys[i] = newKey(i)
		_, err := s.CreateKeys(t.Context(), act("key.create", keys[i].ID), keys[i])
		check(t, err)
	}
	return keys
}

// document is a configuration's text with one number in it.
func document(n int) []byte {
	return fmt.Appendf(nil, `{"models":{"a/b":{"weight":%d}},"version":1}`, n)
}

// commitOf is the revision after base that makes to of from.
func commitOf(t testing.TB, base int64, from, to []byte) fairlead.Commit {
	t.Helper()
	patch, err := mergepatch.Make(from, to)
	check(t, err)
	return fairlead.Commit{
		Base: base, Document: to, Act: act("config.apply", ""),
		Content: fairlead.RevisionContent{Origin: fairlead.OriginApply, Why: "a test", Patch: patch},
	}
}

// commit makes the next revision of a document.
func commit(t testing.TB, s *store.Store, to []byte) (fairlead.Revision, fairlead.Change) {
	t.Helper()
	st, _, err := s.State(t.Context())
	check(t, err)
	r, c, err := s.CommitRevision(t.Context(), commitOf(t, st.Revision, st.Document, to))
	check(t, err)
	return r, c
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// same compares by value, and shows both as JSON.
func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if reflect.DeepEqual(got, want) {
		return
	}
	g, _ := json.Marshal(got)
	w, _ := json.Marshal(want)
	t.Errorf("%s:\n got %s\nwant %s", what, g, w)
}

func wantKeys(t *testing.T, s *store.Store, want []fairlead.Key) {
	t.Helper()
	got, err := s.Keys(t.Context(), "", 100_000)
	check(t, err)
	if len(got) != len(want) {
		t.Fatalf("got %d keys, want %d", len(got), len(want))
	}
	for i := range got {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("key %d: got %+v, want %+v", i, got[i], want[i])
		}
	}
}

func wantHead(t *testing.T, s *store.Store, want int64) {
	t.Helper()
	p, err := s.Head(t.Context())
	if err != nil || p.Number != want {
		t.Errorf("head is %d (%v), want %d", p.Number, err, want)
	}
}

func wantCode(t *testing.T, err error, want fairlead.Code) {
	t.Helper()
	var e *fairlead.Error
	if !errors.As(err, &e) || e.Code != want {
		t.Errorf("got error %v, want code %s", err, want)
	}
}

// wantWhole holds that nothing in a store is at fault.
func wantWhole(t *testing.T, s *store.Store) fairlead.Verified {
	t.Helper()
	v, err := s.Verify(t.Context())
	check(t, err)
	if len(v.Faults) > 0 {
		t.Errorf("faults: %q", v.Faults)
	}
	return v
}

// everything gives all changes of a log.
func everything(t *testing.T, s *store.Store) []fairlead.Change {
	t.Helper()
	changes, err := s.Changes(t.Context(), 0, 1<<20, 1<<30)
	check(t, err)
	return changes
}
