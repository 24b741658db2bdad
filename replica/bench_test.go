package replica_test

import (
	"fmt"
	"testing"

	"fairlead"
	"fairlead/replica"
	"fairlead/test/changelog"
)

// fill applies keys 0 to n-1 in pages.
func fill(t testing.TB, r *replica.Replica, n int) {
	t.Helper()
	log := changelog.New("a")
	page := make([]fairlead.Key, 0, 10_000)
	for i := range n {
		page = append(page, fairlead.Key{ID: fmt.Sprintf("key_%d", i), Name: "n", Hash: nthHash(i), Created: start})
		if len(page) == cap(page) || i == n-1 {
			apply(t, r, log.Keys(page...))
			page = page[:0]
		}
	}
}

// TestHitAllocates holds the bound of a cached lookup, known and unknown: no allocation.
func TestHitAllocates(t *testing.T) {
	r := open(t, t.TempDir())
	fill(t, r, 1)
	for _, h := range []fairlead.KeyHash{nthHash(0), nthHash(1)} {
		n := testing.AllocsPerRun(100, func() {
			if _, _, err := r.Key(t.Context(), h); err != nil {
				t.Fatal(err)
			}
		})
		if n > 0 {
			t.Errorf("a cached lookup allocates %v times", n)
		}
	}
}

func BenchmarkKeyHit(b *testing.B) {
	r := open(b, b.TempDir())
	const n = 1000
	fill(b, r, n)
	hashes := make([]fairlead.KeyHash, n)
	for i := range hashes {
		hashes[i] = nthHash(i)
		if _, _, err := r.Key(b.Context(), hashes[i]); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		ctx := b.Context()
		for i := 0; pb.Next(); i++ {
			if _, found, err := r.Key(ctx, hashes[i%n]); err != nil || !found {
				b.Error(found, err)
			}
		}
	})
}

func BenchmarkKeyMiss(b *testing.B) {
	r := open(b, b.TempDir())
	fill(b, r, 1000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, found, err := r.Key(b.Context(), nthHash(1000+i)); err != nil || found {
			b.Fatal(found, err)
		}
	}
}

// BenchmarkMillionKeys fills a replica and opens it again: the first is the cost of a whole copy,
// the second does not depend on the number of keys.
func BenchmarkMillionKeys(b *testing.B) {
	const n = 1_000_000
	for b.Loop() {
		dir := b.TempDir()
		r := open(b, dir)
		fill(b, r, n)
		filled := b.Elapsed()
		check(b, r.Close())
		r = open(b, dir)
		if _, found, err := r.Key(b.Context(), nthHash(n/2)); err != nil || !found {
			b.Fatal(found, err)
		}
		b.ReportMetric(filled.Seconds(), "s/fill")
		b.ReportMetric(float64((b.Elapsed() - filled).Milliseconds()), "ms/reopen+key")
	}
}
