package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"fairlead"
)

// TestLostBesideWrites holds that a node which tells of lost changes waits for no write, and no write for it, but for the entry of
// the audit that its news need.
func TestLostBesideWrites(t *testing.T) {
	dsn := server.Database(t)
	s := open(t, dsn)
	lost := make([]fairlead.Change, 600)
	hash := fairlead.Hash{}
	for i := range lost {
		c := fairlead.Change{Number: int64(i + 1), Kind: fairlead.ChangeStep, At: time.Unix(1, 0), By: "ramp", Content: fmt.Appendf(nil, `{"n":%d}`, i)}
		c.Hash = c.Chain(hash)
		lost[i], hash = c, c.Hash
	}
	report := func(node string) {
		t.Helper()
		_, err := s.ReportLost(t.Context(), node, lost)
		check(t, err)
	}
	report("edge-1")

	busy, err := pgx.Connect(t.Context(), dsn)
	check(t, err)
	defer func() { check(t, busy.Close(context.WithoutCancel(t.Context()))) }()
	tx, err := busy.Begin(t.Context())
	check(t, err)
	_, err = tx.Exec(t.Context(), `SELECT number FROM head WHERE id = 1 FOR UPDATE`) // a write that takes its time
	check(t, err)
	report("edge-1") // once more, for the answer did not come in time
	check(t, tx.Rollback(t.Context()))

	report("edge-2")
	all, err := s.Lost(t.Context())
	check(t, err)
	if len(all) != len(lost) || len(all[599].Nodes) != 2 {
		t.Errorf("%d changes are kept", len(all))
	}
	wantWhole(t, s)
}
