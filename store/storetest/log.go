package storetest

import (
	"context"
	"sync"
	"testing"
	"time"

	"fairlead"
)

// workers and each bound the concurrent tests: SQLite is about fifty times slower under the race
// detector.
const (
	workers = 4
	each    = 4
)

func testDense(t *testing.T, db Database) {
	s := open(t, db)
	wantHead(t, s, 0)
	keys := fill(t, s, 3)
	wantHead(t, s, 3)
	if _, err := s.RevokeKey(t.Context(), keys[0].ID, start); err != nil {
		t.Fatal(err)
	}
	wantHead(t, s, 4)
}

func testChanges(t *testing.T, db Database) {
	s := open(t, db)
	keys := fill(t, s, 3)
	if _, err := s.RevokeKey(t.Context(), keys[0].ID, start); err != nil {
		t.Fatal(err)
	}
	keys[0].Revoked = start
	for _, c := range []struct {
		after int64
		limit int
		want  []fairlead.Key
		last  int64
	}{
		{0, 10, []fairlead.Key{keys[1], keys[2], keys[0]}, 4},
		{0, 2, []fairlead.Key{keys[1], keys[2]}, 3},
		{3, 10, []fairlead.Key{keys[0]}, 4},
		{4, 10, nil, 4},
		{9, 10, nil, 9},
	} {
		got, last, err := s.KeyChanges(t.Context(), c.after, c.limit)
		if err != nil || last != c.last {
			t.Errorf("after %d: last %d (%v), want %d", c.after, last, err, c.last)
		}
		wantSame(t, got, c.want)
	}
}

func testSource(t *testing.T, a, b Database) {
	one, _, err := open(t, a).Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	two, _, err := open(t, b).Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if one == "" || one == two {
		t.Errorf("two stores name their logs %q and %q", one, two)
	}
}

func testConcurrentCreate(t *testing.T, db Database) {
	s := open(t, db)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				if err := s.CreateKey(t.Context(), newKey(w*each+i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	wantHead(t, s, workers*each)
	keys, last, err := s.KeyChanges(t.Context(), 0, 1000)
	if err != nil || len(keys) != workers*each || last != workers*each {
		t.Errorf("%d changes up to %d (%v), want %d", len(keys), last, err, workers*each)
	}
}

func testConcurrentRevoke(t *testing.T, db Database) {
	s := open(t, db)
	k := fill(t, s, 1)[0]
	times := make([]time.Time, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			got, err := s.RevokeKey(t.Context(), k.ID, start.Add(time.Duration(w)*time.Minute))
			if err != nil {
				t.Error(err)
			}
			times[w] = got.Revoked
		})
	}
	wg.Wait()
	for _, got := range times {
		if got.IsZero() || !got.Equal(times[0]) {
			t.Errorf("revoked at %v and at %v: the first time must stay", got, times[0])
		}
	}
	wantHead(t, s, 2)
}

// testReadWhileWriting holds that a reader sees a log without holes: a number is visible only when
// all before it are.
func testReadWhileWriting(t *testing.T, db Database) {
	s := open(t, db)
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(done)
		for i := range workers * each {
			if err := s.CreateKey(t.Context(), newKey(i)); err != nil {
				t.Error(err)
			}
		}
	})
	for finished := false; !finished; {
		select {
		case <-done:
			finished = true
		default:
		}
		keys, last, err := s.KeyChanges(t.Context(), 0, 1000)
		if err != nil || int64(len(keys)) != last {
			t.Fatalf("%d changes up to number %d (%v)", len(keys), last, err)
		}
	}
	wg.Wait()
}

func testCancelled(t *testing.T, db Database) {
	s := open(t, db)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.CreateKey(ctx, newKey(0)); err == nil {
		t.Error("a cancelled call succeeded")
	}
	wantKeys(t, s, nil)
	wantHead(t, s, 0)
	wantKeys(t, s, fill(t, s, 1)) // the writer is free again
}
