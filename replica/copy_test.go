package replica_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fairlead"
	"fairlead/replica"
	"fairlead/test/changelog"
)

// copyOf copies what a log came to at an earlier position, read now, and replays what came since.
func copyOf(t *testing.T, r *replica.Replica, l *changelog.Log, from int64, keys ...fairlead.Key) *replica.Copy {
	t.Helper()
	at := fairlead.Position{Log: l.At.Log, Number: from}
	if from > 0 {
		at.Hash = l.Made[from-1].Hash
	}
	c, err := r.BeginCopy(t.Context(), at)
	check(t, err)
	check(t, c.Keys(t.Context(), keys))
	check(t, c.Rest(t.Context(), l.State, nil))
	check(t, c.Apply(t.Context(), l.Made[from:]))
	return c
}

// TestCopy copies a log whose pages were read while it went on, beside a replica of another log that serves.
func TestCopy(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	old := changelog.New("a")
	ghost, kept, fresh := newKey(), newKey(), newKey()
	apply(t, r, old.Keys(ghost, kept), old.Revise(docOne), old.Secret("old", 3, "x"))

	log := changelog.New("b")
	log.Keys(kept)
	log.Revise(docOne)
	log.Step(map[string]int{"a/b@p": 10})
	from := log.At.Number // where the copy begins
	log.Keys(fresh)
	log.Revise(docTwo)
	log.Secret("new", 1, "y")
	log.Keys(revoked(kept))
	log.Step(map[string]int{"a/b@p": 20})

	// The pages are of now: later than the position, so that each change since meets what it did already.
	c := copyOf(t, r, log, from, revoked(kept), fresh)
	check(t, c.Rest(t.Context(), log.State, []fairlead.SealedSecret{{Name: "new", Version: 1, At: log.Time, Sealed: []byte("y")}}))
	check(t, c.Keys(t.Context(), []fairlead.Key{fresh})) // a page again

	wantAt(t, r, old)
	wantFound(t, r, []fairlead.Key{ghost, kept}, []fairlead.Key{fresh})
	before := old.Keys(revoked(ghost)) // it is served, and goes on, meanwhile
	apply(t, r, before)
	wantFound(t, r, []fairlead.Key{revoked(ghost), kept}, []fairlead.Key{fresh})

	_, config, over := r.Now()
	check(t, c.Commit(t.Context(), "b"))
	select {
	case <-over:
	default:
		t.Error("the copy is not told")
	}
	if _, now, _ := r.Now(); now == config {
		t.Error("the copy is no other configuration")
	}
	for range 2 {
		wantAt(t, r, log)
		wantFound(t, r, []fairlead.Key{revoked(kept), fresh}, []fairlead.Key{ghost})
		wantSecrets(t, r, []fairlead.SealedSecret{secret("new", 1, "y")})
		wantFiles(t, dir, "replica.2.db", "replica.lock")
		since, err := r.Since(t.Context(), 0)
		check(t, err)
		if len(since) != 1+int(log.At.Number-from) || since[0].Number != from || since[0].Kind != "" || since[1].Number != from+1 {
			t.Errorf("remembers %d changes", len(since))
		}
		wantKnown(t, r, from, place(log, from))
		wantKnown(t, r, from-1, fairlead.Position{})
		check(t, r.Close())
		r = open(t, dir)
	}
	check(t, r.Apply(t.Context(), "b", []fairlead.Change{log.Revise(docOne)})) // it goes on
	wantAt(t, r, log)
	if err := r.Apply(t.Context(), "a", []fairlead.Change{old.Keys()}); !errors.Is(err, replica.ErrBroken) {
		t.Errorf("a change of the old log: %v", err)
	}
}

// TestCopiesInARow makes one copy after another: committed, discarded, begun anew, and left.
func TestCopiesInARow(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	log := changelog.New("a")
	k := newKey()
	for i := range 4 {
		log.Revise(docOne)
		check(t, copyOf(t, r, log, log.At.Number, k).Commit(t.Context(), "a"))
		wantAt(t, r, log)
		wantFound(t, r, []fairlead.Key{k}, nil)

		left := copyOf(t, r, log, log.At.Number)
		again := copyOf(t, r, log, log.At.Number)
		if err := left.Keys(t.Context(), nil); err == nil {
			t.Error("a copy goes on after another one was begun")
		}
		if err := left.Commit(t.Context(), "a"); err == nil {
			t.Error("a copy is committed after another one was begun")
		}
		check(t, left.Discard())
		if i%2 == 0 {
			check(t, again.Discard())
			check(t, again.Discard())
			wantFiles(t, dir, "replica."+string(rune('2'+i))+".db", "replica.lock")
		}
		wantAt(t, r, log)
		wantFound(t, r, []fairlead.Key{k}, nil)
		if i == 2 {
			copyOf(t, r, log, log.At.Number)
			check(t, r.Close()) // in the middle of it
			r = open(t, dir)
			wantFiles(t, dir, "replica.4.db", "replica.lock")
		}
	}
}

// TestCopyRefuses holds what a copy is not made of, and that the old state stays.
func TestCopyRefuses(t *testing.T) {
	log := changelog.New("b")
	log.Revise(docOne)
	for _, c := range []struct {
		name string
		make func(t *testing.T, c *replica.Copy) error
		want string
	}{
		{"no configuration", func(t *testing.T, c *replica.Copy) error { return c.Commit(t.Context(), "b") }, "missing"},
		{"no configuration before changes", func(t *testing.T, c *replica.Copy) error { return c.Apply(t.Context(), log.Made) }, "first"},
		{"no document", func(t *testing.T, c *replica.Copy) error {
			return c.Rest(t.Context(), fairlead.State{Document: []byte("[]")}, nil)
		}, "configuration"},
		{"a gap", func(t *testing.T, c *replica.Copy) error {
			check(t, c.Rest(t.Context(), fairlead.State{}, nil))
			later := changelog.New("b")
			later.Keys()
			return c.Apply(t.Context(), []fairlead.Change{later.Keys()})
		}, replica.ErrBroken.Error()},
		{"a revision that does not fit", func(t *testing.T, c *replica.Copy) error {
			check(t, c.Rest(t.Context(), fairlead.State{Document: []byte(`{"x":1}`)}, nil))
			return c.Apply(t.Context(), log.Made)
		}, replica.ErrUnfit.Error()},
		{"a cancelled commit", func(t *testing.T, c *replica.Copy) error {
			check(t, c.Rest(t.Context(), log.State, nil))
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			return c.Commit(ctx, "b")
		}, "canceled"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			r := open(t, dir)
			old := changelog.New("a")
			k := newKey()
			apply(t, r, old.Keys(k))
			cp, err := r.BeginCopy(t.Context(), fairlead.Position{Log: "b"})
			check(t, err)
			if err := c.make(t, cp); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			check(t, cp.Discard())
			wantAt(t, r, old)
			wantFound(t, r, []fairlead.Key{k}, nil)
			wantFiles(t, dir, "replica.1.db", "replica.lock")
			check(t, copyOf(t, r, log, 0).Commit(t.Context(), "b"))
			wantAt(t, r, log)
		})
	}
}

// TestCopyHealsDamage holds that a file which was found damaged in use is replaced by a copy.
func TestCopyHealsDamage(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	apply(t, r, changelog.New("a").Keys(newKey()))
	check(t, os.WriteFile(filepath.Join(dir, "replica.damaged"), nil, 0o600))
	log := changelog.New("a")
	log.Revise(docOne)
	check(t, copyOf(t, r, log, 0).Commit(t.Context(), "a"))
	check(t, r.Close())
	wantAt(t, open(t, dir), log)
}

// TestLeftovers holds that Open removes what a killed copy left, whichever part.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	log := changelog.New("a")
	apply(t, r, log.Revise(docOne))
	check(t, r.Close())
	for _, name := range []string{"replica.next.db", "replica.next.db-journal", "replica.next.db-wal", "replica.next.db-shm"} {
		check(t, os.WriteFile(filepath.Join(dir, name), []byte("a part"), 0o600))
	}
	text, err := os.ReadFile(filepath.Join(dir, "replica.1.db")) // renamed, and killed before the old file was removed
	check(t, err)
	check(t, os.WriteFile(filepath.Join(dir, "replica.7.db"), text, 0o600))
	check(t, os.WriteFile(filepath.Join(dir, "replica.1.db-wal"), []byte("an old log"), 0o600))
	for _, other := range []string{"replica.07.db", "replica.-8.db", "replica.8.db.bak", "other"} {
		check(t, os.WriteFile(filepath.Join(dir, other), nil, 0o600))
	}
	r = open(t, dir)
	wantAt(t, r, log)
	check(t, r.Close())
	wantFiles(t, dir, "other", "replica.-8.db", "replica.07.db", "replica.7.db", "replica.8.db.bak", "replica.lock")
}

// TestCopyOneID copies pages of which one was read before a key's secret was replaced and one after it: one key is left,
// the one that the changes since make true; what was revoked with either secret stays revoked.
func TestCopyOneID(t *testing.T) {
	first, other := newKey(), newKey()
	second := newKey()
	second.ID = first.ID
	for _, c := range []struct {
		name       string
		pages      [][]fairlead.Key
		since      fairlead.Key // a change that the copy replays
		want, gone fairlead.Key
	}{
		{"replaced", [][]fairlead.Key{{first, other}, {second}}, second, second, first},
		{"replaced, read the other way round", [][]fairlead.Key{{second, other}, {first}}, second, second, first},
		{"in one page", [][]fairlead.Key{{first, second, other}}, second, second, first},
		{"revoked and replaced", [][]fairlead.Key{{revoked(first), other}, {second}}, second, revoked(second), first},
		{"replaced and revoked", [][]fairlead.Key{{first, other}, {revoked(second)}}, second, revoked(second), first},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := open(t, t.TempDir())
			log := changelog.New("b")
			log.Keys(first, other)
			from := log.At
			log.Keys(c.since)
			b, err := r.BeginCopy(t.Context(), from)
			check(t, err)
			for _, page := range c.pages {
				check(t, b.Keys(t.Context(), page))
			}
			check(t, b.Rest(t.Context(), log.State, nil))
			check(t, b.Apply(t.Context(), log.Made[from.Number:]))
			check(t, b.Commit(t.Context(), "b"))
			wantFound(t, r, []fairlead.Key{c.want, other}, []fairlead.Key{c.gone})
		})
	}
}
