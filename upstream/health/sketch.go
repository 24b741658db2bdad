package health

import (
	"math"
	"time"
)

const (
	sketchBins = 120
	perOctave  = 6 // bins: one is 2^(1/6) wide, 12.3 %
	halfLife   = 10 * time.Minute
)

// binEdge holds the edges between the bins of an octave, as factors.
var binEdge = [perOctave]float64{1, 1.122462048309373, 1.2599210498948732, 1.4142135623730951, 1.5874010519681994, 1.7817974362806785}

// sketch is a decaying histogram over 20 octaves from a least value, with the weight of each sample
// halved every 10 minutes. A value below or above counts as the least or greatest.
//
// Attempts that were cut are kept apart as "at least so much" (right-censored), and a quantile is the
// product-limit estimate (Kaplan and Meier, 1958) over both. It is the upper edge of a bin: never below
// the exact quantile of the same samples, at most 12.3 % above it. The caller holds a lock.
type sketch struct {
	least float64
	count int64   // samples ever, cut ones left out
	start int64   // when a sample's weight was 1
	at    int64   // when grow was computed
	grow  float64 // the weight of a sample now
	seen  [sketchBins]float32
	cut   [sketchBins]float32
	from  int // the bins of both that have anything: from <= i < to
	to    int
}

func newSketch(least float64) *sketch { return &sketch{least: least, grow: 1} }

// add takes a sample, or with cut the fact that it would have been at least v. Not a number is nothing.
func (s *sketch) add(v float64, cut bool, now int64) {
	if math.IsNaN(v) {
		return
	}
	s.age(now)
	i := s.bin(v)
	if s.to == 0 {
		s.from = i
	}
	s.from, s.to = min(s.from, i), max(s.to, i+1)
	if cut {
		s.cut[i] += float32(s.grow)
		return
	}
	s.seen[i] += float32(s.grow)
	s.count++
}

// age makes new samples heavier rather than old ones lighter, and brings all down before they grow out
// of a float. A second is fine enough against ten minutes.
func (s *sketch) age(now int64) {
	if s.at != 0 && now-s.at < int64(time.Second) {
		return
	}
	if s.start == 0 {
		s.start = now
	}
	s.at = max(now, s.at)
	halves := float64(s.at-s.start) / float64(halfLife)
	if s.grow = math.Exp2(min(halves, 200)); halves < 20 {
		return
	}
	down := float32(math.Exp2(-halves))
	for i := range s.seen {
		s.seen[i] *= down
		s.cut[i] *= down
	}
	s.start, s.grow = s.at, 1
}

// bin finds a value's bin: an edge belongs to the bin below it.
func (s *sketch) bin(v float64) int {
	v /= s.least
	if !(v > 1) {
		return 0
	}
	if math.IsInf(v, 1) {
		return sketchBins - 1
	}
	frac, exp := math.Frexp(v) // v = frac * 2^exp, frac in [0.5, 1)
	frac *= 2
	i := (exp - 1) * perOctave
	for k := perOctave - 1; k >= 0; k-- {
		if frac > binEdge[k] {
			return min(i+k, sketchBins-1)
		}
	}
	return min(i-1, sketchBins-1)
}

// upper is the upper edge of a bin.
func (s *sketch) upper(i int) float64 {
	i++
	return s.least * math.Ldexp(binEdge[i%perOctave], i/perOctave)
}

// weight is that of all samples, as if the last one's were 1.
func (s *sketch) weight(now int64) float64 {
	if s.count == 0 {
		return 0
	}
	s.age(now)
	var sum float64
	for _, v := range s.seen[s.from:s.to] {
		sum += float64(v)
	}
	return sum / s.grow
}

// quantile is the product-limit estimate for q in (0, 1), mixed with a prior around the bin centre
// where there is one. found is false where so many were cut that it lies beyond all that was seen; the
// value then is the greatest that was.
func (s *sketch) quantile(q float64, p *prior, centre int) (value float64, found bool) {
	from, to := s.span(p, centre)
	var risk float64
	for i := from; i < to; i++ {
		risk += float64(s.seen[i]) + float64(s.cut[i]) + s.grow*p.mass(i-centre)
	}
	left, top := 1.0, -1
	for i := from; i < to; i++ {
		event := float64(s.seen[i]) + s.grow*p.mass(i-centre)
		gone := event + float64(s.cut[i])
		if gone <= 0 {
			continue
		}
		top = i
		left *= 1 - event/max(risk, gone)
		if left <= 1-q {
			return s.upper(i), true
		}
		risk -= gone
	}
	return s.upper(max(top, 0)), false
}

// span gives the bins that have anything, with those of a prior where there is one: most endpoints' samples lie in a
// few (BenchmarkBoard/FirstToken).
func (s *sketch) span(p *prior, centre int) (from, to int) {
	if p == nil {
		return s.from, s.to
	}
	first := centre - len(p.bins)/2
	return max(min(s.from, first), 0), min(max(s.to, first+len(p.bins)), sketchBins)
}

// prior is so many imagined samples, log-normal around a median, for quantiles that few samples say
// nothing of.
type prior struct {
	bins []float64 // the middle one is the median's
}

// newPrior spreads weight samples with a standard deviation of sigma (of the logarithm).
func newPrior(weight, sigma float64) *prior {
	const binWidth = math.Ln2 / perOctave
	reach := int(math.Ceil(4 * sigma / binWidth))
	p := &prior{bins: make([]float64, 2*reach+1)}
	below := 0.0
	for i := range p.bins {
		x := (float64(i-reach) + 0.5) * binWidth / sigma
		upTo := 0.5 * math.Erfc(-x/math.Sqrt2)
		if i == len(p.bins)-1 {
			upTo = 1
		}
		p.bins[i], below = weight*(upTo-below), upTo
	}
	return p
}

func (p *prior) mass(offset int) float64 {
	if p == nil {
		return 0
	}
	if i := offset + len(p.bins)/2; i >= 0 && i < len(p.bins) {
		return p.bins[i]
	}
	return 0
}
