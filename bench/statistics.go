package bench

import (
	"slices"
	"time"
)

// Measure is a number that was measured in several rounds: their median and their extremes.
type Measure struct {
	Value float64 `json:"value"`
	Min   float64 `json:"min"`
	Max   float64 `json:"max"`
}

// summary gives the measure of what the rounds gave; nil where there were none.
func summary(rounds []float64) *Measure {
	if len(rounds) == 0 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(rounds))
	n := len(sorted)
	return &Measure{Value: (sorted[(n-1)/2] + sorted[n/2]) / 2, Min: sorted[0], Max: sorted[n-1]}
}

// best is the measure whose value is the least of the rounds, for what noise can only make larger.
func best(rounds []float64) *Measure {
	m := summary(rounds)
	if m != nil {
		m.Value = m.Min
	}
	return m
}

// ratios divides round by round, so that what disturbed a whole round touches both sides. It stops
// where either side has no more rounds.
func ratios(a, b []float64) []float64 {
	var out []float64
	for i := range min(len(a), len(b)) {
		if b[i] > 0 {
			out = append(out, a[i]/b[i])
		}
	}
	return out
}

// percentile gives the least of the times that p (0 to 1) of them do not exceed. It sorts them.
func percentile(times []time.Duration, p float64) time.Duration {
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	i := int(float64(len(times))*p+0.999999) - 1
	return times[min(max(i, 0), len(times)-1)]
}
