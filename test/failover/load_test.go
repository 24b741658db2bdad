package failover_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"fairlead"
	"fairlead/internal/fakellm"
	"fairlead/test/harness"
)

// none reports problems, of which there should be none.
func none(t *testing.T, problems []string) {
	t.Helper()
	if len(problems) > 0 {
		t.Errorf("%d problems, the first ones:\n%s", len(problems), fmt.Sprint(problems[:min(3, len(problems))]))
	}
}

// pairPlay is a model at two endpoints that share its load, each of which can go on for the other.
func pairPlay(m mode, says string) *play {
	return &play{
		mode: m, says: says, providers: []string{"p1", "p2"}, settings: map[string]string{},
		endpoints: []endpoint{
			{model: "chat", provider: "p1", config: "weight: 100, supports: [chat, prefill]"},
			{model: "chat", provider: "p2", config: "weight: 100, supports: [chat, prefill]"},
		},
	}
}

// startPair starts a play of two endpoints.
func startPair(t *testing.T, p *play) *stage {
	t.Helper()
	s := newStage(t, nil, fakellm.Options{MaxLog: 5000}, p.providers...)
	s.start(p.config(s.urls))
	p.instruct(s)
	return s
}

// gather collects what went wrong in exchanges that go on at a time.
type gather struct {
	sync.WaitGroup
	mu       sync.Mutex
	problems []string
	answers  int
}

// add judges one answer: it must be whole.
func (g *gather) add(p *play, a *answer) {
	problem := ""
	switch {
	case len(a.odd) > 0:
		problem = a.odd[0]
	case a.status != 200 || a.end != "proper":
		problem = fmt.Sprintf("status %d, ends %s: %s %v", a.status, a.end, a.message, a.err)
	default:
		problem = p.holdText(a, "whole")
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answers++
	if problem != "" {
		g.problems = append(g.problems, problem)
	}
}

// TestOneOfTwoKilled has 500 exchanges in flight when one of two endpoints dies for good: all are answered.
func TestOneOfTwoKilled(t *testing.T) {
	const inFlight = 500
	for _, c := range []struct {
		name string
		mode mode
	}{
		{"whole", mode{caller: fairlead.OpenAI}},
		{"streamed", mode{stream: true, caller: fairlead.OpenAI}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := pairPlay(c.mode, "vary,tokens=40,size=4,pace=50ms,honour=prefill")
			s := startPair(t, p)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			var g gather
			for range inFlight {
				g.Go(func() { g.add(p, s.call(ctx, ask{model: "chat", maxTokens: 4096}, c.mode)) })
			}
			harness.Until(t, "all are in flight", func() bool {
				open := 0
				for _, a := range s.attempts() {
					if a.Outcome == "open" {
						open++
					}
				}
				return open == inFlight
			})
			s.fakes["p1"].Down(time.Hour, "refuse")
			g.Wait()
			none(t, g.problems)
		})
	}
}

// load asks so often, whatever becomes of it, until the time is over, and judges each answer.
func (s *stage) load(ctx context.Context, every, total time.Duration, one func(i int)) {
	var group sync.WaitGroup
	tick := time.NewTicker(every)
	defer tick.Stop()
	end := time.NewTimer(total)
	defer end.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
		case <-end.C:
		case <-tick.C:
			group.Go(func() { one(i) })
			continue
		}
		group.Wait()
		return
	}
}

// TestFlapping has a provider go down and come back again and again: nobody notices.
func TestFlapping(t *testing.T) {
	t.Parallel()
	m := mode{stream: true, caller: fairlead.Anthropic}
	p := pairPlay(m, "seed=7,tokens=24")
	s := startPair(t, p)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	flapping := make(chan struct{})
	stop := make(chan struct{})
	go func() {
		defer close(flapping)
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			s.fakes["p1"].Down(250*time.Millisecond, []string{"refuse", "503"}[i%2])
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	}()
	var g gather
	s.load(ctx, 20*time.Millisecond, 4*time.Second, func(int) {
		g.add(p, s.call(ctx, ask{model: "chat", maxTokens: 4096}, m))
	})
	close(stop)
	<-flapping
	s.fakes["p1"].Up()
	if g.answers < 100 {
		t.Errorf("only %d exchanges", g.answers)
	}
	none(t, g.problems)
}

// TestOutageIsNotHammered holds that a provider that is down sees at most one attempt a second, beside
// those that find out, while all are served.
func TestOutageIsNotHammered(t *testing.T) {
	t.Parallel()
	const (
		outage  = time.Minute
		finding = 4 // those that were on their way when the first failures were seen
	)
	for _, probe := range []string{"", `probe: {budget: "1"}`} {
		t.Run(probe, func(t *testing.T) {
			t.Parallel()
			outageOf(t, probe, outage, int(outage/time.Second)+finding)
		})
	}
}

// outageOf has a provider be down under load: it sees so many attempts at most, those of probes counted.
func outageOf(t *testing.T, probe string, outage time.Duration, most int) {
	m := mode{stream: true, caller: fairlead.OpenAI}
	p := pairPlay(m, "seed=7,tokens=24")
	p.settings["provider p1"] = probe
	p.endpoints[0].config += `, price: {input: "0.1", output: "0.2"}`
	s := startPair(t, p)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	s.fakes["p1"].Down(time.Hour, "503")
	var g gather
	s.load(ctx, 20*time.Millisecond, outage, func(int) {
		g.add(p, s.call(ctx, ask{model: "chat", maxTokens: 4096}, m))
	})
	if len(g.problems) > 0 {
		t.Errorf("%d of %d exchanges were not served: %s", len(g.problems), g.answers, g.problems[0])
	}
	var hammered []string
	if n := len(s.fakes["p1"].Log()); n > most {
		hammered = append(hammered, fmt.Sprintf("%d attempts in %s, at most %d are wanted", n, outage, most))
	}
	none(t, hammered)
}
