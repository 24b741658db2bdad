package probe_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"fairlead"
	"fairlead/upstream/health"
	"fairlead/upstream/probe"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func page(provider string) probe.Subject { return probe.Subject{Provider: provider} }

func lane(provider, model string) probe.Subject {
	return probe.Subject{Provider: provider, Lane: health.Key{Endpoint: model + "@" + provider, Credential: "main"}}
}

// begun is a probe that a run began.
type begun struct {
	subject probe.Subject
	at      time.Duration
}

// run is what is shut, and how probes of it end, for a time.
type run struct {
	shut  map[probe.Subject]probe.Terms
	takes time.Duration // each probe
	cost  fairlead.USD
	clean int // the first probe that is; 0 = none
	lasts time.Duration
}

// play lets a schedule run as its runner does, by Next and the ends of probes, and tells what began.
func (r run) play(t *testing.T, s *probe.Schedule) (list []begun) {
	t.Helper()
	type end struct {
		subject probe.Subject
		at      time.Time
	}
	var ends []end
	ended := 0
	stop := epoch.Add(r.lasts)
	for now := epoch; now.Before(stop); {
		s.See(r.shut, now)
		for _, subject := range s.Begin(now) {
			list = append(list, begun{subject, now.Sub(epoch)})
			ends = append(ends, end{subject, now.Add(r.takes)})
		}
		next := s.Next()
		if next.IsZero() && len(ends) == 0 {
			return list
		}
		if len(ends) > 0 && (next.IsZero() || !ends[0].at.After(next)) {
			now = ends[0].at
			ended++
			if due := s.Ended(ends[0].subject, probe.Result{Clean: r.clean > 0 && ended >= r.clean, Cost: r.cost}, now); due.Before(now) {
				t.Fatalf("the next of %v is due %v before the end of this one", ends[0].subject, now.Sub(due))
			}
			ends = ends[1:]
			continue
		}
		now = next
	}
	return list
}

// gaps are the times between the probes of one subject, the first since the run began.
func gaps(list []begun, of probe.Subject) (d []time.Duration) {
	from := time.Duration(0)
	for _, b := range list {
		if b.subject == of {
			d, from = append(d, b.at-from), b.at
		}
	}
	return d
}

// TestSchedule_Pace tables when a lone subject is probed: each gap within its jitter, in milliseconds.
func TestSchedule_Pace(t *testing.T) {
	const budget = 1_000_000
	for _, c := range []struct {
		name    string
		subject probe.Subject
		terms   probe.Terms
		takes   time.Duration
		clean   int // the first probe that is; 0 = none
		want    [][2]int
	}{
		{"a stated pace", page("p"), probe.Terms{Every: 250 * time.Millisecond}, 0, 0, [][2]int{{250, 300}, {250, 300}, {250, 300}, {250, 300}}},
		{"slower than it", page("p"), probe.Terms{Every: 250 * time.Millisecond}, 2 * time.Second, 0, [][2]int{{250, 300}, {2000, 2000}, {2000, 2000}}},
		{"doubling", page("p"), probe.Terms{}, 0, 0, [][2]int{{1000, 1200}, {1600, 2400}, {3200, 4800}, {6400, 9600}, {12800, 19200}, {24000, 30000}, {24000, 30000}}},
		{"by generation", lane("p", "m"), probe.Terms{Cost: 1, Budget: budget}, 0, 0, [][2]int{{1000, 1200}, {1600, 2400}, {3200, 4800}, {6400, 9600}}},
		{"the second clean one soon follows the first", page("p"), probe.Terms{}, 0, 3, [][2]int{{1000, 1200}, {1600, 2400}, {3200, 4800}, {1000, 1200}, {1000, 1200}}},
		{"no faster for being clean", page("p"), probe.Terms{Every: time.Minute}, 0, 1, [][2]int{{60_000, 72_000}, {60_000, 72_000}}},
	} {
		for seed := range uint64(50) {
			r := run{shut: map[probe.Subject]probe.Terms{c.subject: c.terms}, takes: c.takes, clean: c.clean, lasts: 3 * time.Minute}
			got := gaps(r.play(t, probe.New(seed)), c.subject)
			for i, w := range c.want {
				if i >= len(got) || got[i] < time.Duration(w[0])*time.Millisecond || got[i] > time.Duration(w[1])*time.Millisecond {
					t.Fatalf("%s, seed %d: gaps %v; want the %d. within %v ms", c.name, seed, got[:min(len(got), len(c.want))], i+1, w)
				}
			}
		}
	}
}

// TestSchedule_Bounds tables how many probes a run has, and what they cost.
func TestSchedule_Bounds(t *testing.T) {
	many := func(n int, of func(i int) probe.Subject, terms probe.Terms) map[probe.Subject]probe.Terms {
		m := map[probe.Subject]probe.Terms{}
		for i := range n {
			m[of(i)] = terms
		}
		return m
	}
	provider := func(i int) probe.Subject { return page(fmt.Sprint("p", i)) }
	model := func(i int) probe.Subject { return lane("p", fmt.Sprint("m", i)) }
	paid := probe.Terms{Cost: 10, Budget: 35}
	for _, c := range []struct {
		name        string
		run         run
		least, most int
		spent       fairlead.USD // at provider p
	}{
		{"nothing is shut", run{lasts: time.Hour}, 0, 0, 0},
		{"no more than the budget pays for", run{shut: many(1, model, paid), cost: 10, lasts: 20 * time.Hour}, 3, 3, 30},
		{"with all of a provider's lanes", run{shut: many(9, model, paid), cost: 10, lasts: 20 * time.Hour}, 3, 3, 30},
		{"what was cheaper than feared goes further", run{shut: many(1, model, paid), cost: 5, lasts: 20 * time.Hour}, 6, 6, 30},
		{"what was dearer ends it", run{shut: many(1, model, paid), cost: 40, lasts: 20 * time.Hour}, 1, 1, 40},
		{"the next day has its own", run{shut: many(1, model, paid), cost: 10, lasts: 44 * time.Hour}, 6, 6, 30},
		{"without money none", run{shut: many(1, model, probe.Terms{Cost: 10}), lasts: time.Hour}, 0, 0, 0},
		{"what is free needs none", run{shut: many(1, model, probe.Terms{}), lasts: time.Hour}, 120, 160, 0},
		{"at most one a second by generation at a provider", run{shut: many(50, model, probe.Terms{Cost: 1, Budget: 1e9}), lasts: time.Minute}, 55, 60, 0},
		{"and one at a time", run{shut: many(50, model, probe.Terms{Cost: 1, Budget: 1e9}), takes: 10 * time.Second, lasts: time.Minute}, 6, 6, 0},
		{"eight at a time", run{shut: many(50, provider, probe.Terms{Every: 100 * time.Millisecond}), takes: 10 * time.Second, lasts: time.Minute}, 48, 48, 0},
	} {
		for seed := range uint64(5) {
			s := probe.New(seed)
			list := c.run.play(t, s)
			if len(list) < c.least || len(list) > c.most {
				t.Errorf("%s: %d probes; want %d to %d", c.name, len(list), c.least, c.most)
			}
			if spent := s.Spent("p", epoch.Add(c.run.lasts-time.Second)); spent != c.spent {
				t.Errorf("%s: %d were spent; want %d", c.name, spent, c.spent)
			}
		}
	}
}

// TestSchedule_Turns holds that everything has its turn, however much is always due.
func TestSchedule_Turns(t *testing.T) {
	shut := map[probe.Subject]probe.Terms{}
	for i := range 400 {
		shut[page(fmt.Sprint("p", i))] = probe.Terms{Every: 100 * time.Millisecond}
	}
	count := map[probe.Subject]int{}
	for _, b := range (run{shut: shut, takes: time.Second, lasts: 2 * time.Minute}).play(t, probe.New(1)) {
		count[b.subject]++
	}
	if len(count) != 256 {
		t.Errorf("%d are probed; want 256", len(count))
	}
	for subject, n := range count {
		if n < 2 || n > 5 {
			t.Errorf("%v was probed %d times of 960", subject, n)
		}
	}
}

// TestSchedule_Changes holds what happens to probes whose subjects come and go.
func TestSchedule_Changes(t *testing.T) {
	p, q := page("p"), page("q")
	both := map[probe.Subject]probe.Terms{p: {Every: time.Second}, q: {Every: time.Second}}
	s, late := probe.New(1), epoch.Add(2*time.Second)
	s.See(both, epoch)
	if got := s.Begin(late); !slices.Equal(got, []probe.Subject{p, q}) && !slices.Equal(got, []probe.Subject{q, p}) {
		t.Fatalf("began %v", got)
	}
	if again := s.Begin(late); again != nil || !s.Next().IsZero() {
		t.Errorf("%v began while both were under way, and the next is due at %v", again, s.Next())
	}
	s.See(map[probe.Subject]probe.Terms{q: {Every: time.Minute}}, late)
	s.Ended(p, probe.Result{}, late)
	if got := s.Begin(late.Add(time.Hour)); got != nil {
		t.Errorf("began %v, of which one is gone and one under way", got)
	}
	if next := s.Ended(q, probe.Result{}, late); next.Sub(late) < time.Minute {
		t.Errorf("the next is due %v later, by terms that are changed", next.Sub(late))
	}
	s.See(map[probe.Subject]probe.Terms{q: {Every: time.Second}}, late)
	if next := s.Next(); next.Sub(late) > 2*time.Second {
		t.Errorf("the next is due %v later, by terms that hold no more", next.Sub(late))
	}
	s.See(map[probe.Subject]probe.Terms{p: {Every: time.Second}, q: {Every: time.Minute}}, late)
	if next := s.Next(); next.Sub(late) < time.Second {
		t.Errorf("what came back is due %v later", next.Sub(late))
	}
	later := late.Add(2 * time.Second)
	if got := s.Begin(later); !slices.Equal(got, []probe.Subject{p}) {
		t.Fatalf("began %v", got)
	}
	s.Refused(p, later)
	if next := s.Next(); !next.Equal(later.Add(time.Second)) {
		t.Errorf("what could not begin is due %v later", next.Sub(later))
	}
}
