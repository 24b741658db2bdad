package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// open is an open loop: exchanges begin at fixed times whatever became of those before, and each is
// timed from when it was due, not from when a connection was free for it. A stall is thus counted
// for every exchange that it delays (no coordinated omission).
type open struct {
	to      *contender
	rate    float64 // exchanges a second
	conns   int
	request []byte
	span    time.Duration
}

// quiet is the part (1/quiet) of an open loop's exchanges that is not counted: the first ones warm
// both sides' connections.
const quiet = 5

// line is a connection of an open loop and the exchange that is on it.
type line struct {
	*caller
	n atomic.Int64
}

// opening is an open loop under way.
type opening struct {
	open
	start time.Time
	idle  chan *line
	took  []time.Duration
	fail  context.CancelCauseFunc
	over  atomic.Bool
}

// run gives the time that each exchange took, in the order in which they were due.
func (o open) run(ctx context.Context) ([]time.Duration, error) {
	n := int(o.rate * o.span.Seconds())
	if n < quiet {
		return nil, o.to.wrap(errors.New("the rate is too low to measure"))
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	p := &opening{open: o, idle: make(chan *line, o.conns), took: make([]time.Duration, n), fail: cancel}
	var readers sync.WaitGroup
	until := time.Now().Add(o.span + slack)
	for i := range o.conns {
		c, err := dialCaller(ctx, o.to.addr, i, until)
		if err != nil {
			cancel(err)
			break
		}
		defer context.AfterFunc(ctx, c.close)()
		l := &line{caller: c}
		p.idle <- l
		readers.Go(func() { p.read(l) })
	}
	p.start = time.Now().Add(20 * time.Millisecond)
	p.dispatch(ctx)
	p.await(ctx)
	p.over.Store(true)
	err := context.Cause(ctx)
	cancel(nil)
	readers.Wait()
	if err != nil {
		return nil, o.to.wrap(err)
	}
	return p.took[n/quiet:], nil
}

// due is when the nth exchange is to begin.
func (p *opening) due(n int64) time.Time {
	return p.start.Add(time.Duration(float64(n) / p.rate * float64(time.Second)))
}

// read takes the answers of one line until its connection is closed.
func (p *opening) read(l *line) {
	defer l.close()
	for {
		if _, err := l.answer(); err != nil {
			if !p.over.Load() {
				p.fail(err)
			}
			return
		}
		n := l.n.Load()
		p.took[n] = time.Since(p.due(n))
		p.idle <- l
	}
}

// dispatch writes each request when it is due, or as soon after as a line is free. It has a thread
// of its own to sleep on.
func (p *opening) dispatch(ctx context.Context) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for n := range int64(len(p.took)) {
		sleepUntil(p.due(n))
		select {
		case <-ctx.Done():
			return
		case l := <-p.idle:
			l.n.Store(n)
			if _, err := l.conn.Write(p.request); err != nil {
				p.fail(fmt.Errorf("write request: %w", err))
				return
			}
		}
	}
}

// await waits until every line has its last answer.
func (p *opening) await(ctx context.Context) {
	for range p.conns {
		select {
		case <-ctx.Done():
			return
		case <-p.idle:
		}
	}
}
