package bus

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"fairlead"
	"fairlead/internal/paced"
)

const (
	// A node has so many of its requests under way at a desk, and so many more may wait there: what an edge asks at once, some
	// times over. What is beyond is dropped; its asker asks again.
	eachAtOnce  = 8
	eachWaiting = 16
	// deskBytes bounds what waits at a desk.
	deskBytes = 64 << 20
	// logPace is the least time between two complaints about one node.
	logPace = time.Minute
)

// work is what control does for a request: the node that asks, and what it says.
type work func(ctx context.Context, node string, body []byte) ([]byte, error)

// desk does the work on requests: some at once, each within a bound of time. The nodes take turns, so that one which asks without
// end takes nothing from the others, and what waited until its asker has gone is not worked on.
type desk struct {
	b        *Bus
	ctx      context.Context
	atOnce   int
	patience time.Duration // of those who ask
	stops    []func()
	group    sync.WaitGroup

	mu     sync.Mutex
	busy   int
	bytes  int
	shares map[string]*share // of nodes that have anything here
	turns  []string          // nodes with something that waits, the next one first
	closed bool
	paced  pacedLog
}

// share is what one node has at a desk.
type share struct {
	underWay int
	waiting  []request
}

// request is one that waits.
type request struct {
	m       *nats.Msg
	do      work
	arrived time.Time
}

func newDesk(ctx context.Context, b *Bus, atOnce int) *desk {
	return &desk{b: b, ctx: ctx, atOnce: atOnce, patience: askTimeout, shares: map[string]*share{}, paced: pacedLog{log: b.o.Log, lines: paced.Lines{Every: logPace}}}
}

// take answers the requests on a subject.
func (d *desk) take(subject, queue string, do work) error {
	stop, err := d.b.subscribe(subject, queue, func(m *nats.Msg) {
		if node, ok := asker(m.Subject, m.Reply); ok {
			d.arrive(node, request{m, do, time.Now()})
		}
	})
	if err == nil {
		d.stops = append(d.stops, stop)
	}
	return err
}

// arrive has a request wait, if there is room for it.
func (d *desk) arrive(node string, r request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.shares[node]
	if s == nil {
		s = &share{}
		d.shares[node] = s
	}
	if d.closed || len(s.waiting) == eachWaiting || d.bytes+len(r.m.Data) > deskBytes {
		d.paced.warn(node, "dropped", "a node asks faster than it is answered; requests of it are dropped", "subject", r.m.Subject)
		d.forget(node)
		return
	}
	if len(s.waiting) == 0 {
		d.turns = append(d.turns, node)
	}
	s.waiting = append(s.waiting, r)
	d.bytes += len(r.m.Data)
	d.start()
}

// start begins what may begin; the lock is held.
func (d *desk) start() {
	for d.busy < d.atOnce {
		at := slices.IndexFunc(d.turns, func(node string) bool { return d.shares[node].underWay < eachAtOnce })
		if at < 0 {
			return
		}
		node := d.turns[at]
		d.turns = slices.Delete(d.turns, at, at+1)
		s := d.shares[node]
		r := s.waiting[0]
		s.waiting = slices.Delete(s.waiting, 0, 1)
		d.bytes -= len(r.m.Data)
		if len(s.waiting) > 0 {
			d.turns = append(d.turns, node)
		}
		if time.Since(r.arrived) > d.patience {
			d.forget(node)
			continue
		}
		s.underWay++
		d.busy++
		d.group.Go(func() {
			d.reply(r.m, node, r.do)
			d.done(node)
		})
	}
}

func (d *desk) done(node string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy--
	d.shares[node].underWay--
	d.forget(node)
	d.start()
}

// forget drops the share of a node that has nothing here.
func (d *desk) forget(node string) {
	if s := d.shares[node]; s.underWay == 0 && len(s.waiting) == 0 {
		delete(d.shares, node)
	}
}

func (d *desk) reply(m *nats.Msg, node string, do work) {
	ctx, cancel := context.WithTimeout(d.ctx, serveTimeout)
	defer cancel()
	body, err := do(ctx, node, m.Data)
	if err != nil && d.ctx.Err() == nil {
		d.paced.warn(node, m.Subject+" "+string(fairlead.AsError(err).Code), "a request of a node failed", "subject", m.Subject, "error", err)
	}
	if err := d.b.conn.Publish(m.Reply, answer(body, err)); err != nil && d.ctx.Err() == nil {
		d.paced.warn(node, "answer", "an answer to a node was not sent", "subject", m.Subject, "error", err)
	}
}

// close ends the subscriptions, drops what waits and waits for the work at hand.
func (d *desk) close() {
	for _, stop := range d.stops {
		stop()
	}
	d.mu.Lock()
	d.closed, d.turns = true, nil
	d.mu.Unlock()
	d.group.Wait()
}

// pacedLog complains of a node once, then each minute with how often it was silent: a node can have as much logged as it likes to
// send.
type pacedLog struct {
	log   *slog.Logger
	lines paced.Lines // by node and what they are about
}

func (p *pacedLog) warn(node, about, message string, attrs ...any) {
	again, due := p.lines.Due(node + " " + about)
	if !due {
		return
	}
	attrs = append([]any{"node", node}, attrs...)
	if again > 0 {
		attrs = append(attrs, "again", again)
	}
	p.log.Warn(message, attrs...)
}
