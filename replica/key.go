package replica

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/maypok86/otter/v2"

	"fairlead"
)

// held is a key in memory, with account and team as they are now.
type held struct {
	fairlead.Key
	account *cell[fairlead.Account]
	team    *cell[fairlead.Team]
}

// Holder finds a key, with its account and team, by the hash of its secret or of the one that this replaced; revoked ones included.
// What it gives is shared: it must not be changed. A lookup that begins after an Apply returned sees what that call brought.
func (r *Replica) Holder(ctx context.Context, hash fairlead.KeyHash) (h fairlead.Holder, found bool, err error) {
	if k := r.refused.find(hash); k != nil {
		return fairlead.Holder{Key: k}, true, nil
	}
	c := r.cache.Load()
	k, ok := c.GetIfPresent(hash)
	if !ok {
		// Read before the disk is: a write that comes later makes it differ.
		version := r.version.Load()
		if k, err = r.readKey(ctx, hash); err != nil {
			return fairlead.Holder{}, false, fmt.Errorf("look up key: %w", err)
		}
		r.remember(c, hash, k, version)
	}
	if k == nil {
		return fairlead.Holder{}, false, nil
	}
	return fairlead.Holder{Key: &k.Key, Account: k.account.load(), Team: k.team.load()}, true, nil
}

// Key finds a key as Holder does, without account and team.
func (r *Replica) Key(ctx context.Context, hash fairlead.KeyHash) (k *fairlead.Key, found bool, err error) {
	h, found, err := r.Holder(ctx, hash)
	return h.Key, found, err
}

// remember caches what was read from the disk at a version, if it is still true. An applier must not
// slip between the question and the act: Compute holds the entry's lock over both, and Apply
// raises the version before it takes the same lock. So either this sees the new version and keeps
// out, or the applier finds this entry and replaces it.
func (r *Replica) remember(c *cache, hash fairlead.KeyHash, k *held, version uint64) {
	c.Compute(hash, func(_ *held, found bool) (*held, otter.ComputeOp) {
		if found || r.version.Load() != version {
			return nil, otter.CancelOp
		}
		return k, otter.WriteOp
	})
}

// readKey reads a key from the disk; nil where there is none.
func (r *Replica) readKey(ctx context.Context, hash fairlead.KeyHash) (h *held, err error) {
	err = r.read(ctx, func(f *file) error {
		h = nil
		k, err := scanKey(f.lookup.QueryRowContext(ctx, hash[:]))
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err == nil {
			h = r.accounts.held(&k)
		}
		return err
	})
	return h, err
}

// keyColumns are a key in the order of scanKey.
const keyColumns = `hash, id, name, hint, created, revoked, terms`

func scanKey(row interface{ Scan(...any) error }) (k fairlead.Key, err error) {
	var created int64
	var revoked sql.NullInt64
	var hash, terms []byte
	if err := row.Scan(&hash, &k.ID, &k.Name, &k.Hint, &created, &revoked, &terms); err != nil {
		return k, err
	}
	copy(k.Hash[:], hash)
	k.Created = fromMicros(created)
	if revoked.Valid {
		k.Revoked = fromMicros(revoked.Int64)
	}
	if len(terms) > 0 {
		if err := json.Unmarshal(terms, &k.KeyTerms); err != nil {
			return k, fmt.Errorf("%w: %w", errForeign, err)
		}
	}
	return k, nil
}

// termsOf is the column of terms, NULL where there are none, and that of the hash before the rotation.
func termsOf(k *fairlead.Key) (terms, old []byte, err error) {
	if k.None() {
		return nil, nil, nil
	}
	terms, err = json.Marshal(&k.KeyTerms)
	if k.Old != (fairlead.KeyHash{}) {
		old = k.Old[:]
	}
	return terms, old, err
}

// cacheKeys brings the cache up to keys that the disk took.
func (r *Replica) cacheKeys(keys []fairlead.Key, gone []fairlead.KeyHash) {
	c := r.cache.Load()
	for i := range keys {
		k := &keys[i]
		for _, hash := range hashesOf(k) {
			r.cacheKey(c, hash, k)
		}
	}
	r.dropCached(nil, gone)
}

// hashesOf are those by which a key is found.
func hashesOf(k *fairlead.Key) []fairlead.KeyHash {
	if k.Old == (fairlead.KeyHash{}) {
		return []fairlead.KeyHash{k.Hash}
	}
	return []fairlead.KeyHash{k.Hash, k.Old}
}

func (r *Replica) cacheKey(c *cache, hash fairlead.KeyHash, now *fairlead.Key) {
	// Only what is cached is replaced: a bulk of keys must not push the used ones out. This is
	// Compute and not ComputeIfPresent, which asks whether there is an entry without its lock and
	// would overlook one that a lookup is just putting in.
	c.Compute(hash, func(old *held, found bool) (*held, otter.ComputeOp) {
		if !found {
			return nil, otter.CancelOp
		}
		k := r.accounts.held(now)
		if old != nil && k.Active() {
			k.Revoked = old.Revoked // as the upsert has it
		}
		return k, otter.WriteOp
	})
}

// dropCached makes the next lookups of keys and hashes read the disk.
func (r *Replica) dropCached(keys []fairlead.Key, hashes []fairlead.KeyHash) {
	c := r.cache.Load()
	drop := func(h fairlead.KeyHash) {
		c.Compute(h, func(*held, bool) (*held, otter.ComputeOp) { return nil, otter.InvalidateOp })
	}
	for i := range keys {
		for _, h := range hashesOf(&keys[i]) {
			drop(h)
		}
	}
	for _, h := range hashes {
		drop(h)
	}
}

// A revocation stays whatever comes after it: a copy is made of pages read at several moments, and a
// replayed change may be older than the page. The condition leaves rows alone that are the same already.
const upsertKey = `
INSERT INTO keys (hash, id, name, hint, created, revoked, terms, old) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (hash) DO UPDATE SET
    id = excluded.id, name = excluded.name, hint = excluded.hint, created = excluded.created,
    revoked = COALESCE(excluded.revoked, keys.revoked), terms = excluded.terms, old = excluded.old
WHERE (id, name, hint, created, revoked, terms) IS NOT
    (excluded.id, excluded.name, excluded.hint, excluded.created, excluded.revoked, excluded.terms)`

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
		terms, rotated, err := termsOf(k)
		if err != nil {
			return gone, err
		}
		write := func() error {
			_, err := put.ExecContext(ctx, k.Hash[:], k.ID, k.Name, k.Hint, k.Created.UnixMicro(), revoked, terms, rotated)
			return err
		}
		err = write()
		if isTaken(err) { // the id has a row with another hash: its secret was replaced
			var old []fairlead.KeyHash
			var before sql.NullInt64
			if old, before, err = removeKey(ctx, tx, k.ID); err == nil {
				gone = append(gone, old...)
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

// removeKey gives the hashes by which the key was found.
func removeKey(ctx context.Context, tx *sql.Tx, id string) (hashes []fairlead.KeyHash, revoked sql.NullInt64, err error) {
	var hash, old []byte
	err = tx.QueryRowContext(ctx, `DELETE FROM keys WHERE id = ? RETURNING hash, old, revoked`, id).Scan(&hash, &old, &revoked)
	for _, b := range [][]byte{hash, old} {
		if len(b) == len(fairlead.KeyHash{}) {
			hashes = append(hashes, fairlead.KeyHash(b))
		}
	}
	return hashes, revoked, err
}
