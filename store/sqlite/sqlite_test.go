package sqlite_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/store"
	"fairlead/store/sqlite"
	"fairlead/store/storetest"
)

func TestContract(t *testing.T) { storetest.Run(t, fresh) }

func fresh(t *testing.T) storetest.Database {
	path := filepath.Join(t.TempDir(), "fairlead.db")
	return storetest.Database{
		Open: func(ctx context.Context) (*store.Store, error) { return sqlite.Open(ctx, path) },
		SQL: func(t *testing.T) *sql.DB {
			db, err := sql.Open("sqlite", path+"?_busy_timeout=10000")
			check(t, err)
			t.Cleanup(func() { check(t, db.Close()) })
			return db
		},
	}
}

// TestCopiedWhileOpen takes the files as a machine that lost power would leave them: every call that
// was answered is in them.
func TestCopiedWhileOpen(t *testing.T) {
	dir, copied := t.TempDir(), t.TempDir()
	s := open(t, filepath.Join(dir, "fairlead.db"))
	k, _ := fairlead.NewKey("survivor", time.Now())
	if _, err := s.CreateKeys(t.Context(), fairlead.Act{}, k); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"fairlead.db", "fairlead.db-wal"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(copied, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	keys, err := open(t, filepath.Join(copied, "fairlead.db")).Keys(t.Context(), "", 10)
	if err != nil || len(keys) != 1 || !reflect.DeepEqual(keys[0], k) {
		t.Errorf("after the copy: %v, %v; want %v", keys, err, k)
	}
}

func TestFilesArePrivate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "fairlead.db")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	k, _ := fairlead.NewKey("a", time.Now())
	if _, err := s.CreateKeys(t.Context(), fairlead.Act{}, k); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 2 {
		t.Fatalf("files %v, %v", files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v (%v), want 0600", f.Name(), info.Mode(), err)
		}
	}
}

func TestOddPaths(t *testing.T) {
	for _, name := range []string{"with space.db", "q?mode=memory&x=1.db", "100%25#a.db", "naïve.db"} {
		path := filepath.Join(t.TempDir(), name)
		s := open(t, path)
		k, _ := fairlead.NewKey("a", time.Now())
		if _, err := s.CreateKeys(t.Context(), fairlead.Act{}, k); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if info, err := os.Stat(path + "-wal"); err != nil || info.Size() == 0 {
			t.Errorf("%q is not where it was asked to be: %v", name, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(t *testing.T, path string)
		want string
	}{
		{"a folder", func(t *testing.T, path string) { check(t, os.Mkdir(path, 0o700)) }, "not a file"},
		{"no folder", func(t *testing.T, path string) { check(t, os.Remove(filepath.Dir(path))) }, "no such file"},
		{"another kind of file", func(t *testing.T, path string) {
			check(t, os.WriteFile(path, []byte(strings.Repeat("not a database ", 500)), 0o600))
		}, "not a database"},
		{"a newer schema", func(t *testing.T, path string) {
			s, err := sqlite.Open(t.Context(), path)
			check(t, err)
			check(t, s.Close())
			db, err := sql.Open("sqlite", path)
			check(t, err)
			_, err = db.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)`)
			check(t, err)
			check(t, db.Close())
		}, "newer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "sub")
			check(t, os.Mkdir(path, 0o700))
			path = filepath.Join(path, "fairlead.db")
			c.make(t, path)
			s, err := sqlite.Open(t.Context(), path)
			if err == nil {
				check(t, s.Close())
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func open(t *testing.T, path string) *store.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
	check(t, err)
	t.Cleanup(func() { check(t, s.Close()) })
	return s
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
