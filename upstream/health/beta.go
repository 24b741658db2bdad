package health

import "math"

// The prior of a failure rate: Beta(1, 49), one failure in 50.
const (
	priorFailures  = 1
	priorSuccesses = 49
)

// failureRate is the mean of the posterior.
func failureRate(t tally) float64 {
	f := min(float64(t.hard+t.soft)/2, float64(t.n))
	return (priorFailures + f) / (priorFailures + priorSuccesses + float64(t.n))
}

// surelyAbove reports whether the lower 95 % bound (one-sided) of the failure rate lies above x: that
// is, whether the posterior puts less than 5 % below x.
func surelyAbove(t tally, x float64) bool {
	if failureRate(t) <= x {
		return false // a mean below x cannot have its bound above it
	}
	f := min(float64(t.hard+t.soft)/2, float64(t.n))
	return betaBelow(x, priorFailures+f, priorSuccesses+float64(t.n)-f) < 0.05
}

// betaBelow is the regularised incomplete beta function I_x(a, b), by Lentz's continued fraction
// (DLMF 8.17.22), for a, b > 0.
func betaBelow(x, a, b float64) float64 {
	switch {
	case x <= 0:
		return 0
	case x >= 1:
		return 1
	case x > (a+1)/(a+b+2): // where the fraction converges slowly, its mirror does not
		return 1 - betaBelow(1-x, b, a)
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab-la-lb+a*math.Log(x)+b*math.Log1p(-x)) / a
	return front / betaFraction(x, a, b)
}

func betaFraction(x, a, b float64) float64 {
	const tiny = 1e-300
	away := func(v float64) float64 {
		if math.Abs(v) < tiny {
			return tiny
		}
		return v
	}
	f, c, d := 1.0, 1.0, 0.0
	for m := 1.0; m < 400; m++ {
		k := math.Floor(m / 2)
		var num float64
		if math.Mod(m, 2) == 0 {
			num = k * (b - k) * x / ((a + 2*k - 1) * (a + 2*k))
		} else {
			num = -(a + k) * (a + b + k) * x / ((a + 2*k) * (a + 2*k + 1))
		}
		d = 1 / away(1+num*d)
		c = away(1 + num/c)
		f *= c * d
		if math.Abs(1-c*d) < 1e-10 {
			break
		}
	}
	return f
}
