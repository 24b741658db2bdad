package replica_test

import (
	"fmt"
	"sync"
	"testing"

	"fairlead"
	"fairlead/replica"
	"fairlead/test/changelog"
)

func TestKeys(t *testing.T) {
	a, b, c := newKey(), newKey(), newKey()
	renamed, again := a, revoked(a)
	renamed.Name = "another name"
	again.Revoked = start
	moved := a // the same id with another secret
	moved.Hash = fairlead.HashKey("another secret")
	for _, test := range []struct {
		name  string
		apply [][]fairlead.Key // each a change
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
		{"revoked for ever", [][]fairlead.Key{{revoked(a)}, {a}}, []fairlead.Key{revoked(a)}, nil},
		{"revoked at another time", [][]fairlead.Key{{revoked(a)}, {again}}, []fairlead.Key{again}, nil},
		{"secret replaced", [][]fairlead.Key{{a, b}, {moved}}, []fairlead.Key{moved, b}, []fairlead.Key{a}},
		{"secret of a revoked one replaced", [][]fairlead.Key{{revoked(a)}, {moved}}, []fairlead.Key{revoked(moved)}, []fairlead.Key{a}},
		{"twice in one call", [][]fairlead.Key{{a, revoked(a)}}, []fairlead.Key{revoked(a)}, nil},
	} {
		for _, cached := range []int{1000, 1} {
			for _, together := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, cache of %d, in one go: %v", test.name, cached, together), func(t *testing.T) {
					dir := t.TempDir()
					r := open(t, dir, replica.WithCache(cached))
					log := changelog.New("a")
					for _, keys := range test.apply {
						for _, k := range []fairlead.Key{a, b, c, moved} { // so that old values are cached
							if _, _, err := r.Key(t.Context(), k.Hash); err != nil {
								t.Fatal(err)
							}
						}
						change := log.Keys(keys...)
						if !together {
							apply(t, r, change)
						}
					}
					if together {
						apply(t, r, log.Made...)
					}
					wantFound(t, r, test.want, test.gone)
					check(t, r.Close())
					wantFound(t, open(t, dir), test.want, test.gone)
				})
			}
		}
	}
}

// TestRevocationIsSeenAtOnce looks keys up without pause while they are made and revoked, one by one and by
// whole copies. Whoever looks after Apply or Commit returned must see what it brought, and no later look may
// see less.
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
	log := changelog.New("a")
	for i, k := range keys {
		apply(t, r, log.Keys(k))
		wantFound(t, r, []fairlead.Key{k}, nil)
		if i%2 == 0 {
			apply(t, r, log.Keys(revoked(k)))
		} else {
			log.Keys(revoked(k))
			c, err := r.BeginCopy(t.Context(), log.At)
			check(t, err)
			keys := append([]fairlead.Key{}, keys[:i+1]...)
			for j := range keys {
				keys[j] = revoked(keys[j])
			}
			check(t, c.Keys(t.Context(), keys))
			check(t, c.Rest(t.Context(), log.State, nil))
			check(t, c.Commit(t.Context(), "a"))
		}
		wantFound(t, r, []fairlead.Key{revoked(k)}, nil)
	}
	close(stop)
	wg.Wait()
	for _, k := range keys {
		wantFound(t, r, []fairlead.Key{revoked(k)}, nil)
	}
}

// TestCacheIsBounded looks up more keys than memory may have, known and unknown ones.
func TestCacheIsBounded(t *testing.T) {
	const bound, keys = 16, 1000
	r := open(t, t.TempDir(), replica.WithCache(bound))
	fill(t, r, keys)
	for i := range 2 * keys {
		if _, found, err := r.Key(t.Context(), nthHash(i)); err != nil || found != (i < keys) {
			t.Fatal(i, found, err)
		}
	}
	if n := r.Cached(); n == 0 || n > bound {
		t.Errorf("%d keys are in memory; want 1 to %d", n, bound)
	}
}
