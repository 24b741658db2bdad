package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"fairlead"
	"fairlead/internal/sqlitefile"
)

const keyColumns = `id, name, hash, hint, created, revoked`

// CreateKey stores a new key. An id or a hash that is taken gives CodeConflict.
func (s *Store) CreateKey(ctx context.Context, k fairlead.Key) error {
	err := sqlitefile.Tx(ctx, s.write, func(tx *sql.Tx) error {
		n, err := nextChange(ctx, tx)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx,
			`INSERT INTO keys (id, name, hash, hint, created, revoked, change) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			k.ID, k.Name, k.Hash[:], k.Hint, micros(k.Created), nullMicros(k.Revoked), n)
		return err
	})
	switch {
	case isTaken(err):
		return &fairlead.Error{Code: fairlead.CodeConflict, Message: "a key with this id or secret exists already", Err: err}
	case err != nil:
		return fmt.Errorf("create key: %w", err)
	}
	return nil
}

// RevokeKey marks a key as revoked at a time and gives it. Of several calls the first one's time
// stays. An unknown id gives CodeNotFound.
func (s *Store) RevokeKey(ctx context.Context, id string, at time.Time) (fairlead.Key, error) {
	var k fairlead.Key
	err := sqlitefile.Tx(ctx, s.write, func(tx *sql.Tx) (err error) {
		k, err = scanKey(tx.QueryRowContext(ctx, `SELECT `+keyColumns+` FROM keys WHERE id = $1`, id))
		if err != nil || !k.Active() {
			return err
		}
		n, err := nextChange(ctx, tx)
		if err != nil {
			return err
		}
		k.Revoked = fromMicros(micros(at))
		_, err = tx.ExecContext(ctx, `UPDATE keys SET revoked = $1, change = $2 WHERE id = $3`, micros(at), n, id)
		return err
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fairlead.Key{}, fairlead.Errorf(fairlead.CodeNotFound, "no key has this id")
	case err != nil:
		return fairlead.Key{}, fmt.Errorf("revoke key: %w", err)
	}
	return k, nil
}

// Keys lists at most limit keys, revoked ones included, in the order of their creation, beginning
// behind the key with the id after; "" begins at the first. An unknown id gives CodeNotFound.
func (s *Store) Keys(ctx context.Context, after string, limit int) ([]fairlead.Key, error) {
	var created int64
	if after != "" {
		err := s.read.QueryRowContext(ctx, `SELECT created FROM keys WHERE id = $1`, after).Scan(&created)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, fairlead.Errorf(fairlead.CodeNotFound, "no key has the id to list after")
		}
		if err != nil {
			return nil, fmt.Errorf("list keys: %w", err)
		}
	} else {
		created = -1 << 62
	}
	rows, err := s.read.QueryContext(ctx,
		`SELECT `+keyColumns+` FROM keys WHERE (created, id) > ($1, $2) ORDER BY created, id LIMIT $3`, created, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	keys, err := collect(rows, limit, func(r *sql.Rows) (fairlead.Key, error) { return scanKey(r) })
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	return keys, nil
}

type row interface{ Scan(...any) error }

func scanKey(r row, more ...any) (fairlead.Key, error) {
	var (
		k       fairlead.Key
		hash    []byte
		created int64
		revoked sql.NullInt64
	)
	if err := r.Scan(append([]any{&k.ID, &k.Name, &hash, &k.Hint, &created, &revoked}, more...)...); err != nil {
		return fairlead.Key{}, err
	}
	if len(hash) != len(k.Hash) {
		return fairlead.Key{}, fmt.Errorf("key %s: its hash has %d bytes", k.ID, len(hash))
	}
	copy(k.Hash[:], hash)
	k.Created = fromMicros(created)
	if revoked.Valid {
		k.Revoked = fromMicros(revoked.Int64)
	}
	return k, nil
}

// collect reads all rows and closes them.
func collect[T any](rows *sql.Rows, limit int, scan func(*sql.Rows) (T, error)) ([]T, error) {
	defer rows.Close()
	list := make([]T, 0, min(limit, 1000))
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}

func micros(t time.Time) int64 { return t.UnixMicro() }

func nullMicros(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMicro(), Valid: !t.IsZero()}
}

func fromMicros(n int64) time.Time { return time.UnixMicro(n).UTC() }

// isTaken reports a violated primary key or unique column.
func isTaken(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) &&
		(e.Code() == lib.SQLITE_CONSTRAINT_UNIQUE || e.Code() == lib.SQLITE_CONSTRAINT_PRIMARYKEY)
}
