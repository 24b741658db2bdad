package upstream

import (
	"context"
	"net"
	"time"

	"fairlead"
	"fairlead/upstream/health"
	"fairlead/upstream/transport"
)

// Patience is how long the walk's next attempt would be waited for; 0 = no bound.
func Patience(w *Walk) time.Duration {
	if err := w.begin(time.Time{}); err != nil {
		panic(err)
	}
	t := w.at.patience()
	if t.IsZero() {
		return 0
	}
	return t.Sub(w.at.start)
}

// Room is the memory for answers that a walk keeps for another.
func Room(w *Walk) int { return cap(w.room) }

// Use has an Upstream reach a provider by a transport of the test's own.
func Use(u *Upstream, p *fairlead.Provider, t transport.Transport) error {
	u.transports[keyOf(p)] = t
	return u.Prepare(&fairlead.Snapshot{Providers: []*fairlead.Provider{p}})
}

// DeadlinesOf are those of the endpoint of a walk's attempt.
func DeadlinesOf(w *Walk) *health.Deadlines { return w.at.lane.Deadlines() }

// Dial has all ways of the snapshot in force dial so.
func Dial(u *Upstream, dial func(ctx context.Context, network, addr string) (net.Conn, error)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	known := u.ways.Load()
	now := map[*fairlead.Provider][]*way{}
	for p, list := range known.now {
		for _, w := range list {
			own := *w
			own.transport, own.err = transport.New(transport.Options{Dial: dial}, fairlead.TransportConfig{})
			now[p] = append(now[p], &own)
		}
	}
	u.ways.Store(&ways{now: now, before: known.before})
}
