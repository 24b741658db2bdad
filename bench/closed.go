package bench

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// closed is a closed loop: each of so many connections makes one exchange after another.
type closed struct {
	to      *contender
	conns   int
	request []byte
	want    string // the whole answer; "" = any success
	warm    time.Duration
	span    time.Duration
}

// lap is what one contender did in one round of a loop.
type lap struct {
	exchanges int64
	wall, cpu time.Duration
}

func (l lap) perExchange() float64 { return micros(l.cpu) / float64(max(l.exchanges, 1)) }
func (l lap) rate() float64        { return float64(l.exchanges) / l.wall.Seconds() }

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

// slack is how much longer than planned a load may take before its connections give up.
const slack = 15 * time.Second

var errOtherAnswer = errors.New("the answer is not the one that the upstream sent")

// run drives the load and measures what lies between the warm-up and the end.
func (o closed) run(ctx context.Context) (lap, error) {
	var (
		wg     sync.WaitGroup
		counts = make([]counter, o.conns)
		fail   failure
		until  = time.Now().Add(o.warm + o.span + 2*slack)
	)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for i := range o.conns {
		wg.Go(func() {
			if err := o.worker(ctx, i, until, &counts[i]); err != nil && ctx.Err() == nil {
				fail.set(err)
				cancel()
			}
		})
	}
	l, err := o.measure(ctx, counts)
	cancel()
	wg.Wait()
	if first := fail.get(); first != nil {
		err = first
	}
	return l, o.to.wrap(err)
}

func (o closed) worker(ctx context.Context, n int, until time.Time, count *counter) error {
	c, err := dialCaller(ctx, o.to.addr, n, until)
	if err != nil {
		return err
	}
	defer c.close()
	stop := context.AfterFunc(ctx, c.close)
	defer stop()
	for ctx.Err() == nil {
		body, err := c.do(o.request)
		if err != nil {
			return err
		}
		if len(body) == 0 || (o.want != "" && !bytes.Equal(body, []byte(o.want))) {
			return errOtherAnswer
		}
		count.n.Add(1)
	}
	return nil
}

func (o closed) measure(ctx context.Context, counts []counter) (l lap, err error) {
	if err := pause(ctx, o.warm); err != nil {
		return l, err
	}
	if err := everyOne(ctx, counts, slack); err != nil {
		return l, err
	}
	cpu, err := o.to.cpu()
	if err != nil {
		return l, err
	}
	start, before := time.Now(), total(counts)
	if err := pause(ctx, o.span); err != nil {
		return l, err
	}
	after, err := o.to.cpu()
	l = lap{total(counts) - before, time.Since(start), after - cpu}
	if err == nil && l.exchanges == 0 {
		err = errors.New("no exchange came to its end")
	}
	return l, err
}

// counter stands alone on its cache line, so that workers do not slow each other.
type counter struct {
	n atomic.Int64
	_ [7]int64
}

func total(counts []counter) (sum int64) {
	for i := range counts {
		sum += counts[i].n.Load()
	}
	return sum
}

// everyOne waits until all have counted something: connections and handshakes lie behind them then.
func everyOne(ctx context.Context, counts []counter, atMost time.Duration) error {
	until := time.Now().Add(atMost)
	for !allCount(counts) {
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return err
		}
		if time.Now().After(until) {
			return errors.New("not every connection had an answer in time")
		}
	}
	return nil
}

func allCount(counts []counter) bool {
	for i := range counts {
		if counts[i].n.Load() == 0 {
			return false
		}
	}
	return true
}

// failure keeps the first error of several goroutines.
type failure struct {
	mu  sync.Mutex
	err error
}

func (f *failure) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
}

func (f *failure) get() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}
