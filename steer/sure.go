package steer

import (
	"math"
	"time"
)

// doubt is the chance at which a look may find a side surely above a limit that it is exactly at. Ramps are looked at
// hundreds of times with evidence that overlaps: TestRevertsOfHealthy holds what is left of a whole ramp.
const doubt = 1.0 / 2000

// mostTrials is the number of exchanges past which more prove no more: shares are what counts.
const mostTrials = 1_000_000

// surelyAbove reports whether k of n show that a rate lies above p: at p, so many or more would be as rare as doubt.
// The test is the exact one (Clopper and Pearson, 1934). Wilson's bound, which is an approximation, takes a single
// failure of 50 for proof that a rate is above 0.1 %: by chance that is one look of 20.
func surelyAbove(k, n int64, p float64) bool {
	if k, n = scaled(k, n); float64(k) <= float64(n)*p {
		return false
	}
	return p <= 0 || tail(k, n, p) <= doubt
}

// upperRate is the bound that a rate with k of n surely lies below.
func upperRate(k, n int64) float64 {
	if k, n = scaled(k, n); k >= n {
		return 1
	}
	low, high := float64(k)/float64(n), 1.0
	for range 40 {
		p := (low + high) / 2
		if tail(n-k, n, 1-p) <= doubt { // so few, or fewer, at p
			high = p
		} else {
			low = p
		}
	}
	return high
}

// upperQuantile is the time that a quantile surely lies below: the end of the first bucket above which surely less
// than 1-q lie. ok is false where there are too few to tell.
func upperQuantile(h Histogram, q float64) (bound time.Duration, ok bool) {
	n, above := h.Total(), int64(0)
	for i := len(h) - 1; i >= 0; i-- {
		// So many above it or fewer, were it 1-q of all.
		k, n := scaled(n-above, n)
		if float64(k) <= float64(n)*q || tail(k, n, q) > doubt {
			break
		}
		bound, ok = lower(h[i].Bucket+1), true
		above += h[i].Count
	}
	return bound, ok
}

func scaled(k, n int64) (int64, int64) {
	if n <= mostTrials {
		return k, n
	}
	return int64(float64(k) / float64(n) * mostTrials), mostTrials
}

// tail is the chance of k or more of n at a rate of p in (0, 1), for k above n*p: there the terms fall, so that a
// few make the sum.
func tail(k, n int64, p float64) float64 {
	if k > n {
		return 0
	}
	all, _ := math.Lgamma(float64(n) + 1)
	of, _ := math.Lgamma(float64(k) + 1)
	rest, _ := math.Lgamma(float64(n-k) + 1)
	term := math.Exp(all - of - rest + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
	sum, odds := 0.0, p/(1-p)
	for i := k; i <= n && term > sum*1e-12; i++ {
		sum += term
		term *= float64(n-i) / float64(i+1) * odds
	}
	return min(sum, 1)
}
