package store

import (
	"context"
	"fmt"
	"time"

	"fairlead"
)

// adoptPage is how many keys one change takes over from a store that had no log of this kind.
const adoptPage = 10_000

// beginLog makes the log and the ledger where there is none. Its name is random, so that an edge can tell it from any other.
// Keys that are there already, from a schema without contents of changes, become the first change.
func (s *Store) beginLog(ctx context.Context) error {
	zero := fairlead.Hash{}
	if _, err := s.engine.Write.ExecContext(ctx, `INSERT INTO ledger (id, posting, hash) VALUES (1, 0, $1) ON CONFLICT (id) DO NOTHING`, zero[:]); err != nil {
		return fmt.Errorf("begin the ledger: %w", err)
	}
	tx, err := s.engine.Write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin the log: %w", err)
	}
	defer tx.Rollback() // after the commit it does nothing
	result, err := tx.ExecContext(ctx, `INSERT INTO head (id, log, number, hash, entries, entry_hash)
		VALUES (1, $1, 0, $2, 0, $2) ON CONFLICT (id) DO NOTHING`, fairlead.NewID("log_"), zero[:])
	if err != nil {
		return fmt.Errorf("begin the log: %w", err)
	}
	if made, err := result.RowsAffected(); err != nil || made == 0 {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO state (id, revision, at, document, weights, trial, whole, patched)
		VALUES (1, 0, 0, '{}', '', '', 0, 0)`)
	if err != nil {
		return fmt.Errorf("begin the configuration: %w", err)
	}
	w := &writer{engine: &s.engine, tx: tx, act: fairlead.Act{At: moment(time.Now()), By: "fairlead", Action: "store.migrate"}}
	if err := w.adopt(ctx); err != nil {
		return fmt.Errorf("take over keys: %w", err)
	}
	if err := w.finish(ctx); err != nil {
		return err
	}
	return tx.Commit()
}

// adopt tells the log of all keys that the table has.
func (w *writer) adopt(ctx context.Context) error {
	for after := (fairlead.KeyHash{}); ; {
		keys, err := keyPage(ctx, w.tx, after, adoptPage)
		if err != nil || len(keys) == 0 {
			return err
		}
		w.act.Target = fmt.Sprintf("%d keys", len(keys))
		if _, err := w.append(ctx, fairlead.ChangeKey, keyContent(keys)); err != nil {
			return err
		}
		after = keys[len(keys)-1].Hash
	}
}
