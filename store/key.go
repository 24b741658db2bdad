package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"fairlead"
)

const keyColumns = `id, name, hash, hint, created, revoked, account, team, terms`

func scanKey(r scanner) (k fairlead.Key, err error) {
	var created int64
	var revoked sql.NullInt64
	var account, team, terms string
	err = r.Scan(&k.ID, &k.Name, hashColumn{(*[32]byte)(&k.Hash)}, &k.Hint, &created, &revoked, &account, &team, &terms)
	if err == nil && terms != "" {
		err = json.Unmarshal([]byte(terms), &k.KeyTerms)
	}
	k.Created, k.Revoked, k.Account, k.Team = fromMicros(created), fromNull(revoked), account, team
	return k, err
}

// keyTerms is what the column of that name holds: everything but what has a column of its own.
func keyTerms(k *fairlead.Key) (string, error) {
	terms := k.KeyTerms
	terms.Account, terms.Team = "", ""
	if terms.None() {
		return "", nil
	}
	text, err := encode(&terms)
	return string(text), err
}

// storableKey gives a key as the store keeps it.
func storableKey(k fairlead.Key) (fairlead.Key, error) {
	for _, t := range []*time.Time{&k.Created, &k.Revoked, &k.Expires, &k.OldUntil} {
		*t = moment(*t)
	}
	return k, storable(k.ID, k.Name, k.Hint, k.Account, k.Team, k.Owner)
}

func keyContent(keys []fairlead.Key) fairlead.KeyContent {
	content := fairlead.KeyContent{Keys: make([]fairlead.StoredKey, len(keys))}
	for i := range keys {
		content.Keys[i] = keys[i].Stored()
	}
	return content
}

// CreateKeys stores new keys in one change, all of them or none. An id or a hash that is taken gives CodeConflict, and so does an account
// or team that is closed; one that is not there CodeNotFound.
// Without keys it does nothing.
func (s *Store) CreateKeys(ctx context.Context, act fairlead.Act, keys ...fairlead.Key) (fairlead.Change, error) {
	if len(keys) == 0 {
		return fairlead.Change{}, nil
	}
	stored := make([]fairlead.Key, len(keys))
	for i, k := range keys {
		var err error
		if stored[i], err = storableKey(k); err != nil {
			return fairlead.Change{}, err
		}
	}
	w, err := s.write(ctx, "create keys", act, func(ctx context.Context, w *writer) error {
		rows := w.bulk(`INSERT INTO keys (`+keyColumns+`) VALUES `, 9)
		for i := range stored {
			k := &stored[i]
			if err := checkTerms(ctx, w.tx, k); err != nil {
				return err
			}
			terms, err := keyTerms(k)
			if err != nil {
				return err
			}
			err = rows.add(ctx, k.ID, k.Name, k.Hash[:], k.Hint, k.Created.UnixMicro(), nullMicros(k.Revoked), k.Account, k.Team, terms)
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
	return s.taken(err, "a key with this id or secret exists already")
}

// UpdateKey changes a key by f, which may run again, and gives it as it is then. ID, creation, account, team and a revocation stay. What f leaves
// as it was makes a zero change. An unknown id gives CodeNotFound, a revoked key CodeConflict.
func (s *Store) UpdateKey(ctx context.Context, id string, act fairlead.Act, f func(*fairlead.Key) error) (k fairlead.Key, c fairlead.Change, err error) {
	w, err := s.write(ctx, "change key", act, func(ctx context.Context, w *writer) (err error) {
		if k, err = readKey(ctx, w.tx, id); err != nil {
			return err
		}
		if !k.Active() {
			return fairlead.Errorf(fairlead.CodeConflict, "the key was revoked, which is for ever")
		}
		before, next := k.Stored(), k
		if err := f(&next); err != nil {
			return err
		}
		next.ID, next.Created, next.Revoked, next.Account, next.Team = k.ID, k.Created, k.Revoked, k.Account, k.Team
		if next, err = storableKey(next); err != nil {
			return err
		}
		now := next.Stored()
		if _, err := changed(&before, &now); err != nil {
			return err
		}
		terms, err := keyTerms(&next)
		if err != nil {
			return err
		}
		k = next
		_, err = w.tx.ExecContext(ctx, `UPDATE keys SET name = $1, hash = $2, hint = $3, terms = $4 WHERE id = $5`, k.Name, k.Hash[:], k.Hint, terms, id)
		if err != nil {
			return s.takenKey(err)
		}
		_, err = w.append(ctx, fairlead.ChangeKey, keyContent([]fairlead.Key{k}))
		return err
	})
	if err != nil {
		return fairlead.Key{}, fairlead.Change{}, err
	}
	return k, w.change, nil
}

// Key gives a key; CodeNotFound where there is none of this id.
func (s *Store) Key(ctx context.Context, id string) (k fairlead.Key, err error) {
	err = s.read(ctx, "read key", func(ctx context.Context, q querier) (err error) {
		k, err = readKey(ctx, q, id)
		return err
	})
	return k, err
}

func readKey(ctx context.Context, q querier, id string) (fairlead.Key, error) {
	k, err := scanKey(q.QueryRowContext(ctx, `SELECT `+keyColumns+` FROM keys WHERE id = $1`, id))
	return k, missing(err, "no key has this id", "fairlead key list lists them")
}

// RevokeKey marks a key as revoked at the time of the act and gives it. Again, it gives the key as it is and
// a zero change. An unknown id gives CodeNotFound.
func (s *Store) RevokeKey(ctx context.Context, id string, act fairlead.Act) (k fairlead.Key, c fairlead.Change, err error) {
	w, err := s.write(ctx, "revoke key", act, func(ctx context.Context, w *writer) (err error) {
		if k, err = readKey(ctx, w.tx, id); err != nil {
			return err
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
		created, err := createdOf(ctx, q, "keys", "key", after)
		if err != nil {
			return err
		}
		keys, err = list(ctx, q, scanKey, `SELECT `+keyColumns+` FROM keys WHERE (created, id) > ($1, $2) ORDER BY created, id LIMIT $3`,
			created, after, max(limit, 0))
		return err
	})
	return keys, err
}

// KeysOf lists keys of an account, or of a team of it where one is named, as Keys lists them.
func (s *Store) KeysOf(ctx context.Context, account, team, after string, limit int) (keys []fairlead.Key, err error) {
	err = s.read(ctx, "list keys of an account", func(ctx context.Context, q querier) error {
		created, err := createdOf(ctx, q, "keys", "key", after)
		if err != nil {
			return err
		}
		keys, err = list(ctx, q, scanKey, `SELECT `+keyColumns+` FROM keys WHERE account = $1 AND account <> '' AND ($2 = '' OR team = $2)
			AND (created, id) > ($3, $4) ORDER BY created, id LIMIT $5`, account, team, created, after, max(limit, 0))
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
