package replica_test

import (
	"bytes"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fairlead"
	"fairlead/replica"
	"fairlead/test/changelog"
)

func TestUnusableFileIsRebuilt(t *testing.T) {
	garbage := bytes.Repeat([]byte("not a database. "), 1000)
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, dir string)
	}{
		{"no database", func(t *testing.T, dir string) {
			check(t, os.WriteFile(filepath.Join(dir, "replica.1.db"), garbage, 0o600))
		}},
		{"nothing in it", func(t *testing.T, dir string) {
			check(t, os.Truncate(filepath.Join(dir, "replica.1.db"), 0))
		}},
		{"another program's database", func(t *testing.T, dir string) {
			check(t, os.Remove(filepath.Join(dir, "replica.1.db")))
			run(t, dir, `CREATE TABLE keys (a, b)`)
		}},
		{"another layout", func(t *testing.T, dir string) { run(t, dir, `PRAGMA user_version = 99`) }},
		{"a table lost", func(t *testing.T, dir string) { run(t, dir, `DROP TABLE keys`) }},
		{"a damaged page", func(t *testing.T, dir string) {
			f, err := os.OpenFile(filepath.Join(dir, "replica.1.db"), os.O_RDWR, 0)
			check(t, err)
			_, err = f.WriteAt(garbage[:4096], 4096)
			check(t, err)
			check(t, f.Close())
		}},
		{"found damaged while in use", func(t *testing.T, dir string) {
			check(t, os.WriteFile(filepath.Join(dir, "replica.damaged"), nil, 0o600))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, k := t.TempDir(), newKey()
			r := open(t, dir)
			apply(t, r, changelog.New("a").Keys(k))
			check(t, r.Close())
			c.spoil(t, dir)

			for range 2 { // the second rebuilding finds an older one's remains
				var log bytes.Buffer
				r = open(t, dir, replica.WithLog(slog.New(slog.NewTextHandler(&log, nil))))
				if !strings.Contains(log.String(), "replica rebuilt") {
					t.Errorf("the log does not say so: %q", log.String())
				}
				if _, err := os.Stat(filepath.Join(dir, "replica.aside.db")); err != nil {
					t.Error(err)
				}
				wantFound(t, r, nil, []fairlead.Key{k})
				wantAt(t, r, changelog.New(""))
				apply(t, r, changelog.New("a").Keys(k))
				check(t, r.Close())
				r = open(t, dir)
				wantFound(t, r, []fairlead.Key{k}, nil)
				check(t, r.Close())
				c.spoil(t, dir)
			}
		})
	}
}

// TestFirstStartSaysNothing holds that a file is called rebuilt only where there was one.
func TestFirstStartSaysNothing(t *testing.T) {
	dir := t.TempDir()
	var log bytes.Buffer
	for range 2 {
		r := open(t, dir, replica.WithLog(slog.New(slog.NewTextHandler(&log, nil))))
		check(t, r.Close())
	}
	if log.Len() > 0 {
		t.Errorf("the log says %q", log.String())
	}
}

// TestOldLayout holds that the file of layout 1 is moved aside: its keys come again with the feed.
func TestOldLayout(t *testing.T) {
	dir := t.TempDir()
	check(t, os.WriteFile(filepath.Join(dir, "replica.db"), []byte("of layout 1"), 0o600))
	check(t, os.WriteFile(filepath.Join(dir, "replica.db-wal"), []byte("its log"), 0o600))
	var log bytes.Buffer
	r := open(t, dir, replica.WithLog(slog.New(slog.NewTextHandler(&log, nil))))
	if !strings.Contains(log.String(), "replica rebuilt") {
		t.Errorf("the log does not say so: %q", log.String())
	}
	wantFiles(t, dir, "replica.1.db", "replica.aside.db", "replica.aside.db-wal", "replica.lock")
	wantAt(t, r, changelog.New(""))
}

// wantFiles holds which files there are, beside those that SQLite keeps for the one in use.
func wantFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	check(t, err)
	var got []string
	for _, e := range entries {
		if name := e.Name(); name == "replica.aside.db-wal" || !strings.HasSuffix(name, "-wal") && !strings.HasSuffix(name, "-shm") {
			got = append(got, name)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("there are %q, want %q", got, want)
	}
}

// TestDamageInUse holds that damage which opening does not see is noticed by use and repaired by the
// next start.
func TestDamageInUse(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	keys := make([]fairlead.Key, 500)
	for i := range keys {
		keys[i] = newKey()
	}
	apply(t, r, changelog.New("a").Keys(keys...))
	check(t, r.Close())
	first := slices.MinFunc(keys, func(a, b fairlead.Key) int { return bytes.Compare(a.Hash[:], b.Hash[:]) })
	path := filepath.Join(dir, "replica.1.db")
	file, err := os.ReadFile(path)
	check(t, err)
	for at := 11 << 12; at < len(file); at += 1 << 12 { // behind the tables' roots
		page := file[at : at+1<<12]
		holds := func(k fairlead.Key) bool { return bytes.Contains(page, k.Hash[:]) }
		if slices.ContainsFunc(keys, holds) && !holds(first) { // opening looks at the first
			copy(page, bytes.Repeat([]byte{0xff}, len(page)))
		}
	}
	check(t, os.WriteFile(path, file, 0o600))

	r = open(t, dir)
	failed := false
	for _, k := range keys {
		_, _, err := r.Key(t.Context(), k.Hash)
		failed = failed || err != nil
	}
	if !failed {
		t.Fatal("no lookup met the damage")
	}
	check(t, r.Close())
	r = open(t, dir)
	wantFound(t, r, nil, keys[:1])
	apply(t, r, changelog.New("a").Keys(keys...))
	wantFound(t, r, keys, nil)
}

// TestDamagedState holds that changes which meet damage ask for a whole copy, and that it heals without a restart.
func TestDamagedState(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	log := changelog.New("a")
	k := newKey()
	apply(t, r, log.Revise(`{"version":1,"models":{"a":"`+strings.Repeat("x", 50_000)+`"}}`), log.Keys(k))
	check(t, r.Close())
	path := filepath.Join(dir, "replica.1.db")
	file, err := os.ReadFile(path)
	check(t, err)
	for at := 11 << 12; at < len(file); at += 1 << 12 {
		if page := file[at : at+1<<12]; bytes.Contains(page, []byte("xxxx")) {
			copy(page, bytes.Repeat([]byte{0xff}, 8)) // where the next page of it is
		}
	}
	check(t, os.WriteFile(path, file, 0o600))
	r = open(t, dir)
	next := []fairlead.Change{log.Step(map[string]int{"a@p": 1}), log.Keys(revoked(k))}
	if err := r.Apply(t.Context(), "a", next); !errors.Is(err, replica.ErrUnfit) {
		t.Fatalf("got %v, want that a copy is needed", err)
	}
	wantFound(t, r, []fairlead.Key{revoked(k)}, nil) // though only memory has it
	check(t, copyOf(t, r, log, log.At.Number, revoked(k)).Commit(t.Context(), "a"))
	wantAt(t, r, log)
	wantFound(t, r, []fairlead.Key{revoked(k)}, nil)
	apply(t, r, log.Step(nil))
	check(t, r.Close())
	r = open(t, dir)
	wantAt(t, r, log)
	wantFiles(t, dir, "replica.2.db", "replica.lock")
}

func TestOneProcessAtATime(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	if _, err := replica.Open(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "another fairlead") {
		t.Errorf("a second replica in one folder: %v", err)
	}
	check(t, r.Close())
	open(t, dir)
}

func TestFilesArePrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	r := open(t, dir)
	apply(t, r, changelog.New("a").Keys(newKey()))
	c, err := r.BeginCopy(t.Context(), fairlead.Position{})
	check(t, err)
	check(t, c.Keys(t.Context(), []fairlead.Key{newKey()}))
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %v (%v), want 0700", info.Mode(), err)
	}
	files, err := os.ReadDir(dir)
	check(t, err)
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v (%v), want 0600", f.Name(), info.Mode(), err)
		}
	}
}

func run(t *testing.T, dir, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "replica.1.db"))
	check(t, err)
	_, err = db.Exec(statement)
	check(t, err)
	check(t, db.Close())
}
