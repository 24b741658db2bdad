package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"fairlead"
)

// Vault gives what is kept under a name of the fleet's own material: its key, its certificate authority. Whoever puts it
// there seals it.
func (s *Store) Vault(ctx context.Context, name string) (sealed []byte, found bool, err error) {
	err = s.read(ctx, "open vault", func(ctx context.Context, q querier) (err error) {
		sealed, found, err = vault(ctx, q, name)
		return err
	})
	return sealed, found, err
}

// PutVault keeps a value under a name where there is none, and gives the one that is kept: of several nodes that begin a
// fleet all go on with the first one's.
func (s *Store) PutVault(ctx context.Context, name string, sealed []byte) (kept []byte, err error) {
	if err := storable(name); err != nil {
		return nil, err
	}
	act := fairlead.Act{At: s.now(), By: "fairlead", Action: "vault.put", Target: name}
	_, err = s.write(ctx, "fill vault", act, func(ctx context.Context, w *writer) error {
		have, found, err := vault(ctx, w.tx, name)
		if err != nil {
			return err
		}
		if kept = have; found {
			return errNothing
		}
		kept = sealed
		if _, err := w.tx.ExecContext(ctx, `INSERT INTO vault (name, sealed) VALUES ($1, $2)`, name, sealed); err != nil {
			return fmt.Errorf("fill vault: %w", err)
		}
		return w.note(ctx)
	})
	if err != nil {
		return nil, err
	}
	return kept, nil
}

func vault(ctx context.Context, q querier, name string) (sealed []byte, found bool, err error) {
	err = q.QueryRowContext(ctx, `SELECT sealed FROM vault WHERE name = $1`, name).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	return sealed, err == nil, err
}
