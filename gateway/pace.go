package gateway

import (
	"math/bits"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// garbage is how much the heap may grow over what lives before it is collected, at least.
	garbage = 64 << 20
	// smallHeap is what a heap may reach before anything is collected, where that is not more than
	// 1/heapPart of the memory there is.
	smallHeap, heapPart = 192 << 20, 16
	// leastPercent is the least part by which the heap may grow, in percent; leastLive makes the most. The runtime
	// takes no heap for smaller than 4 MiB: it lets one grow by that part of these whatever lives in it, so that a
	// larger percent would leave heaps of several times smallHeap alone.
	leastPercent = 3
	leastLive    = 4 << 20
	// lookEvery bounds how long a heap that has just become large keeps the pace of a small one.
	lookEvery = 250 * time.Millisecond
)

// pacer steers the garbage collector. Its usual pace, once the heap has doubled, is wrong at both
// ends: a heap of a few megabytes is collected ten and more times a second, each time at the cost of what
// waits meanwhile (the 99th percentile of added latency in fairlead bench), and a gigabyte of bodies
// costs two. The pacer collects nothing before the heap has smallHeap; then it lets it grow by 64 MiB, or
// by half of what lives in it without the bodies: they hold no pointers, so that collecting more often
// for their sake costs little.
//
// The pace belongs to the process: of several gateways in one the last to act decides, which makes
// collections rarer or more frequent, never wrong.
//
// An operator who has set GOGC or GOMEMLIMIT knows better: then nothing is steered (Options.OwnPace).
type pacer struct {
	off    bool
	bodies atomic.Int64
	level  atomic.Int32 // of the bodies when the pace was last set: their size in doublings

	mu      sync.Mutex
	on      bool // it runs
	percent int
	small   int64 // the heap that is left alone
}

// held tells what the bodies hold now. It acts only where that has doubled or halved.
func (p *pacer) held(n int64) {
	p.bodies.Store(n)
	level := int32(bits.Len64(uint64(max(n, 0)) / garbage))
	if p.level.Swap(level) != level {
		p.set()
	}
}

// run sets the pace as the heap changes, until done is closed, and then gives the usual one back.
func (p *pacer) run(done <-chan struct{}) {
	if p.off {
		return
	}
	p.mu.Lock()
	p.small = min(smallHeap, memoryOf("")/heapPart)
	p.percent = percent(live(), p.bodies.Load(), p.small)
	usual := debug.SetGCPercent(p.percent)
	p.on = true
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.on = false
		debug.SetGCPercent(usual)
	}()
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return
		case <-ticker.C:
			p.set()
		}
	}
}

// set sets the pace where it has changed by more than a tenth: setting it stops the world for a moment.
func (p *pacer) set() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.on {
		return
	}
	want := percent(live(), p.bodies.Load(), p.small)
	if change := want - p.percent; change*10 <= p.percent && -change*10 <= p.percent {
		return
	}
	p.percent = want
	debug.SetGCPercent(want)
}

// percent is the part by which a heap may grow that holds live bytes, so many of them in bodies.
func percent(live, bodies, small int64) int {
	live = max(live, bodies, leastLive)
	allowed := max(garbage, (live-bodies)/2, small-live)
	return int(max(allowed*100/live, leastPercent))
}

// live is what the last collection found alive, in bytes.
func live() int64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return int64(sample[0].Value.Uint64())
}
