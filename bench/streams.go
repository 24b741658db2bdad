package bench

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// streams is a load of so many streams at once, each with a script of chunks. They begin evenly over
// one pace or more, so that chunks come evenly, too.
type streams struct {
	to      *contender
	n       int
	script  script
	request []byte
	window  time.Duration // measured, from when all streams have had a chunk
}

// opensEvery is the least time between two streams' beginnings: nobody's backlog of connections
// overflows.
const opensEvery = 250 * time.Microsecond

// ramp is the time over which the streams begin.
func (s streams) ramp() time.Duration {
	return max(s.script.pace, time.Duration(s.n)*opensEvery)
}

// flow is what one contender did in one round of streams.
type flow struct {
	chunks, want int64 // in all: read, and asked for
	counted      int64 // read in the window
	cpu          time.Duration
	delays       []time.Duration // of every chunk, from its sending
	memory       int64           // the most bytes in RAM that were seen in the window
}

func (f flow) perChunk() float64 { return micros(f.cpu) / float64(max(f.counted, 1)) }

// memoryEvery is how often memory is looked at.
const memoryEvery = 500 * time.Millisecond

// run drives the streams to their ends.
func (s streams) run(ctx context.Context) (f flow, err error) {
	var (
		wg     sync.WaitGroup
		fail   failure
		counts = make([]counter, s.n)
		delays = make([][]time.Duration, s.n)
		length = time.Duration(s.script.chunks) * s.script.pace
		until  = time.Now().Add(length + s.ramp() + slack)
		begin  = time.Now()
	)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for i := range s.n {
		at := begin.Add(s.ramp() * time.Duration(i) / time.Duration(s.n))
		wg.Go(func() {
			if err := pause(ctx, time.Until(at)); err != nil {
				return
			}
			var err error
			if delays[i], err = s.stream(ctx, i, until, &counts[i]); err != nil && ctx.Err() == nil {
				fail.set(err)
				cancel()
			}
		})
	}
	err = s.measure(ctx, counts, until, &f)
	if err != nil {
		cancel()
	}
	wg.Wait()
	if first := fail.get(); first != nil {
		err = first
	}
	f.want = int64(s.n) * int64(s.script.chunks)
	f.chunks = total(counts)
	for _, d := range delays {
		f.delays = append(f.delays, d...)
	}
	return f, s.to.wrap(err)
}

func (s streams) stream(ctx context.Context, n int, until time.Time, count *counter) ([]time.Duration, error) {
	c, err := dialCaller(ctx, s.to.addr, n, until)
	if err != nil {
		return nil, err
	}
	defer c.close()
	stop := context.AfterFunc(ctx, c.close)
	defer stop()
	delays := make([]time.Duration, 0, s.script.chunks)
	err = c.follow(s.request, func(d time.Duration) {
		delays = append(delays, d)
		count.n.Add(1)
	})
	if err == nil && len(delays) != s.script.chunks {
		err = fmt.Errorf("a stream ended as whole after %d chunks of %d", len(delays), s.script.chunks)
	}
	return delays, err
}

// measure waits until every stream has had a chunk, then measures the window.
func (s streams) measure(ctx context.Context, counts []counter, until time.Time, f *flow) error {
	if err := everyOne(ctx, counts, time.Until(until)); err != nil {
		return err
	}
	cpu, err := s.to.cpu()
	if err != nil {
		return err
	}
	start, before := time.Now(), total(counts)
	for time.Since(start) < s.window {
		if err := pause(ctx, min(memoryEvery, s.window-time.Since(start))); err != nil {
			return err
		}
		if s.to.proc == nil {
			continue
		}
		memory, err := s.to.proc.resident()
		if err != nil {
			return err
		}
		f.memory = max(f.memory, memory)
	}
	after, err := s.to.cpu()
	f.cpu, f.counted = after-cpu, total(counts)-before
	return err
}
