package store

import (
	"context"
	"fmt"
)

// RestoreStep is done in the transaction of a restore, once everything is as it was backed up: what may have been taken away after
// the backup, and edges know nothing of, is not given back.
type RestoreStep struct {
	do func(context.Context, *writer) error
}

// RevokeTokens has a restore revoke all admin tokens; n becomes how many were good.
func RevokeTokens(n *int64) RestoreStep {
	return RestoreStep{func(ctx context.Context, w *writer) error {
		return w.end(ctx, n, "token.revoke", "admin tokens", `UPDATE tokens SET revoked = $1 WHERE revoked IS NULL`, w.act.At.UnixMicro())
	}}
}

// VoidJoins has a restore void all tokens to join with; n becomes how many there were. Their nodes stay known.
func VoidJoins(n *int64) RestoreStep {
	return RestoreStep{func(ctx context.Context, w *writer) error {
		return w.end(ctx, n, "join.void", "join tokens", `UPDATE nodes SET token = NULL, expires = NULL WHERE token IS NOT NULL`)
	}}
}

// end ends what a statement finds, and notes it where there was any.
func (w *writer) end(ctx context.Context, n *int64, action, what, statement string, values ...any) error {
	result, err := w.tx.ExecContext(ctx, statement, values...)
	if err != nil {
		return fmt.Errorf("end all %s: %w", what, err)
	}
	if *n, err = result.RowsAffected(); err != nil || *n == 0 {
		return err
	}
	w.act.Action, w.act.Target = action, fmt.Sprintf("%d %s", *n, what)
	w.act.Why = "they may have been used or revoked after the backup"
	return w.note(ctx)
}
