package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"fairlead"
)

// LostChange is a change that edges remember and this log has not, because it was restored from an older backup.
type LostChange struct {
	fairlead.Change
	Nodes []string `json:"nodes"` // that remember it, by name
}

// ReportLost keeps the changes that a node remembers and that are not in this log. What the log has is passed over, and so is
// what the node reported before.
func (s *Store) ReportLost(ctx context.Context, node string, changes []fairlead.Change) error {
	if err := storable(node); err != nil {
		return err
	}
	for i := range changes {
		if err := storable(changes[i].By, string(changes[i].Kind), string(changes[i].Content)); err != nil {
			return err
		}
	}
	act := fairlead.Act{At: s.now(), By: node, Action: "log.lost"}
	_, err := s.write(ctx, "keep lost changes", act, func(ctx context.Context, w *writer) error {
		fresh, first, last := 0, int64(0), int64(0)
		for i := range changes {
			c := &changes[i]
			is, err := w.keepLost(ctx, node, c)
			if err != nil {
				return fmt.Errorf("keep lost change %d: %w", c.Number, err)
			}
			if is {
				if fresh++; fresh == 1 {
					first = c.Number
				}
				last = c.Number
			}
		}
		if fresh == 0 {
			return errNothing
		}
		w.act.Target = fmt.Sprintf("%d changes, %d to %d", fresh, first, last)
		return w.note(ctx)
	})
	return err
}

// keepLost reports whether a node's word of a lost change is new.
func (w *writer) keepLost(ctx context.Context, node string, c *fairlead.Change) (bool, error) {
	var have []byte
	err := w.tx.QueryRowContext(ctx, `SELECT hash FROM changes WHERE number = $1`, c.Number).Scan(&have)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, err
	}
	if bytes.Equal(have, c.Hash[:]) {
		return false, nil
	}
	_, err = w.tx.ExecContext(ctx, `INSERT INTO lost (`+changeColumns+`) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
		c.Number, string(c.Kind), c.At.UnixMicro(), c.By, string(c.Content), c.Hash[:])
	if err != nil {
		return false, err
	}
	result, err := w.tx.ExecContext(ctx, `INSERT INTO lost_at (number, hash, node) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, c.Number, c.Hash[:], node)
	if err != nil {
		return false, err
	}
	rows, err := result.RowsAffected()
	return rows > 0, err
}

// Lost lists what nodes have reported as lost, by number.
func (s *Store) Lost(ctx context.Context) (all []LostChange, err error) {
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
			all = append(all, LostChange{Change: c})
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
