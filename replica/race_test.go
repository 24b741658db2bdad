package replica

import (
	"runtime"
	"testing"
	"time"

	"github.com/maypok86/otter/v2"

	"fairlead"
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
	r.cache.Load().Compute(k.Hash, func(*fairlead.Key, bool) (*fairlead.Key, otter.ComputeOp) {
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

// TestForgottenCacheIsNotUsed holds that a lookup which began before Follow forgot everything cannot
// bring a key back.
func TestForgottenCacheIsNotUsed(t *testing.T) {
	r, k := openWith(t, true)
	cached, version := r.cache.Load(), r.version.Load()
	stale, err := r.readKey(t.Context(), k.Hash)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Follow(t.Context(), "another log", 0); err != nil {
		t.Fatal(err)
	}
	r.remember(cached, k.Hash, stale, version)
	if got, found, err := r.Key(t.Context(), k.Hash); err != nil || found {
		t.Errorf("got %v, %v, %v; want no key", got, found, err)
	}
}

// TestFailedApplyIsNotHidden holds that after a failed write the disk is asked again, for nobody
// knows how far the write came.
func TestFailedApplyIsNotHidden(t *testing.T) {
	r, k := openWith(t, true)
	if _, _, err := r.Key(t.Context(), k.Hash); err != nil {
		t.Fatal(err)
	}
	if err := r.write.Close(); err != nil {
		t.Fatal(err)
	}
	k.Revoked = time.Now()
	if err := r.ApplyKeys(t.Context(), k); err == nil {
		t.Fatal("a write to a closed file succeeded")
	}
	if _, ok := r.cache.Load().GetIfPresent(k.Hash); ok {
		t.Error("the entry is still cached")
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
		if err := r.ApplyKeys(t.Context(), k); err != nil {
			t.Fatal(err)
		}
	}
	return r, k
}

func revoke(t *testing.T, r *Replica, k fairlead.Key) {
	k.Revoked = k.Created.Add(time.Second)
	if err := r.ApplyKeys(t.Context(), k); err != nil {
		t.Error(err)
	}
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
