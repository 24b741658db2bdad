package steer

import (
	"fmt"
	"strings"
	"time"
)

// Judge says whether a side keeps to a guard. It is Hold where either side shows fewer than 50 exchanges, or fewer than
// 50 of what a condition is about, or where health kept most exchanges from an endpoint of the judged side on suspicion. A condition is broken where the evidence makes it sure (see surelyAbove), met where
// what was measured is within its limit, and open between. One that is broken breaks the guard; all must be met for
// Good. A quantile is above a limit where surely more than its share of the times are; against a ratio to the peers, it
// must be so even if theirs is as high as it can be.
func Judge(g Guard, mine, peers Evidence) Ruling {
	r := Ruling{Verdict: Good, Mine: mine.exchanges(), Peers: peers.exchanges()}
	if !r.enough() {
		r.Verdict, r.Reason = Hold, fmt.Sprintf("%d exchanges on this side and %d on the other, of %d that it takes on each", r.Mine, r.Peers, Enough)
		if why := hidden(&mine, &peers); why != "" {
			r.Reason += "; " + why
		}
		return r
	}
	reasons := map[Verdict][]string{}
	for i := range g.conditions {
		v, why := g.conditions[i].judge(&mine, &peers)
		reasons[v] = append(reasons[v], why)
	}
	switch {
	case len(reasons[Breach]) > 0:
		r.Verdict = Breach
	case len(reasons[Hold]) > 0:
		r.Verdict = Hold
	}
	r.Reason = strings.Join(reasons[r.Verdict], "; ")
	if why := hidden(&mine, &peers); why != "" && r.Verdict == Good {
		r.Verdict, r.Reason = Hold, why
	}
	return r
}

// exchanges is how many a side shows that tell something, whatever became of them.
func (e *Evidence) exchanges() int64 { return e.Ended + e.Shut + e.Refused }

func (c *condition) judge(mine, peers *Evidence) (Verdict, string) {
	if c.metric.rate != nil {
		return c.judgeRate(mine, peers)
	}
	return c.judgeTime(mine, peers)
}

func (c *condition) judgeRate(mine, peers *Evidence) (Verdict, string) {
	k, n := c.metric.rate(mine)
	base, of := c.metric.rate(peers)
	if n < Enough || (c.unit == ratio && of < Enough) {
		return c.tooFew(n, of)
	}
	have, limit := share(k, n), c.value/100
	sure, told := limit, "limit "+number(c.value)+" %"
	if c.unit == ratio {
		limit, sure = min(c.value*share(base, of), 1), c.value*upperRate(base, of)
		told = fmt.Sprintf("limit %s of the peers' %s", c.bound(), shown(share(base, of)))
	}
	if mine.Shut > 0 {
		told = fmt.Sprintf("%d of which its health kept away, %s", mine.Shut, told)
	}
	text := fmt.Sprintf("%s %s of %d exchanges, %s", c.metric.name, shown(have), n, told)
	switch {
	case have < limit, k == 0: // nothing is within every limit, even within that of peers who show nothing either
		return Good, text
	case sure < 1 && surelyAbove(k, n, sure):
		return Breach, text
	}
	return Hold, text + "; that may be chance"
}

func (c *condition) judgeTime(mine, peers *Evidence) (Verdict, string) {
	m, p := c.metric.times(mine), c.metric.times(peers)
	n := m.Total()
	if n < Enough || (c.unit == ratio && p.Total() < Enough) {
		return c.tooFew(n, p.Total())
	}
	have, limit, sure, known := m.quantile(c.metric.q), c.time, c.time, true
	told := "limit " + c.time.String()
	if c.unit == ratio {
		base := p.quantile(c.metric.q)
		limit = times(base, c.value)
		sure, known = upperQuantile(p, c.metric.q)
		sure = times(sure, c.value)
		told = fmt.Sprintf("limit %s of the peers' %s", c.bound(), rounded(base))
	}
	text := fmt.Sprintf("%s %s of %d exchanges, %s", c.metric.name, rounded(have), n, told)
	switch {
	case have < limit:
		return Good, text
	case known && surelyAbove(m.above(sure), n, 1-c.metric.q):
		return Breach, text
	}
	return Hold, text + "; that may be chance"
}

func (c *condition) tooFew(n, peers int64) (Verdict, string) {
	if n >= Enough {
		return Hold, fmt.Sprintf("%s of %d exchanges on the other side, of %d that it takes", c.metric.name, peers, Enough)
	}
	return Hold, fmt.Sprintf("%s of %d exchanges, of %d that it takes", c.metric.name, n, Enough)
}

func share(k, n int64) float64 { return float64(k) / float64(max(n, 1)) }

func times(d time.Duration, by float64) time.Duration { return time.Duration(float64(d) * by) }

// shown writes a share as people read it.
func shown(v float64) string {
	if v < 0.01 {
		return fmt.Sprintf("%.2f %%", v*100)
	}
	return fmt.Sprintf("%.1f %%", v*100)
}

// rounded keeps three digits: a histogram knows no more.
func rounded(d time.Duration) time.Duration {
	unit := time.Duration(1)
	for d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit)
}
