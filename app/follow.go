package app

import (
	"context"
	"sync/atomic"
	"time"

	"fairlead/bus"
)

// followAgain is the time after which a node that could not follow the log tries it again.
const followAgain = time.Second

// followCounts count what following the log took.
type followCounts struct{ refused, copies, fetches atomic.Int64 }

// follow keeps the replica at the end of the log, and the data plane at the replica.
func (a *App) follow(ctx context.Context) {
	a.parts.group.Go(func() { a.edge.Run(ctx) })
	a.again(ctx, "follow the log", func() error {
		n, before := &a.follows, a.follows.refused.Load()
		return bus.Follow(ctx, a.bus, followed{a.replica}, bus.FollowOptions{
			Stale: a.edge.SetStale, Loading: a.edge.SetLoading, Sure: a.settle, Clock: a.Clock,
			Refused: func(changes int64) { n.refused.Store(before + changes) },
			Copied: func(foreign bool) {
				n.copies.Add(1)
				if foreign {
					a.sendAgain()
				}
			},
			Fetched: func(int, int) { n.fetches.Add(1) },
		})
	})
}

// again does what goes on until ctx ends, again a while after it ended before: a disk may be back.
func (a *App) again(ctx context.Context, what string, do func() error) {
	for ctx.Err() == nil {
		a.told(ctx, what, do())
		sleep(ctx, followAgain)
	}
}

// showFollowed adds what following took to the metrics.
func (a *App) showFollowed() {
	of := func(n *atomic.Int64) func() float64 { return func() float64 { return float64(n.Load()) } }
	a.metrics.Count("fairlead_feed_fetches_total", "Fetches of changes that this node had not heard.", of(&a.follows.fetches))
	a.metrics.Count("fairlead_feed_copies_total", "Whole copies of the control plane's state put in place.", of(&a.follows.copies))
	a.metrics.Count("fairlead_feed_refused_total", "Changes that did not fit the chain of hashes and were refused.", of(&a.follows.refused))
}
