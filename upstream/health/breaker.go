package health

import (
	"sync"
	"sync/atomic"
	"time"
)

// The numbers of a breaker. DESIGN.md derives from them that an endpoint is back within 30 s of its
// recovery, and that a dead one is tried at most once a second.
const (
	suspectTime  = int64(time.Second) // half weight after a failure
	leastOpen    = int64(time.Second)
	mostOpen     = int64(12 * time.Second)
	trialTime    = int64(10 * time.Second) // after which a trial that says nothing holds no other up
	cleanWindow  = int64(3 * time.Second)
	cleanRun     = 20 // successes that end a clean window early
	cleanWindows = 3
	forgive      = int64(60 * time.Second) // in use so long, the next opening is a first one again
	runGap       = int64(60 * time.Second) // failures further apart than this are not consecutive
	leastStay    = 100 * time.Millisecond  // that a trial's caller waits first, after one that proved nothing
	mostStay     = time.Second

	hardRun  = 4 // in half units: two hard failures, or four light ones
	softRun  = 3 // failures of any kind
	fewest   = 5 // of the fast window
	leastBad = 0.05

	sureDown = 2 // failed trials
)

var openSteps = [...]int64{int64(time.Second), int64(2 * time.Second), int64(4 * time.Second), int64(8 * time.Second), mostOpen}

// The phases of a breaker and what the time beside each in the word means.
const (
	phaseClosed    = iota // until when it is suspect; 0 = it is not
	phaseOpenHard         // until when it is open; half open afterwards
	phaseOpenSoft         // likewise
	phaseTrialHard        // until when the trial holds others up
	phaseTrialSoft        // likewise
	phaseRamp             // since when it recovers
)

// run counts failures running, the hard ones in half units.
type run struct{ hard, any uint32 }

// Breaker opens on evidence of failure and closes again by trial. It is safe for concurrent use; View
// and, while it is closed, Acquire take no lock.
type Breaker struct {
	since
	word atomic.Uint64 // nanoseconds<<3 | phase: one load is a whole state
	used atomic.Int64  // when evidence last came
	mute atomic.Int64  // trials running that proved nothing
	down atomic.Int64  // trials and probes that failed since it was last in use

	mu       sync.Mutex
	dice     jitter
	now      int64 // the latest time seen: evidence that comes late does not turn time back
	fast     window
	slow     window
	runs     run // of failures before a commit
	broken   run // of failures after one
	lastFail int64
	level    int    // of the next opening
	openedAt int64  // when it opened last
	fresh    int64  // attempts begun earlier belong to an outage that is over
	backAt   int64  // when it was last taken into use again
	stage    int64  // of the ramp
	clean    int    // successes in the stage
	trial    uint64 // number of the latest trial
	tried    int64  // when that, or a probe by generation, began
	probed   bool   // a probe ended since it opened
	sawDown  bool   // one failed since
	probes   int    // clean ones since
}

// NewBreaker makes a closed breaker. Times lie after epoch; seed decides its jitter.
func NewBreaker(epoch time.Time, seed uint64) *Breaker {
	b := &Breaker{since: since{epoch}, dice: jitter(seed)}
	b.fast.width, b.fast.cells = int64(250*time.Millisecond), 8
	b.slow.width, b.slow.cells = int64(5*time.Second), 12
	return b
}

// Verdict is what evidence did to a breaker.
type Verdict struct {
	Opened     bool
	WantsSoft  bool // soft evidence is enough: OpenSoft, if enough of the model stays
	WantsPeers bool // it may be an outlier: OpenSoft, if Outlier says so against its peers
}

// View gives the state.
func (b *Breaker) View(now time.Time) View { return b.view(b.at(now)) }

func (b *Breaker) view(now int64) View {
	v := b.viewed(now)
	v.Sure = v.State != Closed && b.down.Load() >= sureDown
	return v
}

func (b *Breaker) viewed(now int64) View {
	phase, t := b.load()
	switch phase {
	case phaseClosed:
		if now < t {
			return View{State: Closed, Share: 50, Until: b.time(t), Reason: ReasonSuspect}
		}
	case phaseOpenHard, phaseOpenSoft:
		soft, mute := phase == phaseOpenSoft, b.mute.Load()
		if now >= t {
			return View{State: HalfOpen, Reason: ReasonTrial, Soft: soft, Stay: stay(mute)}
		}
		if mute > 0 { // nothing is known to be wrong any more: it is the next trial's turn that is awaited
			return View{State: HalfOpen, Until: b.time(t), Reason: ReasonTrial, Soft: soft, Busy: true, Stay: stay(mute)}
		}
		why := ReasonFailing
		if soft {
			why = ReasonOutlier
		}
		return View{State: Open, Until: b.time(t), Reason: why, Soft: soft}
	case phaseTrialHard, phaseTrialSoft:
		v := View{State: HalfOpen, Reason: ReasonTrial, Soft: phase == phaseTrialSoft, Busy: now < t, Stay: stay(b.mute.Load())}
		if v.Busy {
			v.Until = b.time(t)
		}
		return v
	case phaseRamp:
		stage := min(max(now-t, 0)/cleanWindow, cleanWindows)
		if share := [...]int{5, 25, 100, 100}[stage]; stage < cleanWindows {
			return View{State: Closed, Share: share, Until: b.time(t + (stage+1)*cleanWindow), Reason: ReasonRecovering}
		}
	}
	return View{State: Closed, Share: 100}
}

// stay doubles with each trial running that proved nothing.
func stay(mute int64) time.Duration {
	if mute == 0 {
		return 0
	}
	return min(leastStay<<min(mute-1, 8), mostStay)
}

// Acquire asks for an attempt. A half-open breaker gives one ticket at a time, the trial; an open one
// none, but where it opened on soft evidence and the caller has nothing better (lastResort).
func (b *Breaker) Acquire(now time.Time, lastResort bool) (Ticket, bool) {
	return b.acquire(b.at(now), lastResort)
}

func (b *Breaker) acquire(now int64, lastResort bool) (Ticket, bool) {
	if phase, _ := b.load(); phase == phaseClosed || phase == phaseRamp {
		return Ticket{began: now}, true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	phase, t := b.load()
	soft := phase == phaseOpenSoft || phase == phaseTrialSoft
	switch {
	case phase == phaseClosed, phase == phaseRamp:
		return Ticket{began: now}, true
	case now < t:
		return Ticket{began: now}, soft && lastResort
	}
	b.trial++
	b.tried = now
	if phase = phaseTrialHard; soft {
		phase = phaseTrialSoft
	}
	b.store(phase, now+trialTime)
	return Ticket{began: now, trial: b.trial}, true
}

// Release ends what Acquire began, with what it proved.
func (b *Breaker) Release(t Ticket, k Kind, now time.Time) Verdict { return b.release(t, k, b.at(now)) }

func (b *Breaker) release(t Ticket, k Kind, now int64) Verdict {
	b.mu.Lock()
	defer b.mu.Unlock()
	phase, _ := b.load()
	if t.trial == 0 || t.trial != b.trial || (phase != phaseTrialHard && phase != phaseTrialSoft) {
		return b.weigh(k, t.began, now)
	}
	now = b.tick(now)
	switch k {
	case Success:
		b.recover(t.began, now)
		return Verdict{}
	case Hard, Light, Soft:
		open := phaseOpenHard
		if phase == phaseTrialSoft && k != Hard {
			open = phaseOpenSoft
		}
		b.down.Add(1)
		b.open(open, k, t.began, now)
		return Verdict{Opened: true}
	}
	// It proved nothing. The next may not follow sooner than a second after it.
	b.mute.Add(1)
	b.store(phase-phaseTrialHard+phaseOpenHard, max(t.began+leastOpen, b.openedAt+leastOpen))
	return Verdict{}
}

// Ended takes how an attempt went on after its commit, for which it was released with Success: Success
// if the answer is whole. Without it, an endpoint whose every stream breaks would be one that never fails
// twice running. A failure turns the attempt's success into one and is no second attempt.
func (b *Breaker) Ended(t Ticket, k Kind, now time.Time) Verdict { return b.ended(t, k, b.at(now)) }

func (b *Breaker) ended(t Ticket, k Kind, now int64) Verdict {
	b.mu.Lock()
	defer b.mu.Unlock()
	now = b.tick(now)
	switch {
	case t.began < b.fresh:
	case k == Success:
		b.broken = run{}
	case k == Hard, k == Light, k == Soft:
		return b.fail(k, t.began, now, true)
	}
	return Verdict{}
}

// Observe takes evidence of an attempt that had no ticket. took is the time since it began.
func (b *Breaker) Observe(k Kind, took time.Duration, now time.Time) Verdict {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.at(now)
	return b.weigh(k, n-int64(took), n)
}

func (b *Breaker) weigh(k Kind, began, now int64) Verdict {
	now = b.tick(now)
	if began < b.fresh {
		return Verdict{}
	}
	switch k {
	case Success:
		b.succeed(began, now)
	case Hard, Light, Soft:
		return b.fail(k, began, now, false)
	}
	return Verdict{}
}

// tick takes note of the time and ends a ramp that is over.
func (b *Breaker) tick(now int64) int64 {
	b.now = max(b.now, now)
	b.used.Store(b.now)
	if phase, t := b.load(); phase == phaseRamp {
		stage := (b.now - t) / cleanWindow
		if stage >= cleanWindows {
			b.store(phaseClosed, 0)
		} else if stage > b.stage {
			b.stage, b.clean = stage, 0
		}
	}
	return b.now
}

func (b *Breaker) succeed(began, now int64) {
	phase, t := b.load()
	switch phase {
	case phaseClosed, phaseRamp:
		b.runs = run{}
		b.fast.add(tally{n: 1}, now)
		b.slow.add(tally{n: 1}, now)
		if phase == phaseRamp {
			b.advance(t, now)
		}
	default: // an attempt of the last resort, or a trial that others did not wait for
		if began >= b.openedAt {
			b.recover(began, now)
		}
	}
}

// advance ends a clean window that has seen enough successes, as if its time were over.
func (b *Breaker) advance(start, now int64) {
	if b.clean++; b.clean < cleanRun {
		return
	}
	b.clean = 0
	if b.stage++; b.stage >= cleanWindows {
		b.store(phaseClosed, 0)
		return
	}
	b.store(phaseRamp, min(start, now-b.stage*cleanWindow))
}

// recover begins the ramp. What was seen of the outage, and whatever may yet come of attempts begun in
// it, counts no more.
func (b *Breaker) recover(began, now int64) {
	b.fresh, b.backAt = began, now
	b.mute.Store(0)
	b.down.Store(0)
	b.runs, b.broken, b.stage, b.clean = run{}, run{}, 0, 0
	b.fast.clear()
	b.slow.clear()
	b.store(phaseRamp, now)
}

func (b *Breaker) ramping() bool {
	phase, _ := b.load()
	return phase == phaseRamp
}

func (b *Breaker) load() (phase int, t int64) {
	w := b.word.Load()
	return int(w & 7), int64(w >> 3)
}

func (b *Breaker) store(phase int, t int64) { b.word.Store(uint64(max(t, 0))<<3 | uint64(phase)) }
