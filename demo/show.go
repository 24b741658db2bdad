package demo

import (
	"context"
	"fmt"
	"io"
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
	fmt.Fprint(o.Out, introduction(node.DataURL(), secret))
	ctx, stop := context.WithTimeout(ctx, o.length())
	defer stop()
	c := &counts{served: map[string]int{}, latency: map[string][]time.Duration{}}
	var wait sync.WaitGroup
	for range callers {
		wait.Go(func() { call(ctx, node.DataURL(), secret, c) })
	}
	err = story(ctx, o, places, c)
	stop()
	wait.Wait()
	fmt.Fprintf(o.Out, "\n%d requests, %d failed, %d answered by another endpoint after the first one failed.\n", c.requests, c.failed, c.rescued)
	if err == nil && c.failed > 0 {
		err = fmt.Errorf("%d of %d requests failed, the last with: %s", c.failed, c.requests, c.lastFail)
	}
	return err
}

func (o Options) length() time.Duration {
	switch {
	case o.Duration > 0:
		return o.Duration
	case o.Live:
		return liveAtMost
	}
	return lasts
}

// story kills the second endpoint and brings it back, once where the demo ends by itself, again and
// again where it is live.
func story(ctx context.Context, o Options, places []*place, c *counts) error {
	begin := time.Now()
	every := 2 * time.Second
	if o.Live {
		every = 250 * time.Millisecond
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	victim, drawn := places[1], 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		since := time.Since(begin)
		if o.Live {
			since %= lasts
		}
		down := since >= killAfter && since < backAfter
		if down == victim.up() {
			if err := turn(victim, down); err != nil {
				return err
			}
		}
		drawn = draw(o, places, c, time.Since(begin), drawn)
	}
}

func turn(p *place, down bool) error {
	if down {
		p.kill()
		return nil
	}
	return p.start()
}

// draw writes the table; live, over the last one.
func draw(o Options, places []*place, c *counts, since time.Duration, drawn int) int {
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
		id := "demo/chat@" + p.name
		state := "up"
		if !p.up() {
			state = "KILLED"
		}
		line("       %-18s %-8s %7d %8d %6.1f%% %9s", id, state, p.weight, c.served[id],
			100*float64(c.served[id])/float64(total), c.median(id).Round(time.Millisecond))
	}
	line("       %d requests, %d failed, %d rescued by another endpoint", c.requests, c.failed, c.rescued)
	_, _ = io.WriteString(o.Out, b.String()) // a terminal that went away ends the demo by a signal
	return lines
}

// introduction prints what to try meanwhile.
func introduction(url, key string) string {
	return fmt.Sprintf(`fairlead is in front of three fake endpoints of one model. After %[3]d seconds the second is killed.

Try it meanwhile:

  curl %[1]s/v1/chat/completions -H 'Authorization: Bearer %[2]s' \
    -d '{"model":"chat","messages":[{"role":"user","content":"Hello"}]}'

  from openai import OpenAI
  client = OpenAI(base_url="%[1]s/v1", api_key="%[2]s")

  from anthropic import Anthropic
  client = Anthropic(base_url="%[1]s", api_key="%[2]s")

`, url, key, int(killAfter.Seconds()))
}
