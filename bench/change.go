package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"fairlead/client"
)

const (
	fleetEdges   = 4
	mostToChange = 100 // ms, from the sending of a call until every edge serves by it, p99
	// changeGap is the longest pause between two changes: they must not come in step with the exchanges that observe
	// them.
	changeGap = 20 * time.Millisecond
)

// change measures how long after the sending of a call that sets a weight every edge serves by it.
func (r *run) change(ctx context.Context) error {
	f := &fleet{}
	defer f.stop()
	if err := r.startFleet(ctx, f, fleetEdges, fleetText(r.up, r.endpoints, "0.15")); err != nil {
		return err
	}
	ctx, ws := watchAll(ctx, r.watchRate, f.edges...)
	defer ws.stop()
	if _, err := f.use(0); err != nil {
		return err
	}
	if err := pause(ctx, r.calm); err != nil {
		return err
	}
	before := ws.times()
	idle, err := f.use(r.calm)
	if err != nil {
		return err
	}
	began := time.Now()
	var live, answered []time.Duration
	for i := range r.changes {
		if err := pause(ctx, rand.N(changeGap)); err != nil {
			return err
		}
		sent := time.Now()
		// Weights are 100 before; each call sets another one than there is.
		done, err := f.api.SetWeight(ctx, fleetEndpoint(i%r.endpoints), 101+i/r.endpoints, client.Write{Why: "bench"})
		if err != nil {
			return fmt.Errorf("set weight: %w", err)
		}
		answered = append(answered, time.Since(sent))
		at, err := ws.await(ctx, done.Revision)
		if err != nil {
			return fmt.Errorf("wait for revision %d: %w", done.Revision, err)
		}
		live = append(live, at.Sub(sent))
	}
	all, err := f.use(time.Since(began))
	if err != nil {
		return err
	}
	revoked, err := r.revoke(ctx, f)
	if err != nil {
		return err
	}
	r.addChanges(changed{live, answered, before, ws.stop(), all.less(idle).each(r.changes)})
	r.addRevocations(revoked)
	return nil
}

// changed is what came of changes, one after the other.
type changed struct {
	live, answered []time.Duration // from the sending of each
	before, during []time.Duration // of exchanges
	use            use             // of each change
}

// use is processor time.
type use struct {
	span           time.Duration
	control, edges time.Duration
}

// use gives what the nodes have used since it was last asked, over a span of time.
func (f *fleet) use(span time.Duration) (u use, err error) {
	now := use{span: span}
	if now.control, err = cpuTime(f.control.pid()); err != nil {
		return u, err
	}
	for _, e := range f.edges {
		t, err := cpuTime(e.pid())
		if err != nil {
			return u, err
		}
		now.edges += t
	}
	u = use{span, now.control - f.used.control, now.edges - f.used.edges}
	f.used = now
	return u, nil
}

// less takes off what would have been used anyhow.
func (u use) less(idle use) use {
	part := float64(u.span) / float64(idle.span)
	u.control -= time.Duration(part * float64(idle.control))
	u.edges -= time.Duration(part * float64(idle.edges))
	return u
}

// each is the part of one of n.
func (u use) each(n int) use {
	return use{u.span / time.Duration(n), u.control / time.Duration(n), u.edges / time.Duration(n)}
}

func (r *run) addChanges(c changed) {
	live, answered, before, during := c.live, c.answered, c.before, c.during
	each := func(p float64) *Measure {
		m := millis(percentile(live, p))
		return &Measure{m, m, m}
	}
	high := Row{
		Name: "change-p99", What: fmt.Sprintf("weight by API until all %d edges serve by it, p99", fleetEdges), Unit: "ms",
		Fairlead: each(0.99), Target: fmt.Sprintf("<= %d ms", mostToChange),
		Note: fmt.Sprintf("%d changes one after the other, %d endpoints; most %s ms; the call itself is answered after %s ms (p99 %s); seen in the answers of %.0f exchanges a second "+
			"at each edge, whose p50 and p99 are %s and %s ms meanwhile, and %s and %s before; a change takes %s ms of CPU at control and %s at each edge",
			len(live), r.endpoints, number(millis(percentile(live, 1))), number(millis(percentile(answered, 0.5))), number(millis(percentile(answered, 0.99))), r.watchRate,
			number(millis(percentile(during, 0.5))), number(millis(percentile(during, 0.99))),
			number(millis(percentile(before, 0.5))), number(millis(percentile(before, 0.99))),
			number(millis(c.use.control)), number(millis(c.use.edges)/fleetEdges)),
	}
	high.judge(high.Fairlead.Value, mostToChange, "ms")
	r.report.add(Row{Name: "change-p50", What: "the same, p50", Unit: "ms", Fairlead: each(0.5), Verdict: "for information"}, high)
}
