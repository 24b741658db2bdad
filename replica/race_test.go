package replica

import (
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/maypok86/otter/v2"

	"fairlead"
	"fairlead/test/changelog"
)

// TestStaleReadIsNotCached plays the interleaving by hand: a lookup reads the disk, the key is
// revoked, and only then does the lookup get to cache what it read.
func TestStaleReadIsNotCached(t *testing.T) {
	for _, c := range []struct {
		name  string
		known bool // before the revocation
	}{{"a good key", true}, {"no key", false}} {
		t.Run(c.name, func(t *testing.T) {
			r, k := openWith(t, c.known)
			cached, version := r.cache.Load(), r.version.Load()
			stale, err := r.readKey(t.Context(), k.Hash)
			if err != nil || (stale != nil) != c.known {
				t.Fatalf("read %v, %v", stale, err)
			}
			revoke(t, r, k)
			r.remember(cached, k.Hash, stale, version)
			wantRevoked(t, r, k)
		})
	}
}

// TestEntryBeingWrittenIsReplaced plays the other order: the lookup has asked and is putting its
// entry in, not yet visible, while the revocation goes by.
func TestEntryBeingWrittenIsReplaced(t *testing.T) {
	r, k := openWith(t, true)
	stale, err := r.readKey(t.Context(), k.Hash)
	if err != nil {
		t.Fatal(err)
	}
	applied := make(chan struct{})
	r.cache.Load().Compute(k.Hash, func(*held, bool) (*held, otter.ComputeOp) {
		before := r.version.Load()
		go func() {
			defer close(applied)
			revoke(t, r, k)
		}()
		for r.version.Load() == before {
			runtime.Gosched()
		}
		// Gives an applier that does not wait for the entry's lock the chance to go by.
		for range 1000 {
			runtime.Gosched()
		}
		return stale, otter.WriteOp
	})
	<-applied
	wantRevoked(t, r, k)
}

// TestForgottenCacheIsNotUsed holds that a lookup which began before a copy of another log was committed cannot
// bring a key back.
func TestForgottenCacheIsNotUsed(t *testing.T) {
	r, k := openWith(t, true)
	cached, version := r.cache.Load(), r.version.Load()
	stale, err := r.readKey(t.Context(), k.Hash)
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.BeginCopy(t.Context(), fairlead.Position{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Rest(t.Context(), fairlead.State{}, nil), c.Commit(t.Context(), "another log")); err != nil {
		t.Fatal(err)
	}
	r.remember(cached, k.Hash, stale, version)
	if got, found, err := r.Key(t.Context(), k.Hash); err != nil || found {
		t.Errorf("got %v, %v, %v; want no key", got, found, err)
	}
}

// TestFailedApply holds that after a failed write the disk is asked again, for nobody knows how far the write
// came; that what was revoked is refused all the same; and that the next write heals.
func TestFailedApply(t *testing.T) {
	r, k := openWith(t, true)
	other, _ := fairlead.NewKey("b", time.Now())
	for _, k := range []fairlead.Key{k, other} {
		if _, _, err := r.Key(t.Context(), k.Hash); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.file.write.Exec("PRAGMA query_only = 1"); err != nil {
		t.Fatal(err)
	}
	gone := k
	gone.Revoked = k.Created.Add(time.Second)
	next := nextChange(t, r, gone, other)
	if err := r.Apply(t.Context(), "a", []fairlead.Change{next}); err == nil {
		t.Fatal("a write to a closed file succeeded")
	}
	for _, k := range []fairlead.Key{k, other} {
		if _, ok := r.cache.Load().GetIfPresent(k.Hash); ok {
			t.Error("the entry is still cached")
		}
	}
	wantRevoked(t, r, k)
	if _, found, err := r.Key(t.Context(), other.Hash); err != nil || found {
		t.Errorf("a key that the disk does not have is admitted (%v)", err)
	}
	if at, err := r.Position(t.Context()); err != nil || at.Number != 1 {
		t.Errorf("at %+v, %v", at, err)
	}
	if _, err := r.file.write.Exec("PRAGMA query_only = 0"); err != nil {
		t.Fatal(err)
	}
	if err := r.Apply(t.Context(), "a", []fairlead.Change{next}); err != nil {
		t.Fatal(err)
	}
	if r.refused.some.Load() != 0 {
		t.Error("what the disk has is kept in memory as well")
	}
	wantRevoked(t, r, k)
	if k, found, err := r.Key(t.Context(), other.Hash); err != nil || !found || !k.Active() {
		t.Errorf("the key is not there after all (%v)", err)
	}
}

// TestUnsureApply holds that a write whose failure was none, as when only its answer is lost, is noticed.
func TestUnsureApply(t *testing.T) {
	r, k := openWith(t, true)
	k.Revoked = k.Created.Add(time.Second)
	next := nextChange(t, r, k)
	b, err := r.foldNext(t.Context(), "a", []fairlead.Change{next})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.file.apply(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	r.unsure = true
	_, _, over := r.Now()
	if at, err := r.Position(t.Context()); err != nil || at.Number != next.Number || at.Hash != next.Hash {
		t.Errorf("at %+v, %v", at, err)
	}
	select {
	case <-over:
	default:
		t.Error("nobody is told")
	}
}

func openWith(t *testing.T, known bool) (*Replica, fairlead.Key) {
	t.Helper()
	r, err := Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	k, _ := fairlead.NewKey("a", time.Now())
	if known {
		if err := r.Apply(t.Context(), "a", []fairlead.Change{nextChange(t, r, k)}); err != nil {
			t.Fatal(err)
		}
	}
	return r, k
}

func revoke(t *testing.T, r *Replica, k fairlead.Key) {
	k.Revoked = k.Created.Add(time.Second)
	if err := r.Apply(t.Context(), "a", []fairlead.Change{nextChange(t, r, k)}); err != nil {
		t.Error(err)
	}
}

// nextChange makes the change that says how keys are now.
func nextChange(t *testing.T, r *Replica, keys ...fairlead.Key) fairlead.Change {
	t.Helper()
	at, _, _ := r.Now()
	l := changelog.New("a")
	l.At = at
	return l.Keys(keys...)
}

func wantRevoked(t *testing.T, r *Replica, k fairlead.Key) {
	t.Helper()
	for range 2 {
		got, found, err := r.Key(t.Context(), k.Hash)
		if err != nil || !found || got.Active() {
			t.Errorf("got %v, %v, %v; want the revoked key", got, found, err)
		}
	}
}
