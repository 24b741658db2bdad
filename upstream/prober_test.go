package upstream_test

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fairlead"
	"fairlead/upstream"
)

var (
	byPage   = fairlead.ProbeTerms{Path: "/health?deep=1", Every: 250 * time.Millisecond}
	byBudget = fairlead.ProbeTerms{Budget: 1_000_000_000}
)

// TestProbes holds that an endpoint that is probed comes back without any exchange having been its trial,
// and what it sees meanwhile: two failures open it, then nothing but probes come until it is well.
func TestProbes(t *testing.T) {
	for _, c := range []struct {
		name   string
		terms  fairlead.ProbeTerms
		price  *fairlead.Price
		outage int    // seconds
		failed [2]int // at least and at most so many exchanges, after an attempt
		pages  bool
		probes bool
	}{
		{"by a page", byPage, nil, 20, [2]int{2, 2}, true, false},
		{"by a page that does not answer", byPage, nil, 60, [2]int{2, 5}, true, false},
		{"by generation", byBudget, priced, 9, [2]int{2, 2}, false, true},
		{"by generation for nothing", byBudget, &fairlead.Price{}, 9, [2]int{2, 2}, false, true},
		{"an endpoint without a price is not", byBudget, nil, 60, [2]int{6, 60}, false, false},
		{"not at all", fairlead.ProbeTerms{}, priced, 60, [2]int{6, 60}, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, c.terms, c.price, func(t *testing.T, p *probing) {
				if p.ask(30); len(p.seen("page"))+len(p.seen("probe")) > 0 {
					t.Fatal("it is probed while all is well")
				}
				p.mute.Store(strings.HasSuffix(c.name, "does not answer"))
				p.down.Store(true)
				failed := p.ask(c.outage)
				p.down.Store(false)
				failed += p.ask(20)
				probed := c.pages || c.probes
				if failed < c.failed[0] || failed > c.failed[1] {
					t.Errorf("%d exchanges failed; want %d", failed, c.failed)
				}
				if pages, probes := len(p.seen("page")) > 0, len(p.seen("probe")) > 0; pages != c.pages || probes != c.probes {
					t.Errorf("pages: %v, probes by generation: %v", pages, probes)
				}
				if back := strings.Count(p.told(), "endpoint is back by probes"); (back == 1) != probed {
					t.Errorf("the log tells %d times that it is back:\n%s", back, p.told())
				}
				before := len(p.all())
				if p.ask(5); len(p.all()) != before+5 {
					t.Errorf("%d visits for 5 exchanges after it", len(p.all())-before)
				}
			})
		})
	}
}

// TestProbes_What holds what a probe is: the page at the host, or the smallest request, each with the
// credential and nothing of a caller's; and that the log has no secret.
func TestProbes_What(t *testing.T) {
	for _, c := range []struct {
		name  string
		terms fairlead.ProbeTerms
		kind  string
		path  string
		body  string
	}{
		{"a page", byPage, "page", "/health?deep=1", ""},
		{"by generation", byBudget, "probe", "/v1/chat/completions", `{"model":"u","messages":[{"role":"user","content":"ping"}],"max_completion_tokens":1}`},
	} {
		bubble(t, c.terms, priced, func(t *testing.T, p *probing) {
			p.down.Store(true)
			p.ask(5)
			p.down.Store(false)
			p.ask(5)
			if len(p.seen(c.kind)) == 0 {
				t.Fatalf("%s: there is none", c.name)
			}
			for _, v := range p.seen(c.kind) {
				if v.path != c.path || v.body != c.body || v.shown != "Bearer "+secret {
					t.Errorf("%s: %+v", c.name, v)
				}
			}
			if strings.Contains(p.told(), secret) {
				t.Error("the log tells the credential")
			}
		})
	}
}

// TestProbes_Pace holds that probes by generation and exchanges together are at most one attempt a second
// at what is down, and pages no faster than their interval.
func TestProbes_Pace(t *testing.T) {
	for _, c := range []struct {
		name  string
		terms fairlead.ProbeTerms
		least time.Duration // between two of them
		count int           // of all attempts and pages, at most
	}{
		{"by generation", byBudget, time.Second, 30},
		{"a page", byPage, 250 * time.Millisecond, 60 * 4},
	} {
		bubble(t, c.terms, priced, func(t *testing.T, p *probing) {
			p.down.Store(true)
			p.ask(60)
			list := slices.Concat(p.seen("probe"), p.seen("caller"))
			if c.terms.Path != "" {
				list = p.seen("page")
			}
			slices.SortFunc(list, func(a, b visit) int { return a.at.Compare(b.at) })
			for i := 2; i < len(list); i++ {
				if gap := list[i].at.Sub(list[i-1].at); gap < c.least {
					t.Errorf("%s: two are %v apart", c.name, gap)
				}
			}
			if len(list) > c.count || len(list) < 4 {
				t.Errorf("%s: %d in a minute", c.name, len(list))
			}
		})
	}
}

// TestProbes_Budget holds that probes cost no more than they may, by what answers tell and else by what was
// feared, and that exchanges go on being trials.
func TestProbes_Budget(t *testing.T) {
	half := behaviours["notjson"] // a success that costs, and is no answer
	most := fairlead.USD(128_000 + 32_000)
	for _, c := range []struct {
		name   string
		budget fairlead.USD
		model  *http.HandlerFunc
		want   int // probes in ten minutes
	}{
		{"less than one costs", most - 1, &half, 0},
		{"one", most, &half, 1},
		{"not quite four", 4*most - 1, &half, 3},
	} {
		bubble(t, fairlead.ProbeTerms{Budget: c.budget}, priced, func(t *testing.T, p *probing) {
			p.model.Store(c.model)
			if p.ask(600); len(p.seen("probe")) != c.want {
				t.Errorf("%s: %d probes; want %d", c.name, len(p.seen("probe")), c.want)
			}
			p.model.Store(nil)
			if failed := p.ask(60); failed > 1 || len(p.seen("probe")) != c.want {
				t.Errorf("%s: without money it does not come back: %d failed, %d probes", c.name, failed, len(p.seen("probe")))
			}
		})
	}
}

// TestProbes_End holds what ends probing, each within a few seconds.
func TestProbes_End(t *testing.T) {
	for _, c := range []struct {
		name  string
		do    func(p *probing)
		quiet time.Duration // after which there is no probe any more
	}{
		{"nobody asks for it", func(*probing) {}, 11 * time.Minute},
		{"health is forgotten", func(p *probing) { p.up.Forget() }, 3 * time.Second},
		{"a revision without", func(p *probing) { p.prepare(fairlead.ProbeTerms{}, priced, 2) }, 3 * time.Second},
		{"a revision without the endpoint", func(p *probing) {
			if err := p.up.Prepare(&fairlead.Snapshot{Revision: 2}); err != nil {
				p.t.Fatal(err)
			}
		}, 3 * time.Second},
	} {
		for _, terms := range []fairlead.ProbeTerms{byPage, byBudget} {
			bubble(t, terms, priced, func(t *testing.T, p *probing) {
				p.down.Store(true)
				p.ask(3)
				time.Sleep(20 * time.Second)
				if len(p.seen("page"))+len(p.seen("probe")) < 3 {
					t.Fatal("it is not probed")
				}
				begin := time.Now()
				c.do(p)
				time.Sleep(time.Hour)
				if last := p.all()[len(p.all())-1].at.Sub(begin); last > c.quiet {
					t.Errorf("%s: the last probe is %v later", c.name, last)
				} else if c.quiet > time.Minute && last < 8*time.Minute {
					t.Errorf("%s: the last probe is already %v later", c.name, last)
				}
			})
		}
	}
}

// TestProbes_Adopt holds that probes outlast a revision, by its terms and its credential.
func TestProbes_Adopt(t *testing.T) {
	bubble(t, fairlead.ProbeTerms{}, nil, func(t *testing.T, p *probing) {
		p.down.Store(true)
		p.ask(3)
		p.prepare(byPage, nil, 2)
		p.ask(3)
		p.down.Store(false)
		time.Sleep(time.Second)
		if !strings.Contains(p.told(), "endpoint is back by probes") {
			t.Errorf("it is not back; %d pages", len(p.seen("page")))
		}
	})
}

// TestProbes_Trial holds that what is on trial is probed too, apart from what has its name beside it, and no more once
// it is not.
func TestProbes_Trial(t *testing.T) {
	bubble(t, byPage, nil, func(t *testing.T, p *probing) {
		beside := p.snapshot
		provider, e := *beside.Providers[0], *beside.Endpoints[0]
		provider.Apart, provider.Probe = true, fairlead.ProbeTerms{Path: "/tried", Every: byPage.Every}
		e.Apart, e.Provider = true, &provider
		both := *beside
		both.Trial = &fairlead.SnapshotTrial{ID: "t", Percent: 5, Snapshot: &fairlead.Snapshot{
			Providers: []*fairlead.Provider{&provider}, Endpoints: []*fairlead.Endpoint{&e},
		}}
		adopt := func(s *fairlead.Snapshot) {
			if err := p.up.Prepare(s); err != nil {
				t.Fatal(err)
			}
			upstream.Dial(p.up, p.dial)
		}
		adopt(&both)
		p.plan.Steps[0].Endpoint = &e
		p.down.Store(true)
		p.ask(5)
		p.down.Store(false)
		time.Sleep(2 * time.Second)
		pages := p.seen("page")
		for _, v := range pages {
			if v.path != "/tried" {
				t.Errorf("the page %s is asked, of what has its name beside it", v.path)
			}
		}
		if back := strings.Count(p.told(), "endpoint is back by probes"); back != 1 || len(pages) == 0 {
			t.Errorf("the log tells %d times that it is back; %d pages", back, len(pages))
		}
		p.down.Store(true)
		p.ask(5)
		adopt(beside)
		before := len(p.seen("page"))
		time.Sleep(time.Minute)
		if after := len(p.seen("page")); before == len(pages) || after > before+1 {
			t.Errorf("%d pages, %d while it was down again, %d after the trial", len(pages), before, after)
		}
	})
}

// TestProbes_Mute holds that a page that is not there is told once and decides nothing.
func TestProbes_Mute(t *testing.T) {
	bubble(t, byPage, nil, func(t *testing.T, p *probing) {
		p.page.Store(404)
		p.down.Store(true)
		p.ask(10)
		p.down.Store(false)
		if failed := p.ask(30); failed > 1 {
			t.Errorf("%d exchanges failed after the outage", failed)
		}
		log := p.told()
		if strings.Count(log, "tells nothing of its health") != 1 || strings.Contains(log, "back by probes") {
			t.Errorf("the log says:\n%s", log)
		}
	})
}

// TestProbes_Stop holds that the prober ends at once while a probe hangs, and that one that hangs is a
// failure after a while.
func TestProbes_Stop(t *testing.T) {
	for _, terms := range []fairlead.ProbeTerms{byPage, byBudget} {
		synctest.Test(t, func(t *testing.T) {
			p := newProbing(t, terms, priced)
			stop := p.start()
			p.down.Store(true)
			p.ask(2)
			p.hangs.Store(true)
			time.Sleep(30 * time.Second)
			n := len(p.seen("page")) + len(p.seen("probe"))
			if n < 2 || n > 20 {
				t.Errorf("%d probes in 30 s of silence", n)
			}
			for i := 0; i < 10_000 && len(p.seen("page"))+len(p.seen("probe")) == n; i++ {
				time.Sleep(10 * time.Millisecond)
			}
			if len(p.seen("page"))+len(p.seen("probe")) == n {
				t.Error("none begins any more")
			}
			begin := time.Now()
			stop()
			if took := time.Since(begin); took > 0 {
				t.Errorf("it took %v to stop", took)
			}
		})
	}
}

// TestProbes_Race starts and stops the prober, changes revisions, forgets and asks, all at once.
func TestProbes_Race(t *testing.T) {
	p := newProbing(t, byPage, priced)
	p.down.Store(true)
	var all sync.WaitGroup
	var mu sync.Mutex // a world serves one exchange at a time
	stopped := make(chan struct{})
	for i := range 2 {
		all.Go(func() {
			for n := range 100 {
				switch i {
				case 0:
					mu.Lock()
					p.prepare([]fairlead.ProbeTerms{byPage, byBudget, {}}[n%3], priced, int64(n))
					mu.Unlock()
				case 1:
					mu.Lock()
					plan := p.plan
					mu.Unlock()
					_, _, _ = p.walk(context.Background(), false, plan)
					if n%20 == 19 {
						p.up.Forget()
					}
					p.down.Store(n%10 < 8)
				}
			}
		})
	}
	go func() {
		defer close(stopped)
		for range 50 {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
			p.up.RunProbes(ctx, slog.New(slog.DiscardHandler))
			cancel()
		}
	}()
	all.Wait()
	<-stopped
	p.prepare(byPage, priced, 1000)
	p.down.Store(true)
	stop := p.start()
	defer stop()
	for range 3 {
		_, _, _ = p.walk(context.Background(), false, p.plan)
	}
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for before := len(p.seen("page")); len(p.seen("page")) == before; {
		select {
		case <-deadline.C:
			t.Fatal("after all that nothing is probed")
		case <-tick.C:
		}
	}
}
