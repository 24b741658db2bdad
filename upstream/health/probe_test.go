package health_test

import (
	"testing"
	"time"

	"fairlead/upstream/health"
)

// TestBreaker_ProbedOutage holds the two promises with probes besides the traffic, whatever their pace: at
// most one attempt a second, those by generation counted, and the whole weight within 30 s. A page that
// says no while all is well costs 30 s more.
func TestBreaker_ProbedOutage(t *testing.T) {
	for _, c := range []struct {
		name      string
		pace      func(n int) float64 // of the n-th probe, in seconds
		generated bool
		lies      string // what a page always says
		most      float64
	}{
		{"a page each 250 ms", func(int) float64 { return 0.25 }, false, "", 30},
		{"a page each 30 s", func(int) float64 { return 30 }, false, "", 30},
		{"generated, doubling", func(n int) float64 { return float64(min(1<<n, 30)) }, true, "", 30},
		{"generated as fast as may be", func(int) float64 { return 0.01 }, true, "", 30},
		{"a page that always says yes", func(int) float64 { return 0.25 }, false, "yes", 30},
		{"a page that always says no", func(int) float64 { return 0.25 }, false, "no", 60},
	} {
		for _, gap := range []float64{0.01, 0.3, 4} {
			for seed := range uint64(20) {
				o := outage{breaker: health.NewBreaker(epoch, seed), down: 60 + float64(seed)*0.37, probe: c.pace(0)}
				for now := 0.0; now < o.down+c.most+20; now += 0.01 {
					o.exchange(now, gap)
					if now < o.probe {
						continue
					}
					o.probed++
					o.probe = now + c.pace(o.probed)
					ok := now >= o.down
					if c.lies != "" {
						ok = c.lies == "yes"
					}
					o.ask(now, ok, c.generated)
					o.breaker.Await(at(o.probe))
				}
				for i := 2; i < len(o.tries); i++ {
					if o.tries[i]-o.tries[i-1] < 0.999 {
						t.Fatalf("%s, gap %v, seed %d: tries at %v", c.name, gap, seed, o.tries)
					}
				}
				if o.back < 0 || o.back-o.down > c.most {
					t.Fatalf("%s, gap %v, seed %d: back at %v of %v", c.name, gap, seed, o.back, o.down)
				}
			}
		}
	}
}

// outage is a provider that is down for a time, with the exchanges and probes that reach it.
type outage struct {
	breaker *health.Breaker
	down    float64
	next    float64   // exchange
	probe   float64   // the next one
	probed  int       // probes so far
	tries   []float64 // that reached it while it was down
	back    float64   // when it had its whole weight; 0 = not yet
}

func (o *outage) exchange(now, gap float64) {
	if now < o.next {
		return
	}
	o.next = now + gap
	if ticket, ok := o.breaker.Acquire(at(now), false); ok && now < o.down {
		o.tries = append(o.tries, now)
		o.breaker.Release(ticket, health.Hard, at(now))
	} else if ok {
		o.breaker.Release(ticket, health.Success, at(now))
	}
	if v := o.breaker.View(at(now)); now >= o.down && o.back == 0 && v.State == health.Closed && v.Share == 100 {
		o.back = now
	}
}

func (o *outage) ask(now float64, ok, generated bool) {
	p := health.Probed{Evidence: health.Evidence{Kind: health.Success}, Generated: generated, Began: at(now), Next: time.Duration((o.probe - now) * 1e9)}
	if generated {
		if !health.ProbeBegins(o.breaker, at(now)) {
			return
		}
		if now < o.down {
			o.tries = append(o.tries, now)
		}
	}
	if !ok {
		p.Evidence.Kind = health.Hard
	}
	o.breaker.Probe(p, at(now))
}

// TestBreaker_Await holds when the trial of an exchange waits for a probe, and how long.
func TestBreaker_Await(t *testing.T) {
	yes, no := health.Evidence{Kind: health.Success}, health.Evidence{Kind: health.Hard}
	for _, c := range []struct {
		name      string
		found     *health.Evidence // by a probe half a second after the opening
		generated bool
		due       []float64 // seconds after the opening
		want      float64   // when a trial may begin, at the soonest
	}{
		{"nothing is due", nil, false, nil, 1},
		{"soon", nil, true, []float64{1.1}, 2.1},
		{"before a trial could be", nil, true, []float64{0.5}, 1.5},
		{"too late to wait for", nil, true, []float64{5}, 1},
		{"put off again and again", nil, true, seconds(1, 100), 30},
		{"a page has said yes from the beginning", &yes, false, []float64{1.1}, 1},
		{"a page has said no", &no, false, []float64{1.1}, 2.1},
		{"the model has answered once", &yes, true, []float64{1.1}, 2.1},
	} {
		b := health.NewBreaker(epoch, 1)
		for range 2 {
			b.Observe(health.Hard, 0, at(0))
		}
		if c.found != nil {
			b.Probe(health.Probed{Evidence: *c.found, Generated: c.generated, Began: at(0.5)}, at(0.5))
		}
		for _, due := range c.due {
			b.Await(at(due))
		}
		if until := b.View(at(0)).Until.Sub(epoch).Seconds(); until < c.want || until > c.want+0.2 {
			t.Errorf("%s: a trial may begin after %.2f s; want %v", c.name, until, c.want)
		}
	}
}

func seconds(from, to int) (list []float64) {
	for s := from; s <= to; s++ {
		list = append(list, float64(s))
	}
	return list
}

// TestBoard_Shut holds what is listed to be probed, and that its owner is told of it.
func TestBoard_Shut(t *testing.T) {
	const within = 10 * time.Minute
	for _, c := range []struct {
		name string
		do   func(b *town)
		at   float64
		want int
	}{
		{"all is well", func(b *town) { b.lane("a@p", at(0)) }, 0, 0},
		{"one fails", func(b *town) { fails(b, "a@p", 0) }, 0, 1},
		{"two fail", func(b *town) { fails(b, "a@p", 0); fails(b, "a@q", 0) }, 5, 2},
		{"twice", func(b *town) { fails(b, "a@p", 0); fails(b, "a@p", 0) }, 5, 1},
		{"on soft evidence", func(b *town) { observe(b.lane("a@p", at(0)), "soft", 3, 0) }, 0, 1},
		{"what is limited is not", func(b *town) { observe(b.lane("a@p", at(0)), "429", 1, 0) }, 0, 0},
		{"what is half open is", func(b *town) { fails(b, "a@p", 0) }, 300, 1},
		{"what was not asked for is not", func(b *town) { fails(b, "a@p", 0) }, 601, 0},
		{"unless it is again", func(b *town) { fails(b, "a@p", 0); b.lane("a@p", at(590)) }, 601, 1},
		{"what is back is not", func(b *town) { fails(b, "a@p", 0); recovers(b, "a@p", 2) }, 3, 0},
		{"what fails again is", func(b *town) { fails(b, "a@p", 0); recovers(b, "a@p", 2); b.Shut(within, at(3)); fails(b, "a@p", 4) }, 5, 1},
		{"what was dropped is not", func(b *town) { fails(b, "a@p", 0); b.Sweep(at(7200)); b.lane("a@p", at(7200)) }, 7200, 0},
	} {
		b := newTown("a@p", "a@q")
		c.do(b)
		if list := b.Shut(within, at(c.at)); len(list) != c.want {
			t.Errorf("%s: %d lanes are listed; want %d", c.name, len(list), c.want)
		}
	}
}

// TestBoard_Opened holds that who waits for an opening is told, and that nobody has to listen.
func TestBoard_Opened(t *testing.T) {
	told := make(chan struct{}, 1)
	b := &town{health.NewBoard(health.Options{Epoch: epoch, Opened: told}), newTown("a@p").snapshot}
	b.lane("a@p", at(0)).Observe(evidence["hard"], 0, at(0))
	if len(told) != 0 || b.AnyShut() {
		t.Fatal("told of what did not open")
	}
	for range 5 {
		fails(b, "a@p", 0)
		recovers(b, "a@p", 2)
	}
	if len(told) != 1 || !b.AnyShut() {
		t.Fatal("not told")
	}
	if b.Shut(time.Hour, at(2)); b.AnyShut() {
		t.Error("what is back is still taken for shut")
	}
}

// TestLane_Probe holds what a probe does besides its lane's breaker.
func TestLane_Probe(t *testing.T) {
	for _, c := range []struct {
		name      string
		kind      string
		generated bool
		want      string // of the lane 2 s later
	}{
		{"a limit met by generation cools", "429", true, "cooling/0/rate_limited"},
		{"a refused credential is disabled", "key", true, "disabled/0/credential"},
		{"what a page says of limits is nothing", "429", false, "half_open/0/trial"},
		{"or of credentials", "key", false, "half_open/0/trial"},
		{"a model that is no chat model is no fault", "404", true, "half_open/0/trial"},
	} {
		b := newTown("a@p")
		fails(b, "a@p", 0)
		l := b.lane("a@p", at(2))
		e := evidence[c.kind]
		e.Limit.After = 10 * time.Second
		if l.Probe(health.Probed{Evidence: e, Generated: c.generated, Began: at(2)}, at(2)) {
			t.Errorf("%s: it is back", c.name)
		}
		if got := show(l.View(at(4))); got != c.want {
			t.Errorf("%s: %s; want %s", c.name, got, c.want)
		}
		if begins := l.ProbeBegins(at(4)); begins != (c.want[0] == 'h') {
			t.Errorf("%s: a probe by generation begins: %v", c.name, begins)
		}
	}
	b := newTown("a@p", "b@p", "c@p", "d@p")
	for _, name := range []string{"a@p", "b@p", "c@p"} {
		fails(b, name, 0)
	}
	if got := show(b.lane("d@p", at(0.5)).View(at(0.5))); got != "open/0/provider_down" {
		t.Fatalf("the provider is %s", got)
	}
	for range 2 {
		b.lane("a@p", at(1)).Probe(health.Probed{Evidence: evidence["ok"], Generated: true, Began: at(1)}, at(1))
	}
	if got := show(b.lane("d@p", at(1)).View(at(1))); got != "closed/100" {
		t.Errorf("with one endpoint probed back the provider is %s", got)
	}
}

func fails(b *town, name string, sec float64) { observe(b.lane(name, at(sec)), "hard", 2, sec) }

func recovers(b *town, name string, sec float64) { observe(b.lane(name, at(sec)), "ok", 1, sec) }

func observe(l health.Lane, kind string, times int, sec float64) {
	for range times {
		l.Observe(evidence[kind], 0, at(sec))
	}
}
