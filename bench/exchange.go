package bench

import (
	"context"
	"fmt"
	"strings"
)

// tally holds the numbers of each contender, one for each round.
type tally map[*contender][]float64

func (t tally) put(c *contender, n float64) { t[c] = append(t[c], n) }

// job is what one contender does in each round of a closed loop.
type job struct {
	to   *contender
	body string
	want string
}

// laps runs the jobs in turns and gives processor time for each exchange, in microseconds, and
// exchanges a second, by job.
func (r *run) laps(ctx context.Context, jobs []job, conns, rounds int) (cpu, rate [][]float64, err error) {
	cpu, rate = make([][]float64, len(jobs)), make([][]float64, len(jobs))
	for range rounds {
		for i, j := range jobs {
			o := closed{to: j.to, conns: conns, request: j.to.request(chatPath, j.body), want: j.want, warm: r.warm, span: r.lap}
			l, err := o.run(ctx)
			if err != nil {
				return nil, nil, err
			}
			cpu[i] = append(cpu[i], l.perExchange())
			rate[i] = append(rate[i], l.rate())
		}
	}
	return cpu, rate, nil
}

// exchange measures the pass-through of whole answers, by a node that is everything and by an edge of a fleet.
func (r *run) exchange(ctx context.Context, conns, rounds int) error {
	if err := r.startAlone(ctx); err != nil {
		return err
	}
	body := chatBody(modelPlain, "")
	jobs := []job{{&r.node.contender, body, chatAnswer}, {&r.edge.contender, body, chatAnswer}, {&r.direct, body, chatAnswer}}
	if r.nginx != nil {
		jobs = append(jobs, job{&r.nginx.logged, body, chatAnswer}, job{&r.nginx.silent, body, chatAnswer})
	}
	cpu, rate, err := r.laps(ctx, jobs, conns, rounds)
	if err != nil {
		return err
	}
	row := Row{
		Name: fmt.Sprintf("exchange-%d", conns), Unit: "µs",
		What:     fmt.Sprintf("CPU per exchange, %d connections", conns),
		Fairlead: summary(cpu[0]), Note: "a node that is edge and control in one process",
	}
	alone := Row{
		Name: fmt.Sprintf("exchange-%d-edge", conns), Unit: "µs",
		What:     fmt.Sprintf("CPU per exchange, an edge, %d connections", conns),
		Fairlead: summary(cpu[1]), Note: "an edge of a fleet, whose control node is a process of its own",
	}
	speed := Row{
		Name: fmt.Sprintf("rate-%d", conns), Unit: "/s",
		What:     fmt.Sprintf("exchanges a second, %d connections, all on these cores", conns),
		Fairlead: summary(rate[0]), Direct: summary(rate[2]), Verdict: "for information",
	}
	slowest := summary(rate[0]).Value
	if r.nginx != nil {
		row.Nginx, row.Ratio = summary(cpu[3]), summary(ratios(cpu[0], cpu[3]))
		alone.Nginx, alone.Ratio = row.Nginx, summary(ratios(cpu[1], cpu[3]))
		silent := summary(ratios(cpu[0], cpu[4]))
		row.Note += fmt.Sprintf("; nginx with an access log to a file, as fairlead; without one %s, ratio %s", show(summary(cpu[4]), "µs"), show(silent, ""))
		speed.Nginx, speed.Ratio = summary(rate[3]), summary(ratios(rate[0], rate[3]))
		slowest = min(slowest, speed.Nginx.Value)
	}
	if r.saturation == 0 || slowest < r.saturation {
		r.saturation = slowest
	}
	row.atMost(2)
	alone.atMost(2)
	r.report.add(row, alone, speed)
	return nil
}

// secure measures the pass-through to an upstream that speaks TLS, over each of fairlead's two clients.
func (r *run) secure(ctx context.Context) error {
	jobs := []job{
		{&r.node.contender, chatBody(modelTLS, ""), chatAnswer},
		{&r.node.contender, chatBody(modelTLSStd, ""), chatAnswer},
	}
	if r.nginx != nil {
		jobs = append(jobs, job{&r.nginx.secure, chatBody(modelTLS, ""), chatAnswer})
	}
	cpu, _, err := r.laps(ctx, jobs, 64, r.fewRounds)
	if err != nil {
		return err
	}
	own := Row{Name: "exchange-tls", What: "CPU per exchange, TLS upstream", Unit: "µs", Fairlead: summary(cpu[0]), Note: "fairlead's own HTTP/1.1 client; 64 connections"}
	std := Row{Name: "exchange-tls-std", What: "CPU per exchange, TLS upstream, own CA", Unit: "µs", Fairlead: summary(cpu[1]), Note: "a provider with its own CA goes through the standard library's transport"}
	if r.nginx != nil {
		own.Nginx, own.Ratio = summary(cpu[2]), summary(ratios(cpu[0], cpu[2]))
		std.Nginx, std.Ratio = summary(cpu[2]), summary(ratios(cpu[1], cpu[2]))
	}
	own.atMost(2)
	std.Verdict = "for information"
	r.report.add(own, std)
	return nil
}

// translated measures exchanges whose two sides speak different languages.
func (r *run) translated(ctx context.Context) error {
	jobs := []job{
		{&r.node.contender, chatBody(modelTranslated, ""), ""},
		{&r.node.contender, chatBody(modelPlain, ""), chatAnswer},
	}
	cpu, _, err := r.laps(ctx, jobs, 64, r.fewRounds)
	if err != nil {
		return err
	}
	more := strings.TrimSpace(show(summary(ratios(cpu[0], cpu[1])), ""))
	r.report.add(Row{
		Name: "exchange-translated", What: "CPU per exchange, OpenAI to Anthropic", Unit: "µs",
		Fairlead: summary(cpu[0]), Verdict: "for information", Note: more + " times an untranslated exchange in the same rounds",
	})
	return nil
}
