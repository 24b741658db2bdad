package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// contenders lists who takes part in a row of streams: fairlead, direct, and nginx where it is there.
func (r *run) streamers() []*contender {
	list := []*contender{&r.node.contender, &r.direct}
	if r.nginx != nil {
		list = append(list, &r.nginx.stream)
	}
	return list
}

// stream measures what a chunk costs and how late it comes, with streams at a steady pace.
func (r *run) stream(ctx context.Context) error {
	cpu, late := tally{}, tally{}
	var read, sent int64
	for range r.streamRounds {
		for _, c := range r.streamers() {
			s := streams{
				to: c, n: r.streams, script: r.streamScript, window: r.streamWindow,
				request: c.request(chatPath, chatBody(modelPlain, r.streamScript.String())),
			}
			f, n, err := r.flow(ctx, s)
			if err != nil {
				return err
			}
			cpu.put(c, f.perChunk())
			late.put(c, millis(percentile(f.delays, 0.99)))
			if c == &r.node.contender {
				read, sent = read+f.chunks, sent+n
			}
		}
	}
	fl := &r.node.contender
	cost := Row{Name: "chunk-cpu", What: fmt.Sprintf("CPU per chunk, %d streams at 50 ms", r.streams), Unit: "µs", Fairlead: summary(cpu[fl])}
	delay := Row{
		Name: "chunk-delay", What: "p99 delay of a chunk", Unit: "ms", Fairlead: summary(late[fl]), Direct: summary(late[&r.direct]),
		Target: "<= nginx + 2 ms", Verdict: notCompared,
	}
	if r.nginx != nil {
		ng := &r.nginx.stream
		cost.Nginx, cost.Ratio = summary(cpu[ng]), summary(ratios(cpu[fl], cpu[ng]))
		delay.Nginx = summary(late[ng])
		delay.judge(delay.Fairlead.Value, delay.Nginx.Value+2, "ms")
	}
	cost.Note = "nginx with proxy_buffering off and an access log"
	cost.atMost(1.5)
	whole := Row{
		Name: "chunks", What: "chunks read of chunks sent", Unit: "chunks",
		Fairlead: &Measure{float64(read), float64(read), float64(read)}, Direct: &Measure{float64(sent), float64(sent), float64(sent)},
		Target: "all", Verdict: "met", Note: "direct: what the upstream says that it sent to fairlead",
	}
	if read != sent {
		whole.Verdict = fmt.Sprintf("missed by %d", sent-read)
	}
	r.report.add(cost, delay, whole)
	return nil
}

// flow drives streams and counts the chunks that the upstream sent meanwhile.
func (r *run) flow(ctx context.Context, s streams) (f flow, sent int64, err error) {
	before, err := r.sent(ctx)
	if err != nil {
		return f, 0, err
	}
	if f, err = s.run(ctx); err != nil {
		return f, 0, err
	}
	after, err := r.sent(ctx)
	return f, after - before, err
}

// sent asks the upstream how many chunks it has sent.
func (r *run) sent(ctx context.Context) (int64, error) {
	c, err := dialCaller(ctx, r.up.Plain, 0, time.Now().Add(slack))
	if err != nil {
		return 0, r.direct.wrap(err)
	}
	defer c.close()
	body, err := c.do([]byte("GET /sent HTTP/1.1\r\nHost: " + r.up.Plain + "\r\n\r\n"))
	if err != nil {
		return 0, r.direct.wrap(err)
	}
	var counts sent
	if err := json.Unmarshal(body, &counts); err != nil {
		return 0, fmt.Errorf("read the upstream's counts: %w", err)
	}
	return counts.Chunks, nil
}

// memory measures what an open stream holds, in fresh processes that have served next to nothing before.
func (r *run) memory(ctx context.Context) error {
	if err := r.fresh(ctx); err != nil {
		return err
	}
	// A forwarder holds two connections for each stream; some files are for other things.
	n := min(r.manyStreams, (files()-400)/2)
	body := chatBody(modelPlain, r.manyScript.String())
	each := tally{}
	list := slices.DeleteFunc(r.streamers(), func(c *contender) bool { return c.proc == nil })
	for _, c := range list {
		// A few exchanges only: garbage that a load leaves behind would hide what the streams take.
		warm := closed{to: c, conns: 1, request: c.request(chatPath, chatBody(modelPlain, "")), want: chatAnswer, span: 20 * time.Millisecond}
		if _, err := warm.run(ctx); err != nil {
			return err
		}
		before, err := c.proc.resident()
		if err != nil {
			return err
		}
		s := streams{to: c, n: n, script: r.manyScript, window: r.manyWindow, request: c.request(chatPath, body)}
		f, err := s.run(ctx)
		if err != nil {
			return err
		}
		if f.chunks != f.want {
			return c.wrap(fmt.Errorf("%d chunks were read of %d", f.chunks, f.want))
		}
		each.put(c, float64(f.memory-before)/float64(n)/1024-float64(len(body))/1024)
	}
	row := Row{
		Name: "stream-memory", What: fmt.Sprintf("memory per open stream, %d at 1 chunk/s", n), Unit: "KiB",
		Fairlead: summary(each[&r.node.contender]), Target: "<= 40 KiB",
		Note: "growth of the memory in RAM by stream, at its most while all were open, less the request's body",
	}
	if r.nginx != nil {
		row.Nginx = summary(each[&r.nginx.stream])
		row.Ratio = summary(ratios(each[&r.node.contender], each[&r.nginx.stream]))
	}
	if n < full.manyStreams {
		row.Note += fmt.Sprintf("; %d streams, for this machine allows %d open files", n, files())
		if r.Quick {
			row.Note = "a quick run opens few streams, over which less is shared"
		}
	}
	row.judge(row.Fairlead.Value, 40, "KiB")
	r.report.add(row)
	return nil
}

func millis(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }
