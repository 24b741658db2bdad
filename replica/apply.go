package replica

import (
	"context"
	"database/sql"
	"fmt"

	"fairlead"
	"fairlead/internal/sqlitefile"
)

// Apply takes the next changes of a log, in order: all of them or none. Once it returns, lookups of keys
// decide by them, and who waits for Now's channel has been told. A change that is not the next one gives
// ErrBroken, one that cannot be folded, or a damaged file, ErrUnfit, and neither changes anything.
//
// Where the disk does not take them, or the replica cannot, what is known goes on to serve, and the changes must be
// brought again; only keys that they revoke are refused from now on.
func (r *Replica) Apply(ctx context.Context, log string, changes []fairlead.Change) error {
	if len(changes) == 0 {
		return nil
	}
	r.writing.Lock()
	defer r.writing.Unlock()
	b, err := r.foldNext(ctx, log, changes)
	if err != nil {
		return fmt.Errorf("apply changes: %w", r.unfit(err))
	}
	gone, err := r.file.apply(ctx, b)
	// The version rises even where the commit failed: it may have reached the disk all the same.
	r.version.Add(1)
	if err != nil {
		r.unsure = true
		r.noteDamage(ctx, err)
		r.refuse(b.keys, b.at.Number)
		r.accounts.close(&b.accounts)
		r.dropCached(b.keys, gone)
		return fmt.Errorf("apply changes %d to %d: %w", changes[0].Number, b.at.Number, r.unfit(err))
	}
	r.accounts.put(&b.accounts, false)
	r.cacheKeys(b.keys, gone)
	if b.configures() {
		state := b.state // of its own, so that it does not keep the batch
		r.state = &state
	}
	r.stand(b.at, b.configures())
	r.refused.written(b.at.Number)
	return nil
}

// unfit says of an error which a damaged file gave that a whole copy helps.
func (r *Replica) unfit(err error) error {
	if isDamage(err) {
		return fmt.Errorf("%w: %w", ErrUnfit, err)
	}
	return err
}

// foldNext checks changes and folds them onto what the replica holds.
func (r *Replica) foldNext(ctx context.Context, log string, changes []fairlead.Change) (*batch, error) {
	if err := r.makeSure(ctx); err != nil {
		return nil, err
	}
	at, err := follow(r.now.Load().at, log, changes)
	if err != nil {
		return nil, err
	}
	state, err := r.currentState(ctx)
	var b *batch
	if err == nil {
		b, err = fold(at, state, changes)
	}
	if err != nil {
		r.refuse(keysOf(changes), at.Number)
	}
	return b, err
}

// apply writes a batch in one transaction, and gives the hashes that no longer stand for any key.
func (f *file) apply(ctx context.Context, b *batch) (gone []fairlead.KeyHash, err error) {
	err = sqlitefile.Tx(ctx, f.write, func(tx *sql.Tx) (err error) {
		if gone, err = writeKeys(ctx, tx, b.keys); err != nil {
			return err
		}
		if err := writeAccounts(ctx, tx, &b.accounts); err != nil {
			return err
		}
		if err := writeSecrets(ctx, tx, b.secrets); err != nil {
			return err
		}
		if b.stated {
			if err := writeState(ctx, tx, &b.state, b.document != nil); err != nil {
				return err
			}
		}
		if err := f.remember.writeChanges(ctx, tx, b.changes); err != nil {
			return err
		}
		return writePosition(ctx, tx, b.at)
	})
	return gone, err
}

func writePosition(ctx context.Context, tx *sql.Tx, at fairlead.Position) error {
	_, err := tx.ExecContext(ctx, `UPDATE position SET log = ?, number = ?, hash = ? WHERE id = 1`, at.Log, at.Number, at.Hash[:])
	return err
}
