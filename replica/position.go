package replica

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"fairlead/internal/sqlitefile"
)

// Follow says which log of changes the replica is to follow and how far that log goes, and gives the
// number of the last change that the replica knows of it. A replica that followed another log, or
// knows more changes than this one has (its store was restored from a backup), forgets its keys and
// begins at 0: a key that the truth does not list must not open the door.
func (r *Replica) Follow(ctx context.Context, source string, head int64) (change int64, err error) {
	r.writing.Lock()
	defer r.writing.Unlock()
	var known string
	err = r.write.QueryRowContext(ctx, `SELECT source, change FROM position WHERE id = 1`).Scan(&known, &change)
	if err != nil {
		r.noteDamage(ctx, err)
		return 0, fmt.Errorf("read position: %w", err)
	}
	if known == source && change <= head {
		return change, nil
	}
	if known != "" {
		r.log.WarnContext(ctx, "replica begins anew: it followed another log of changes",
			"was", known, "at", change, "now", source, "head", head)
	}
	err = sqlitefile.Tx(ctx, r.write, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM keys`); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE position SET source = ?, change = 0 WHERE id = 1`, source)
		return err
	})
	r.version.Add(1)
	if err := errors.Join(err, r.forget()); err != nil {
		return 0, fmt.Errorf("begin anew: %w", err)
	}
	return 0, nil
}

// Advance notes that every change up to a number was applied.
func (r *Replica) Advance(ctx context.Context, change int64) error {
	r.writing.Lock()
	defer r.writing.Unlock()
	if _, err := r.write.ExecContext(ctx, `UPDATE position SET change = ? WHERE id = 1`, change); err != nil {
		r.noteDamage(ctx, err)
		return fmt.Errorf("note position: %w", err)
	}
	return nil
}

// isTaken reports a violated unique column.
func isTaken(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code() == lib.SQLITE_CONSTRAINT_UNIQUE
}
