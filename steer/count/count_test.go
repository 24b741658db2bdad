package count_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"fairlead"
	"fairlead/steer"
	"fairlead/steer/count"
)

const (
	one   = "a/m@p"
	other = "a/m@q"
	third = "a/m@r"
)

const ms = time.Millisecond

// at makes an attempt at an endpoint.
func at(endpoint string, o fairlead.Outcome, start, took time.Duration) fairlead.Attempt {
	return fairlead.Attempt{Endpoint: endpoint, Outcome: o, Start: start, Duration: took, Why: "first"}
}

// streamed is a stream that was committed after 300 ms and took a second for 8 tokens.
func streamed(list ...fairlead.Attempt) *fairlead.Record {
	r := &fairlead.Record{Endpoint: one, Attempts: list, TTFT: 300 * ms, Duration: time.Second, Usage: fairlead.Usage{Output: 8}}
	r.Stream = true
	return r
}

func with(r *fairlead.Record, change func(*fairlead.Record)) *fairlead.Record {
	change(r)
	return r
}

func failing(code fairlead.Code) func(*fairlead.Record) {
	return func(r *fairlead.Record) { r.Code = code }
}

func uncommitted(code fairlead.Code) func(*fairlead.Record) {
	return func(r *fairlead.Record) { r.Endpoint, r.TTFT, r.Code = "", 0, code }
}

func changed(a fairlead.Attempt, change func(*fairlead.Attempt)) fairlead.Attempt {
	change(&a)
	return a
}

func shut(list ...string) func(*fairlead.Record) {
	return func(r *fairlead.Record) { r.Shut = list }
}

func withheld(list ...string) func(*fairlead.Record) {
	return func(r *fairlead.Record) { r.Withheld = list }
}

func after(a *fairlead.Attempt)     { a.After = true }
func blameless(a *fairlead.Attempt) { a.Blameless = true }
func hedge(a *fairlead.Attempt)     { a.Why = "hedge" }
func beside(a *fairlead.Attempt)    { a.Why = "beside_trial" }

// told writes evidence as "ended/failed ttft tpot", what was shut or refused in front where there are any.
func told(e steer.Evidence) string {
	s := fmt.Sprintf("%d/%d", e.Ended, e.Failed)
	if e.Shut > 0 {
		s = fmt.Sprintf("shut %d ", e.Shut) + s
	}
	for _, id := range slices.Sorted(maps.Keys(e.Places)) {
		s = fmt.Sprintf("%s asked %d kept %d ", id, e.Places[id].Asked, e.Places[id].Kept) + s
	}
	if e.Kept > 0 {
		s = fmt.Sprintf("kept %d ", e.Kept) + s
	}
	if e.Refused > 0 {
		s = fmt.Sprintf("refused %d ", e.Refused) + s
	}
	for _, h := range []steer.Histogram{e.TTFT, e.TPOT} {
		s += " "
		for _, b := range h {
			for d := time.Duration(0); ; d += 100 * ms {
				if steer.BucketOf(d) >= b.Bucket {
					s += fmt.Sprintf("%d@%s,", b.Count, d)
					break
				}
			}
		}
	}
	return s
}

// TestCounts holds what exchanges count: for the endpoints p and q, and for the side that they are on.
func TestCounts(t *testing.T) {
	gone := fairlead.OutcomeCallerGone
	for _, c := range []struct {
		name       string
		r          *fairlead.Record
		p, q, side string
	}{
		{"a stream", streamed(at(one, fairlead.OutcomeOK, 0, 300*ms)), "1/0 1@300ms, 1@100ms,", "0/0  ", "1/0 1@300ms, 1@100ms,"},
		{"a whole answer has no time to first token", with(streamed(at(one, fairlead.OutcomeOK, 0, 300*ms)), func(r *fairlead.Record) { r.Stream = false }), "1/0  ", "0/0  ", "1/0  "},
		{"one token has no time per token", with(streamed(at(one, fairlead.OutcomeOK, 0, 300*ms)), func(r *fairlead.Record) { r.Usage.Output = 1 }), "1/0 1@300ms, ", "0/0  ", "1/0 1@300ms, "},
		{"a failover: each its own time, the side the caller's", streamed(at(other, fairlead.OutcomeServerError, 0, 200*ms), at(one, fairlead.OutcomeOK, 200*ms, 100*ms)), "1/0 1@100ms, 1@100ms,", "1/1  ", "1/1 1@300ms, 1@100ms,"},
		{"too slow: at least the time it had", streamed(at(other, fairlead.OutcomeTimeout, 0, 200*ms), at(one, fairlead.OutcomeOK, 200*ms, 100*ms)), "1/0 1@100ms, 1@100ms,", "1/1 1@200ms, ", "1/1 1@300ms, 1@100ms,"},
		{"overtaken by its hedge", streamed(at(other, fairlead.OutcomeSuperseded, 0, 300*ms), changed(at(one, fairlead.OutcomeOK, 200*ms, 100*ms), hedge)), "1/0 1@100ms, 1@100ms,", "0/0 1@300ms, ", "1/0 1@300ms, 1@100ms,"},
		{"a hedge that lost", streamed(at(one, fairlead.OutcomeOK, 0, 300*ms), changed(at(other, fairlead.OutcomeSuperseded, 200*ms, 100*ms), hedge)), "1/0 1@300ms, 1@100ms,", "0/0  ", "1/0 1@300ms, 1@100ms,"},
		{"one beside a trial that lost", streamed(at(one, fairlead.OutcomeOK, 0, 300*ms), changed(at(other, fairlead.OutcomeSuperseded, 200*ms, 100*ms), beside)), "1/0 1@300ms, 1@100ms,", "0/0  ", "1/0 1@300ms, 1@100ms,"},
		{"too slow to go on", with(streamed(changed(at(one, fairlead.OutcomeInterrupted, 0, 900*ms), after), changed(at(other, fairlead.OutcomeTimeout, 900*ms, 50*ms), after)), failing(fairlead.CodeStreamInterrupted)), "1/1 1@300ms, ", "1/1  ", "1/1 1@300ms, "},
		{"twice the same endpoint", streamed(at(one, fairlead.OutcomeRateLimited, 0, 100*ms), at(one, fairlead.OutcomeOK, 200*ms, 100*ms)), "2/1 1@100ms, 1@100ms,", "0/0  ", "1/1 1@300ms, 1@100ms,"},
		{"broken off", with(streamed(changed(at(one, fairlead.OutcomeInterrupted, 0, 900*ms), after)), failing(fairlead.CodeStreamInterrupted)), "1/1 1@300ms, ", "0/0  ", "1/1 1@300ms, "},
		{"broken off and gone on with", streamed(changed(at(one, fairlead.OutcomeInterrupted, 0, 900*ms), after), changed(at(other, fairlead.OutcomeOK, 900*ms, 50*ms), after)), "1/1 1@300ms, ", "1/0  ", "1/1 1@300ms, "},
		{"the caller left a stream", with(streamed(changed(at(one, gone, 0, 900*ms), after)), failing(fairlead.CodeCallerGone)), "0/0 1@300ms, ", "0/0  ", "0/0  "},
		{"the caller left before", with(streamed(at(one, gone, 0, 900*ms)), uncommitted(fairlead.CodeCallerGone)), "0/0  ", "0/0  ", "0/0  "},
		{"the caller's fault", with(streamed(at(one, fairlead.OutcomeCallerFault, 0, 900*ms)), uncommitted("bad_field")), "0/0  ", "0/0  ", "0/0  "},
		{"what proves nothing", streamed(changed(at(other, fairlead.OutcomeConnect, 0, ms), blameless), at(one, fairlead.OutcomeOK, 0, 300*ms)), "1/0 1@300ms, 1@100ms,", "0/0  ", "1/0 1@300ms, 1@100ms,"},
		{"nothing worked", with(streamed(at(one, fairlead.OutcomeTimeout, 0, 400*ms), at(other, fairlead.OutcomeTimeout, 400*ms, 600*ms)), uncommitted(fairlead.CodeUpstreamTimeout)), "1/1 1@400ms, ", "1/1 1@600ms, ", "1/1 1@1s, "},
		{"all of them shut", with(streamed(), uncommitted(fairlead.CodeNoEndpoint)), "0/0  ", "0/0  ", "1/1  "},
		{"one was shut, and another answered", with(streamed(at(one, fairlead.OutcomeOK, 0, 300*ms)), shut(other)), "1/0 1@300ms, 1@100ms,", "shut 1 0/0  ", "1/1 1@300ms, 1@100ms,"},
		{"both shut", with(with(streamed(), uncommitted(fairlead.CodeNoEndpoint)), shut(one, other)), "shut 1 0/0  ", "shut 1 0/0  ", "1/1  "},
		{"one shut that nobody watches", with(streamed(at(one, fairlead.OutcomeOK, 0, 300*ms)), shut(third)), "1/0 1@300ms, 1@100ms,", "0/0  ", "1/1 1@300ms, 1@100ms,"},
		{"one shut, and the caller left", with(with(streamed(at(one, gone, 0, 900*ms)), uncommitted(fairlead.CodeCallerGone)), shut(other)), "0/0  ", "shut 1 0/0  ", "1/1  "},
		{"one withheld, and another answered", with(streamed(at(one, fairlead.OutcomeOK, 0, 300*ms)), withheld(other)), "1/0 1@300ms, 1@100ms,", "0/0  ", "kept 1 a/m@q asked 0 kept 1 0/0  "},
		{"one withheld, and another failed", with(with(streamed(at(one, fairlead.OutcomeServerError, 0, 300*ms)), withheld(other)), uncommitted(fairlead.CodeUpstreamFailed)), "1/1  ", "0/0  ", "a/m@q asked 0 kept 1 1/1  "},
		{"one withheld, and asked in the end", with(streamed(at(one, fairlead.OutcomeServerError, 0, 200*ms), at(other, fairlead.OutcomeOK, 200*ms, 100*ms)), withheld(other)), "1/1  ", "1/0 1@100ms, 1@100ms,", "a/m@q asked 1 kept 0 1/1 1@300ms, 1@100ms,"},
		{"one withheld, another shut", with(with(streamed(at(one, fairlead.OutcomeOK, 0, 300*ms)), withheld(other)), shut(third)), "1/0 1@300ms, 1@100ms,", "0/0  ", "a/m@q asked 0 kept 1 1/1 1@300ms, 1@100ms,"},
		{"one withheld, and the caller left", with(with(streamed(at(one, gone, 0, 900*ms)), uncommitted(fairlead.CodeCallerGone)), withheld(other)), "0/0  ", "0/0  ", "a/m@q asked 0 kept 1 0/0  "},
		{"no such model", with(streamed(), uncommitted(fairlead.CodeModelNotFound)), "0/0  ", "0/0  ", "refused 1 0/0  "},
		{"a defect after a good attempt", with(streamed(at(one, fairlead.OutcomeOK, 0, 300*ms)), failing(fairlead.CodeInternal)), "1/0 1@300ms, ", "0/0  ", "1/1 1@300ms, "},
		{"the node goes down", with(streamed(), uncommitted(fairlead.CodeDraining)), "0/0  ", "0/0  ", "0/0  "},
		{"malformed", with(streamed(), uncommitted(fairlead.CodeInvalidJSON)), "0/0  ", "0/0  ", "0/0  "},
		{"an endpoint that nobody watches", with(streamed(at(third, fairlead.OutcomeOK, 0, 300*ms)), func(r *fairlead.Record) { r.Endpoint = third }), "0/0  ", "0/0  ", "1/0 1@300ms, 1@100ms,"},
	} {
		for _, tried := range []bool{false, true} {
			var k count.Counter
			k.Watch(steer.Watch{Endpoints: []string{one, other}, Trial: "t"})
			c.r.Trial, c.r.Tried = "t", tried
			k.Entered(c.r)
			k.Left(c.r)
			r, ok := k.Take()
			mine, its := r.Tried, r.Rest
			if !tried {
				mine, its = its, mine
			}
			if got := []string{told(r.Endpoints[one]), told(r.Endpoints[other]), told(mine)}; !ok || got[0] != c.p || got[1] != c.q || got[2] != c.side {
				t.Errorf("%s: %q, want %q, %q, %q", c.name, got, c.p, c.q, c.side)
			}
			if !its.IsZero() {
				t.Errorf("%s: the other side has %s", c.name, told(its))
			}
			if again, _ := k.Take(); len(again.Endpoints) != 0 || !again.Tried.IsZero() || !again.Rest.IsZero() {
				t.Errorf("%s: counted twice", c.name)
			}
		}
	}
}

func TestWatch(t *testing.T) {
	var k count.Counter
	r := streamed(at(one, fairlead.OutcomeOK, 0, 300*ms))
	r.Trial = "t"
	expect := func(what string, want string) {
		t.Helper()
		report, ok := k.Take()
		b, err := json.Marshal(report.Endpoints)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%v %d %s %s", ok, report.Endpoints[one].Ended, report.Trial, told(report.Rest)); got != want {
			t.Errorf("%s: %s, want %s (%s)", what, got, want, b)
		}
	}
	k.Left(r)
	expect("nobody watches", "false 0  0/0  ")
	k.Watch(steer.Watch{Endpoints: []string{one}})
	k.Left(r)
	k.Watch(steer.Watch{Endpoints: []string{one}})
	k.Watch(steer.Watch{Endpoints: []string{other, one}})
	k.Watch(steer.Watch{Endpoints: []string{one}, Trial: "t"})
	k.Left(r)
	k.Watch(steer.Watch{Endpoints: []string{one, other}, Trial: "t"})
	expect("what is watched on is counted on", "true 2 t 1/0 1@300ms, 1@100ms,")
	k.Left(r)
	k.Watch(steer.Watch{Endpoints: []string{other}, Trial: "u"})
	k.Left(r)
	k.Watch(steer.Watch{Endpoints: []string{one}, Trial: "t"})
	expect("what is not is forgotten", "true 0 t 0/0  ")
	k.Left(r)
	k.Watch(steer.Watch{})
	expect("nothing is watched any more", "false 0  0/0  ")
}

// TestCountsOnce holds that of exchanges counted by many at once while reports are taken, each is in one report.
func TestCountsOnce(t *testing.T) {
	const callers, each = 8, 5_000
	var k count.Counter
	w := steer.Watch{Endpoints: []string{one, other}, Trial: "t"}
	k.Watch(w)
	var callersDone, takerDone sync.WaitGroup
	stop := make(chan struct{})
	var sum, tried, rest steer.Evidence
	take := func() {
		r, _ := k.Take()
		for _, e := range r.Endpoints {
			if e.Failed > e.Ended {
				t.Error("more failures than attempts")
			}
		}
		sum.Add(r.Endpoints[one])
		tried.Add(r.Tried)
		rest.Add(r.Rest)
	}
	takerDone.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				take()
				k.Watch(w)
			}
		}
	})
	for caller := range callers {
		callersDone.Go(func() {
			for i := range each {
				r := streamed(at(one, fairlead.OutcomeServerError, 0, ms), at(one, fairlead.OutcomeOK, 0, time.Duration(i)*ms))
				r.Trial, r.Tried = "t", caller%2 == 0
				k.Left(r)
			}
		})
	}
	callersDone.Wait()
	close(stop)
	takerDone.Wait()
	take()
	if sum.Ended != 2*callers*each || sum.Failed != callers*each || sum.TTFT.Total() != callers*each || sum.TPOT.Total() != callers*each {
		t.Errorf("of %d exchanges: %d attempts, %d failed, %d and %d times", callers*each, sum.Ended, sum.Failed, sum.TTFT.Total(), sum.TPOT.Total())
	}
	if tried.Ended != callers/2*each || rest.Ended != callers/2*each || tried.TTFT.Total() != callers/2*each {
		t.Errorf("sides have %d and %d", tried.Ended, rest.Ended)
	}
}

func TestNoAllocation(t *testing.T) {
	var k count.Counter
	r := streamed(at(other, fairlead.OutcomeServerError, 0, ms), at(one, fairlead.OutcomeOK, 0, 300*ms))
	r.Trial, r.Tried = "t", true
	for _, w := range []steer.Watch{{}, {Endpoints: []string{one}}, {Endpoints: []string{one, other}, Trial: "t"}} {
		k.Watch(w)
		if n := testing.AllocsPerRun(200, func() { k.Left(r) }); n != 0 {
			t.Errorf("watching %v: %v allocations", w, n)
		}
	}
}

// BenchmarkLeft counts an ordinary stream, from one goroutine and from all cores at the same endpoint.
func BenchmarkLeft(b *testing.B) {
	r := streamed(at(one, fairlead.OutcomeOK, 0, 300*ms))
	r.Trial = "t"
	for _, c := range []struct {
		name string
		w    steer.Watch
	}{
		{"unwatched", steer.Watch{}},
		{"endpoint", steer.Watch{Endpoints: []string{one, other}}},
		{"endpoint+trial", steer.Watch{Endpoints: []string{one, other}, Trial: "t"}},
	} {
		var k count.Counter
		k.Watch(c.w)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				k.Left(r)
			}
		})
		b.Run(c.name+"/parallel", func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					k.Left(r)
				}
			})
		})
	}
}

// BenchmarkTake takes the reports of 1,000 endpoints of which 50 are at work.
func BenchmarkTake(b *testing.B) {
	var k count.Counter
	var w steer.Watch
	for i := range 1000 {
		w.Endpoints = append(w.Endpoints, fmt.Sprintf("a/m@p%d", i))
	}
	k.Watch(w)
	for b.Loop() {
		for _, id := range w.Endpoints[:50] {
			r := streamed(at(id, fairlead.OutcomeOK, 0, 300*ms))
			r.Endpoint = id
			k.Left(r)
		}
		if _, ok := k.Take(); !ok {
			b.Fatal("nothing is watched")
		}
	}
}
