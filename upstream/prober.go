package upstream

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"fairlead"
	"fairlead/upstream/health"
	"fairlead/upstream/probe"
)

const (
	unusedFor = 10 * time.Minute // what nobody has asked for so long is not probed
	mostTold  = 100              // providers and statuses of pages that say nothing, each once
	lookAgain = 30 * time.Second // at what is shut, while none of it can be probed
)

// prober asks for what is shut whether it is well, off the way of all exchanges.
type prober struct {
	up       *Upstream
	log      *slog.Logger
	schedule *probe.Schedule
	jobs     map[probe.Subject]*job
	flying   int
	told     map[answer]bool // what was said of pages that say nothing
	ended    chan *finding
}

// answer is how a provider's page answered.
type answer struct {
	provider string
	status   int
}

// job is how to probe a subject, and the lanes that are shut.
type job struct {
	subject  probe.Subject
	provider *fairlead.Provider
	endpoint *fairlead.Endpoint // of a probe by generation
	way      *way
	terms    probe.Terms
	lanes    []health.Lane
	began    time.Time
}

// RunProbes probes what the board has shut, until ctx ends; it returns when no probe is under way any more.
// While nothing is shut it waits without a timer.
func (u *Upstream) RunProbes(ctx context.Context, log *slog.Logger) {
	p := &prober{up: u, log: log, schedule: probe.New(rand.Uint64()), ended: make(chan *finding), told: map[answer]bool{}}
	defer func() {
		for ; p.flying > 0; p.flying-- {
			<-p.ended
		}
	}()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-u.wake:
		case <-timer.C:
		case f := <-p.ended:
			p.flying--
			p.take(f)
		}
		p.look(time.Now())
		p.begin(ctx)
		timer.Stop()
		if next := p.next(); !next.IsZero() {
			timer.Reset(time.Until(next))
		}
	}
}

// wakeProber has the prober look at what is shut.
func (u *Upstream) wakeProber() {
	select {
	case u.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// look finds what is shut and how it can be probed.
func (p *prober) look(now time.Time) {
	p.jobs = map[probe.Subject]*job{}
	shut := map[probe.Subject]probe.Terms{}
	if snapshot := p.up.snapshot(); snapshot != nil {
		for _, lane := range p.up.board.Load().Shut(unusedFor, now) {
			p.add(snapshot, lane)
		}
	}
	for subject, j := range p.jobs {
		shut[subject] = j.terms
	}
	p.schedule.See(shut, now)
	for subject, j := range p.jobs {
		if due, planned := p.schedule.Due(subject, now); planned {
			j.await(due)
		}
	}
}

// await leaves it to the probe that is due to find out, rather than to an exchange.
func (j *job) await(due time.Time) {
	for _, lane := range j.lanes {
		lane.Await(due)
	}
}

func (u *Upstream) snapshot() *fairlead.Snapshot {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.known
}

// endpointOf finds the endpoint of a lane on whichever side of the snapshot has it; nil where it takes no exchanges.
func endpointOf(s *fairlead.Snapshot, key health.Key) *fairlead.Endpoint {
	for _, side := range s.Sides() {
		i, found := slices.BinarySearchFunc(side.Endpoints, key.Endpoint, func(e *fairlead.Endpoint, id string) int { return strings.Compare(e.ID, id) })
		if found && side.Endpoints[i].Apart == key.Apart && side.Endpoints[i].Weight > 0 {
			return side.Endpoints[i]
		}
	}
	return nil
}

// add adds a lane that is shut to the job that probes it: all that belong to one provider share its page.
func (p *prober) add(s *fairlead.Snapshot, lane health.Lane) {
	key := lane.Key()
	e := endpointOf(s, key)
	if e == nil {
		return
	}
	ways := p.up.waysOf(e.Provider)
	i := slices.IndexFunc(ways, func(w *way) bool { return w.credential == key.Credential })
	if i < 0 || ways[i].err != nil {
		return
	}
	j := &job{provider: e.Provider, way: ways[i], subject: probe.Subject{Provider: e.Provider.Name, Apart: e.Provider.Apart}}
	switch terms := &e.Provider.Probe; {
	case terms.Path != "":
		j.terms.Every = terms.Every
	case terms.Budget > 0 && generates(e):
		j.subject.Lane, j.endpoint = key, e
		j.terms.Budget, j.terms.Cost = terms.Budget, mostOf(e)
	default:
		return
	}
	if known := p.jobs[j.subject]; known != nil {
		j = known
	}
	j.lanes = append(j.lanes, lane)
	p.jobs[j.subject] = j
}

// begin starts the probes that are due.
func (p *prober) begin(ctx context.Context) {
	now := time.Now()
	for _, subject := range p.schedule.Begin(now) {
		j := p.jobs[subject]
		if subject.Generates() && !j.lanes[0].ProbeBegins(now) {
			p.schedule.Refused(subject, now)
			continue
		}
		j.began = now
		p.flying++
		go func() { p.ended <- j.run(ctx) }()
	}
}

// next is when to look again; zero = when something opens, or a probe ends.
func (p *prober) next() time.Time {
	if t := p.schedule.Next(); !t.IsZero() || p.flying > 0 || !p.up.board.Load().AnyShut() {
		return t
	}
	return time.Now().Add(lookAgain)
}

// take brings what a probe found to the lanes that it is about.
func (p *prober) take(f *finding) {
	now := time.Now()
	if a := (answer{f.provider.Name, f.status}); f.mute && !p.told[a] && len(p.told) < mostTold {
		p.told[a] = true
		p.log.Warn("a provider's probe.path tells nothing of its health", "provider", a.provider, "status", a.status)
	}
	next := p.schedule.Ended(f.subject, probe.Result{Clean: f.evidence.Kind == health.Success, Cost: f.cost}, now)
	for _, lane := range f.lanes {
		back := lane.Probe(health.Probed{
			Evidence: f.evidence, Generated: f.subject.Generates(), Began: f.began,
			Next: next.Sub(now) + f.patience(), // so that what is shut stays so until the next has ended
		}, now)
		if back {
			key := lane.Key()
			p.log.Info("endpoint is back by probes", "endpoint", key.Endpoint, "credential", key.Credential,
				"generated", f.subject.Generates(), "spent_today_usd", p.schedule.Spent(f.subject.Provider, now).String())
		}
	}
}
