package demo

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"fairlead/app"
)

// show sends the traffic, tells the story and draws it.
func show(ctx context.Context, o Options, node *app.App, places []*place) error {
	key, err := node.NewKey(ctx, "demo")
	if err != nil {
		return err
	}
	secret := key.Reveal()
	fmt.Fprint(o.Out, introduction(node.DataURL(), secret, o.story()))
	ctx, stop := context.WithTimeout(ctx, o.length())
	defer stop()
	c := &counts{served: map[string]int{}, latency: map[string][]time.Duration{}, begun: map[string]time.Time{}}
	connections := &http.Transport{MaxIdleConnsPerHost: callers + readers}
	defer connections.CloseIdleConnections()
	var wait sync.WaitGroup
	for range callers {
		wait.Go(func() { call(ctx, connections, node.DataURL(), secret, short, c) })
	}
	for range readers {
		wait.Go(func() { call(ctx, connections, node.DataURL(), secret, long, c) })
	}
	err = tell(ctx, o, places, c)
	stop()
	wait.Wait()
	fmt.Fprintf(o.Out, "\n%d requests, %d failed, %d answered by another endpoint after the first one failed, %s gone on with by another one.\n",
		c.requests, c.failed, c.rescued, streams(c.resumed))
	if err == nil && c.failed > 0 {
		err = fmt.Errorf("%d of %d requests failed, the last with: %s", c.failed, c.requests, c.lastFail)
	}
	return err
}

func streams(n int) string {
	if n == 1 {
		return "1 stream"
	}
	return fmt.Sprintf("%d streams", n)
}

func (o Options) length() time.Duration {
	switch {
	case o.Duration > 0:
		return o.Duration
	case o.Live:
		return liveAtMost
	}
	return o.story().lasts
}

// tell kills the second endpoint and brings it back, once where the demo ends by itself, again and
// again where it is live.
func tell(ctx context.Context, o Options, places []*place, c *counts) error {
	begin := time.Now()
	at := o.story()
	ticker := time.NewTicker(at.draw)
	defer ticker.Stop()
	victim, drawn, news := places[1], 0, ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		since := time.Since(begin)
		if o.Live {
			since %= at.lasts
		}
		down := since >= at.kill && since < at.back
		if down && victim.up() && since < at.kill+at.linger() && !c.tells(victim.name) {
			continue // it is killed in the middle of a stream
		}
		if down == victim.up() {
			if err := turn(victim, down); err != nil {
				return err
			}
			news = told(victim, down, time.Since(begin))
		}
		drawn = draw(o, places, c, picture{time.Since(begin), news, drawn})
	}
}

// linger is how long the kill waits for a stream to be in the middle of.
func (t times) linger() time.Duration { return (t.back - t.kill) / 2 }

func turn(p *place, down bool) error {
	if down {
		p.kill()
		return nil
	}
	return p.start()
}

func told(p *place, down bool, at time.Duration) string {
	what := "is brought back"
	if down {
		what = "is killed"
	}
	return fmt.Sprintf("at %.0fs %s %s", at.Seconds(), p.name, what)
}

// picture is what a table shows beside the places and their counts.
type picture struct {
	since time.Duration
	news  string // the story's last turn
	drawn int    // lines of the table before, which a live one overwrites
}

// draw writes the table and gives its number of lines.
func draw(o Options, places []*place, c *counts, p picture) int {
	since, drawn := p.since, p.drawn
	c.mu.Lock()
	defer c.mu.Unlock()
	var b strings.Builder
	if o.Live && drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\x1b[J", drawn)
	}
	lines := 0
	line := func(format string, args ...any) {
		fmt.Fprintf(&b, format+"\n", args...)
		lines++
	}
	line("%4.0fs  %-18s %-8s %7s %8s %7s %9s", since.Seconds(), "endpoint", "state", "weight", "served", "share", "median")
	total := max(1, c.requests-c.failed)
	for _, p := range places {
		state := "up"
		if !p.up() {
			state = "KILLED"
		}
		line("       %-18s %-8s %7d %8d %6.1f%% %9s", "demo/chat@"+p.name, state, p.weight, c.served[p.name],
			100*float64(c.served[p.name])/float64(total), c.median(p.name).Round(time.Millisecond))
	}
	line("       %d requests, %d failed, %d rescued by another endpoint, %s gone on with", c.requests, c.failed, c.rescued, streams(c.resumed))
	if p.news != "" {
		line("       %s", p.news)
	}
	_, _ = io.WriteString(o.Out, b.String()) // a terminal that went away ends the demo by a signal
	return lines
}

// introduction prints what to try meanwhile.
func introduction(url, key string, at times) string {
	return fmt.Sprintf(`fairlead is in front of three fake endpoints of one model. After %[3]s the second is killed, after %[4]s it is
brought back. Some of the traffic is streams: those that the kill breaks off are gone on with at another endpoint.

Try it meanwhile:

  curl %[1]s/v1/chat/completions -H 'Authorization: Bearer %[2]s' \
    -d '{"model":"chat","messages":[{"role":"user","content":"Hello"}]}'

  from openai import OpenAI
  client = OpenAI(base_url="%[1]s/v1", api_key="%[2]s")

  from anthropic import Anthropic
  client = Anthropic(base_url="%[1]s", api_key="%[2]s")

`, url, key, at.kill, at.back)
}
