package replica

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/maypok86/otter/v2"

	"fairlead"
)

// Key finds a key by the hash of its secret, revoked ones included. The key is shared: it must not
// be changed. A lookup that begins after an Apply returned sees what that call brought.
func (r *Replica) Key(ctx context.Context, hash fairlead.KeyHash) (k *fairlead.Key, found bool, err error) {
	if k := r.refused.find(hash); k != nil {
		return k, true, nil
	}
	c := r.cache.Load()
	if k, ok := c.GetIfPresent(hash); ok {
		return k, k != nil, nil
	}
	// Read before the disk is: a write that comes later makes it differ.
	version := r.version.Load()
	k, err = r.readKey(ctx, hash)
	if err != nil {
		return nil, false, fmt.Errorf("look up key: %w", err)
	}
	r.remember(c, hash, k, version)
	return k, k != nil, nil
}

// remember caches what was read from the disk at a version, if it is still true. An applier must not
// slip between the question and the act: Compute holds the entry's lock over both, and Apply
// raises the version before it takes the same lock. So either this sees the new version and keeps
// out, or the applier finds this entry and replaces it.
func (r *Replica) remember(c *cache, hash fairlead.KeyHash, k *fairlead.Key, version uint64) {
	c.Compute(hash, func(_ *fairlead.Key, found bool) (*fairlead.Key, otter.ComputeOp) {
		if found || r.version.Load() != version {
			return nil, otter.CancelOp
		}
		return k, otter.WriteOp
	})
}

// readKey reads a key from the disk; nil where there is none.
func (r *Replica) readKey(ctx context.Context, hash fairlead.KeyHash) (k *fairlead.Key, err error) {
	err = r.read(ctx, func(f *file) error {
		k = &fairlead.Key{Hash: hash}
		var created int64
		var revoked sql.NullInt64
		err := f.lookup.QueryRowContext(ctx, hash[:]).Scan(&k.ID, &k.Name, &k.Hint, &created, &revoked)
		if errors.Is(err, sql.ErrNoRows) {
			k = nil
			return nil
		}
		k.Created = fromMicros(created)
		if revoked.Valid {
			k.Revoked = fromMicros(revoked.Int64)
		}
		return err
	})
	return k, err
}

// cacheKeys brings the cache up to keys that the disk took.
func (r *Replica) cacheKeys(keys []fairlead.Key, gone []fairlead.KeyHash) {
	c := r.cache.Load()
	for i := range keys {
		// Only what is cached is replaced: a bulk of keys must not push the used ones out. This is
		// Compute and not ComputeIfPresent, which asks whether there is an entry without its lock and
		// would overlook one that a lookup is just putting in.
		c.Compute(keys[i].Hash, func(old *fairlead.Key, found bool) (*fairlead.Key, otter.ComputeOp) {
			if !found {
				return nil, otter.CancelOp
			}
			k := keys[i]
			if old != nil && k.Active() {
				k.Revoked = old.Revoked // as the upsert has it
			}
			return &k, otter.WriteOp
		})
	}
	r.dropCached(nil, gone)
}

// dropCached makes the next lookups of keys and hashes read the disk.
func (r *Replica) dropCached(keys []fairlead.Key, hashes []fairlead.KeyHash) {
	c := r.cache.Load()
	drop := func(h fairlead.KeyHash) {
		c.Compute(h, func(*fairlead.Key, bool) (*fairlead.Key, otter.ComputeOp) { return nil, otter.InvalidateOp })
	}
	for i := range keys {
		drop(keys[i].Hash)
	}
	for _, h := range hashes {
		drop(h)
	}
}

// A revocation stays whatever comes after it: a copy is made of pages read at several moments, and a
// replayed change may be older than the page. The condition leaves rows alone that are the same already.
const upsertKey = `
INSERT INTO keys (hash, id, name, hint, created, revoked) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (hash) DO UPDATE SET
    id = excluded.id, name = excluded.name, hint = excluded.hint, created = excluded.created,
    revoked = COALESCE(excluded.revoked, keys.revoked)
WHERE (id, name, hint, created, revoked) IS NOT (excluded.id, excluded.name, excluded.hint, excluded.created, excluded.revoked)`

// writeKeys gives the hashes that no longer stand for any key. A key whose id was revoked with another secret
// becomes revoked, in keys too.
func writeKeys(ctx context.Context, tx *sql.Tx, keys []fairlead.Key) (gone []fairlead.KeyHash, err error) {
	if len(keys) == 0 {
		return nil, nil
	}
	put, err := tx.PrepareContext(ctx, upsertKey)
	if err != nil {
		return nil, err
	}
	defer put.Close()
	for i := range keys {
		k := &keys[i]
		revoked := nullMicros(k.Revoked)
		write := func() error {
			_, err := put.ExecContext(ctx, k.Hash[:], k.ID, k.Name, k.Hint, k.Created.UnixMicro(), revoked)
			return err
		}
		err := write()
		if isTaken(err) { // the id has a row with another hash: its secret was replaced
			var old fairlead.KeyHash
			var before sql.NullInt64
			if old, before, err = removeKey(ctx, tx, k.ID); err == nil {
				gone = append(gone, old)
				if !revoked.Valid && before.Valid {
					revoked, k.Revoked = before, fromMicros(before.Int64)
				}
				err = write()
			}
		}
		if err != nil {
			return gone, err
		}
	}
	return gone, nil
}

func removeKey(ctx context.Context, tx *sql.Tx, id string) (hash fairlead.KeyHash, revoked sql.NullInt64, err error) {
	var b []byte
	err = tx.QueryRowContext(ctx, `DELETE FROM keys WHERE id = ? RETURNING hash, revoked`, id).Scan(&b, &revoked)
	copy(hash[:], b)
	return hash, revoked, err
}
