package upstream_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fairlead"
	"fairlead/upstream"
	"fairlead/upstream/health"
)

// after has the place answer with a behaviour after a time.
func (p *place) after(wait time.Duration, behaviour string, header ...string) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(wait):
		case <-r.Context().Done():
			return
		}
		if len(header) == 2 {
			w.Header().Set(header[0], header[1])
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = io.WriteString(w, `{"error":{"message":"slow down","type":"rate_limit_error","code":"rate_limit_exceeded"}}`)
			return
		}
		behaviours[behaviour](w, r)
	})
	p.model.Store(&h)
}

// crowd sends n exchanges, one each so often, and gives the errors in order once all have ended.
func (p *probing) crowd(n int, each time.Duration) []error {
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { _, _, errs[i] = p.walk(context.Background(), false, p.plan) })
		time.Sleep(each)
	}
	all.Wait()
	return errs
}

// most is how many visits lie in any window of a length, of those since a time.
func most(visits []visit, since time.Time, window time.Duration) (n int) {
	for i, v := range visits {
		in := 0
		for _, o := range visits[i:] {
			if o.at.Sub(v.at) < window {
				in++
			}
		}
		if !v.at.Before(since) {
			n = max(n, in)
		}
	}
	return n
}

// leave sends one exchange after another whose caller leaves at once, until what is given back is called.
func (p *probing) leave(after time.Duration) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			one, end := context.WithTimeout(ctx, after)
			_, _, _ = p.walk(one, false, p.plan)
			<-one.Done()
			end()
		}
	}()
	return func() { cancel(); <-done }
}

// TestEarlyLeavers holds that callers who leave before they proved anything do not keep an endpoint shut that
// is well again, and that it sees no more of them than an attempt a second while it is not.
func TestEarlyLeavers(t *testing.T) {
	for _, c := range []struct {
		name  string
		leave time.Duration
		all   int // of the callers are served
	}{
		{"at once", 20 * time.Millisecond, 10},
		{"soon", 50 * time.Millisecond, 10},
		{"nearly", 190 * time.Millisecond, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProbing(t, fairlead.ProbeTerms{}, nil)
				p.down.Store(true)
				p.ask(2)
				stop := p.leave(c.leave)
				defer stop()
				p.after(200*time.Millisecond, "500")
				shut := time.Now()
				time.Sleep(20 * time.Second)
				if n := most(p.all(), shut, time.Second); n > 1 {
					t.Errorf("%d attempts in a second of the outage", n)
				}
				p.after(200*time.Millisecond, "whole")
				served := 0
				time.Sleep(12 * time.Second) // the longest opening
				for _, err := range p.crowd(10, 500*time.Millisecond) {
					if err == nil {
						served++
					}
				}
				if served < c.all {
					t.Errorf("%d of 10 callers were served", served)
				}
			})
		})
	}
}

// TestAttend holds that callers who come while an endpoint is tried wait for what the trial finds.
func TestAttend(t *testing.T) {
	for _, c := range []struct {
		name, then    string
		wait          time.Duration
		served, tried int
		within        time.Duration
	}{
		{"it is back", "whole", 300 * time.Millisecond, 10, 10, time.Second},
		{"it is not", "500", 300 * time.Millisecond, 0, 1, time.Second},
		{"it is silent", "whole", 8 * time.Second, 1, 1, 9 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProbing(t, fairlead.ProbeTerms{}, nil)
				p.down.Store(true)
				p.ask(2)
				time.Sleep(time.Second)
				p.after(c.wait, c.then)
				begin, before, served := time.Now(), len(p.all()), 0
				for _, err := range p.crowd(10, 0) {
					if err == nil {
						served++
					} else if fairlead.AsError(err).RetryAfter == 0 && fairlead.AsError(err).Code == fairlead.CodeNoEndpoint {
						t.Errorf("%v without a time to come back", err)
					}
				}
				if tried := len(p.all()) - before; served != c.served || tried != c.tried || time.Since(begin) > c.within {
					t.Errorf("%d served by %d attempts in %v", served, tried, time.Since(begin))
				}
			})
		})
	}
}

// TestAfterALimit holds that those who wait for the same limit to pass do not come at once: one goes first,
// some follow, and the others are told when to come back.
func TestAfterALimit(t *testing.T) {
	for _, c := range []struct {
		name   string
		lifted bool
		served [2]int // at least, at most
		burst  int    // attempts in any 100 ms
		total  int
	}{
		{"it has passed", true, [2]int{20, 40}, 20, 40},
		{"it stays", false, [2]int{0, 0}, 8, 16},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProbing(t, fairlead.ProbeTerms{}, nil)
				p.after(20*time.Millisecond, "", "Retry-After", "2")
				ctx, leave := context.WithTimeout(context.Background(), 100*time.Millisecond)
				_, _, _ = p.walk(ctx, false, p.plan) // it learns of the limit
				leave()
				if c.lifted {
					p.after(20*time.Millisecond, "whole")
				}
				begin, served := time.Now(), 0
				for _, err := range p.crowd(100, 0) {
					switch e := fairlead.AsError(err); {
					case err == nil:
						served++
					case e.Code != fairlead.CodeRateLimited || e.RetryAfter <= 0:
						t.Errorf("%v, to come back in %v", err, e.RetryAfter)
					}
				}
				visits := p.all()
				if n := most(visits, begin, 100*time.Millisecond); n > c.burst || len(visits) > c.total {
					t.Errorf("%d attempts, %d of them in 100 ms", len(visits), n)
				}
				if served < c.served[0] || served > c.served[1] {
					t.Errorf("%d were served", served)
				}
				if retries, _ := upstream.Left(p.up, p.plan.Steps[0]); retries < 0 {
					t.Errorf("the budget is at %v", retries)
				}
			})
		})
	}
}

// TestFirstIsServed holds that the exchange which met the limit, and was the first to wait for its end, goes
// first and is served, however many wait behind it and have paid.
func TestFirstIsServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProbing(t, fairlead.ProbeTerms{}, nil)
		p.after(20*time.Millisecond, "", "Retry-After", "2")
		first := make(chan error, 1)
		go func() {
			_, _, err := p.walk(context.Background(), false, p.plan)
			first <- err
		}()
		time.Sleep(50 * time.Millisecond)
		p.after(20*time.Millisecond, "whole")
		begin := time.Now()
		_ = p.crowd(100, 0)
		if err := <-first; err != nil {
			t.Errorf("the first is told %v", err)
		}
		visits := p.all()
		if n := most(visits, begin, 50*time.Millisecond); len(visits) < 20 || n > 15 {
			t.Errorf("%d attempts, %d of them in 50 ms", len(visits), n)
		}
	})
}

// TestOneExchangeAccusesOnce holds that a request that an endpoint answers with a server error each time does
// not shut it for all others: two exchanges are needed. That nobody listens is no request's doing.
func TestOneExchangeAccusesOnce(t *testing.T) {
	for _, c := range []struct {
		behaviour string
		stream    bool
		exchanges int
		want      health.State
		attempts  int // of the last exchange
	}{
		{"boom", true, 1, health.Closed, 2},
		{"boom", false, 1, health.Closed, 2},
		{"boom", true, 2, health.Open, 1},
		{"errfirst", true, 1, health.Closed, 1},
		{"errfirst", true, 2, health.Open, 1},
		{"err200", false, 1, health.Closed, 1},
		{"refused", true, 1, health.Closed, 1},
		{"refused", true, 2, health.Open, 1},
	} {
		w := newWorld(t)
		w.own = map[string]http.HandlerFunc{"boom": func(w http.ResponseWriter, _ *http.Request) {
			reply(w, http.StatusInternalServerError, "application/json", `{"error":{"message":"boom"}}`)
		}}
		plan := w.plan(c.behaviour)
		attempts := 0
		for range c.exchanges {
			_, walk, _ := w.walk(t.Context(), c.stream, plan)
			attempts = len(walk.Attempts)
		}
		if got := upstream.State(w.up, plan.Steps[0]); got != c.want || attempts != c.attempts {
			t.Errorf("%s, %d exchanges: %s, the last one made %d attempts", c.behaviour, c.exchanges, got, attempts)
		}
	}
}

// TestCredentialsThroughReloads holds that a credential that was refused is not shown again by the same
// exchange, though the configuration changes twice meanwhile.
func TestCredentialsThroughReloads(t *testing.T) {
	w := newWorld(t)
	var shown []string
	w.own = map[string]http.HandlerFunc{"refuses": func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		shown = append(shown, r.Header.Get("Authorization"))
		for range 2 {
			if err := w.up.Prepare(&fairlead.Snapshot{Settings: fairlead.Settings{RetryBudget: 0.15}}); err != nil {
				t.Error(err)
			}
		}
		reply(rw, http.StatusForbidden, "text/plain", "no")
	}}
	plan := w.plan("refuses")
	p := plan.Steps[0].Endpoint.Provider
	p.Credentials = []fairlead.Credential{{Name: "one", Value: fairlead.NewSecret("sk-1")}, {Name: "two", Value: fairlead.NewSecret("sk-2")}}
	if err := w.up.Prepare(&fairlead.Snapshot{Settings: fairlead.Settings{RetryBudget: 0.15}, Providers: []*fairlead.Provider{p}}); err != nil {
		t.Fatal(err)
	}
	_, _, _ = w.walk(t.Context(), true, plan)
	if !slices.Equal(shown, []string{"Bearer sk-1", "Bearer sk-2"}) {
		t.Errorf("the provider was shown %v", shown)
	}
}
