package store

import (
	"context"

	"fairlead"
)

const auditColumns = `number, at, author, action, target, why, change, hash`

func scanEntry(r scanner) (e fairlead.AuditEntry, err error) {
	var at int64
	err = r.Scan(&e.Number, &at, &e.By, &e.Action, &e.Target, &e.Why, &e.Change, scanHash(&e.Hash))
	e.At = fromMicros(at)
	return e, err
}

// Note adds an act to the audit that changes nothing that edges know, such as a backup.
func (s *Store) Note(ctx context.Context, act fairlead.Act) error {
	act.Change = 0
	_, err := s.write(ctx, "note an act", act, func(ctx context.Context, w *writer) error { return w.note(ctx) })
	return err
}

// Audit lists at most limit entries before a number, newest first; before 0 begins at the newest.
func (s *Store) Audit(ctx context.Context, before int64, limit int) (all []fairlead.AuditEntry, err error) {
	err = s.read(ctx, "read audit", func(ctx context.Context, q querier) (err error) {
		all, err = list(ctx, q, scanEntry, `SELECT `+auditColumns+` FROM audit WHERE number < $1 ORDER BY number DESC LIMIT $2`,
			fromNewest(before), max(limit, 0))
		return err
	})
	return all, err
}
