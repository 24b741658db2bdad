package bench

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"
)

// paced is an open loop of exchanges that differ from each other: one by one they are begun at a steady
// rate, whatever became of those before.
type paced struct {
	to      *contender
	n       int
	rate    float64 // exchanges a second
	conns   int
	request func(i int) []byte
	want    string // in every answer
}

// shot is when an exchange was sent, and when all of its answer was there.
type shot struct{ sent, done time.Time }

// run gives the times of each exchange; one without the wanted answer is an error.
func (p paced) run(ctx context.Context) ([]shot, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	idle := make(chan *caller, p.conns)
	until := time.Now().Add(p.span() + slack)
	for i := range p.conns {
		c, err := dialCaller(ctx, p.to.addr, i, until)
		if err != nil {
			return nil, p.to.wrap(err)
		}
		defer c.close()
		defer context.AfterFunc(ctx, c.close)()
		idle <- c
	}
	var (
		wg    sync.WaitGroup
		fail  failure
		shots = make([]shot, p.n)
		begin = time.Now()
	)
	for i := range p.n {
		c, err := p.turn(ctx, idle, begin.Add(time.Duration(float64(i)/p.rate*float64(time.Second))))
		if err != nil {
			fail.set(err)
			break
		}
		wg.Go(func() {
			if err := p.one(c, i, &shots[i]); err != nil {
				fail.set(fmt.Errorf("exchange %d: %w", i, err))
				cancel()
			}
			idle <- c
		})
	}
	wg.Wait()
	return shots, p.to.wrap(fail.get())
}

// span is the time over which the exchanges begin.
func (p paced) span() time.Duration {
	return time.Duration(float64(p.n) / p.rate * float64(time.Second))
}

// turn waits until an exchange is due and a connection is free for it.
func (p paced) turn(ctx context.Context, idle <-chan *caller, due time.Time) (*caller, error) {
	if err := pause(ctx, time.Until(due)); err != nil {
		return nil, err
	}
	select {
	case c := <-idle:
		return c, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (p paced) one(c *caller, i int, s *shot) error {
	request := p.request(i)
	s.sent = time.Now()
	body, err := c.do(request)
	s.done = time.Now()
	if err == nil && !bytes.Contains(body, []byte(p.want)) {
		err = errOtherAnswer
	}
	return err
}
