package replica_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

// BenchmarkMillionKeys brings a replica a million keys, by changes of 10,000 and by a whole copy, and opens it
// again: that does not depend on the number of keys.
func BenchmarkMillionKeys(b *testing.B) {
	const n = 1_000_000
	for name, fill := range map[string]func(testing.TB, *replica.Replica, int){"changes": fill, "copy": fillByCopy} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				dir := b.TempDir()
				r := open(b, dir)
				before := b.Elapsed()
				fill(b, r, n)
				filled := b.Elapsed()
				check(b, r.Close())
				closed := b.Elapsed()
				r = open(b, dir)
				if _, found, err := r.Key(b.Context(), nthHash(n/2)); err != nil || !found {
					b.Fatal(found, err)
				}
				b.ReportMetric((filled - before).Seconds(), "s/fill")
				b.ReportMetric(float64((b.Elapsed()-closed).Microseconds())/1000, "ms/reopen+key")
			}
		})
	}
}

// fillByCopy copies keys 0 to n-1 in pages by hash, as control gives them.
func fillByCopy(t testing.TB, r *replica.Replica, n int) {
	t.Helper()
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	hashes := make([]fairlead.KeyHash, n)
	for i := range hashes {
		hashes[i] = nthHash(i)
	}
	slices.SortFunc(order, func(a, b int) int { return bytes.Compare(hashes[a][:], hashes[b][:]) })
	c, err := r.BeginCopy(t.Context(), fairlead.Position{Log: "a"})
	check(t, err)
	for part := range slices.Chunk(order, 10_000) {
		page := make([]fairlead.Key, 0, len(part))
		for _, i := range part {
			page = append(page, fairlead.Key{ID: fmt.Sprintf("key_%d", i), Name: "n", Hash: hashes[i], Created: start})
		}
		check(t, c.Keys(t.Context(), page))
	}
	check(t, c.Rest(t.Context(), fairlead.State{}, nil))
	check(t, c.Commit(t.Context(), "a"))
}

// BenchmarkMissedChanges applies 10,000 changes of kinds as they come, in one go and in batches of 256 KiB, onto a
// configuration of 1,000 endpoints.
func BenchmarkMissedChanges(b *testing.B) {
	const n = 10_000
	log := changelog.New("a")
	log.Revise(manyEndpoints(1000, 0))
	first := log.Made[0]
	for i := range n {
		switch i % 4 {
		case 0:
			log.Keys(fairlead.Key{ID: fmt.Sprintf("key_%d", i), Name: "n", Hash: nthHash(i), Created: start})
		case 1:
			log.Step(map[string]int{"vendor/model-7@openai": i})
		case 2:
			log.Secret(fmt.Sprintf("s%d", i%10), int64(i), "sealed")
		case 3:
			if i%40 == 3 { // making the patch is what takes time here
				log.Revise(manyEndpoints(1000, i))
			} else {
				log.Keys(fairlead.Key{ID: fmt.Sprintf("key_%d", i-3), Name: "n", Hash: nthHash(i - 3), Created: start, Revoked: start})
			}
		}
	}
	for name, most := range map[string]int{"in one go": 1 << 30, "256 KiB": 256 << 10} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				dir := b.TempDir()
				r := open(b, dir)
				apply(b, r, first)
				b.StartTimer()
				for rest := log.Made[1:]; len(rest) > 0; {
					size, until := 0, 0
					for until < len(rest) && (until == 0 || size < most) {
						size += len(rest[until].Content)
						until++
					}
					apply(b, r, rest[:until]...)
					rest = rest[until:]
				}
				b.StopTimer()
				info, err := os.Stat(filepath.Join(dir, "replica.1.db"))
				check(b, err)
				b.ReportMetric(float64(info.Size())/n, "disk-B/change")
				b.StartTimer()
			}
		})
	}
}

func manyEndpoints(n, weight int) string {
	var s strings.Builder
	for i := range n {
		fmt.Fprintf(&s, `,"vendor/model-%d":{"context":128000,"endpoints":[{"model":"model-%d","price":{"input":"0.15","output":"0.60"},"provider":"openai","weight":%d}]}`, i, i, weight+1)
		weight = max(0, weight-1)
	}
	return `{"models":{` + s.String()[1:] + `},"providers":{"openai":{}},"version":1}`
}

// BenchmarkOneWeight applies one revision that changes one weight of many endpoints.
func BenchmarkOneWeight(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		b.Run(fmt.Sprintf("endpoints=%d", n), func(b *testing.B) {
			log := changelog.New("a")
			var list []fairlead.Change
			log.Revise(manyEndpoints(n, 0))
			for i := range 100 {
				list = append(list, log.Revise(manyEndpoints(n, i%2)))
			}
			r := open(b, b.TempDir())
			apply(b, r, log.Made[0])
			b.ReportAllocs()
			b.ResetTimer()
			for i := range list {
				apply(b, r, list[i])
			}
			b.ReportMetric(b.Elapsed().Seconds()*1000/float64(len(list)), "ms/change")
		})
	}
}
