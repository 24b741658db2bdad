package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fairlead"
	"fairlead/store"
)

// workers and each bound the concurrent tests: SQLite is about fifty times slower under the race
// detector.
const (
	workers = 4
	each    = 4
	racers  = 20
)

// testRace lets writers loose on the same base: for each number one wins, and the others are told.
func testRace(t *testing.T, db Database) {
	s := open(t, db)
	const rounds = 3
	for base := range int64(rounds) {
		from, err := s.Document(t.Context(), base)
		check(t, err)
		var won, lost atomic.Int64
		var wg sync.WaitGroup
		for w := range racers {
			wg.Go(func() {
				r, _, err := s.CommitRevision(t.Context(), commitOf(t, base, from, document(100*int(base)+w)))
				switch {
				case err == nil && r.Number == base+1:
					won.Add(1)
				case fairlead.AsError(err).Code == fairlead.CodeStale:
					lost.Add(1)
				default:
					t.Errorf("revision %d, %v", r.Number, err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 || lost.Load() != racers-1 {
			t.Errorf("on base %d %d won and %d lost", base, won.Load(), lost.Load())
		}
	}
	if v := wantWhole(t, s); v.Changes != rounds || v.Revisions != rounds || v.Entries != rounds {
		t.Errorf("walked %+v", v)
	}
}

func testConcurrentKeys(t *testing.T, db Database) {
	stores := []interface {
		CreateKeys(ctx context.Context, act fairlead.Act, keys ...fairlead.Key) (fairlead.Change, error)
	}{open(t, db), open(t, db)} // two nodes
	var wg sync.WaitGroup
	var mu sync.Mutex
	numbers := map[int64]bool{}
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				k := newKey(w*each + i)
				c, err := stores[w%2].CreateKeys(t.Context(), act("key.create", k.ID), k)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				numbers[c.Number] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for n := range int64(workers * each) {
		if !numbers[n+1] {
			t.Errorf("no change had number %d", n+1)
		}
	}
	s := open(t, db)
	wantHead(t, s, workers*each)
	wantWhole(t, s)
}

func testConcurrentRevoke(t *testing.T, db Database) {
	s := open(t, db)
	k := fill(t, s, 1)[0]
	times := make([]time.Time, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			a := act("key.revoke", k.ID)
			a.At = start.Add(time.Duration(w) * time.Minute)
			got, _, err := s.RevokeKey(t.Context(), k.ID, a)
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

func testConcurrentJoin(t *testing.T, db Database) {
	s := open(t, db)
	_, err := s.AddNode(t.Context(), fairlead.Node{Name: "edge-1", Added: start}, fairlead.Hash{1}, start.Add(time.Hour), act("node.add", "edge-1"))
	check(t, err)
	var joined atomic.Int64
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			_, _, err := s.JoinNode(t.Context(), fairlead.Hash{1}, start, fairlead.Node{Public: []byte{byte(w)}}, act("node.join", "edge-1"))
			if err == nil {
				joined.Add(1)
			} else if fairlead.AsError(err).Code != fairlead.CodeInvalidKey {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if joined.Load() != 1 {
		t.Errorf("%d joined with one token", joined.Load())
	}
}

// testReadWhileWriting holds that a reader sees a log without holes, and a state that is of its position.
func testReadWhileWriting(t *testing.T, db Database) {
	s := open(t, db)
	done := make(chan struct{})
	var wg sync.WaitGroup
	for w := range 2 {
		wg.Go(func() {
			for i := range workers * each {
				k := newKey(w*100 + i)
				if _, err := s.CreateKeys(t.Context(), act("key.create", strconv.Itoa(i)), k); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		for n := range workers * each {
			commit(t, s, document(n))
		}
	})
	go func() {
		wg.Wait()
		close(done)
	}()
	for finished := false; !finished; {
		select {
		case <-done:
			finished = true
		default:
		}
		hash := fairlead.Hash{}
		for i, c := range everything(t, s) {
			if c.Number != int64(i+1) || c.Hash != c.Chain(hash) {
				t.Fatalf("change %d stands at %d", c.Number, i+1)
			}
			hash = c.Hash
		}
		st, p, err := s.State(t.Context())
		check(t, err)
		if st.Revision > 0 {
			r, err := s.Revision(t.Context(), st.Revision)
			check(t, err)
			next, err := s.Revision(t.Context(), st.Revision+1)
			if r.Change > p.Number || err == nil && next.Change <= p.Number {
				t.Fatalf("revision %d of change %d was given with position %d", r.Number, r.Change, p.Number)
			}
		}
	}
	wantWhole(t, s)
}

// testLead holds that one at a time leads, that the next one follows, and that tasks are apart.
func testLead(t *testing.T, db Database) {
	s := open(t, db)
	var inside atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			err := s.Lead(t.Context(), "ramps", func(context.Context) error {
				if inside.Add(1) != 1 {
					t.Error("two lead at once")
				}
				defer inside.Add(-1)
				wantLed(t, s, "ramps", true)
				return s.Lead(t.Context(), "sweep", func(context.Context) error { return nil })
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	wantLed(t, s, "nothing", false)
	failed := errors.New("failed")
	if err := s.Lead(t.Context(), "ramps", func(context.Context) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("gave %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Lead(ctx, "ramps", func(leading context.Context) error {
		cancel()
		<-leading.Done()
		waiting := s.Lead(ctx, "ramps", func(context.Context) error { return fmt.Errorf("a second one led") })
		if !errors.Is(waiting, context.Canceled) {
			t.Errorf("who waited in vain got %v", waiting)
		}
		return leading.Err()
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("gave %v", err)
	}
}

func wantLed(t *testing.T, s *store.Store, task string, want bool) {
	t.Helper()
	if led, err := s.Led(t.Context(), task); err != nil || led != want {
		t.Errorf("%s is led: %v, %v", task, led, err)
	}
}
