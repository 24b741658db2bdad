package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"fairlead"
)

// querier asks a database, or one transaction of it.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// read runs f, again where a connection was lost: f must begin anew each time.
func (s *Store) read(ctx context.Context, what string, f func(context.Context, querier) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	err := f(ctx, s.engine.Read)
	for again := tries(s.engine.Read); again > 0 && s.engine.Failure(err) == FailureConnection && ctx.Err() == nil; again-- {
		err = f(ctx, s.engine.Read)
	}
	if err != nil {
		return s.fail(what, because(ctx, err))
	}
	return nil
}

// tries is how often a call is tried again whose connection was lost: what ended it has ended those that wait in the pool, too,
// and the one after them is new.
func tries(db *sql.DB) int { return db.Stats().Idle + 1 }

// because adds that the time was up, which not every driver says of what it broke off. What a bound of this room's broke off is no
// cancellation: that is the caller's alone.
func because(ctx context.Context, err error) error {
	cause := ctx.Err()
	var known *fairlead.Error
	switch {
	case errors.Is(err, context.Canceled) && !errors.Is(cause, context.Canceled) && !errors.As(err, &known):
		return fmt.Errorf("%s: %w", err.Error(), context.DeadlineExceeded)
	case cause != nil && !errors.Is(err, cause):
		return errors.Join(err, cause)
	}
	return err
}

// snapshot runs f on the database as it is at one moment.
func (s *Store) snapshot(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := s.engine.Read.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() // there is nothing to keep
	return f(tx)
}

// list reads all rows of a query.
func list[T any](ctx context.Context, q querier, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	var all []T
	err := each(ctx, q, func(row scanner) error {
		v, err := scan(row)
		if err == nil {
			all = append(all, v)
		}
		return err
	}, query, args...)
	return all, err
}

// each calls f with each row of a query.
func each(ctx context.Context, q querier, f func(scanner) error, query string, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// scanner is a row.
type scanner interface{ Scan(...any) error }

// fail gives an error as callers see it: as it is where they can act on it, CodeControlUnavailable where the database is to blame.
func (s *Store) fail(what string, err error) error {
	var e *fairlead.Error
	if errors.As(err, &e) {
		return err
	}
	err = fmt.Errorf("%s: %w", what, err)
	if errors.Is(err, context.Canceled) {
		return err
	}
	failure := s.engine.Failure(err)
	if failure == FailureConnection || failure == FailureUnavailable || errors.Is(err, context.DeadlineExceeded) {
		return &fairlead.Error{
			Code:    fairlead.CodeControlUnavailable,
			Message: "the control plane cannot use its database now; nothing was changed",
			Hint:    "the node's log has the cause",
			Err:     err,
		}
	}
	return err
}

// storable refuses text that not every database takes.
func storable(texts ...string) error {
	for _, s := range texts {
		if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			return fairlead.Errorf(fairlead.CodeInvalidRequest, "a text is not UTF-8, or holds the character U+0000")
		}
	}
	return nil
}

// moment is a time as the store keeps it.
func moment(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func fromMicros(n int64) time.Time { return time.UnixMicro(n).UTC() }

// nullMicros keeps a zero time as NULL.
func nullMicros(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMicro(), Valid: !t.IsZero()}
}

func fromNull(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return fromMicros(n.Int64)
}

// hashColumn scans the bytes of a hash; NULL is the zero hash.
type hashColumn struct{ to *[32]byte }

// Scan takes a column's value.
func (h hashColumn) Scan(v any) error {
	switch b := v.(type) {
	case nil:
		*h.to = [32]byte{}
		return nil
	case []byte:
		if len(b) == len(h.to) {
			copy(h.to[:], b)
			return nil
		}
	}
	return errors.New("a hash in the database has not 32 bytes")
}

func scanHash(h *fairlead.Hash) hashColumn { return hashColumn{(*[32]byte)(h)} }
