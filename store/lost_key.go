package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"fairlead"
)

// RevokeLost revokes again those of keys that are here, good and of the same id and hash: a node remembers that they were revoked,
// though not by which change. A time that has not come is now. It gives the change that it makes, if any.
func (s *Store) RevokeLost(ctx context.Context, node string, keys []fairlead.Key) ([]fairlead.Change, error) {
	now := moment(s.now())
	was := map[string]fairlead.Key{}
	for _, k := range keys {
		if err := storable(k.ID); err != nil {
			return nil, err
		}
		if k.Active() {
			continue
		}
		if k.Revoked.After(now) {
			k.Revoked = now
		}
		was[k.ID] = k
	}
	look := func(ctx context.Context, w *writer) error { // many nodes tell the same: who has no news waits for no write
		good, err := goodOf(ctx, w.tx, was)
		if err == nil && len(good) == 0 {
			return errNothing
		}
		return err
	}
	w, err := s.writeAfter(ctx, "revoke lost keys", fairlead.Act{At: now, By: byRestore}, look, func(ctx context.Context, w *writer) error {
		if err := w.revokeAgain(ctx, was, "this log has lost that it was revoked, as "+node+" remembers"); err != nil {
			return err
		}
		if len(w.made) == 0 {
			return errNothing
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return w.made, nil
}

// revokedIn gives the keys that those of changes which are lost revoked, by id. Other keys of them stay as they are: what a lost
// change made is gone, and nobody but an operator brings it back.
func revokedIn(changes []fairlead.Change, lost []changeID) map[string]fairlead.Key {
	revoked := map[string]fairlead.Key{}
	for i := range changes {
		c := &changes[i]
		var content fairlead.KeyContent
		if c.Kind != fairlead.ChangeKey || !slices.Contains(lost, changeID{c.Number, c.Hash}) || json.Unmarshal(c.Content, &content) != nil {
			continue
		}
		for j := range content.Keys {
			if k := content.Keys[j].Key(); !k.Active() {
				revoked[k.ID] = k
			}
		}
	}
	return revoked
}

// goodOf gives those of keys, by id, that are here, good and of the same hash, as revoked when they were.
func goodOf(ctx context.Context, q querier, was map[string]fairlead.Key) (good []fairlead.Key, err error) {
	for some := range slices.Chunk(slices.Sorted(maps.Keys(was)), bulkArgs) {
		ids := make([]any, len(some))
		for i, id := range some {
			ids[i] = id
		}
		here, err := list(ctx, q, scanKey, `SELECT `+keyColumns+` FROM keys WHERE revoked IS NULL AND id IN (`+places(len(some))+`) ORDER BY id`, ids...)
		if err != nil {
			return nil, err
		}
		for _, k := range here {
			if r := was[k.ID]; k.Hash == r.Hash || k.Hash == r.Old || k.Old == r.Hash { // a restore can have undone or redone a rotation
				k.Revoked = moment(was[k.ID].Revoked)
				good = append(good, k)
			}
		}
	}
	return good, nil
}

// revokeAgain revokes those of keys that are good here, as of the time at which they were revoked before, in one change.
func (w *writer) revokeAgain(ctx context.Context, was map[string]fairlead.Key, why string) error {
	again, err := goodOf(ctx, w.tx, was)
	if err != nil || len(again) == 0 {
		return err
	}
	for _, k := range again {
		if _, err := w.tx.ExecContext(ctx, `UPDATE keys SET revoked = $1 WHERE id = $2`, k.Revoked.UnixMicro(), k.ID); err != nil {
			return err
		}
	}
	w.act = fairlead.Act{At: w.act.At, By: byRestore, Action: "key.revoke", Target: again[0].ID, Why: why}
	if len(again) > 1 {
		w.act.Target = fmt.Sprintf("%d keys", len(again))
	}
	_, err = w.append(ctx, fairlead.ChangeKey, keyContent(again))
	return err
}
