package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"fairlead"
)

func scanSecret(r scanner) (v fairlead.SealedSecret, err error) {
	var at int64
	err = r.Scan(&v.Name, &v.Version, &at, &v.Sealed)
	v.At = fromMicros(at)
	return v, err
}

// PutSecret stores the next version of a secret, or its deletion. base is the version that is stored, 0 where there is none;
// another one, or a version that is not base+1, gives CodeConflict.
func (s *Store) PutSecret(ctx context.Context, base int64, v fairlead.SealedSecret, act fairlead.Act) (fairlead.Change, error) {
	conflict := fairlead.Errorf(fairlead.CodeConflict, "another value of this secret was stored meanwhile")
	if v.Version != base+1 {
		return fairlead.Change{}, conflict
	}
	if err := storable(v.Name); err != nil {
		return fairlead.Change{}, err
	}
	v.At = moment(v.At)
	w, err := s.write(ctx, "store secret", act, func(ctx context.Context, w *writer) error {
		var have int64
		err := w.tx.QueryRowContext(ctx, `SELECT version FROM secrets WHERE name = $1`, v.Name).Scan(&have)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("read secret: %w", err)
		}
		if have != base {
			return conflict
		}
		var sealed []byte // NULL where deleted
		if !v.Deleted() {
			sealed = v.Sealed
		}
		_, err = w.tx.ExecContext(ctx, `INSERT INTO secrets (name, version, at, sealed) VALUES ($1, $2, $3, $4)
			ON CONFLICT (name) DO UPDATE SET version = excluded.version, at = excluded.at, sealed = excluded.sealed`,
			v.Name, v.Version, v.At.UnixMicro(), sealed)
		if err != nil {
			return fmt.Errorf("keep secret: %w", err)
		}
		_, err = w.append(ctx, fairlead.ChangeSecret, &v)
		return err
	})
	if err != nil {
		return fairlead.Change{}, err
	}
	return w.change, nil
}

// Secrets lists all secrets by name, deleted ones included.
func (s *Store) Secrets(ctx context.Context) (all []fairlead.SealedSecret, err error) {
	err = s.read(ctx, "list secrets", func(ctx context.Context, q querier) (err error) {
		all, err = list(ctx, q, scanSecret, `SELECT name, version, at, sealed FROM secrets`)
		return err
	})
	byName(all, func(v *fairlead.SealedSecret) string { return v.Name })
	return all, err
}
