package control

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"fairlead"
)

// Store is the truth about keys, as the control plane uses it.
type Store interface {
	CreateKey(ctx context.Context, k fairlead.Key) error
	Keys(ctx context.Context, after string, limit int) ([]fairlead.Key, error)
	RevokeKey(ctx context.Context, id string, at time.Time) (fairlead.Key, error)
	Log
}

// Log is the order in which keys changed: dense numbers, the last of which is the head.
type Log interface {
	// Head names the log and gives its last number.
	Head(ctx context.Context) (source string, change int64, err error)
	// KeyChanges gives keys changed after a number, in order, and the number of the last one given.
	KeyChanges(ctx context.Context, after int64, limit int) (keys []fairlead.Key, last int64, err error)
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

// syncPage is how many keys go down the feed at a time: about 2 MB.
const syncPage = 10_000

// Sync brings an edge up to the head of a log: at boot, after each write, and after a write that
// went wrong half way. What the edge knows already is not sent again.
func Sync(ctx context.Context, log Log, feed Feed) error {
	source, head, err := log.Head(ctx)
	if err != nil {
		return fmt.Errorf("sync keys: %w", err)
	}
	at, err := feed.Position(ctx)
	if err != nil {
		return fmt.Errorf("sync keys: %w", err)
	}
	if at.Log != source || at.Number > head {
		if err := feed.Restart(ctx, source); err != nil {
			return fmt.Errorf("sync keys: %w", err)
		}
		at = fairlead.Position{Log: source}
	}
	for at.Number < head {
		keys, last, err := log.KeyChanges(ctx, at.Number, syncPage)
		if err != nil {
			return fmt.Errorf("sync keys: %w", err)
		}
		if len(keys) == 0 { // the rest of the numbers belong to other kinds of changes
			last = head
		}
		changes, err := keyChanges(&at, keys, last)
		if err != nil {
			return fmt.Errorf("sync keys: %w", err)
		}
		if err := feed.Apply(ctx, source, changes); err != nil {
			return fmt.Errorf("sync keys: %w", err)
		}
	}
	return nil
}

// keyChanges makes the changes behind at up to the number last, which say together how keys are now: the last
// one does, for the store keeps each key's last change alone.
func keyChanges(at *fairlead.Position, keys []fairlead.Key, last int64) (changes []fairlead.Change, err error) {
	var content fairlead.KeyContent
	for i := range keys {
		content.Keys = append(content.Keys, keys[i].Stored())
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	for at.Number < last {
		c := fairlead.Change{Number: at.Number + 1, Kind: fairlead.ChangeKey, At: now, Content: []byte("{}")}
		if c.Number == last {
			if c.Content, err = json.Marshal(content); err != nil {
				return nil, err
			}
		}
		c.Hash = c.Chain(at.Hash)
		at.Number, at.Hash = c.Number, c.Hash
		changes = append(changes, c)
	}
	return changes, nil
}
