package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"fairlead"
)

// Head gives the name of this store's log and the number of its last change, 0 where there is none.
func (s *Store) Head(ctx context.Context) (source string, change int64, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT source, n FROM head WHERE id = 1`).Scan(&source, &change)
	if err != nil {
		return "", 0, fmt.Errorf("read head: %w", err)
	}
	return source, change, nil
}

// KeyChanges gives at most limit keys that changed after a change, in the order of their last
// changes, and the number of the last one given; where nothing changed it is after itself.
func (s *Store) KeyChanges(ctx context.Context, after int64, limit int) (keys []fairlead.Key, last int64, err error) {
	rows, err := s.read.QueryContext(ctx,
		`SELECT `+keyColumns+`, change FROM keys WHERE change > $1 ORDER BY change LIMIT $2`, after, limit)
	if err != nil {
		return nil, 0, fmt.Errorf("read changes of keys: %w", err)
	}
	last = after
	keys, err = collect(rows, limit, func(r *sql.Rows) (fairlead.Key, error) { return scanKey(r, &last) })
	if err != nil {
		return nil, 0, fmt.Errorf("read changes of keys: %w", err)
	}
	return keys, last, nil
}

// nextChange takes the next number of the log inside a change's own transaction.
func nextChange(ctx context.Context, tx *sql.Tx) (n int64, err error) {
	err = tx.QueryRowContext(ctx, `UPDATE head SET n = n + 1 WHERE id = 1 RETURNING n`).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("take a change's number: %w", err)
	}
	return n, nil
}
