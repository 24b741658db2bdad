package control

import (
	"context"
	"fmt"

	"fairlead"
)

// Log is the order in which keys changed: dense numbers, the last of which is the head.
type Log interface {
	// Head names the log and gives its last number.
	Head(ctx context.Context) (source string, change int64, err error)
	// KeyChanges gives keys changed after a number, in order, and the number of the last one given.
	KeyChanges(ctx context.Context, after int64, limit int) (keys []fairlead.Key, last int64, err error)
}

// Feed carries changes down to an edge. Until edges are other processes it is this node's replica.
type Feed interface {
	// Follow says which log is the truth and how far it goes, and gives the last number that the edge
	// knows; an edge that followed another log forgets what it knew.
	Follow(ctx context.Context, source string, head int64) (change int64, err error)
	// ApplyKeys takes keys as they are now; once it returns, the edge decides by them.
	ApplyKeys(ctx context.Context, keys ...fairlead.Key) error
	// Advance notes that everything up to a number was applied.
	Advance(ctx context.Context, change int64) error
}

// syncPage is how many keys go down the feed at a time: about 2 MB.
const syncPage = 10_000

// Sync brings an edge up to the head of a log: at boot, after each write, and after a write that
// went wrong half way. What the edge knows already is not sent again.
func Sync(ctx context.Context, log Log, feed Feed) error {
	source, head, err := log.Head(ctx)
	if err != nil {
		return fmt.Errorf("sync keys: %w", err)
	}
	at, err := feed.Follow(ctx, source, head)
	if err != nil {
		return fmt.Errorf("sync keys: %w", err)
	}
	for at < head {
		keys, last, err := log.KeyChanges(ctx, at, syncPage)
		if err != nil {
			return fmt.Errorf("sync keys: %w", err)
		}
		if len(keys) == 0 { // the rest of the numbers belong to other kinds of changes
			last = head
		}
		if err := feed.ApplyKeys(ctx, keys...); err != nil {
			return fmt.Errorf("sync keys: %w", err)
		}
		if err := feed.Advance(ctx, last); err != nil {
			return fmt.Errorf("sync keys: %w", err)
		}
		at = last
	}
	return nil
}
