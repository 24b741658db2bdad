package storetest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/store"
)

// Bench measures what a back end takes for the usual writes. Each call of fresh gives an empty store.
func Bench(b *testing.B, fresh func(b *testing.B) *store.Store) {
	b.Run("key", func(b *testing.B) {
		s := fresh(b)
		for b.Loop() {
			k := newKey(0)
			_, err := s.CreateKeys(b.Context(), act("key.create", k.ID), k)
			check(b, err)
		}
	})
	for _, endpoints := range []int{10, 1000, 10_000} {
		b.Run(fmt.Sprint("weight-of-", endpoints), func(b *testing.B) { benchWeight(b, fresh(b), endpoints) })
	}
	b.Run("keys-10000", func(b *testing.B) {
		s := fresh(b)
		for b.Loop() {
			b.StopTimer()
			keys := manyKeys(10_000)
			b.StartTimer()
			_, err := s.CreateKeys(b.Context(), act("key.create", "10000 keys"), keys...)
			check(b, err)
		}
		b.ReportMetric(float64(b.N)*10_000/b.Elapsed().Seconds(), "keys/s")
	})
}

// benchWeight commits changes of one weight in a document of so many endpoints (300 bytes each).
func benchWeight(b *testing.B, s *store.Store, endpoints int) {
	models := map[string]any{}
	for i := range endpoints {
		models[fmt.Sprintf("author/model-%05d", i)] = map[string]any{
			"endpoints": []any{map[string]any{"provider": "p", "weight": 0, "model": strings.Repeat("x", 250)}},
		}
	}
	first, err := json.Marshal(map[string]any{"models": models, "version": 1})
	check(b, err)
	c := commitOf(b, 0, []byte(`{}`), first)
	_, _, err = s.CommitRevision(b.Context(), c)
	check(b, err)
	st, _, err := s.State(b.Context())
	check(b, err)
	const name = `"author/model-00007":{"endpoints":[{"model":"`
	place := strings.Index(string(first), name) + len(name) + 250 + len(`","provider":"p","weight":`)
	n, base := 0, st.Revision
	for b.Loop() {
		n, base = (n+1)%10, base+1
		next := append([]byte(nil), first...)
		next[place] = '0' + byte(n)
		c := fairlead.Commit{Base: base - 1, Document: next, Act: act("weight", "author/model-00007@p"), Content: fairlead.RevisionContent{
			Origin: fairlead.OriginWeight,
			Patch:  fmt.Appendf(nil, `{"models":{"author/model-00007":{"endpoints":[{"model":%q,"provider":"p","weight":%d}]}}}`, strings.Repeat("x", 250), n),
		}}
		_, _, err := s.CommitRevision(b.Context(), c)
		check(b, err)
	}
	b.ReportMetric(float64(len(first))/1e6, "MB")
}

func manyKeys(n int) []fairlead.Key {
	keys := make([]fairlead.Key, n)
	for i := range keys {
		keys[i], _ = fairlead.NewKey("key of a benchmark", start.Add(time.Duration(i)*time.Microsecond))
	}
	return keys
}

// BenchMillion fills a store with 1,000,000 keys in changes of 10,000, and measures the rate; then it copies them by pages and
// verifies the store.
func BenchMillion(b *testing.B, s *store.Store) {
	const each, changes = 10_000, 100
	for b.Loop() {
		var writing time.Duration
		for range changes {
			keys := manyKeys(each)
			began := time.Now()
			_, err := s.CreateKeys(b.Context(), act("key.create", "10000 keys"), keys...)
			check(b, err)
			writing += time.Since(began)
		}
		b.ReportMetric(float64(each*changes)/writing.Seconds(), "keys-written/s")
		began, read := time.Now(), 0
		for after := (fairlead.KeyHash{}); ; {
			page, err := s.KeyPage(b.Context(), after, each)
			check(b, err)
			if len(page) == 0 {
				break
			}
			read += len(page)
			after = page[len(page)-1].Hash
		}
		b.ReportMetric(float64(read)/time.Since(began).Seconds(), "keys-copied/s")
		began = time.Now()
		v, err := s.Verify(b.Context())
		check(b, err)
		if len(v.Faults) > 0 {
			b.Error(v.Faults)
		}
		b.ReportMetric(time.Since(began).Seconds(), "verify-s")
	}
}
