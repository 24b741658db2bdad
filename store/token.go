package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"fairlead"
)

const tokenColumns = `id, name, level, hash, created, revoked`

func scanToken(r scanner) (t fairlead.Token, err error) {
	var created int64
	var revoked sql.NullInt64
	err = r.Scan(&t.ID, &t.Name, (*string)(&t.Level), scanHash(&t.Hash), &created, &revoked)
	t.Created, t.Revoked = fromMicros(created), fromNull(revoked)
	return t, err
}

// CreateToken stores a new admin token. Edges know nothing of it: it is an act without a change. An id or a hash that is
// taken gives CodeConflict, and so does the name of one that is not revoked.
func (s *Store) CreateToken(ctx context.Context, t fairlead.Token, act fairlead.Act) error {
	if err := storable(t.ID, t.Name, string(t.Level)); err != nil {
		return err
	}
	_, err := s.write(ctx, "create token", act, func(ctx context.Context, w *writer) error {
		var used bool
		err := w.tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM tokens WHERE name = $1 AND revoked IS NULL)`, t.Name).Scan(&used)
		if err != nil {
			return fmt.Errorf("look for the token's name: %w", err)
		}
		if used {
			return &fairlead.Error{Code: fairlead.CodeConflict, Message: "an admin token of this name is in use", Param: "name"}
		}
		_, err = w.tx.ExecContext(ctx, `INSERT INTO tokens (`+tokenColumns+`) VALUES ($1, $2, $3, $4, $5, $6)`,
			t.ID, t.Name, string(t.Level), t.Hash[:], t.Created.UnixMicro(), nullMicros(t.Revoked))
		if s.engine.Failure(err) == FailureTaken {
			return &fairlead.Error{Code: fairlead.CodeConflict, Message: "a token with this id or secret exists already", Err: err}
		}
		if err != nil {
			return fmt.Errorf("keep token: %w", err)
		}
		return w.note(ctx)
	})
	return err
}

// Token finds the admin token with a hash, revoked or not.
func (s *Store) Token(ctx context.Context, hash fairlead.Hash) (t fairlead.Token, found bool, err error) {
	err = s.read(ctx, "look up token", func(ctx context.Context, q querier) (err error) {
		t, err = scanToken(q.QueryRowContext(ctx, `SELECT `+tokenColumns+` FROM tokens WHERE hash = $1`, hash[:]))
		if found = err == nil; errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return t, found, err
}

// Tokens lists all admin tokens in the order of their creation, revoked ones included.
func (s *Store) Tokens(ctx context.Context) (all []fairlead.Token, err error) {
	err = s.read(ctx, "list tokens", func(ctx context.Context, q querier) (err error) {
		all, err = list(ctx, q, scanToken, `SELECT `+tokenColumns+` FROM tokens ORDER BY created, id`)
		return err
	})
	return all, err
}

// RevokeToken marks an admin token as revoked at the time of the act; again, it gives the token as it is. An unknown id gives CodeNotFound.
func (s *Store) RevokeToken(ctx context.Context, id string, act fairlead.Act) (t fairlead.Token, err error) {
	_, err = s.write(ctx, "revoke token", act, func(ctx context.Context, w *writer) (err error) {
		t, err = scanToken(w.tx.QueryRowContext(ctx, `SELECT `+tokenColumns+` FROM tokens WHERE id = $1`, id))
		if err != nil {
			return missing(err, "no admin token has this id")
		}
		if !t.Revoked.IsZero() {
			return errNothing
		}
		t.Revoked = w.act.At
		if _, err := w.tx.ExecContext(ctx, `UPDATE tokens SET revoked = $1 WHERE id = $2`, t.Revoked.UnixMicro(), id); err != nil {
			return err
		}
		return w.note(ctx)
	})
	if err != nil {
		return fairlead.Token{}, err
	}
	return t, nil
}
