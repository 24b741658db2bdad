// Package replica is this node's own disk: what the data plane must know to serve without asking
// anyone. It holds how far this node followed the log of changes, the configuration, the keys by the hash
// of their secrets, accounts and teams, the stored secrets (still sealed), and the changes last applied; in front of the keys
// is a bounded memory cache. All of it is a copy: a damaged or foreign file is moved aside and filled
// again by the feed. A revoked key stays as a tombstone, so that "revoked" and "unknown" can be told apart.
//
// DESIGN.md tells what holds between the disk, the cache and a copy under way.
package replica

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/maypok86/otter/v2"

	"fairlead"
	"fairlead/internal/filelock"
)

// CachedKeys is how many keys are kept in memory by default, unknown ones included; each takes
// about 600 bytes.
const CachedKeys = 100_000

// Replica is an open replica. Its methods may be called from several goroutines.
type Replica struct {
	dir  string
	log  *slog.Logger
	size int
	lock *os.File

	// reading is held over each use of file, and taken whole to put another in its place.
	reading sync.RWMutex
	file    *file

	// writing orders the appliers, so that the cache takes changes in the order the disk took them.
	writing sync.Mutex
	copying *Copy
	unsure  bool            // a write failed, and may have reached the disk all the same
	state   *fairlead.State // as the disk has it; nil = not read yet

	now atomic.Pointer[moment]
	// version grows with every write of keys to the disk. A lookup caches what it read only if no write
	// came in between; see Key.
	version atomic.Uint64
	cache   atomic.Pointer[cache]
	// accounts are in memory as a whole. Appliers bring them up to date after the disk has them, and before keys in memory.
	accounts accounts
	refused  refused
	damaged  atomic.Bool
}

// cache maps the hash of a secret to its key, or to nil where there is no such key.
type cache = otter.Cache[fairlead.KeyHash, *held]

// Option changes how a replica is opened.
type Option func(*Replica)

// WithLog says where the replica tells of a file that it had to rebuild.
func WithLog(l *slog.Logger) Option { return func(r *Replica) { r.log = l } }

// Open opens the replica in a folder, making both where there are none. One process may hold it at a
// time: the cache would not see another's writes. Nothing but accounts and teams is loaded, so the time to open does not
// depend on the number of keys. What a copy left that was not finished is removed.
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
	if r.lock, err = filelock.Lock(filepath.Join(r.dir, "replica.lock")); err != nil {
		return err
	}
	if err := r.forget(); err != nil {
		return err
	}
	path, err := r.tidy(ctx)
	if err != nil {
		return err
	}
	if r.file, err = r.openCurrent(ctx, path); err != nil {
		return err
	}
	at, err := r.file.position(ctx)
	if err != nil {
		return err
	}
	all, err := r.file.readAccounts(ctx)
	if err != nil {
		return fmt.Errorf("read accounts: %w", err)
	}
	r.accounts.put(all, true)
	r.now.Store(&moment{at: at, over: make(chan struct{})})
	return nil
}

// openCurrent opens the file in use, or begins anew where it cannot be used.
func (r *Replica) openCurrent(ctx context.Context, path string) (*file, error) {
	var f *file
	err := r.spoilt(path)
	if err == nil {
		f, err = openFile(ctx, path)
	}
	if !unusable(err) {
		return f, err
	}
	if err := r.moveAside(ctx, path, err); err != nil {
		return nil, err
	}
	return openFile(ctx, path)
}

// spoilt says why the file in use, where there is one, is not to be opened: SQLite would take an empty one for a new one.
func (r *Replica) spoilt(path string) error {
	if _, err := os.Stat(r.marker()); err == nil {
		return fmt.Errorf("%w: it was found damaged while in use", errForeign)
	}
	if info, err := os.Stat(path); err == nil && info.Size() == 0 {
		return fmt.Errorf("%w: it is empty", errForeign)
	}
	return nil
}

// Close closes the replica. A copy under way is lost.
func (r *Replica) Close() error {
	r.writing.Lock()
	defer r.writing.Unlock()
	var errs []error
	if r.copying != nil {
		errs = append(errs, r.copying.discard())
	}
	r.reading.Lock()
	defer r.reading.Unlock()
	if r.file != nil {
		errs = append(errs, r.file.close())
		r.file = nil
	}
	if r.lock != nil {
		errs = append(errs, r.lock.Close())
		r.lock = nil
	}
	return errors.Join(errs...)
}

// forget empties the cache. The old one is left to the lookups that still hold it: clearing it in
// place could miss what one of them is just putting in.
func (r *Replica) forget() error {
	c, err := otter.New(&otter.Options[fairlead.KeyHash, *held]{MaximumSize: r.size})
	if err != nil {
		return fmt.Errorf("make cache: %w", err)
	}
	r.cache.Store(c)
	return nil
}

// errClosed is what a closed replica says.
var errClosed = errors.New("the replica is closed")

// read calls f with the file in use, which stays open meanwhile.
func (r *Replica) read(ctx context.Context, f func(*file) error) error {
	r.reading.RLock()
	defer r.reading.RUnlock()
	if r.file == nil {
		return errClosed
	}
	err := f(r.file)
	if err != nil {
		r.noteDamage(ctx, err)
	}
	return err
}
