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
func Room(w *Walk) int { return cap(w.mem.room) }

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

// Teach has every endpoint of a plan learned to answer exchanges of some sizes within took, with room for any number of hedges.
func Teach(u *Upstream, steps []fairlead.Step, took time.Duration, sizes ...health.Size) {
	now := time.Now()
	for _, s := range steps {
		lane := u.board.Load().Lane(s.Endpoint, s.Asked, "", "", now)
		lane.Budget().Deposit(1e6, now)
		for _, size := range sizes {
			for range 200 {
				lane.Deadlines().LearnFirstToken(size, took, false, now)
				lane.Deadlines().LearnTotal(size, took, false, now)
			}
		}
	}
}

// Earn makes room for n hedges of exchanges that cost nothing.
func Earn(u *Upstream, n int, each *fairlead.USD) {
	for range 50 * n {
		u.hedges.Deposit(each, time.Now())
	}
}

// Fell lets an endpoint have failed until a moment ago, so that the next exchange there is its trial.
func Fell(u *Upstream, s fairlead.Step) health.Lane {
	now := time.Now()
	lane := u.board.Load().Lane(s.Endpoint, s.Asked, "", "", now)
	for _, ago := range []time.Duration{5 * time.Second, 4 * time.Second} {
		ticket, _ := lane.Acquire(now.Add(-ago), false)
		lane.Release(ticket, health.Evidence{Kind: health.Hard}, now.Add(-ago))
	}
	return lane
}

// Left is an endpoint's retry budget, and what all hedges have left, in hedges.
func Left(u *Upstream, s fairlead.Step) (retries float64, hedges int) {
	now := time.Now()
	for u.hedges.Take(nil, now) {
		hedges++
	}
	for range hedges {
		u.hedges.Refund(nil, now)
	}
	return u.board.Load().Lane(s.Endpoint, s.Asked, "", "", now).Budget().Left(now), hedges
}

// Spend takes all of an endpoint's retry budget.
func Spend(u *Upstream, s fairlead.Step) {
	now := time.Now()
	budget := u.board.Load().Lane(s.Endpoint, s.Asked, "", "", now).Budget()
	budget.Take(budget.Left(now), now)
}

// State is what the board thinks of a step's endpoint.
func State(u *Upstream, s fairlead.Step) health.State {
	now := time.Now()
	way := u.waysOf(s.Endpoint.Provider)[0]
	return u.board.Load().Lane(s.Endpoint, s.Asked, way.credential, "", now).View(now).State
}

// SpendRemade takes what is left for text that is made again.
func SpendRemade(u *Upstream) {
	now := time.Now()
	u.remade.Take(u.remade.Left(now), now)
}

// Shut has an endpoint fail twice running, now.
func Shut(u *Upstream, s fairlead.Step) {
	now := time.Now()
	for _, c := range u.waysOf(s.Endpoint.Provider) {
		lane := u.board.Load().Lane(s.Endpoint, s.Asked, c.credential, "", now)
		for range 2 {
			ticket, _ := lane.Acquire(now, false)
			lane.Release(ticket, health.Evidence{Kind: health.Hard}, now)
		}
	}
}

// Succeed has an exchange try an endpoint at a time, and find it well.
func Succeed(u *Upstream, s fairlead.Step, at time.Time) {
	way := u.waysOf(s.Endpoint.Provider)[0]
	lane := u.board.Load().Lane(s.Endpoint, s.Asked, way.credential, "", at)
	ticket, _ := lane.Acquire(at, false)
	lane.Release(ticket, health.Evidence{Kind: health.Success}, at)
}

// Down has an endpoint be one that trials went on to find failing, now.
func Down(u *Upstream, s fairlead.Step) {
	now := time.Now()
	for _, c := range u.waysOf(s.Endpoint.Provider) {
		lane := u.board.Load().Lane(s.Endpoint, s.Asked, c.credential, "", now)
		// Two failures and three trials: it is open for 1, 2 and 4 seconds about, and then for 6.4 or longer.
		for _, ago := range []float64{12, 12, 10.7, 8.2, 3.3} {
			at := now.Add(-time.Duration(ago * float64(time.Second)))
			ticket, _ := lane.Acquire(at, false)
			lane.Release(ticket, health.Evidence{Kind: health.Hard}, at)
		}
	}
}

// Limit has an endpoint's provider say that it takes no more for a while.
func Limit(u *Upstream, s fairlead.Step) {
	now := time.Now()
	way := u.waysOf(s.Endpoint.Provider)[0]
	u.board.Load().Lane(s.Endpoint, s.Asked, way.credential, "", now).
		Observe(health.Evidence{Kind: health.Limited, Limit: health.Limit{After: time.Minute}}, 0, now)
}

// Busy counts the attempts under way at a step's endpoint, after n are added.
func Busy(u *Upstream, s fairlead.Step, n int64) int64 {
	way := u.waysOf(s.Endpoint.Provider)[0]
	return u.board.Load().Lane(s.Endpoint, s.Asked, way.credential, u.Egress, time.Now()).Busy().Add(n)
}

// Way is the first way to a provider, for comparing; nil where none is kept for it.
func Way(u *Upstream, p *fairlead.Provider) any {
	known := u.ways.Load()
	for _, list := range [][]*way{known.now[p], known.before[p]} {
		if len(list) > 0 {
			return list[0]
		}
	}
	return nil
}
