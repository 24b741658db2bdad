// Package count counts what exchanges did, for guards: of the endpoints that somebody watches, and of the two sides of
// a trial. What nobody watches costs one load.
package count

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"fairlead"
	"fairlead/steer"
)

// Counter is an observer of exchanges. Any number of goroutines may tell it of them; one asks what they told.
type Counter struct {
	watched atomic.Pointer[watched]
	mu      sync.Mutex // of Watch and Take
}

// watched is immutable but for what its cells count.
type watched struct {
	endpoints   map[string]*cell
	trial       string
	tried, rest *side
}

// stripes is over how many cache lines the one number is spread that each exchange adds to; BenchmarkLeft measures it.
const stripes = 8

// cell counts one endpoint, or one side. Times fall into many buckets, and so seldom into the same at once.
type cell struct {
	touched    atomic.Bool
	refused    atomic.Uint64
	shut       atomic.Uint64
	kept       atomic.Uint64
	tallies    [stripes]tally
	ttft, tpot [steer.Buckets]atomic.Uint32
}

// tally is both counts in one word, so that none is ever seen without the other: ended in the upper half, failed in
// the lower.
type tally struct {
	both atomic.Uint64
	_    [56]byte
}

// Watch says what is to be counted from now on. What was counted of anything else since the last Take is forgotten.
func (c *Counter) Watch(w steer.Watch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.watched.Load()
	if len(w.Endpoints) == 0 && w.Trial == "" {
		c.watched.Store(nil)
		return
	}
	if old != nil && old.same(&w) {
		return
	}
	next := &watched{endpoints: make(map[string]*cell, len(w.Endpoints)), trial: w.Trial}
	for _, id := range w.Endpoints {
		next.endpoints[id] = old.endpoint(id)
	}
	if w.Trial != "" {
		if next.tried, next.rest = new(side), new(side); old != nil && old.trial == w.Trial {
			next.tried, next.rest = old.tried, old.rest
		}
	}
	c.watched.Store(next)
}

func (w *watched) same(o *steer.Watch) bool {
	if w.trial != o.Trial || len(w.endpoints) != len(o.Endpoints) {
		return false
	}
	for _, id := range o.Endpoints {
		if w.endpoints[id] == nil {
			return false
		}
	}
	return true
}

func (w *watched) endpoint(id string) *cell {
	if w != nil && w.endpoints[id] != nil {
		return w.endpoints[id]
	}
	return new(cell)
}

// Take gives what was counted since the last time, of all that is watched. What is being counted just now is in this
// or the next one; ok is false where nothing is watched.
func (c *Counter) Take() (r steer.Report, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.watched.Load()
	if w == nil {
		return r, false
	}
	r.Trial, r.Endpoints = w.trial, map[string]steer.Evidence{}
	for id, cell := range w.endpoints {
		if e := cell.take(); !e.IsZero() {
			r.Endpoints[id] = e
		}
	}
	if w.trial != "" {
		r.Tried, r.Rest = w.tried.take(), w.rest.take()
	}
	return r, true
}

// Entered does nothing: what counts is known at the end.
func (c *Counter) Entered(*fairlead.Record) {}

// Left counts what an exchange did.
func (c *Counter) Left(r *fairlead.Record) {
	w := c.watched.Load()
	if w == nil {
		return
	}
	stripe := int(rand.Uint32() % stripes)
	if len(w.endpoints) > 0 {
		w.attempts(r, stripe)
	}
	if w.trial == "" || r.Trial != w.trial {
		return
	}
	if r.Tried {
		w.tried.exchange(r, stripe)
	} else {
		w.rest.exchange(r, stripe)
	}
}

// attempts counts each attempt for its endpoint, and each that health did not let come about.
func (w *watched) attempts(r *fairlead.Record, stripe int) {
	for _, id := range r.Shut {
		if cell := w.endpoints[id]; cell != nil {
			cell.shut.Add(1)
			cell.touch()
		}
	}
	committed := r.Endpoint == ""
	for i := range r.Attempts {
		a := &r.Attempts[i]
		first := !committed && commits(a)
		committed = committed || first
		cell := w.endpoints[a.Endpoint]
		if cell == nil {
			continue
		}
		if failed := a.Blames(); failed || a.Outcome == fairlead.OutcomeOK {
			cell.end(failed, stripe)
		}
		if r.Stream {
			switch {
			case first:
				cell.times(r, a, r.TTFT-a.Start)
			case slow(a):
				cell.ttft[steer.BucketOf(a.Duration)].Add(1)
			}
		}
		cell.touch()
	}
}

// commits tells the attempt that the exchange committed to, the first of its kind.
func commits(a *fairlead.Attempt) bool { return a.Outcome == fairlead.OutcomeOK || a.After }

// slow reports whether an attempt was given up for its slowness: its time to first token would have been at least as
// long as it had. Without these, an endpoint would look the faster the more of its slow streams were cut. A second one
// that was sent beside another and lost had little time, which says nothing.
func slow(a *fairlead.Attempt) bool {
	if a.After {
		return false
	}
	return a.Outcome == fairlead.OutcomeTimeout ||
		a.Outcome == fairlead.OutcomeSuperseded && a.Why != "hedge" && a.Why != "beside_trial"
}

// exchange counts an exchange for its side.
func (c *side) exchange(r *fairlead.Record, stripe int) {
	defer c.touch()
	c.places.count(r)
	if len(r.Attempts) == 0 {
		switch r.Code {
		case "": // a list of models
			return
		case fairlead.CodeModelNotFound, fairlead.CodeUnsupportedParameter, fairlead.CodeBodyTooLarge:
			c.refused.Add(1)
			return
		}
	}
	failed, ok := faulty(r)
	if !failed && !ok {
		return
	}
	if ok && len(r.Withheld) > 0 {
		c.kept.Add(1)
		return
	}
	c.end(failed, stripe)
	if !r.Stream {
		return
	}
	if r.Endpoint == "" {
		if failed && r.Code == fairlead.CodeUpstreamTimeout {
			c.ttft[steer.BucketOf(r.Duration)].Add(1)
		}
		return
	}
	for i := range r.Attempts {
		if a := &r.Attempts[i]; commits(a) {
			c.times(r, a, r.TTFT)
			return
		}
	}
}

// faulty reports whether anything of an exchange failed by anybody's fault but the caller's, and else whether all went
// well. That an endpoint could not be asked for its health is a failure as those are that shut it. An error of the node
// itself, such as that it is shutting down, is no side's.
func faulty(r *fairlead.Record) (failed, ok bool) {
	if len(r.Shut) > 0 {
		return true, false
	}
	for i := range r.Attempts {
		if r.Attempts[i].Blames() {
			return true, false
		}
	}
	switch r.Code {
	case "":
		return false, true
	case fairlead.CodeDraining, fairlead.CodeOverloaded:
		return false, false
	}
	info := r.Code.Info()
	own := info.Code == r.Code // else it is what a provider said of the caller's request
	return own && (info.Fault == fairlead.FaultProvider || info.Fault == fairlead.FaultOperator), false
}

func (c *cell) end(failed bool, stripe int) {
	n := uint64(1) << 32
	if failed {
		n++
	}
	c.tallies[stripe].both.Add(n)
}

// times counts the times of the attempt that a stream was committed to; the time per token only where it was the
// only one and came to its end.
func (c *cell) times(r *fairlead.Record, a *fairlead.Attempt, ttft time.Duration) {
	c.ttft[steer.BucketOf(ttft)].Add(1)
	if a.Outcome == fairlead.OutcomeOK && r.Code == "" && r.Usage.Output > 1 {
		c.tpot[steer.BucketOf((r.Duration-r.TTFT)/time.Duration(r.Usage.Output-1))].Add(1)
	}
}

// touch tells that something was counted. It comes last: what is counted before it is taken with it, or before.
func (c *cell) touch() {
	if !c.touched.Load() {
		c.touched.Store(true)
	}
}

func (c *cell) take() (e steer.Evidence) {
	if !c.touched.Swap(false) {
		return e
	}
	e.Refused, e.Shut, e.Kept = int64(c.refused.Swap(0)), int64(c.shut.Swap(0)), int64(c.kept.Swap(0))
	for i := range c.tallies {
		n := c.tallies[i].both.Swap(0)
		e.Ended, e.Failed = e.Ended+int64(n>>32), e.Failed+int64(n&(1<<32-1))
	}
	e.TTFT, e.TPOT = taken(&c.ttft), taken(&c.tpot)
	return e
}

func taken(h *[steer.Buckets]atomic.Uint32) (list steer.Histogram) {
	for i := range h {
		if h[i].Load() != 0 {
			list = append(list, steer.Bin{Bucket: i, Count: int64(h[i].Swap(0))})
		}
	}
	return list
}
