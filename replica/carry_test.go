package replica_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"fairlead"
	"fairlead/replica"
	"fairlead/test/changelog"
)

// TestCopyRemembers holds that a copy takes over the changes that both logs have, whatever comes between them and where it begins, that
// the next copy does so again, and that what is over the bounds is forgotten nevertheless.
func TestCopyRemembers(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	old := changelog.New("a")
	for range 5 {
		apply(t, r, old.Revise(docOne))
	}
	log := changelog.New("a")
	for range 3 { // on both
		log.Revise(docOne)
	}
	for range 4 {
		log.Revise(docTwo)
	}
	numbers := func() (list []int64) {
		t.Helper()
		since, err := r.Since(t.Context(), 0)
		check(t, err)
		for i := range since {
			n := since[i].Number
			if since[i].Kind == "" {
				n = -n
			} else if !reflect.DeepEqual(since[i], log.Made[n-1]) {
				t.Errorf("change %d is remembered as %+v", n, since[i])
			}
			list = append(list, n)
		}
		return list
	}
	want := func(list ...int64) {
		t.Helper()
		if got := numbers(); fmt.Sprint(got) != fmt.Sprint(list) {
			t.Errorf("remembers %v, want %v", got, list)
		}
	}
	copying := func(at, common, through int64) {
		t.Helper()
		p := place(log, at)
		p.Log = "a"
		c, err := r.BeginCopy(t.Context(), p)
		check(t, err)
		check(t, c.Remember(t.Context(), common))
		check(t, c.Rest(t.Context(), log.State, nil))
		check(t, c.Apply(t.Context(), log.Made[at:through]))
		check(t, c.Commit(t.Context(), "a"))
	}
	copying(5, 3, 6)
	want(1, 2, 3, -5, 6)
	wantKnown(t, r, 5, place(log, 5))
	wantKnown(t, r, 4, place(log, 3))
	check(t, r.Close())
	r = open(t, dir)
	want(1, 2, 3, -5, 6)
	copying(6, 9, 6) // no further than it stands
	want(1, 2, 3, -5, 6)
	copying(6, 2, 7)
	want(1, 2, -6, 7)
	r.Remember(1, time.Hour, 1000)
	log.Time = log.Time.Add(24 * time.Hour)
	check(t, r.Apply(t.Context(), "a", []fairlead.Change{log.Revise(docOne)}))
	want(8)
}

// TestCopyRevokes holds that keys which are revoked here and good in a copy are told, some at a time, and revoked in it.
func TestCopyRevokes(t *testing.T) {
	r := open(t, t.TempDir())
	old, log := changelog.New("a"), changelog.New("b")
	var good, gone []fairlead.Key
	for range 1203 {
		good, gone = append(good, newKey()), append(gone, newKey())
	}
	other, moved, known := newKey(), newKey(), revoked(newKey())
	lost := make([]fairlead.Key, len(gone))
	for i := range gone {
		lost[i] = revoked(gone[i])
	}
	elsewhere := moved // another id with the secret
	elsewhere.ID = newKey().ID
	apply(t, r, old.Keys(good...), old.Keys(lost...), old.Keys(revoked(other), revoked(moved), known))
	log.Revise(docOne)
	c := copyOf(t, r, log, 1, append(append([]fairlead.Key{elsewhere, known}, good...), gone...)...)
	told := map[string]fairlead.Key{}
	var after fairlead.KeyHash
	pages := 0
	for {
		page, err := c.Revoked(t.Context(), after)
		check(t, err)
		if len(page) == 0 {
			break
		}
		pages++
		for _, k := range page {
			told[k.ID] = k
		}
		after = page[len(page)-1].Hash
	}
	if len(told) != len(lost) || pages < 3 {
		t.Errorf("%d keys are told in %d pages", len(told), pages)
	}
	for _, k := range lost {
		if !reflect.DeepEqual(told[k.ID], k) {
			t.Fatalf("%s is told as %+v", k.ID, told[k.ID])
		}
	}
	check(t, c.Commit(t.Context(), "b"))
	wantFound(t, r, append(append([]fairlead.Key{elsewhere, known}, good...), lost...), []fairlead.Key{other})
	log.Keys(gone[0]) // the log says that it is good, and is not believed
	check(t, r.Apply(t.Context(), "b", log.Made[1:]))
	wantFound(t, r, lost[:1], nil)
}

// TestCopyBesideDamage holds that a copy does without what is in a damaged file, which it mends.
func TestCopyBesideDamage(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir, replica.WithCache(10))
	old, log := changelog.New("a"), changelog.New("a")
	for range 40 {
		var keys []fairlead.Key
		for range 50 {
			keys = append(keys, revoked(newKey()))
		}
		apply(t, r, old.Keys(keys...))
	}
	check(t, r.Close())
	path := filepath.Join(dir, "replica.1.db")
	text, err := os.ReadFile(path)
	check(t, err)
	for i := 64 << 10; i < len(text); i++ { // what is opened first stays
		text[i] = 'x'
	}
	check(t, os.WriteFile(path, text, 0o600))
	r = open(t, dir)
	log.Revise(docOne)
	c, err := r.BeginCopy(t.Context(), log.At)
	check(t, err)
	check(t, c.Remember(t.Context(), 1))
	check(t, c.Rest(t.Context(), log.State, nil))
	if keys, err := c.Revoked(t.Context(), fairlead.KeyHash{}); err != nil || len(keys) != 0 {
		t.Errorf("%d keys, %v", len(keys), err)
	}
	check(t, c.Commit(t.Context(), "a"))
	wantAt(t, r, log)
}

// BenchmarkCopyRevoked compares a million keys, of which each hundredth is revoked, with a copy that has all of them as good, and with
// one that has them as they are.
func BenchmarkCopyRevoked(b *testing.B) {
	const n = 1_000_000
	page := func(from int, lost bool) []fairlead.Key {
		keys := make([]fairlead.Key, 10_000)
		for i := range keys {
			k := fairlead.Key{ID: fmt.Sprintf("key_%d", from+i), Name: "n", Hash: nthHash(from + i), Created: start}
			if i%100 == 0 && !lost {
				k = revoked(k)
			}
			keys[i] = k
		}
		return keys
	}
	filled := func(r *replica.Replica, lost bool) *replica.Copy {
		c, err := r.BeginCopy(b.Context(), fairlead.Position{Log: "a"})
		check(b, err)
		for from := 0; from < n; from += 10_000 {
			check(b, c.Keys(b.Context(), page(from, lost)))
		}
		check(b, c.Rest(b.Context(), fairlead.State{}, nil))
		check(b, c.Apply(b.Context(), []fairlead.Change{changelog.New("a").Keys()})) // which makes the index of ids
		return c
	}
	r := open(b, b.TempDir())
	check(b, filled(r, false).Commit(b.Context(), "a"))
	for _, lost := range []bool{true, false} {
		b.Run(fmt.Sprintf("lost=%v", lost), func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				c := filled(r, lost)
				b.StartTimer()
				told := 0
				for after := (fairlead.KeyHash{}); ; {
					keys, err := c.Revoked(b.Context(), after)
					check(b, err)
					if len(keys) == 0 {
						break
					}
					told += len(keys)
					after = keys[len(keys)-1].Hash
				}
				b.ReportMetric(float64(told), "keys")
			}
		})
	}
}
