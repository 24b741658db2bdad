package health

import (
	"math/bits"
	"sync"
	"time"
)

// Size is what a deadline depends on, beside the endpoint.
type Size struct {
	Prompt    int  // tokens, cached ones left out where that is known
	MaxOutput int  // tokens asked for at most; 0 = not stated
	Think     bool // the exchange may reason before it speaks
}

const (
	learnedFrom   = 20 // samples
	thinkersFrom  = 200
	remembered    = 5.0 // the weight below which what was learned is forgotten
	margin        = 500 * time.Millisecond
	giveUp        = 0.995
	hedgeAt       = 0.95
	sizeBuckets   = 14
	leastDuration = 0.001 // s, of the sketches
)

// limits are the bounds of one kind of silence.
type limits struct {
	plain, think time.Duration // while nothing is learned; 0 = none
	least, most  time.Duration
	thinkLeast   time.Duration
	thinkMost    time.Duration
	bucket       func(Size) int
}

// A learned bound of a thinker is never above what it has while nothing is learned, and hardly below:
// how long a model thinks depends on the question, which no sample of other questions tells.
var (
	firstTokenLimits = limits{
		plain: 10 * time.Second, think: 180 * time.Second,
		least: 1500 * time.Millisecond, most: 60 * time.Second,
		thinkLeast: 30 * time.Second, thinkMost: 180 * time.Second,
		bucket: func(s Size) int { return bucketOf(s.Prompt, 8) }, // below 256 tokens, 512 .. 1 Mi
	}
	totalLimits = limits{
		plain: 60 * time.Second, think: 0,
		least: 1500 * time.Millisecond, most: 10 * time.Minute,
		thinkLeast: 180 * time.Second, thinkMost: 10 * time.Minute,
		bucket: func(s Size) int { // not stated; below 64 tokens, 128 .. 128 Ki
			if s.MaxOutput <= 0 {
				return 0
			}
			return min(1+bucketOf(s.MaxOutput, 6), sizeBuckets-1)
		},
	}
)

// bucketOf sorts sizes by powers of two: below 2^low, below 2^(low+1) and so on.
func bucketOf(tokens int, low uint) int {
	return min(bits.Len(uint(max(tokens, 0))>>low), sizeBuckets-1)
}

// Deadlines are the learned bounds on the silence of one endpoint. It is safe for concurrent use. What
// nothing was learned of takes the bounds of the design.
type Deadlines struct {
	since
	first   learned
	total   learned
	gaps    [phases]gaps
	beats   gaps
	thinker *prior
	plain   *prior
	output  *prior
}

// learned is the time to one kind of event, by size.
type learned struct {
	mu     sync.Mutex
	bucket [2][sizeBuckets]*sketch // thinkers apart
}

// NewDeadlines makes bounds that have learned nothing.
//
// The priors are 30 imagined samples around each median: sigma 0.6 is the spread of public samples of
// time to first token within a range of prompt sizes (p95/p50 of 2.3 to 3.2). Totals and thinkers
// spread wider.
func NewDeadlines(epoch time.Time) *Deadlines {
	return &Deadlines{since: since{epoch}, plain: newPrior(30, 0.6), thinker: newPrior(30, 1.2), output: newPrior(30, 0.9)}
}

// FirstToken is how long an attempt may be silent before its first meaningful delta while another
// endpoint stands ready: That x R_0.995 + margin.
func (d *Deadlines) FirstToken(s Size, now time.Time) time.Duration {
	return d.first.bound(s, &firstTokenLimits, d.priorOf(s, d.plain), d.at(now))
}

// Total is the same for the whole of an unstreamed exchange; 0 = none. It goes by the output asked for.
func (d *Deadlines) Total(s Size, now time.Time) time.Duration {
	return d.total.bound(s, &totalLimits, d.priorOf(s, d.output), d.at(now))
}

// Hedge is when a second attempt is worth sending: R_0.95. ok is false while nothing is learned.
func (d *Deadlines) Hedge(s Size, now time.Time) (wait time.Duration, ok bool) {
	return d.first.quantile(s, &firstTokenLimits, d.priorOf(s, d.plain), hedgeAt, d.at(now))
}

// HedgeTotal is the same for the whole of an unstreamed exchange.
func (d *Deadlines) HedgeTotal(s Size, now time.Time) (wait time.Duration, ok bool) {
	return d.total.quantile(s, &totalLimits, d.priorOf(s, d.output), hedgeAt, d.at(now))
}

// ExpectedTotal is the median time to the whole of an unstreamed exchange.
func (d *Deadlines) ExpectedTotal(s Size, now time.Time) (typical time.Duration, ok bool) {
	return d.total.quantile(s, &totalLimits, nil, 0.5, d.at(now))
}

// Expected is the median time to the first token. ok is false while nothing is learned.
func (d *Deadlines) Expected(s Size, now time.Time) (typical time.Duration, ok bool) {
	return d.first.quantile(s, &firstTokenLimits, nil, 0.5, d.at(now))
}

// LearnFirstToken takes how long an attempt took to its first meaningful delta. cut says that the
// attempt was ended by us after so long: at least so much, not a sample.
func (d *Deadlines) LearnFirstToken(s Size, took time.Duration, cut bool, now time.Time) {
	d.first.learn(s, &firstTokenLimits, took, cut, d.at(now))
}

// LearnTotal does so for the whole of an unstreamed exchange.
func (d *Deadlines) LearnTotal(s Size, took time.Duration, cut bool, now time.Time) {
	d.total.learn(s, &totalLimits, took, cut, d.at(now))
}

func (d *Deadlines) priorOf(s Size, plain *prior) *prior {
	if s.Think {
		return d.thinker
	}
	return plain
}

func (l *learned) of(s Size, lim *limits) **sketch {
	think := 0
	if s.Think {
		think = 1
	}
	return &l.bucket[think][lim.bucket(s)]
}

func (l *learned) learn(s Size, lim *limits, took time.Duration, cut bool, now int64) {
	if took < 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.of(s, lim)
	if *at == nil {
		*at = newSketch(leastDuration)
	}
	(*at).add(took.Seconds(), cut, now)
}

// bound is the give-up quantile, within the limits. Where more was cut than the quantile allows, the
// bound is too short: it grows by half at a time until what is slow is seen whole.
func (l *learned) bound(s Size, lim *limits, p *prior, now int64) time.Duration {
	unknown, least, most := lim.plain, lim.least, lim.most
	if s.Think {
		unknown, least, most = lim.think, lim.thinkLeast, lim.thinkMost
	}
	v, ok := l.quantile(s, lim, p, giveUp, now)
	if !ok {
		return unknown
	}
	return min(max(v+margin, least), most)
}

// quantile gives R_q x That, where enough was learned of the size.
func (l *learned) quantile(s Size, lim *limits, p *prior, q float64, now int64) (time.Duration, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := *l.of(s, lim)
	enough := int64(learnedFrom)
	if s.Think {
		enough = thinkersFrom
	}
	if k == nil || k.count < enough || k.weight(now) < remembered {
		return 0, false
	}
	that, _ := k.quantile(0.5, nil, 0)
	v, found := k.quantile(q, p, k.bin(that))
	if !found {
		v *= 1.5
	}
	return seconds(v), true
}

func seconds(v float64) time.Duration { return time.Duration(v * float64(time.Second)) }
