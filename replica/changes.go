package replica

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"fairlead"
)

// Bounds of the changes that are remembered, so that what a restored store has lost can be listed: the last
// 20,000 or those of 7 days, whichever is more, and at most 64 MiB. Time is that of the last change, so that an
// edge that hears nothing forgets nothing.
var remembered = bounds{changes: 20_000, time: 7 * 24 * time.Hour, bytes: 64 << 20}

type bounds struct {
	changes int64
	time    time.Duration
	bytes   int64
}

// Since gives the remembered changes after a number, in order. Where older ones were forgotten it begins later, and a whole copy leaves
// a gap: what was never here. The change that a copy began behind has no kind and no content, for only its hash is known.
func (r *Replica) Since(ctx context.Context, number int64) (changes []fairlead.Change, err error) {
	err = r.read(ctx, func(f *file) error {
		rows, err := f.read.QueryContext(ctx, `SELECT number, kind, at, author, hash, content FROM changes WHERE number > ? ORDER BY number`, number)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var c fairlead.Change
			var at int64
			var hash []byte
			if err := rows.Scan(&c.Number, &c.Kind, &at, &c.By, &hash, &c.Content); err != nil {
				return err
			}
			if c.Hash, err = hashOf(hash); err != nil {
				return err
			}
			c.At = fromMicros(at)
			changes = append(changes, c)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("read changes: %w", err)
	}
	return changes, nil
}

// writeChanges remembers changes and forgets what is past the bounds.
func (b bounds) writeChanges(ctx context.Context, tx *sql.Tx, changes []fairlead.Change) error {
	var through int64
	if err := tx.QueryRowContext(ctx, `SELECT COALESCE((SELECT through FROM changes ORDER BY number DESC LIMIT 1), 0)`).Scan(&through); err != nil {
		return err
	}
	put, err := tx.PrepareContext(ctx, `INSERT INTO changes (number, kind, at, author, hash, through, content) VALUES (?, ?, ?, ?, ?, ?, ?)`)
	if err != nil {
		return err
	}
	defer put.Close()
	for i := range changes {
		c := &changes[i]
		through += int64(len(c.Content))
		content := c.Content
		if content == nil {
			content = []byte{}
		}
		if _, err := put.ExecContext(ctx, c.Number, c.Kind, c.At.UnixMicro(), c.By, c.Hash[:], through, content); err != nil {
			return err
		}
	}
	return b.forgetChanges(ctx, tx, &changes[len(changes)-1], through)
}

// forgetChanges forgets the oldest changes. It looks at those alone that go, and one more.
func (b bounds) forgetChanges(ctx context.Context, tx *sql.Tx, last *fairlead.Change, through int64) error {
	rows, err := tx.QueryContext(ctx, `SELECT number, at, through - length(content) FROM changes WHERE number < ? ORDER BY number`, last.Number)
	if err != nil {
		return err
	}
	defer rows.Close()
	var until int64
	for rows.Next() {
		var number, at, before int64
		if err := rows.Scan(&number, &at, &before); err != nil {
			return err
		}
		stale := number <= last.Number-b.changes && at < last.At.Add(-b.time).UnixMicro()
		if !stale && through-before <= b.bytes {
			break
		}
		until = number
	}
	if err := rows.Close(); err != nil {
		return err
	}
	if until == 0 {
		return nil
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM changes WHERE number <= ?`, until)
	return err
}
