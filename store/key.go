package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"fairlead"
)

const keyColumns = `id, name, hash, hint, created, revoked`

func scanKey(r scanner) (k fairlead.Key, err error) {
	var created int64
	var revoked sql.NullInt64
	err = r.Scan(&k.ID, &k.Name, hashColumn{(*[32]byte)(&k.Hash)}, &k.Hint, &created, &revoked)
	k.Created, k.Revoked = fromMicros(created), fromNull(revoked)
	return k, err
}

func keyContent(keys []fairlead.Key) fairlead.KeyContent {
	content := fairlead.KeyContent{Keys: make([]fairlead.StoredKey, len(keys))}
	for i := range keys {
		content.Keys[i] = keys[i].Stored()
	}
	return content
}

// CreateKeys stores new keys in one change, all of them or none. An id or a hash that is taken gives CodeConflict.
// Without keys it does nothing.
func (s *Store) CreateKeys(ctx context.Context, act fairlead.Act, keys ...fairlead.Key) (fairlead.Change, error) {
	if len(keys) == 0 {
		return fairlead.Change{}, nil
	}
	stored := make([]fairlead.Key, len(keys))
	for i, k := range keys {
		k.Created, k.Revoked = moment(k.Created), moment(k.Revoked)
		if err := storable(k.ID, k.Name, k.Hint); err != nil {
			return fairlead.Change{}, err
		}
		stored[i] = k
	}
	w, err := s.write(ctx, "create keys", act, func(ctx context.Context, w *writer) error {
		rows := w.bulk(`INSERT INTO keys (`+keyColumns+`) VALUES `, 6)
		for i := range stored {
			k := &stored[i]
			err := rows.add(ctx, k.ID, k.Name, k.Hash[:], k.Hint, k.Created.UnixMicro(), nullMicros(k.Revoked))
			if err != nil {
				return s.takenKey(err)
			}
		}
		if err := rows.flush(ctx); err != nil {
			return s.takenKey(err)
		}
		_, err := w.append(ctx, fairlead.ChangeKey, keyContent(stored))
		return err
	})
	if err != nil {
		return fairlead.Change{}, err
	}
	return w.change, nil
}

func (s *Store) takenKey(err error) error {
	if s.engine.Failure(err) == FailureTaken {
		return &fairlead.Error{Code: fairlead.CodeConflict, Message: "a key with this id or secret exists already", Err: err}
	}
	return err
}

// RevokeKey marks a key as revoked at the time of the act and gives it. Again, it gives the key as it is and
// a zero change. An unknown id gives CodeNotFound.
func (s *Store) RevokeKey(ctx context.Context, id string, act fairlead.Act) (k fairlead.Key, c fairlead.Change, err error) {
	w, err := s.write(ctx, "revoke key", act, func(ctx context.Context, w *writer) (err error) {
		k, err = scanKey(w.tx.QueryRowContext(ctx, `SELECT `+keyColumns+` FROM keys WHERE id = $1`, id))
		if err != nil {
			return missing(err, "no key has this id", "fairlead key list lists them")
		}
		if !k.Active() {
			return errNothing
		}
		k.Revoked = w.act.At
		_, err = w.tx.ExecContext(ctx, `UPDATE keys SET revoked = $1 WHERE id = $2`, k.Revoked.UnixMicro(), id)
		if err != nil {
			return err
		}
		_, err = w.append(ctx, fairlead.ChangeKey, keyContent([]fairlead.Key{k}))
		return err
	})
	if err != nil {
		return fairlead.Key{}, fairlead.Change{}, err
	}
	return k, w.change, nil
}

// Keys lists at most limit keys, revoked ones included, in the order of their creation, beginning behind the key with
// the id after; "" begins at the first. An unknown id gives CodeNotFound.
func (s *Store) Keys(ctx context.Context, after string, limit int) (keys []fairlead.Key, err error) {
	err = s.read(ctx, "list keys", func(ctx context.Context, q querier) error {
		created := int64(-1 << 62)
		if after != "" {
			err := q.QueryRowContext(ctx, `SELECT created FROM keys WHERE id = $1`, after).Scan(&created)
			if errors.Is(err, sql.ErrNoRows) {
				return fairlead.Errorf(fairlead.CodeNotFound, "no key has the id to list after")
			}
			if err != nil {
				return err
			}
		}
		keys, err = list(ctx, q, scanKey, `SELECT `+keyColumns+` FROM keys WHERE (created, id) > ($1, $2) ORDER BY created, id LIMIT $3`,
			created, after, max(limit, 0))
		return err
	})
	return keys, err
}

// KeyPage lists at most limit keys in the order of their hashes, behind a hash; the zero hash begins at the first.
func (s *Store) KeyPage(ctx context.Context, after fairlead.KeyHash, limit int) (keys []fairlead.Key, err error) {
	err = s.read(ctx, "copy keys", func(ctx context.Context, q querier) (err error) {
		keys, err = keyPage(ctx, q, after, limit)
		return err
	})
	return keys, err
}

func keyPage(ctx context.Context, q querier, after fairlead.KeyHash, limit int) ([]fairlead.Key, error) {
	keys, err := list(ctx, q, scanKey, `SELECT `+keyColumns+` FROM keys WHERE hash > $1 ORDER BY hash LIMIT $2`, after[:], max(limit, 0))
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	return keys, nil
}
