package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"fairlead"
)

// byRestore makes again what a restore undid and nobody can have wanted undone.
const byRestore = "restore"

// ReportLost keeps the changes that a node remembers and that are not in this log. What the log has is passed over, and so is
// what the node reported before. Keys that were revoked in such a change, and are here and good, are revoked again at once, as of then, in
// one change, and edges that were removed are removed again. The last change of these is given; else it is zero.
func (s *Store) ReportLost(ctx context.Context, node string, changes []fairlead.Change) (fairlead.Change, error) {
	if err := storable(node); err != nil {
		return fairlead.Change{}, err
	}
	for i := range changes {
		if err := storable(changes[i].By, string(changes[i].Kind), string(changes[i].Content)); err != nil {
			return fairlead.Change{}, err
		}
	}
	w, err := s.write(ctx, "keep lost changes", fairlead.Act{At: time.Now(), By: node, Action: "log.lost"}, func(ctx context.Context, w *writer) error {
		return w.reportLost(ctx, node, changes)
	})
	if err != nil {
		return fairlead.Change{}, err
	}
	return w.change, nil
}

func (w *writer) reportLost(ctx context.Context, node string, changes []fairlead.Change) error {
	removed, err := w.removeLost(ctx, node, changes)
	if err != nil {
		return err
	}
	fresh, first, last := 0, int64(0), int64(0)
	var revoked []fairlead.Key
	for i := range changes {
		c := &changes[i]
		lost, news, err := w.keepLost(ctx, node, c)
		if err != nil {
			return fmt.Errorf("keep lost change %d: %w", c.Number, err)
		}
		if news {
			if fresh++; fresh == 1 {
				first = c.Number
			}
			last = c.Number
		}
		if !lost || c.Kind != fairlead.ChangeKey {
			continue
		}
		keys, err := w.revokeLost(ctx, c)
		if err != nil {
			return fmt.Errorf("revoke the keys of lost change %d: %w", c.Number, err)
		}
		revoked = append(revoked, keys...)
	}
	told := w.act
	if len(revoked) > 0 {
		w.act = fairlead.Act{
			At: told.At, By: byRestore, Action: "key.revoke", Target: revoked[0].ID,
			Why: "revoked in a change that this log lost, as " + node + " remembers",
		}
		if len(revoked) > 1 {
			w.act.Target = fmt.Sprintf("%d keys", len(revoked))
		}
		if _, err := w.append(ctx, fairlead.ChangeKey, keyContent(revoked)); err != nil {
			return err
		}
	}
	if w.act = told; fresh > 0 {
		w.act.Target = fmt.Sprintf("%d changes, %d to %d", fresh, first, last)
		return w.note(ctx)
	}
	if len(revoked) == 0 && removed == 0 {
		return errNothing
	}
	return nil
}

// revokeLost revokes the keys that a lost change revoked and that are good here. Other keys of it stay as they are: what
// it made is gone, and nobody but an operator brings it back.
func (w *writer) revokeLost(ctx context.Context, c *fairlead.Change) (revoked []fairlead.Key, err error) {
	var content fairlead.KeyContent
	if json.Unmarshal(c.Content, &content) != nil {
		return nil, nil // it is kept as it is
	}
	for i := range content.Keys {
		was := content.Keys[i].Key()
		if was.Active() {
			continue
		}
		k, err := scanKey(w.tx.QueryRowContext(ctx, `SELECT `+keyColumns+` FROM keys WHERE id = $1 AND hash = $2 AND revoked IS NULL`, was.ID, was.Hash[:]))
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, err
		}
		k.Revoked = moment(was.Revoked)
		if _, err := w.tx.ExecContext(ctx, `UPDATE keys SET revoked = $1 WHERE id = $2`, k.Revoked.UnixMicro(), k.ID); err != nil {
			return nil, err
		}
		revoked = append(revoked, k)
	}
	return revoked, nil
}

// keepLost reports whether the log lacks a change, and whether the node's word of it is news.
func (w *writer) keepLost(ctx context.Context, node string, c *fairlead.Change) (lost, news bool, err error) {
	var have []byte
	err = w.tx.QueryRowContext(ctx, `SELECT hash FROM changes WHERE number = $1`, c.Number).Scan(&have)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, false, err
	}
	if bytes.Equal(have, c.Hash[:]) {
		return false, false, nil
	}
	_, err = w.tx.ExecContext(ctx, `INSERT INTO lost (`+changeColumns+`) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
		c.Number, string(c.Kind), c.At.UnixMicro(), c.By, string(c.Content), c.Hash[:])
	if err != nil {
		return false, false, err
	}
	result, err := w.tx.ExecContext(ctx, `INSERT INTO lost_at (number, hash, node) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, c.Number, c.Hash[:], node)
	if err != nil {
		return false, false, err
	}
	rows, err := result.RowsAffected()
	return true, rows > 0, err
}

// Lost lists what nodes have reported as lost, by number.
func (s *Store) Lost(ctx context.Context) (all []fairlead.LostChange, err error) {
	err = s.read(ctx, "list lost changes", func(ctx context.Context, q querier) error {
		type id struct {
			number int64
			hash   fairlead.Hash
		}
		index := map[id]int{}
		all = nil
		err := each(ctx, q, func(r scanner) error {
			c, err := scanChange(r)
			index[id{c.Number, c.Hash}] = len(all)
			all = append(all, fairlead.LostChange{Change: c})
			return err
		}, `SELECT `+changeColumns+` FROM lost ORDER BY number, hash`)
		if err != nil {
			return err
		}
		return each(ctx, q, func(r scanner) error {
			var of id
			var node string
			if err := r.Scan(&of.number, scanHash(&of.hash), &node); err != nil {
				return err
			}
			if i, ok := index[of]; ok {
				all[i].Nodes = append(all[i].Nodes, node)
			}
			return nil
		}, `SELECT number, hash, node FROM lost_at`)
	})
	for i := range all {
		slices.Sort(all[i].Nodes)
	}
	return all, err
}
