// Package storetest is the contract of every store: what control and ledger rely on, whatever the
// back end. A back end's own test calls Run.
package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"fairlead"
)

// Store is what a back end offers.
type Store interface {
	CreateKey(ctx context.Context, k fairlead.Key) error
	Keys(ctx context.Context, after string, limit int) ([]fairlead.Key, error)
	RevokeKey(ctx context.Context, id string, at time.Time) (fairlead.Key, error)
	Head(ctx context.Context) (source string, change int64, err error)
	KeyChanges(ctx context.Context, after int64, limit int) (keys []fairlead.Key, last int64, err error)
	Close() error
}

// Database is one database of a back end. Open opens it, and may be called again while an earlier
// Store of it was never closed: that is what a killed process leaves behind.
type Database struct {
	Open func(ctx context.Context) (Store, error)
}

// Run holds a back end to the contract. Each call of fresh gives an empty database, which lives as
// long as its test.
func Run(t *testing.T, fresh func(t *testing.T) Database) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(*testing.T, Database)
	}{
		{"create and list", testCreateAndList},
		{"pages", testPages},
		{"taken id or hash", testTaken},
		{"revoke", testRevoke},
		{"revoke an unknown key", testRevokeUnknown},
		{"numbers of changes are dense", testDense},
		{"changes after a number", testChanges},
		{"reopen", testReopen},
		{"reopen after a kill", testKilled},
		{"names of logs differ", func(t *testing.T, db Database) { testSource(t, db, fresh(t)) }},
		{"concurrent creation", testConcurrentCreate},
		{"concurrent revocation", testConcurrentRevoke},
		{"reads while writing", testReadWhileWriting},
		{"a cancelled call changes nothing", testCancelled},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, fresh(t)) })
	}
}

// start is when the keys of these tests are made, one second after the other.
var start = time.Date(2026, 3, 4, 5, 6, 7, 891_234_000, time.UTC)

// newKey makes the nth key.
func newKey(n int) fairlead.Key {
	k, _ := fairlead.NewKey("key of a test", start.Add(time.Duration(n)*time.Second))
	return k
}

func open(t *testing.T, db Database) Store {
	t.Helper()
	s, err := db.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// fill creates n keys in order.
func fill(t *testing.T, s Store, n int) []fairlead.Key {
	t.Helper()
	keys := make([]fairlead.Key, n)
	for i := range keys {
		keys[i] = newKey(i)
		if err := s.CreateKey(t.Context(), keys[i]); err != nil {
			t.Fatal(err)
		}
	}
	return keys
}

func wantKeys(t *testing.T, s Store, want []fairlead.Key) {
	t.Helper()
	got, err := s.Keys(t.Context(), "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, got, want)
}

func wantSame(t *testing.T, got, want []fairlead.Key) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d keys, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("key %d: got %+v, want %+v", i, got[i], want[i])
		}
	}
}

func wantHead(t *testing.T, s Store, want int64) {
	t.Helper()
	_, n, err := s.Head(t.Context())
	if err != nil || n != want {
		t.Errorf("head is %d (%v), want %d", n, err, want)
	}
}

func wantCode(t *testing.T, err error, want fairlead.Code) {
	t.Helper()
	var e *fairlead.Error
	if !errors.As(err, &e) || e.Code != want {
		t.Errorf("got error %v, want code %s", err, want)
	}
}
