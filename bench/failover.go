package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"fairlead/internal/fakellm"
)

// fault is a way in which a provider fails before anything meaningful was said.
type fault struct {
	name string
	spec string // of the fake provider; "" = its port is closed
}

var faults = []fault{
	{"503", "fail=overloaded"},
	{"reset", "fail=reset"},
	{"error as first frame", "fail=error_first_frame"},
	{"cut before the first delta", "then=abort,at=0"},
	{"refused", ""},
}

const (
	mostReaction = 20 // ms, from an observable failure to the next attempt, p99
	outage       = 5 * time.Minute
)

// failover measures how long after a failure the next attempt is made.
func (r *run) failover(ctx context.Context) (err error) {
	i, err := r.startIll(ctx, r.faults)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, i.stop()) }()
	var p50, p99 []float64
	var each []string
	worst := ""
	for _, f := range faults {
		if f.spec == "" {
			i.first.Down(outage, "refuse")
			defer i.first.Up()
		}
		shots, err := r.suffer(ctx, i, "fails", f.spec, "data: [DONE]", r.faults)
		var took []time.Duration
		if err == nil {
			took, err = reactions(shots, i.first.Log(), i.second.Log(), f.spec != "")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		mid, high, most := millis(percentile(took, 0.50)), millis(percentile(took, 0.99)), millis(percentile(took, 1))
		if len(p99) == 0 || high > slices.Max(p99) {
			worst = f.name
		}
		p50, p99 = append(p50, mid), append(p99, high)
		each = append(each, fmt.Sprintf("%s %s, %s, %s", f.name, number(mid), number(high), number(most)))
	}
	r.addReactions(p50, p99, worst, each)
	return nil
}

func (r *run) addReactions(p50, p99 []float64, worst string, each []string) {
	slowest := func(kinds []float64) *Measure {
		m := summary(kinds)
		m.Value = m.Max
		return m
	}
	mid := Row{
		Name: "failover-p50", What: "failure to next attempt, p50", Unit: "ms", Fairlead: slowest(p50), Verdict: "for information",
		Note: "the worst kind of failure (least to most of the kinds)",
	}
	high := Row{
		Name: "failover-p99", What: "failure to next attempt, p99", Unit: "ms", Fairlead: slowest(p99), Target: fmt.Sprintf("<= %d ms", mostReaction),
		Note: fmt.Sprintf("worst: %s; p50, p99 and most of each kind in ms: %s; %d of each kind, %.0f a second beside %.0f healthy exchanges a second; "+
			"from what fails at the first provider (refused: from the caller's request) to the arrival at the second one", worst, strings.Join(each, "; "), r.faults, r.faultRate, r.load),
	}
	high.judge(high.Fairlead.Value, mostReaction, "ms")
	r.report.add(mid, high)
}

// modelName is what the providers are asked for in the nth exchange.
func modelName(n int) string { return fmt.Sprintf("m%d", n) }

// reactions gives the time from the failure at the first provider to the arrival of the next attempt at
// the second one, for each exchange. Where the first provider sees nothing, as with a closed port, it is
// counted from the caller's sending.
func reactions(shots []shot, first, second []fakellm.Attempt, seen bool) ([]time.Duration, error) {
	failed, next := map[string]time.Time{}, map[string]time.Time{}
	for _, a := range first { // a call repeated on a fresh connection is one attempt: its last failure counts
		failed[a.Model] = a.Time.Add(time.Duration(a.TookMS * float64(time.Millisecond)))
	}
	for _, a := range second {
		if _, twice := next[a.Model]; twice {
			return nil, fmt.Errorf("%s was asked of the second provider twice", a.Model)
		}
		next[a.Model] = a.Time
	}
	took := make([]time.Duration, len(shots))
	for n := range shots {
		from, failed := failed[modelName(n)]
		if !seen {
			from = shots[n].sent
		}
		to, arrived := next[modelName(n)]
		if failed != seen || !arrived {
			return nil, fmt.Errorf("exchange %d: failed at the first provider: %v, arrived at the second one: %v", n, failed, arrived)
		}
		if took[n] = to.Sub(from); took[n] < 0 {
			return nil, fmt.Errorf("exchange %d: the next attempt came %s before the failure", n, -took[n])
		}
	}
	return took, nil
}

// silence measures how late a silence is noticed: before the commit by the next attempt, after it by the
// end that the caller is told.
func (r *run) silence(ctx context.Context) (err error) {
	i, err := r.startIll(ctx, r.silences)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, i.stop()) }()
	shots, err := r.suffer(ctx, i, "late", "then=stall,at=0", "data: [DONE]", r.silences)
	if err != nil {
		return err
	}
	took, err := reactions(shots, nil, i.second.Log(), false)
	if err == nil {
		err = r.addLateness(Row{
			Name: "silence-first-token", What: "next attempt after `first_token: 300ms`, p99 late", Target: fmt.Sprintf("<= %d ms", mostReaction),
			Note: "from the caller's request to the arrival at the second provider, less 300 ms",
		}, took)
	}
	if err != nil {
		return err
	}
	if shots, err = r.suffer(ctx, i, "quiet", "then=stall,at=3", "stream_interrupted", r.silences); err != nil {
		return err
	}
	if took, err = endings(shots, i.first.Log()); err != nil {
		return err
	}
	return r.addLateness(Row{
		Name: "silence-idle", What: "end of a silent stream after `idle: 300ms`, p99 late",
		Note: "from the arrival at the provider, which says three tokens at once and nothing more, to the end of the caller's stream, less 300 ms",
	}, took)
}

// endings gives the time from the arrival of each exchange at the provider to the end of its answer.
func endings(shots []shot, log []fakellm.Attempt) ([]time.Duration, error) {
	arrived := map[string]time.Time{}
	for _, a := range log {
		arrived[a.Model] = a.Time
	}
	took := make([]time.Duration, len(shots))
	for n := range shots {
		at, ok := arrived[modelName(n)]
		if !ok {
			return nil, fmt.Errorf("exchange %d did not arrive at the provider", n)
		}
		took[n] = shots[n].done.Sub(at)
	}
	return took, nil
}

// addLateness adds the row of times that end after the deadline; one that ends before it is an error.
func (r *run) addLateness(row Row, took []time.Duration) error {
	least, mid, high := percentile(took, 0)-deadline, percentile(took, 0.50)-deadline, percentile(took, 0.99)-deadline
	if least < 0 {
		return fmt.Errorf("%s: given up %s before the deadline", row.Name, -least)
	}
	row.Unit, row.Verdict = "ms", "for information"
	row.Fairlead = &Measure{millis(high), millis(high), millis(high)}
	if row.Target != "" {
		row.judge(row.Fairlead.Value, mostReaction, "ms")
	}
	row.Note += fmt.Sprintf("; p50 %s ms, most %s ms of %d, %.0f a second beside %.0f healthy exchanges a second",
		number(millis(mid)), number(millis(percentile(took, 1)-deadline)), len(took), r.faultRate, r.load)
	r.report.add(row)
	return nil
}
