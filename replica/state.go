package replica

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"fairlead"
)

// State is the configuration as the replica holds it. Its parts are shared: they must not be changed.
func (r *Replica) State(ctx context.Context) (fairlead.State, error) {
	r.writing.Lock()
	defer r.writing.Unlock()
	if err := r.makeSure(ctx); err != nil {
		return fairlead.State{}, fmt.Errorf("read state: %w", err)
	}
	s, err := r.currentState(ctx)
	if err != nil {
		return fairlead.State{}, fmt.Errorf("read state: %w", err)
	}
	return *s, nil
}

// currentState gives the state, read once from the disk. The caller holds writing.
func (r *Replica) currentState(ctx context.Context) (*fairlead.State, error) {
	if r.state == nil {
		s, err := r.file.state(ctx)
		if err != nil {
			r.noteDamage(ctx, err)
			return nil, err
		}
		r.state = s
	}
	return r.state, nil
}

func (f *file) state(ctx context.Context) (*fairlead.State, error) {
	var (
		s              fairlead.State
		at             int64
		weights, trial sql.NullString
	)
	err := f.write.QueryRowContext(ctx, `SELECT revision, at, weights, trial, content FROM state JOIN document USING (id) WHERE id = 1`).
		Scan(&s.Revision, &at, &weights, &trial, &s.Document)
	if err != nil {
		return nil, err
	}
	if s.Revision > 0 {
		s.At = fromMicros(at)
	}
	if weights.Valid {
		err = json.Unmarshal([]byte(weights.String), &s.Weights)
	}
	if trial.Valid && err == nil {
		err = json.Unmarshal([]byte(trial.String), &s.Trial)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errForeign, err)
	}
	return &s, nil
}

// writeState writes the state, its document only where that is another.
func writeState(ctx context.Context, tx *sql.Tx, s *fairlead.State, document bool) error {
	var weights, trial sql.NullString
	if len(s.Weights) > 0 {
		text, err := json.Marshal(s.Weights)
		if err != nil {
			return err
		}
		weights = sql.NullString{String: string(text), Valid: true}
	}
	if s.Trial != nil {
		text, err := json.Marshal(s.Trial)
		if err != nil {
			return err
		}
		trial = sql.NullString{String: string(text), Valid: true}
	}
	_, err := tx.ExecContext(ctx, `UPDATE state SET revision = ?, at = ?, weights = ?, trial = ? WHERE id = 1`, s.Revision, s.At.UnixMicro(), weights, trial)
	if err != nil || !document {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE document SET content = ? WHERE id = 1`, s.Document)
	return err
}

// Secrets lists the stored secrets by name, still sealed; deleted ones stay as tombstones.
func (r *Replica) Secrets(ctx context.Context) (secrets []fairlead.SealedSecret, err error) {
	err = r.read(ctx, func(f *file) error {
		rows, err := f.read.QueryContext(ctx, `SELECT name, version, at, sealed FROM secrets ORDER BY name`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var s fairlead.SealedSecret
			var at int64
			if err := rows.Scan(&s.Name, &s.Version, &at, &s.Sealed); err != nil {
				return err
			}
			s.At = fromMicros(at)
			secrets = append(secrets, s)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("read secrets: %w", err)
	}
	return secrets, nil
}

// writeSecrets puts secrets, each unless a later version of it is there.
func writeSecrets(ctx context.Context, tx *sql.Tx, secrets []fairlead.SealedSecret) error {
	for i := range secrets {
		s := &secrets[i]
		var sealed []byte // NULL = deleted
		if !s.Deleted() {
			sealed = s.Sealed
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO secrets (name, version, at, sealed) VALUES (?, ?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET version = excluded.version, at = excluded.at, sealed = excluded.sealed
			WHERE excluded.version >= secrets.version`, s.Name, s.Version, s.At.UnixMicro(), sealed)
		if err != nil {
			return err
		}
	}
	return nil
}

const writeGood = `INSERT INTO good (id, state) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state`

// KeepGood remembers the last configuration that could be brought into force here, for a start at which the
// one that is held cannot. It stays where the replica is copied whole.
func (r *Replica) KeepGood(ctx context.Context, s fairlead.State) error {
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("keep good configuration: %w", err)
	}
	r.writing.Lock()
	defer r.writing.Unlock()
	if r.file == nil {
		return errClosed
	}
	_, err = r.file.write.ExecContext(ctx, writeGood, text)
	if err != nil {
		r.noteDamage(ctx, err)
		return fmt.Errorf("keep good configuration: %w", err)
	}
	return nil
}

// Good gives what KeepGood kept; false where there is nothing.
func (r *Replica) Good(ctx context.Context) (s fairlead.State, found bool, err error) {
	err = r.read(ctx, func(f *file) error {
		text, err := f.good(ctx)
		if err == nil && text != nil {
			err = json.Unmarshal(text, &s)
			found = err == nil
		}
		return err
	})
	if err != nil {
		return s, false, fmt.Errorf("read good configuration: %w", err)
	}
	return s, found, nil
}

// good reads what was kept as it is; nil = nothing.
func (f *file) good(ctx context.Context) (text []byte, err error) {
	err = f.read.QueryRowContext(ctx, `SELECT state FROM good WHERE id = 1`).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return text, err
}
