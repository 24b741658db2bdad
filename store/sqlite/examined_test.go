package sqlite_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"fairlead"
	"fairlead/internal/mergepatch"
	"fairlead/store"
	"fairlead/store/sqlite"
)

// TestExaminedElsewhere holds that a patch which fits the document that was read before the lock, and not the one behind it, is
// refused though both are of one revision: as of a database that was set back and went on otherwise in between.
func TestExaminedElsewhere(t *testing.T) {
	dir := t.TempDir()
	documents := []string{`{"a":1,"version":1}`, `{"b":1,"version":1}`}
	for i, document := range documents {
		s, err := sqlite.Open(t.Context(), filepath.Join(dir, document[2:3]))
		check(t, err)
		_, _, err = s.CommitRevision(t.Context(), commitOf(0, `{}`, document, time.Unix(int64(i), 0)))
		check(t, err)
		check(t, s.Close())
	}
	write, err := sql.Open("sqlite", filepath.Join(dir, "a"))
	check(t, err)
	read, err := sql.Open("sqlite", filepath.Join(dir, "b"))
	check(t, err)
	s, err := store.New(t.Context(), store.Engine{
		Dialect: goose.DialectSQLite3, Write: write, Read: read,
		Failure: func(error) store.Failure { return store.FailureOther },
		Alone:   func(ctx context.Context, f func(context.Context) error) error { return f(ctx) },
	})
	check(t, err)
	_, _, err = s.CommitRevision(t.Context(), commitOf(1, documents[1], `{"b":2,"version":1}`, time.Unix(9, 0)))
	if err == nil || !strings.Contains(err.Error(), "does not make the document") {
		t.Errorf("got %v", err)
	}
	check(t, s.Close())
}

func commitOf(base int64, from, to string, at time.Time) fairlead.Commit {
	patch := mergepatch.Between([]byte(from), []byte(to))
	return fairlead.Commit{
		Base: base, Document: []byte(to), Act: fairlead.Act{At: at, By: "admin", Action: "config.apply"},
		Content: fairlead.RevisionContent{Origin: fairlead.OriginApply, Patch: patch},
	}
}
