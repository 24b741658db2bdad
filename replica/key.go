package replica

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/maypok86/otter/v2"

	"fairlead"
	"fairlead/internal/sqlitefile"
)

// Key finds a key by the hash of its secret, revoked ones included. The key is shared: it must not
// be changed. A lookup that begins after an ApplyKeys returned sees what that call brought.
func (r *Replica) Key(ctx context.Context, hash fairlead.KeyHash) (k *fairlead.Key, found bool, err error) {
	c := r.cache.Load()
	if k, ok := c.GetIfPresent(hash); ok {
		return k, k != nil, nil
	}
	// Read before the disk is: a write that comes later makes it differ.
	version := r.version.Load()
	k, err = r.readKey(ctx, hash)
	if err != nil {
		r.noteDamage(ctx, err)
		return nil, false, fmt.Errorf("look up key: %w", err)
	}
	r.remember(c, hash, k, version)
	return k, k != nil, nil
}

// remember caches what was read from the disk at a version, if it is still true. An applier must not
// slip between the question and the act: Compute holds the entry's lock over both, and ApplyKeys
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
func (r *Replica) readKey(ctx context.Context, hash fairlead.KeyHash) (*fairlead.Key, error) {
	var (
		k       = fairlead.Key{Hash: hash}
		created int64
		revoked sql.NullInt64
	)
	err := r.lookup.QueryRowContext(ctx, hash[:]).Scan(&k.ID, &k.Name, &k.Hint, &created, &revoked)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	k.Created = time.UnixMicro(created).UTC()
	if revoked.Valid {
		k.Revoked = time.UnixMicro(revoked.Int64).UTC()
	}
	return &k, nil
}

// ApplyKeys stores keys as they are now, new, changed or revoked, by their ids: all of them or none.
// Applying the same key again changes nothing.
func (r *Replica) ApplyKeys(ctx context.Context, keys ...fairlead.Key) error {
	if len(keys) == 0 {
		return nil
	}
	r.writing.Lock()
	defer r.writing.Unlock()
	gone, err := r.writeKeys(ctx, keys)
	// The version rises even where the commit failed: it may have reached the disk all the same.
	r.version.Add(1)
	if err != nil {
		r.noteDamage(ctx, err)
		r.dropCached(keys, gone)
		return fmt.Errorf("apply keys: %w", err)
	}
	c := r.cache.Load()
	for i := range keys {
		// Only what is cached is replaced: a bulk of keys must not push the used ones out. This is
		// Compute and not ComputeIfPresent, which asks whether there is an entry without its lock and
		// would overlook one that a lookup is just putting in.
		c.Compute(keys[i].Hash, func(_ *fairlead.Key, found bool) (*fairlead.Key, otter.ComputeOp) {
			if !found {
				return nil, otter.CancelOp
			}
			k := keys[i]
			return &k, otter.WriteOp
		})
	}
	r.dropCached(nil, gone)
	return nil
}

// dropCached makes the next lookups of keys and hashes read the disk.
func (r *Replica) dropCached(keys []fairlead.Key, hashes []fairlead.KeyHash) {
	for i := range keys {
		hashes = append(hashes, keys[i].Hash)
	}
	c := r.cache.Load()
	for _, h := range hashes {
		c.Compute(h, func(*fairlead.Key, bool) (*fairlead.Key, otter.ComputeOp) { return nil, otter.InvalidateOp })
	}
}

// The condition leaves rows alone that are the same already, so that a repeated sync writes nothing.
const upsert = `
INSERT INTO keys (hash, id, name, hint, created, revoked) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (hash) DO UPDATE SET
    id = excluded.id, name = excluded.name, hint = excluded.hint, created = excluded.created, revoked = excluded.revoked
WHERE (id, name, hint, created, revoked) IS NOT (excluded.id, excluded.name, excluded.hint, excluded.created, excluded.revoked)`

// writeKeys gives the hashes that no longer stand for any key.
func (r *Replica) writeKeys(ctx context.Context, keys []fairlead.Key) (gone []fairlead.KeyHash, err error) {
	err = sqlitefile.Tx(ctx, r.write, func(tx *sql.Tx) error {
		put, err := tx.PrepareContext(ctx, upsert)
		if err != nil {
			return err
		}
		defer put.Close()
		for i := range keys {
			k := &keys[i]
			row := []any{
				k.Hash[:], k.ID, k.Name, k.Hint, k.Created.UnixMicro(),
				sql.NullInt64{Int64: k.Revoked.UnixMicro(), Valid: !k.Revoked.IsZero()},
			}
			_, err := put.ExecContext(ctx, row...)
			if isTaken(err) { // the id has a row with another hash: its secret was replaced
				var old fairlead.KeyHash
				if old, err = removeKey(ctx, tx, k.ID); err == nil {
					gone = append(gone, old)
					_, err = put.ExecContext(ctx, row...)
				}
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return gone, err
}

func removeKey(ctx context.Context, tx *sql.Tx, id string) (hash fairlead.KeyHash, err error) {
	var b []byte
	err = tx.QueryRowContext(ctx, `DELETE FROM keys WHERE id = ? RETURNING hash`, id).Scan(&b)
	copy(hash[:], b)
	return hash, err
}
