package control

import (
	"context"
	"slices"
	"time"

	"fairlead"
)

const (
	// writeTime bounds a write to the store together with its way down to this node's edge.
	writeTime = 30 * time.Second
	// waitTime is how long a write waits for other nodes at most.
	waitTime = 2 * time.Second
)

// detach gives a context for a write, which a caller who leaves does not cancel: a revocation that is stored and
// never reaches the data plane would be the worst of all outcomes.
func detach(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), writeTime)
}

// spread brings a committed change down: to the bus, to this node's own edge and, where the caller waits for
// them, to all live nodes, of which it lists those that are behind. The error is of this node's edge.
func (c *Control) spread(ctx context.Context, a *ask, change fairlead.Change) (behind []string, err error) {
	if change.Number == 0 {
		return nil, nil
	}
	if c.Publish != nil {
		c.Publish(change)
	}
	return c.settled(ctx, a, change)
}

// settled waits as spread does, for a change that was published.
func (c *Control) settled(ctx context.Context, a *ask, change fairlead.Change) (behind []string, err error) {
	if c.Applied != nil {
		err = c.Applied(ctx, change.Number)
	}
	if a.query["wait"] != "" {
		// Where the store is away, nobody counts as being there: the write is done all the same.
		head, _ := c.Store.Head(ctx)
		listed, _ := c.Store.Nodes(ctx)
		ctx, cancel := context.WithTimeout(ctx, waitTime)
		defer cancel()
		config := change.Kind == fairlead.ChangeRevision || change.Kind == fairlead.ChangeStep || change.Kind == fairlead.ChangeSecret
		behind = c.Fleet.behind(ctx, fairlead.Position{Log: head.Log, Number: change.Number}, config, listed)
	}
	return behind, err
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}
