package store

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"fairlead"
)

// byRestore makes again what a restore undid and nobody can have wanted undone.
const byRestore = "restore"

// NoteLost takes down which changes a node remembers, by their numbers and hashes, and gives the numbers of those whose contents
// are missing: what neither this log has nor any node has reported. ReportLost is to bring them.
func (s *Store) NoteLost(ctx context.Context, node string, remembered []fairlead.Position) (missing []int64, err error) {
	if err := storable(node); err != nil {
		return nil, err
	}
	var known []changeID
	err = s.read(ctx, "look for lost changes", func(ctx context.Context, q querier) error {
		ids := make([]changeID, len(remembered))
		for i, p := range remembered {
			ids[i] = changeID{p.Number, p.Hash}
		}
		lost, err := lacking(ctx, q, "changes", ids)
		if err != nil {
			return err
		}
		unknown, err := lacking(ctx, q, "lost", lost)
		missing, known = nil, nil
		for _, id := range lost {
			if len(unknown) > 0 && unknown[0] == id { // both are in order
				missing, unknown = append(missing, id.number), unknown[1:]
				continue
			}
			known = append(known, id)
		}
		return err
	})
	if err != nil || len(known) == 0 {
		return missing, err
	}
	_, err = s.noteLost(ctx, node, func(context.Context, *writer) ([]changeID, error) { return known, nil }, nil)
	return missing, err
}

// ReportLost keeps the changes that a node remembers and that are not in this log. What the log has is passed over, and so is
// what the node reported before. Keys that were revoked in such a change, and are here and good, are revoked again at once, as of then, in
// one change. Edges that were removed are removed again where a restore is known that undid it. All changes that this makes are given.
func (s *Store) ReportLost(ctx context.Context, node string, changes []fairlead.Change) ([]fairlead.Change, error) {
	if err := storable(node); err != nil {
		return nil, err
	}
	for i := range changes {
		if err := storable(changes[i].By, string(changes[i].Kind), string(changes[i].Content)); err != nil {
			return nil, err
		}
	}
	var lost []changeID
	var removed []removal
	keep := func(ctx context.Context, w *writer) (_ []changeID, err error) {
		if lost, err = w.keepLost(ctx, changes); err != nil {
			return nil, err
		}
		removed, err = w.removedIn(ctx, changes, lost)
		return lost, err
	}
	return s.noteLost(ctx, node, keep, func(ctx context.Context, w *writer) (why string, err error) {
		if why, err = w.removeAgain(ctx, node, removed); err != nil {
			return "", err
		}
		if err := w.revokeAgain(ctx, revokedIn(changes, lost), "revoked in a change that this log lost, as "+node+" remembers"); err != nil {
			return "", fmt.Errorf("revoke the keys of lost changes: %w", err)
		}
		return why, nil
	})
}

// noteLost takes down that a node remembers lost changes. Many nodes tell the same at once, so the head row is taken for nothing
// but the entry of the audit, of which then gives the reason, and what is to be done then, and not at all where nothing of it is news.
func (s *Store) noteLost(ctx context.Context, node string, keep func(context.Context, *writer) ([]changeID, error), then func(context.Context, *writer) (string, error)) ([]fairlead.Change, error) {
	act := fairlead.Act{At: s.now(), By: node, Action: "log.lost"}
	w, err := s.writeAfter(ctx, "keep lost changes", act, func(ctx context.Context, w *writer) error {
		ids, err := keep(ctx, w)
		if err != nil {
			return err
		}
		at := w.bulk(`INSERT INTO lost_at (number, hash, node) VALUES `, 3)
		at.then = ` ON CONFLICT DO NOTHING`
		for i := range ids {
			if err := at.add(ctx, ids[i].number, ids[i].hash[:], node); err != nil {
				return err
			}
		}
		if err := at.flush(ctx); err != nil {
			return err
		}
		if at.put == 0 {
			return errNothing
		}
		w.act.Target = fmt.Sprintf("%d changes, %d to %d", at.put, ids[0].number, ids[len(ids)-1].number)
		return nil
	}, func(ctx context.Context, w *writer) (err error) {
		told := w.act
		if then != nil {
			if told.Why, err = then(ctx, w); err != nil {
				return err
			}
		}
		w.act = told
		return w.note(ctx)
	})
	if err != nil {
		return nil, err
	}
	return w.made, nil
}

// keepLost keeps those of changes that the log lacks, and gives which they are, in order: of two that keep the same, one waits
// for the other.
func (w *writer) keepLost(ctx context.Context, changes []fairlead.Change) ([]changeID, error) {
	of := make(map[changeID]*fairlead.Change, len(changes))
	ids := make([]changeID, len(changes))
	for i := range changes {
		ids[i] = changeID{changes[i].Number, changes[i].Hash}
		of[ids[i]] = &changes[i]
	}
	lost, err := lacking(ctx, w.tx, "changes", ids)
	if err != nil {
		return nil, err
	}
	keep := w.bulk(`INSERT INTO lost (`+changeColumns+`) VALUES `, 6)
	keep.then = ` ON CONFLICT DO NOTHING`
	for _, id := range lost {
		c := of[id]
		if err := keep.add(ctx, c.Number, string(c.Kind), c.At.UnixMicro(), c.By, string(c.Content), c.Hash[:]); err != nil {
			return nil, err
		}
	}
	return lost, keep.flush(ctx)
}

// changeID tells a change from those of its number in other logs.
type changeID struct {
	number int64
	hash   fairlead.Hash
}

func (a changeID) compare(b changeID) int {
	return cmp.Or(cmp.Compare(a.number, b.number), bytes.Compare(a.hash[:], b.hash[:]))
}

// lacking gives those of changes that a table does not have, each once and in order.
func lacking(ctx context.Context, q querier, table string, ids []changeID) ([]changeID, error) {
	have := make(map[changeID]bool)
	for some := range slices.Chunk(ids, bulkArgs) {
		numbers := make([]any, len(some))
		for i, id := range some {
			numbers[i] = id.number
		}
		err := each(ctx, q, func(r scanner) error {
			var id changeID
			err := r.Scan(&id.number, scanHash(&id.hash))
			have[id] = true
			return err
		}, `SELECT number, hash FROM `+table+` WHERE number IN (`+places(len(some))+`)`, numbers...)
		if err != nil {
			return nil, err
		}
	}
	lacks := slices.DeleteFunc(slices.Clone(ids), func(id changeID) bool { return have[id] })
	slices.SortFunc(lacks, changeID.compare)
	return slices.Compact(lacks), nil
}

// places are the places of so many values in a statement.
func places(n int) string {
	var s strings.Builder
	for i := range n {
		if i > 0 {
			s.WriteString(", ")
		}
		s.WriteString("$" + strconv.Itoa(i+1))
	}
	return s.String()
}

// Lost lists what nodes have reported as lost, by number.
func (s *Store) Lost(ctx context.Context) (all []fairlead.LostChange, err error) {
	err = s.read(ctx, "list lost changes", func(ctx context.Context, q querier) error {
		index := map[changeID]int{}
		all = nil
		err := each(ctx, q, func(r scanner) error {
			c, err := scanChange(r)
			index[changeID{c.Number, c.Hash}] = len(all)
			all = append(all, fairlead.LostChange{Change: c})
			return err
		}, `SELECT `+changeColumns+` FROM lost ORDER BY number, hash`)
		if err != nil {
			return err
		}
		return each(ctx, q, func(r scanner) error {
			var of changeID
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
