package replica_test

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fairlead"
	"fairlead/replica"
)

var start = time.Date(2026, 3, 4, 5, 6, 7, 891_234_000, time.UTC)

func newKey() fairlead.Key {
	k, _ := fairlead.NewKey("key of a test", start)
	return k
}

func revoked(k fairlead.Key) fairlead.Key {
	k.Revoked = start.Add(time.Hour)
	return k
}

func TestKeys(t *testing.T) {
	a, b, c := newKey(), newKey(), newKey()
	renamed := a
	renamed.Name = "another name"
	moved := a // the same id with another secret
	moved.Hash = fairlead.HashKey("another secret")
	for _, test := range []struct {
		name  string
		apply [][]fairlead.Key
		want  []fairlead.Key
		gone  []fairlead.Key
	}{
		{"none", nil, nil, []fairlead.Key{a}},
		{"one", [][]fairlead.Key{{a}}, []fairlead.Key{a}, []fairlead.Key{b}},
		{"several at once", [][]fairlead.Key{{a, b, c}}, []fairlead.Key{a, b, c}, nil},
		{"nothing applied", [][]fairlead.Key{{a}, {}}, []fairlead.Key{a}, nil},
		{"again", [][]fairlead.Key{{a}, {a}}, []fairlead.Key{a}, nil},
		{"changed", [][]fairlead.Key{{a}, {renamed}}, []fairlead.Key{renamed}, nil},
		{"revoked stays found", [][]fairlead.Key{{a, b}, {revoked(a)}}, []fairlead.Key{revoked(a), b}, nil},
		{"revoked before it was known", [][]fairlead.Key{{revoked(a)}}, []fairlead.Key{revoked(a)}, nil},
		{"secret replaced", [][]fairlead.Key{{a, b}, {moved}}, []fairlead.Key{moved, b}, []fairlead.Key{a}},
		{"twice in one call", [][]fairlead.Key{{a, revoked(a)}}, []fairlead.Key{revoked(a)}, nil},
	} {
		for _, cached := range []int{1000, 1} {
			t.Run(fmt.Sprintf("%s, cache of %d", test.name, cached), func(t *testing.T) {
				dir := t.TempDir()
				r := open(t, dir, replica.WithCache(cached))
				for _, keys := range test.apply {
					for _, k := range []fairlead.Key{a, b, c, moved} { // so that old values are cached
						if _, _, err := r.Key(t.Context(), k.Hash); err != nil {
							t.Fatal(err)
						}
					}
					check(t, r.ApplyKeys(t.Context(), keys...))
				}
				wantFound(t, r, test.want, test.gone)
				check(t, r.Close())
				wantFound(t, open(t, dir), test.want, test.gone)
			})
		}
	}
}

// wantFound looks twice: at the disk and at the cache.
func wantFound(t *testing.T, r *replica.Replica, want, gone []fairlead.Key) {
	t.Helper()
	for range 2 {
		for _, k := range want {
			if got, found, err := r.Key(t.Context(), k.Hash); err != nil || !found || *got != k {
				t.Errorf("got %+v, %v, %v; want %+v", got, found, err, k)
			}
		}
		for _, k := range gone {
			if got, found, err := r.Key(t.Context(), k.Hash); err != nil || found || got != nil {
				t.Errorf("got %+v, %v, %v; want no key", got, found, err)
			}
		}
	}
}

func TestFollow(t *testing.T) {
	k := newKey()
	for _, c := range []struct {
		name   string
		source string
		head   int64
		want   int64 // the replica is at change 7 of log "a"
	}{
		{"the same log, unchanged", "a", 7, 7},
		{"the same log, gone on", "a", 9, 7},
		{"the same log, restored from a backup", "a", 6, 0},
		{"another log", "b", 9, 0},
		{"another log, empty", "b", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			r := open(t, dir)
			if n, err := r.Follow(t.Context(), "a", 7); err != nil || n != 0 {
				t.Fatalf("a fresh replica is at %d, %v", n, err)
			}
			check(t, r.ApplyKeys(t.Context(), k))
			check(t, r.Advance(t.Context(), 7))
			wantFound(t, r, []fairlead.Key{k}, nil) // cached
			check(t, r.Close())

			r = open(t, dir)
			wantFound(t, r, []fairlead.Key{k}, nil)
			if n, err := r.Follow(t.Context(), c.source, c.head); err != nil || n != c.want {
				t.Errorf("goes on from %d (%v), want %d", n, err, c.want)
			}
			if c.want == 0 {
				wantFound(t, r, nil, []fairlead.Key{k})
			} else {
				wantFound(t, r, []fairlead.Key{k}, nil)
			}
		})
	}
}

func TestUnusableFileIsRebuilt(t *testing.T) {
	garbage := bytes.Repeat([]byte("not a database. "), 1000)
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, dir string)
	}{
		{"no database", func(t *testing.T, dir string) {
			check(t, os.WriteFile(filepath.Join(dir, "replica.db"), garbage, 0o600))
		}},
		{"another program's database", func(t *testing.T, dir string) {
			check(t, os.Remove(filepath.Join(dir, "replica.db")))
			run(t, dir, `CREATE TABLE keys (a, b)`)
		}},
		{"another layout", func(t *testing.T, dir string) { run(t, dir, `PRAGMA user_version = 99`) }},
		{"a table lost", func(t *testing.T, dir string) { run(t, dir, `DROP TABLE keys`) }},
		{"a damaged page", func(t *testing.T, dir string) {
			f, err := os.OpenFile(filepath.Join(dir, "replica.db"), os.O_RDWR, 0)
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
			if _, err := r.Follow(t.Context(), "a", 1); err != nil {
				t.Fatal(err)
			}
			check(t, r.ApplyKeys(t.Context(), k))
			check(t, r.Advance(t.Context(), 1))
			check(t, r.Close())
			c.spoil(t, dir)

			for range 2 { // the second rebuilding finds an older one's remains
				var log bytes.Buffer
				r = open(t, dir, replica.WithLog(slog.New(slog.NewTextHandler(&log, nil))))
				if !strings.Contains(log.String(), "replica rebuilt") {
					t.Errorf("the log does not say so: %q", log.String())
				}
				if _, err := os.Stat(filepath.Join(dir, "replica.db.aside")); err != nil {
					t.Error(err)
				}
				wantFound(t, r, nil, []fairlead.Key{k})
				if n, err := r.Follow(t.Context(), "a", 1); err != nil || n != 0 {
					t.Errorf("goes on from %d (%v), want 0", n, err)
				}
				check(t, r.ApplyKeys(t.Context(), k))
				check(t, r.Close())
				r = open(t, dir)
				wantFound(t, r, []fairlead.Key{k}, nil)
				check(t, r.Close())
				c.spoil(t, dir)
			}
		})
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
	check(t, r.ApplyKeys(t.Context(), keys...))
	check(t, r.Close())
	first := slices.MinFunc(keys, func(a, b fairlead.Key) int { return bytes.Compare(a.Hash[:], b.Hash[:]) })
	path := filepath.Join(dir, "replica.db")
	file, err := os.ReadFile(path)
	check(t, err)
	for at := 4 << 12; at < len(file); at += 1 << 12 { // leaves; opening looks at the first
		if page := file[at : at+1<<12]; !bytes.Contains(page, first.Hash[:]) {
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
	check(t, r.ApplyKeys(t.Context(), keys...))
	wantFound(t, r, keys, nil)
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
	check(t, r.ApplyKeys(t.Context(), newKey()))
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

// TestRevocationIsSeenAtOnce looks keys up without pause while they are made and revoked. Whoever
// looks after ApplyKeys returned must see what it brought, and no later look may see less.
func TestRevocationIsSeenAtOnce(t *testing.T) {
	r := open(t, t.TempDir(), replica.WithCache(4)) // small: entries come and go
	keys := make([]fairlead.Key, 8)
	for i := range keys {
		keys[i] = newKey()
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() {
			for n := i; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if _, _, err := r.Key(t.Context(), keys[n%len(keys)].Hash); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for _, k := range keys {
		check(t, r.ApplyKeys(t.Context(), k))
		wantFound(t, r, []fairlead.Key{k}, nil)
		check(t, r.ApplyKeys(t.Context(), revoked(k)))
		wantFound(t, r, []fairlead.Key{revoked(k)}, nil)
	}
	close(stop)
	wg.Wait()
	for _, k := range keys {
		wantFound(t, r, []fairlead.Key{revoked(k)}, nil)
	}
}

func open(t testing.TB, dir string, options ...replica.Option) *replica.Replica {
	t.Helper()
	r, err := replica.Open(t.Context(), dir, options...)
	check(t, err)
	t.Cleanup(func() { check(t, r.Close()) })
	return r
}

func run(t *testing.T, dir, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "replica.db"))
	check(t, err)
	_, err = db.Exec(statement)
	check(t, err)
	check(t, db.Close())
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// nthHash spreads n over the hash as a real one would.
func nthHash(n int) fairlead.KeyHash {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(n))
	return fairlead.HashKey(string(b[:]))
}
