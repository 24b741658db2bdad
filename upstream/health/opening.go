package health

import "time"

// fail weighs a failure of an attempt that belongs to the present; after says that it had committed.
func (b *Breaker) fail(k Kind, began, now int64, after bool) Verdict {
	phase, _ := b.load()
	switch phase {
	case phaseOpenHard, phaseTrialHard:
		return Verdict{} // nothing worse than this
	case phaseOpenSoft, phaseTrialSoft:
		if began < b.openedAt {
			return Verdict{}
		}
	}
	b.count(k, now, after)
	fast := b.fast.sum
	hard := b.runs.hard+b.broken.hard >= hardRun || (fast.n >= fewest && fast.hard >= fast.n)
	if hard || (phase == phaseRamp && k != Soft) {
		b.open(phaseOpenHard, k, began, now)
		return Verdict{Opened: true}
	}
	switch phase {
	case phaseRamp:
		return Verdict{WantsSoft: true}
	case phaseClosed:
		b.store(phaseClosed, now+suspectTime)
		soft := b.runs.any+b.broken.any >= softRun || (fast.n >= fewest && fast.hard+fast.soft >= fast.n)
		return Verdict{WantsSoft: soft, WantsPeers: !soft && surelyAbove(b.slow.sum, leastBad)}
	}
	return Verdict{}
}

func (b *Breaker) count(k Kind, now int64, after bool) {
	if now-b.lastFail > runGap {
		b.runs, b.broken = run{}, run{}
	}
	b.lastFail = now
	one, runs := tally{n: 1}, &b.runs
	if after {
		one.n, runs = 0, &b.broken // its success has counted the attempt
	}
	switch k {
	case Hard:
		one.hard = 2
	case Light:
		one.hard = 1
	case Soft:
		one.soft = 2
	}
	runs.hard += one.hard
	runs.any++
	b.fast.add(one, now)
	b.slow.add(one, now)
}

// open opens for the next step. A silence proves what was at its beginning, so its time is counted from
// there: the provider may have come back since.
func (b *Breaker) open(phase int, k Kind, began, now int64) {
	if p, _ := b.load(); p == phaseClosed && now-b.backAt >= forgive {
		b.level = 0
	}
	last := len(openSteps) - 1
	d := b.spread(openSteps[min(b.level, last)])
	b.level = min(b.level+1, last)
	until := now + d
	if k == Soft {
		until = max(now+leastOpen, began+d)
	}
	b.openedAt, b.probed, b.sawDown, b.probes = now, false, false, 0
	b.mute.Store(0)
	b.runs, b.broken = run{}, run{}
	b.store(phase, until)
}

// spread jitters by ±20 %, mirrored into the bounds: a clamp would send half of all edges at once.
func (b *Breaker) spread(d int64) int64 {
	d = int64(float64(d) * (0.8 + 0.4*b.dice.float()))
	switch {
	case d < leastOpen:
		d = 2*leastOpen - d
	case d > mostOpen:
		d = 2*mostOpen - d
	}
	return min(max(d, leastOpen), mostOpen)
}

// OpenSoft opens on soft evidence that a Verdict told of; took is the time since the attempt began. It
// reports whether it did: meanwhile the breaker may have opened by itself.
func (b *Breaker) OpenSoft(took time.Duration, now time.Time) bool {
	n := b.at(now)
	return b.openSoft(n-int64(took), n)
}

func (b *Breaker) openSoft(began, now int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now = b.tick(now)
	if phase, _ := b.load(); (phase != phaseClosed && phase != phaseRamp) || began < b.fresh {
		return false
	}
	b.open(phaseOpenSoft, Soft, began, now)
	return true
}

// Rate is the mean failure rate of the last minute, with its prior: 0.02 where nothing was seen.
func (b *Breaker) Rate(now time.Time) float64 { return b.rate(b.at(now)) }

func (b *Breaker) rate(now int64) float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.slow.roll(b.tickless(now))
	return failureRate(b.slow.sum)
}

// Outlier reports whether the failure rate is surely above 5 % and above 3 times the median of peers.
func (b *Breaker) Outlier(peers float64, now time.Time) bool { return b.outlier(peers, b.at(now)) }

func (b *Breaker) outlier(peers float64, now int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.slow.roll(b.tickless(now))
	return surelyAbove(b.slow.sum, max(leastBad, 3*peers))
}

// tickless is the time for a reader, who must not be taken for evidence.
func (b *Breaker) tickless(now int64) int64 { return max(b.now, now) }
