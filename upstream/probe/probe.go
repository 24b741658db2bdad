// Package probe decides which background probes are due: of what, when, and for how much money. It is
// pure: every method takes the time, nothing here has a goroutine, a clock or a socket. A Schedule belongs
// to one goroutine.
package probe

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"fairlead"
	"fairlead/upstream/health"
)

const (
	first   = time.Second // of the doubling pace
	longest = 30 * time.Second
	apart   = time.Second // probes by generation at one provider: they are attempts to it

	mostAtOnce   = 8 // under way, and one for each provider
	mostSubjects = 256
)

// Subject is what a probe asks: a provider's page, or the model behind a lane.
type Subject struct {
	Provider string
	Apart    bool       // it is on trial beside another one of its name
	Lane     health.Key // of a probe by generation; the zero Key for the page
}

// Generates reports whether the probe makes the model answer.
func (s Subject) Generates() bool { return s.Lane != health.Key{} }

// Terms say how a subject is probed.
type Terms struct {
	Every  time.Duration // the pace; 0 = 1, 2, 4 .. 30 s
	Cost   fairlead.USD  // the most that one probe by generation can cost
	Budget fairlead.USD  // of all of those at the provider, a day (UTC)
}

// Result is how a probe ended.
type Result struct {
	Clean bool
	Cost  fairlead.USD
}

// plan is when a subject is probed.
type plan struct {
	terms  Terms
	began  time.Time // the last probe, or when it was first seen
	due    time.Time
	failed int // probes running
}

// Schedule is what is to be probed. What was spent outlasts what it was spent on.
type Schedule struct {
	dice   *rand.Rand
	plans  map[Subject]*plan
	busy   map[string]bool // providers with a probe under way
	purses map[string]*purse
}

// New makes an empty schedule; seed decides its jitter.
func New(seed uint64) *Schedule {
	return &Schedule{
		dice:  rand.New(rand.NewPCG(seed, 1)),
		plans: map[Subject]*plan{}, busy: map[string]bool{}, purses: map[string]*purse{},
	}
}

// See takes what is shut now: what is new is probed a first pace later, and what is gone no more. Beyond 256
// subjects new ones wait until there is room.
func (s *Schedule) See(shut map[Subject]Terms, now time.Time) {
	for subject, p := range s.plans {
		terms, is := shut[subject]
		if !is {
			delete(s.plans, subject)
			continue
		}
		pace := p.terms.Every
		if p.terms = terms; pace != terms.Every { // what is an hour away by the old pace must not stay so
			p.due = p.began.Add(s.gap(p))
		}
	}
	for subject, terms := range shut {
		if s.plans[subject] == nil && len(s.plans) < mostSubjects {
			p := &plan{terms: terms, began: now}
			p.due = now.Add(s.gap(p))
			s.plans[subject] = p
		}
	}
}

// Begin gives the probes that begin now. Each is told to Ended, or to Refused.
func (s *Schedule) Begin(now time.Time) (list []Subject) {
	for _, subject := range s.inOrder() {
		if len(s.busy) >= mostAtOnce {
			break
		}
		p := s.plans[subject]
		if s.busy[subject.Provider] || s.earliest(subject, p).After(now) {
			continue
		}
		if subject.Generates() {
			purse := s.purse(subject.Provider)
			if !purse.pays(p.terms, now) {
				p.due = now.Add(longest)
				continue
			}
			purse.last = now
		}
		s.busy[subject.Provider] = true
		p.began = now
		list = append(list, subject)
	}
	return list
}

// Refused takes back a probe that Begin gave and that could not begin.
func (s *Schedule) Refused(subject Subject, now time.Time) {
	delete(s.busy, subject.Provider)
	if p := s.plans[subject]; p != nil {
		p.due = now.Add(first)
	}
}

// Ended takes a probe's result and gives the time of the subject's next one.
func (s *Schedule) Ended(subject Subject, r Result, now time.Time) (next time.Time) {
	delete(s.busy, subject.Provider)
	if subject.Generates() {
		s.purse(subject.Provider).spend(r.Cost, now)
	}
	p := s.plans[subject]
	if p == nil {
		return now
	}
	if p.failed++; r.Clean {
		p.failed = 0
	}
	if p.due = p.began.Add(s.gap(p)); p.due.Before(now) {
		p.due = now
	}
	return p.due
}

// Due is when a subject is probed next; false where it is under way, or no budget pays for it.
func (s *Schedule) Due(subject Subject, now time.Time) (time.Time, bool) {
	p := s.plans[subject]
	if p == nil || s.busy[subject.Provider] || (subject.Generates() && !s.purse(subject.Provider).pays(p.terms, now)) {
		return time.Time{}, false
	}
	return s.earliest(subject, p), true
}

// Next is when a probe is due next; zero = none is, until one under way has ended or something else is seen.
func (s *Schedule) Next() (next time.Time) {
	if len(s.busy) >= mostAtOnce {
		return next
	}
	for subject, p := range s.plans {
		if s.busy[subject.Provider] {
			continue
		}
		if t := s.earliest(subject, p); next.IsZero() || t.Before(next) {
			next = t
		}
	}
	return next
}

// inOrder lists the subjects, those that have waited longest first.
func (s *Schedule) inOrder() []Subject {
	list := slices.Collect(maps.Keys(s.plans))
	slices.SortFunc(list, func(a, b Subject) int {
		return cmp.Or(s.plans[a].due.Compare(s.plans[b].due), cmp.Compare(a.Provider, b.Provider),
			cmp.Compare(a.Lane.Endpoint, b.Lane.Endpoint), cmp.Compare(a.Lane.Credential, b.Lane.Credential))
	})
	return list
}

// earliest is when a subject may be probed, others at its provider considered.
func (s *Schedule) earliest(subject Subject, p *plan) time.Time {
	if !subject.Generates() {
		return p.due
	}
	if t := s.purse(subject.Provider).last.Add(apart); t.After(p.due) {
		return t
	}
	return p.due
}

// gap is the time from one probe's begin to the next one's. A stated pace is the fastest that there is; the
// doubling one is jittered by ±20 %, mirrored into its bounds.
func (s *Schedule) gap(p *plan) time.Duration {
	if every := p.terms.Every; every > 0 {
		return every + time.Duration(s.dice.Float64()*0.2*float64(every))
	}
	d := longest
	if p.failed < 5 {
		d = first << p.failed
	}
	d = time.Duration(float64(d) * (0.8 + 0.4*s.dice.Float64()))
	switch {
	case d < first:
		return 2*first - d
	case d > longest:
		return 2*longest - d
	}
	return d
}
