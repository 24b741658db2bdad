package bench

import (
	"context"
	"errors"
	"fmt"
)

// latency measures what a contender adds to the time of an exchange, at half of what the slower one
// can do at most. The best of the rounds is taken for each: noise only adds.
func (r *run) latency(ctx context.Context) error {
	list := []*contender{&r.direct, &r.node.contender}
	if r.nginx != nil {
		list = append(list, &r.nginx.logged)
	}
	if r.saturation == 0 {
		return errors.New("its rate is half of what the exchanges are measured to saturate at: measure them, too")
	}
	rate := r.saturation / 2
	p50, p99 := tally{}, tally{}
	for range r.openRounds {
		for _, c := range list {
			o := open{to: c, rate: rate, conns: 64, request: c.request(chatPath, chatBody(modelPlain, "")), span: r.effort.open}
			took, err := o.run(ctx)
			if err != nil {
				return err
			}
			p50.put(c, micros(percentile(took, 0.50)))
			p99.put(c, micros(percentile(took, 0.99)))
		}
	}
	r.addLatency("p50", p50, rate)
	r.addLatency("p99", p99, rate)
	return nil
}

// addLatency adds the row of one percentile, as times beyond the direct way's.
func (r *run) addLatency(name string, t tally, rate float64) {
	direct := best(t[&r.direct])
	own := beyond(t[&r.node.contender], direct)
	row := Row{
		Name: "added-" + name, What: "added " + name, Unit: "µs", Direct: direct,
		Fairlead: own,
		Note: fmt.Sprintf("open loop at %.0f exchanges a second, half of the slower one's saturation; best of %d rounds (least to most); direct is the whole time without a proxy",
			rate, r.openRounds),
	}
	if r.nginx != nil {
		row.Nginx = beyond(t[&r.nginx.logged], direct)
		row.Ratio = added(own.Value, row.Nginx.Value)
	}
	row.atMost(2)
	if row.Nginx != nil && row.Ratio == nil {
		row.Verdict = "not measurable: the machine was too busy"
	}
	r.report.add(row)
}

// added is the ratio of what two contenders add; nil where either seems to add nothing, for no proxy
// does: the direct way's rounds were disturbed more than theirs.
func added(own, other float64) *Measure {
	if own <= 0 || other <= 0 {
		return nil
	}
	return &Measure{own / other, own / other, own / other}
}

// beyond is the best of the rounds less the direct way's best.
func beyond(rounds []float64, direct *Measure) *Measure {
	m := best(rounds)
	return &Measure{m.Value - direct.Value, m.Min - direct.Value, m.Max - direct.Value}
}
