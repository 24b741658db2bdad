//go:build linux

package fleet_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fairlead"
	"fairlead/test/harness"
)

// missed is how many changes an edge misses in the longest partition.
const missed = 10_000

// TestMissed has edges miss what happens: many changes, a whole control plane, their disk.
func TestMissed(t *testing.T) {
	f := begin(t)
	f.scene("10,000 changes are missed by an edge", func(t *testing.T) {
		e := f.node("e4")
		links := f.busLinks(e)
		each(links, (*harness.Proxy).Cut)
		before, err := position(e)
		check(t, err)
		f.writeMany(missed)
		after, err := position(e)
		check(t, err)
		if head, err := f.store.Head(t.Context()); err != nil || head.Number-after.Number < missed || after != before {
			t.Fatalf("%s stood at %d and stands at %d of %d (%v)", e.name, before.Number, after.Number, head.Number, err)
		}
		f.answers(e)
		f.heals(links)
	})
	f.scene("an edge boots alone", func(t *testing.T) {
		for _, n := range f.controls {
			n.kill()
		}
		check(t, server.Kill())
		for _, e := range f.edges {
			e.restart()
			f.answers(e)
		}
		check(t, server.Start())
		for _, n := range f.controls {
			n.launch()
		}
		for _, n := range f.controls {
			n.ready()
		}
		f.weigh(f.controls[0], 5)
	})
	f.scene("an edge's disk is full", func(t *testing.T) {
		e := f.node("e1")
		key, err := f.controls[0].api().CreateKey(t.Context(), "revoked while the disk is full")
		check(t, err)
		f.converged()
		f.admits(key.Secret, f.edges, http.StatusOK)
		at, err := position(e)
		check(t, err)
		full(t, e, 4096)
		_, err = f.controls[1].api().RevokeKey(t.Context(), key.ID)
		check(t, err)
		f.admits(key.Secret, f.edges, http.StatusUnauthorized) // there, too: what the disk does not take is kept in memory
		_, err = f.controls[2].api().SetWeight(t.Context(), left, 6, write)
		check(t, err)
		f.traffic.more(e, 20) // it serves as it did
		if now, err := position(e); err != nil || now != at {
			t.Errorf("a full disk took changes: %d, %d (%v)", at.Number, now.Number, err)
		}
		full(t, e, unix.RLIM_INFINITY)
		t.Logf("converged %s after there was room", f.converged().Round(time.Millisecond))
		f.weigh(f.controls[0], 7)
	})
}

// writeMany makes changes in the store itself, each in a transaction of its own. Nobody publishes them.
func (f *fleet) writeMany(n int64) {
	f.t.Helper()
	ctx := f.root.Context()
	var left atomic.Int64
	left.Store(n)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for left.Add(-1) >= 0 {
				k, _ := fairlead.NewKey("one of many", time.Now())
				if _, err := f.store.CreateKeys(ctx, fairlead.Act{By: "test", Action: "key.create", Target: k.ID}, k); err != nil {
					f.t.Errorf("create key: %v", err)
					return
				}
			}
		})
	}
	group.Wait()
}

// full bounds the size of the files that a process may write.
func full(t *testing.T, n *node, most uint64) {
	t.Helper()
	check(t, unix.Prlimit(n.pid(), unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: most, Max: unix.RLIM_INFINITY}, nil))
}

// more waits until an edge has given so many more answers.
func (d *traffic) more(n *node, answers int) {
	d.f.t.Helper()
	before := d.answers(n)
	harness.Until(d.f.t, n.name+" answers", func() bool { return d.answers(n) >= before+answers })
}
