// Package replica is this node's own disk: what the data plane must know to serve without asking
// anyone. It holds the keys, by the hash of their secrets, in DIR/replica.db, with a bounded memory
// cache in front. All of it is a copy: a damaged or foreign file is moved aside and filled again by
// the feed. A revoked key stays as a tombstone, so that "revoked" and "unknown" can be told apart.
package replica

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/maypok86/otter/v2"

	"fairlead"
)

// CachedKeys is how many keys are kept in memory by default, unknown ones included; each takes
// about 400 bytes.
const CachedKeys = 100_000

// Replica is an open replica. Its methods may be called from several goroutines.
type Replica struct {
	dir    string
	log    *slog.Logger
	size   int
	lock   *os.File
	write  *sql.DB // one connection
	read   *sql.DB // query-only
	lookup *sql.Stmt

	// writing orders the appliers, so that the cache takes changes in the order the disk took them.
	writing sync.Mutex
	// version grows with every write to the disk. A lookup caches what it read only if no write came
	// in between; see Key.
	version atomic.Uint64
	cache   atomic.Pointer[cache]
	damaged atomic.Bool
}

// cache maps the hash of a secret to its key, or to nil where there is no such key.
type cache = otter.Cache[fairlead.KeyHash, *fairlead.Key]

// Option changes how a replica is opened.
type Option func(*Replica)

// WithLog says where the replica tells of a file that it had to rebuild.
func WithLog(l *slog.Logger) Option { return func(r *Replica) { r.log = l } }

// WithCache bounds the keys kept in memory, instead of CachedKeys.
func WithCache(keys int) Option { return func(r *Replica) { r.size = keys } }

// Open opens the replica in a folder, making both where there are none. One process may hold it at a
// time: the cache would not see another's writes. Nothing is loaded, so the time to open does not
// depend on the number of keys.
func Open(ctx context.Context, dir string, options ...Option) (*Replica, error) {
	r := &Replica{dir: dir, log: slog.New(slog.DiscardHandler), size: CachedKeys}
	for _, o := range options {
		o(r)
	}
	if err := r.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open replica: %w", err), r.Close())
	}
	return r, nil
}

func (r *Replica) open(ctx context.Context) (err error) {
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return err
	}
	if r.lock, err = lockFile(filepath.Join(r.dir, "replica.lock")); err != nil {
		return err
	}
	if err := r.forget(); err != nil {
		return err
	}
	err = r.openFile(ctx)
	if unusable(err) {
		err = r.rebuild(ctx, err)
	}
	return err
}

// Close closes the replica.
func (r *Replica) Close() error {
	errs := []error{r.closeFile()}
	if r.lock != nil {
		errs = append(errs, r.lock.Close())
		r.lock = nil
	}
	return errors.Join(errs...)
}

// forget empties the cache. The old one is left to the lookups that still hold it: clearing it in
// place could miss what one of them is just putting in.
func (r *Replica) forget() error {
	c, err := otter.New(&otter.Options[fairlead.KeyHash, *fairlead.Key]{MaximumSize: r.size})
	if err != nil {
		return fmt.Errorf("make cache: %w", err)
	}
	r.cache.Store(c)
	return nil
}
