//go:build linux

package fleet_test

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
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

// converged waits until every edge that is meant to serve stands at the end of the store's log, by number and by hash, and
// gives how long that took.
func (f *fleet) converged() time.Duration {
	f.t.Helper()
	begun := time.Now()
	var head fairlead.Position
	harness.UntilWithin(f.t, 30*time.Second, "the store answers", func() (ok bool) {
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
	end := time.Now().Add(30 * time.Second)
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
	number int64
	hash   string
}

// sameLogs holds that each edge which is meant to serve has the changes that the store has: each once, in order, with its hash.
func (f *fleet) sameLogs() {
	f.t.Helper()
	truth := f.log()
	for _, n := range f.edges {
		if !n.up() {
			continue
		}
		db, err := open(n)
		check(f.t, err)
		rows, err := db.Query(`SELECT number, hash FROM changes ORDER BY rowid`)
		check(f.t, err)
		have := entries(f, rows)
		check(f.t, db.Close())
		for i, e := range have {
			if i > 0 && e.number != have[i-1].number+1 {
				f.t.Fatalf("%s has change %d after change %d", n.name, e.number, have[i-1].number)
			}
			if e.number <= int64(len(truth)) && truth[e.number-1] != e {
				f.t.Fatalf("%s has another change %d than the store", n.name, e.number)
			}
		}
	}
}

// log reads the store's log, which has to be dense.
func (f *fleet) log() []entry {
	f.t.Helper()
	ctx := f.root.Context()
	c, err := pgx.Connect(ctx, f.database)
	check(f.t, err)
	defer func() { _ = c.Close(ctx) }()
	rows, err := c.Query(ctx, `SELECT number, hash FROM changes ORDER BY number`)
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
		check(f.t, rows.Scan(&e.number, &hash))
		e.hash = string(hash)
		list = append(list, e)
	}
	check(f.t, rows.Err())
	return list
}
