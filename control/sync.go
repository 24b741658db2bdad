package control

import (
	"context"
	"fmt"

	"fairlead"
)

// Log is the order in which everything changed: dense numbers, the last of which is the head.
type Log interface {
	Head(ctx context.Context) (fairlead.Position, error)
	// Changes gives changes after a number, in order.
	Changes(ctx context.Context, after int64, limit, maxBytes int) ([]fairlead.Change, error)
}

// Feed carries changes down to an edge. Until edges are other processes it is this node's replica.
type Feed interface {
	// Position is the last change that the edge knows.
	Position(ctx context.Context) (fairlead.Position, error)
	// Restart has an edge that followed another log forget what it knew.
	Restart(ctx context.Context, log string) error
	// Apply takes the next changes; once it returns, the edge decides by them.
	Apply(ctx context.Context, log string, changes []fairlead.Change) error
}

// syncPage and syncBytes bound the changes that go down the feed at a time.
const (
	syncPage  = 10_000
	syncBytes = 2 << 20
)

// Sync brings an edge up to the head of a log: at boot, after each write, and after a write that
// went wrong half way. What the edge knows already is not sent again.
func Sync(ctx context.Context, log Log, feed Feed) error {
	head, err := log.Head(ctx)
	if err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	at, err := feed.Position(ctx)
	if err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	if at.Log != head.Log || at.Number > head.Number {
		if err := feed.Restart(ctx, head.Log); err != nil {
			return fmt.Errorf("sync: %w", err)
		}
		at.Number = 0
	}
	for at.Number < head.Number {
		changes, err := log.Changes(ctx, at.Number, syncPage, syncBytes)
		if err != nil {
			return fmt.Errorf("sync: %w", err)
		}
		if len(changes) == 0 {
			return fmt.Errorf("sync: the log ends at %d, before its head %d", at.Number, head.Number)
		}
		if err := feed.Apply(ctx, head.Log, changes); err != nil {
			return fmt.Errorf("sync: %w", err)
		}
		at.Number = changes[len(changes)-1].Number
	}
	return nil
}
