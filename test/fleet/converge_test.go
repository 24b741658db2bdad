//go:build linux

package fleet_test

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite" // edges' replicas are read beside them

	"fairlead"
	"fairlead/test/harness"
)

// soon is how long what is told within a second may take on a machine that is busy with other tests. A follower that is broken
// and gets there by some slow way is later.
const soon = 5 * time.Second

// converged waits until every edge that is meant to serve stands at the end of the store's log, by number and by hash, and
// gives how long that took.
func (f *fleet) converged() time.Duration {
	f.t.Helper()
	begun := time.Now()
	var head fairlead.Position
	harness.UntilWithin(f.t, soon, "the store answers", func() (ok bool) {
		var err error
		head, err = f.store.Head(f.root.Context())
		return err == nil
	})
	for _, n := range f.edges {
		if n.up() {
			f.at(n, head)
		}
	}
	return time.Since(begun)
}

// at waits until an edge stands at a place in the log.
func (f *fleet) at(n *node, want fairlead.Position) {
	f.t.Helper()
	var got fairlead.Position
	end := time.Now().Add(soon)
	for {
		var err error
		if got, err = position(n); err == nil && got == want {
			return
		}
		if err == nil && got.Log == want.Log && got.Number > want.Number { // something was written meanwhile
			if has, err := f.store.HasChange(f.root.Context(), got.Number, got.Hash); err == nil && has {
				return
			}
		}
		if time.Now().After(end) {
			f.t.Fatalf("%s stands at %d of log %s (%v); the store, at %d of %s", n.name, got.Number, got.Log, err, want.Number, want.Log)
		}
		pause(f.root.Context(), 10*time.Millisecond)
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// open opens an edge's replica beside it, to look.
func open(n *node) (*sql.DB, error) {
	files, err := replicaFiles(n)
	if err != nil {
		return nil, err
	}
	number := func(path string) int {
		n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), "replica."), ".db"))
		return n
	}
	files = slices.DeleteFunc(files, func(path string) bool { return number(path) == 0 })
	if len(files) == 0 {
		return nil, errors.New("there is no replica yet")
	}
	last := slices.MaxFunc(files, func(a, b string) int { return cmp.Compare(number(a), number(b)) })
	return sql.Open("sqlite", "file:"+last+"?mode=ro&_pragma=busy_timeout(2000)")
}

// position reads where an edge stands.
func position(n *node) (at fairlead.Position, err error) {
	db, err := open(n)
	if err != nil {
		return at, err
	}
	defer db.Close()
	var hash []byte
	err = db.QueryRow(`SELECT log, number, hash FROM position`).Scan(&at.Log, &at.Number, &hash)
	copy(at.Hash[:], hash)
	return at, err
}

// entry is a change as a log has it.
type entry struct {
	number  int64
	hash    string
	content string
}

// agree holds that the changes which each edge that is meant to serve remembers are the store's, by number, hash and content, and
// that they reach to its end without a hole, but where a whole copy began, whose place has the hash alone; and that what they make is the same: the revision in force and the weights laid
// over it. In what order an edge took them, and how often, its files cannot tell: counted does.
func (f *fleet) agree() {
	f.t.Helper()
	truth := f.log()
	state, _, err := f.store.State(f.root.Context())
	check(f.t, err)
	for _, n := range f.edges {
		if !n.up() {
			continue
		}
		db, err := open(n)
		check(f.t, err)
		rows, err := db.Query(`SELECT number, hash, content FROM changes ORDER BY number`)
		check(f.t, err)
		have := entries(f, rows)
		for i, e := range have {
			began := e.content == ""
			if i > 0 && e.number != have[i-1].number+1 && (!began || e.number <= have[i-1].number) {
				f.t.Fatalf("%s has change %d after change %d", n.name, e.number, have[i-1].number)
			}
			if began && e.number <= int64(len(truth)) {
				e.content = truth[e.number-1].content
			}
			if e.number <= int64(len(truth)) && truth[e.number-1] != e {
				f.t.Fatalf("%s has another change %d than the store", n.name, e.number)
			}
		}
		if last := int64(len(truth)); len(have) > 0 && have[len(have)-1].number < last {
			f.t.Errorf("%s has changes up to %d, the store to %d", n.name, have[len(have)-1].number, last)
		}
		var revision int64
		var weights sql.NullString
		check(f.t, db.QueryRow(`SELECT revision, weights FROM state`).Scan(&revision, &weights))
		check(f.t, db.Close())
		var list map[string]int
		if weights.Valid {
			check(f.t, json.Unmarshal([]byte(weights.String), &list))
		}
		if revision != state.Revision || !maps.Equal(list, state.Weights) {
			f.t.Errorf("%s has revision %d and weights %v; the store %d and %v", n.name, revision, list, state.Revision, state.Weights)
		}
	}
}

// tally is what an edge counted of the changes that it applied, by one process.
type tally struct {
	pid                              int
	number, applied, refused, copies float64
}

func (f *fleet) tally(n *node) tally {
	return tally{n.pid(), f.number(n, "fairlead_log_number"), f.number(n, "fairlead_changes_applied_total"), f.number(n, "fairlead_changes_refused_total"), f.number(n, "fairlead_copies_total")}
}

// tallies are those of the edges that serve.
func (f *fleet) tallies() map[*node]tally {
	all := map[*node]tally{}
	for _, n := range f.edges {
		if n.up() {
			all[n] = f.tally(n)
		}
	}
	return all
}

// counted holds that each edge whose process was the same throughout, and which copied no log, applied as many changes as it
// moved on by: none twice, none left out. A replica takes none but the next one.
func (f *fleet) counted(before map[*node]tally) {
	f.t.Helper()
	for n, was := range before {
		now := f.tally(n)
		if !n.up() || was.pid != now.pid || was.copies != now.copies {
			continue
		}
		harness.UntilWithin(f.t, soon, n.name+" applies each change once", func() bool {
			now = f.tally(n)
			return now.applied-was.applied == now.number-was.number && now.refused == was.refused
		})
	}
}

// log reads the store's log, which has to be dense.
func (f *fleet) log() []entry {
	f.t.Helper()
	ctx := f.root.Context()
	c, err := pgx.Connect(ctx, f.database)
	check(f.t, err)
	defer func() { _ = c.Close(ctx) }()
	rows, err := c.Query(ctx, `SELECT number, hash, content FROM changes ORDER BY number`)
	check(f.t, err)
	list := entries(f, rows)
	for i, e := range list {
		if e.number != int64(i)+1 {
			f.t.Fatalf("the store's log has change %d in place %d", e.number, i+1)
		}
	}
	return list
}

func entries(f *fleet, rows interface {
	Next() bool
	Scan(...any) error
	Err() error
},
) (list []entry) {
	f.t.Helper()
	for rows.Next() {
		var e entry
		var hash []byte
		check(f.t, rows.Scan(&e.number, &hash, &e.content))
		e.hash = string(hash)
		list = append(list, e)
	}
	check(f.t, rows.Err())
	return list
}
