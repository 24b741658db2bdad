//go:build linux

package fleet_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"fairlead"
	"fairlead/client"
)

const (
	writers = 20
	patches = 3 // that each of them brings in
)

// TestWriters has many write at once.
func TestWriters(t *testing.T) {
	f := begin(t)
	f.scene("20 clients patch what they have read", func(t *testing.T) {
		before := f.revision()
		var late atomic.Int64
		var group sync.WaitGroup
		revisions := make([][]int64, writers)
		for w := range writers {
			group.Go(func() {
				for i := range patches {
					revision, stale := f.patch(t, w, i)
					revisions[w] = append(revisions[w], revision)
					late.Add(stale)
				}
			})
		}
		group.Wait()
		f.wantPatches(t, before, revisions)
		t.Logf("%d patches, of which others were quicker %d times", writers*patches, late.Load())
		f.serves(f.revision())
	})
	f.scene("a write whose control node is killed is made, or is not", func(t *testing.T) {
		n := f.node("c2")
		var group sync.WaitGroup
		known := map[string]bool{} // ids of keys that were shown
		var mu sync.Mutex
		stop := make(chan struct{})
		for range 4 {
			group.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					k, err := n.api().CreateKey(t.Context(), "while it is killed")
					if err != nil {
						continue
					}
					mu.Lock()
					known[k.ID] = true
					mu.Unlock()
				}
			})
		}
		for range 3 {
			f.traffic.more(f.node("e1"), 10)
			n.restart()
		}
		f.traffic.more(f.node("e1"), 10)
		close(stop)
		group.Wait()
		for k, err := range f.node("c1").api().Keys(t.Context()) {
			check(t, err)
			delete(known, k.ID)
		}
		if len(known) > 0 {
			t.Errorf("%d keys were shown and are gone", len(known))
		}
	})
}

// patch adds a model of the writer's own to what is in force, whichever control node answers, until nobody else was quicker.
func (f *fleet) patch(t *testing.T, writer, number int) (revision, stale int64) {
	name := fmt.Sprintf("writer-%d/model-%d", writer, number)
	body := fmt.Sprintf(`{"models":{%q:{"endpoints":[{"provider":"left","model":"echo"}]}}}`, name)
	for try := 0; ; try++ {
		now, err := f.controls[(writer+try)%3].api().Config(t.Context())
		if err != nil {
			t.Errorf("read the configuration: %v", err)
			return 0, stale
		}
		w, err := f.controls[(writer+try+1)%3].api().PatchConfig(t.Context(), []byte(body), client.Write{IfMatch: &now.Revision, Why: name})
		var refused *fairlead.Error
		switch {
		case err == nil && w.Revision == now.Revision+1:
			return w.Revision, stale
		case err == nil:
			t.Errorf("a patch of revision %d made revision %d", now.Revision, w.Revision)
			return w.Revision, stale
		case errors.As(err, &refused) && refused.Code == fairlead.CodeStale:
			stale++
		default:
			t.Errorf("patch: %v", err)
			return 0, stale
		}
	}
}

// wantPatches holds that each patch made one revision, and each revision has one patch more than the one before.
func (f *fleet) wantPatches(t *testing.T, before int64, revisions [][]int64) {
	t.Helper()
	by := map[int64]string{}
	for w, list := range revisions {
		for i, n := range list {
			if was, ok := by[n]; ok {
				t.Errorf("revision %d was made twice: by %s, too", n, was)
			}
			by[n] = fmt.Sprintf("writer-%d/model-%d", w, i)
		}
	}
	want := map[string]bool{"fake/echo": true}
	for n := before + 1; n <= before+writers*patches; n++ {
		r, err := f.controls[int(n)%3].api().Revision(t.Context(), n)
		check(t, err)
		want[by[n]] = true
		var document struct{ Models map[string]json.RawMessage }
		check(t, json.Unmarshal(r.Document, &document))
		if r.Why != by[n] || len(document.Models) != len(want) {
			t.Errorf("revision %d is of %q and has %d models; it was answered to %q, and %d were there by then",
				n, r.Why, len(document.Models), by[n], len(want))
		}
		for name := range want {
			if document.Models[name] == nil {
				t.Errorf("revision %s lacks %s", strconv.FormatInt(n, 10), name)
			}
		}
	}
}
