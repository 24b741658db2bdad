package control

import (
	"context"
	"encoding/json"
	"fmt"

	"fairlead"
)

// Store is the truth about keys, as the control plane uses it.
type Store interface {
	CreateKeys(ctx context.Context, act fairlead.Act, keys ...fairlead.Key) (fairlead.Change, error)
	Keys(ctx context.Context, after string, limit int) ([]fairlead.Key, error)
	RevokeKey(ctx context.Context, id string, act fairlead.Act) (fairlead.Key, fairlead.Change, error)
	Log
}

// Log is the order in which everything changed: dense numbers, the last of which is the head.
type Log interface {
	Head(ctx context.Context) (fairlead.Position, error)
	// Changes gives changes after a number, in order.
	Changes(ctx context.Context, after int64, limit, maxBytes int) ([]fairlead.Change, error)
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
		return fmt.Errorf("sync keys: %w", err)
	}
	at, err := feed.Follow(ctx, head.Log, head.Number)
	if err != nil {
		return fmt.Errorf("sync keys: %w", err)
	}
	for at < head.Number {
		changes, err := log.Changes(ctx, at, syncPage, syncBytes)
		if err != nil {
			return fmt.Errorf("sync keys: %w", err)
		}
		if len(changes) == 0 {
			return fmt.Errorf("sync keys: the log ends at %d, before its head %d", at, head.Number)
		}
		keys, err := keysOf(changes)
		if err != nil {
			return fmt.Errorf("sync keys: %w", err)
		}
		if err := feed.ApplyKeys(ctx, keys...); err != nil {
			return fmt.Errorf("sync keys: %w", err)
		}
		at = changes[len(changes)-1].Number
		if err := feed.Advance(ctx, at); err != nil {
			return fmt.Errorf("sync keys: %w", err)
		}
	}
	return nil
}

// keysOf gives the keys that changes carry, each as the last of them has it.
func keysOf(changes []fairlead.Change) ([]fairlead.Key, error) {
	var keys []fairlead.Key
	place := map[string]int{}
	for _, c := range changes {
		if c.Kind != fairlead.ChangeKey {
			continue
		}
		var content fairlead.KeyContent
		if err := json.Unmarshal(c.Content, &content); err != nil {
			return nil, fmt.Errorf("read change %d: %w", c.Number, err)
		}
		for i := range content.Keys {
			k := content.Keys[i].Key()
			if at, ok := place[k.ID]; ok {
				keys[at] = k
				continue
			}
			place[k.ID] = len(keys)
			keys = append(keys, k)
		}
	}
	return keys, nil
}
