package app

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"fairlead"
	"fairlead/bus"
	"fairlead/replica"
)

// feed is what this node counts of the log that it follows.
type feed struct {
	began time.Time
	// heard is when the last beat came, since began; before the first one it is 0.
	heard                             atomic.Int64
	applied, refused, copies, fetches atomic.Int64
}

// followAgain is the time after which a node that could not follow the log tries it again.
const followAgain = time.Second

// follow keeps the replica at the end of the log, and the data plane at the replica.
func (a *App) follow(ctx context.Context) {
	a.parts.group.Go(func() { a.edge.Run(ctx) })
	n := &a.feed
	a.again(ctx, "follow the log", func() error {
		before := n.refused.Load()
		return bus.Follow(ctx, a.bus, followed{a.replica, n}, bus.FollowOptions{
			Stale: a.edge.SetStale, Loading: a.edge.SetLoading, Sure: a.settle, Clock: a.Clock,
			Heard:   func() { n.heard.Store(int64(time.Since(n.began))) },
			Refused: func(changes int64) { n.refused.Store(before + changes) },
			Copied:  a.copied,
			Fetched: func(int, int) { n.fetches.Add(1) },
		})
	})
}

// copied counts a whole copy. What a foreign log has of this node's frames is not known.
func (a *App) copied(foreign bool) {
	a.feed.copies.Add(1)
	if foreign {
		a.sendAgain()
	}
}

// again does what goes on until ctx ends, again a while after it ended before: a disk may be back.
func (a *App) again(ctx context.Context, what string, do func() error) {
	for ctx.Err() == nil {
		a.told(ctx, what, do())
		sleep(ctx, followAgain)
	}
}

// showFeed adds how it stands with the log to the metrics: a node that is cut off from control can show it there alone.
func (a *App) showFeed() {
	a.feed.began = time.Now()
	of := func(n *atomic.Int64) func() float64 { return func() float64 { return float64(n.Load()) } }
	a.metrics.Gauge("fairlead_stale", "1 while nothing is heard of control, else 0.", func() float64 {
		if a.edge.Stale() {
			return 1
		}
		return 0
	})
	a.metrics.Gauge("fairlead_heard_seconds", "Time since control was heard last, or since this process began.", func() float64 {
		return (time.Since(a.feed.began) - time.Duration(a.feed.heard.Load())).Seconds()
	})
	a.metrics.Gauge("fairlead_log_number", "The last change of the log that this node's data plane stands at.", func() float64 {
		return float64(a.edge.Status().Position.Number)
	})
	a.metrics.Count("fairlead_changes_applied_total", "Changes of the log that were applied one after the other; those that came with a whole copy are not.", of(&a.feed.applied))
	a.metrics.Count("fairlead_changes_refused_total", "Changes that did not fit the chain of hashes, and were fetched again.", of(&a.feed.refused))
	a.metrics.Count("fairlead_fetches_total", "Fetches of changes that this node had not heard.", of(&a.feed.fetches))
	a.metrics.Count("fairlead_copies_total", "Whole copies of the log that were put in place.", of(&a.feed.copies))
}

// followed is the replica as the bus keeps it.
type followed struct {
	*replica.Replica
	feed *feed
}

func (f followed) BeginCopy(ctx context.Context, at fairlead.Position) (bus.Copy, error) {
	c, err := f.Replica.BeginCopy(ctx, at)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (f followed) Apply(ctx context.Context, log string, changes []fairlead.Change) error {
	err := f.Replica.Apply(ctx, log, changes)
	if err == nil {
		f.feed.applied.Add(int64(len(changes)))
	}
	if errors.Is(err, replica.ErrUnfit) {
		return fmt.Errorf("%w: %w", bus.ErrDiverged, err)
	}
	return err
}
