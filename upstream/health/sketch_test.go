package health

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestSketch_Error holds the stated error against exact quantiles: never below, at most 12.3 % above.
func TestSketch_Error(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 60 {
		s, n := newSketch(0.001), 20+rng.IntN(3000)
		sigma, values := 2*rng.Float64(), make([]float64, n)
		for i := range values {
			values[i] = math.Exp(sigma * rng.NormFloat64())
			s.add(values[i], false, headroom)
		}
		slices.Sort(values)
		for _, q := range []float64{0.5, 0.9, 0.95, 0.995} {
			exact := values[int(math.Ceil(q*float64(n)))-1]
			got, found := s.quantile(q, nil, 0)
			if !found || got < exact*(1-1e-6) || got > exact*1.1225*(1+1e-3) {
				// A float32 sum may put the quantile on the neighbouring sample.
				next := values[min(int(math.Ceil(q*float64(n))), n-1)]
				if got > next*1.1236 || got < exact*(1-1e-6) {
					t.Fatalf("n %d sigma %.2f q %v: %v, exact %v", n, sigma, q, got, exact)
				}
			}
		}
	}
}

// productLimit is the textbook estimate over exact values: at equal values events come before cuts.
func productLimit(values []float64, cut []bool, q float64) (float64, bool) {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		if values[a] != values[b] {
			if values[a] < values[b] {
				return -1
			}
			return 1
		}
		if cut[a] == cut[b] {
			return 0
		}
		if cut[b] {
			return -1
		}
		return 1
	})
	left := 1.0
	for rank, i := range order {
		if cut[i] {
			continue
		}
		if left *= 1 - 1/float64(len(values)-rank); left <= 1-q+1e-12 {
			return values[i], true
		}
	}
	return 0, false
}

func TestSketch_Censored(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 100 {
		s, n, deadline := newSketch(0.001), 200+rng.IntN(800), 0.5+3*rng.Float64()
		s.least = 1.0 / 1024
		values, cuts := make([]float64, n), make([]bool, n)
		for i := range values {
			// Values stand on bin edges, so that the bins lose nothing.
			values[i] = s.upper(60 + int(6*rng.NormFloat64()))
			if values[i] > deadline && rng.IntN(2) == 0 {
				values[i], cuts[i] = s.upper(s.bin(deadline)), true
			}
			s.add(values[i], cuts[i], headroom)
		}
		for _, q := range []float64{0.5, 0.9, 0.995} {
			want, ok := productLimit(values, cuts, q)
			got, found := s.quantile(q, nil, 0)
			if found != ok || (ok && math.Abs(math.Log(got/want)) > 0.1156*1.01) {
				t.Fatalf("q %v: %v %v, want %v %v", q, got, found, want, ok)
			}
		}
	}
}

// TestSketch_Decay holds the half-life: what is 10 minutes old weighs half, through rescalings too.
func TestSketch_Decay(t *testing.T) {
	s := newSketch(0.001)
	for range 100 {
		s.add(1, false, headroom)
	}
	for i, want := range []float64{100, 50, 25, 12.5} {
		if got := s.weight(headroom + int64(i)*int64(halfLife)); math.Abs(got-want) > 0.01*want {
			t.Errorf("after %d half-lives: %v, want %v", i, got, want)
		}
	}
	for i := range 4000 { // 20 days of a sample each 7 minutes
		s.add(2, false, headroom+int64(i)*int64(7*time.Minute))
	}
	got, _ := s.quantile(0.01, nil, 0)
	if w := s.weight(s.at); math.IsNaN(w) || w < 2.5 || w > 2.7 || got < 2 || got > 2.3 {
		t.Errorf("weight %v, lowest %v", w, got)
	}
	if w := s.weight(s.at + 300*int64(halfLife)); w > 1e-9 || math.IsNaN(w) {
		t.Errorf("weight %v after 50 hours", w)
	}
}

func TestSketch_Bins(t *testing.T) {
	s := newSketch(0.001)
	for i := range sketchBins {
		if got := s.bin(s.upper(i) * 0.999999); got != i {
			t.Errorf("just below the upper edge of bin %d is bin %d", i, got)
		}
		if got := s.bin(s.upper(i) * 1.000001); got != min(i+1, sketchBins-1) {
			t.Errorf("just above the upper edge of bin %d is bin %d", i, got)
		}
	}
	for v, want := range map[float64]int{0: 0, -1: 0, math.Inf(1): sketchBins - 1, 1e300: sketchBins - 1, math.Inf(-1): 0} {
		if got := s.bin(v); got != want {
			t.Errorf("bin(%v) = %d", v, got)
		}
	}
}

// TestBeta holds the incomplete beta function against Simpson's rule, and known values.
func TestBeta(t *testing.T) {
	for _, c := range []struct{ x, a, b, want float64 }{{0.5, 2, 2, 0.5}, {0.3, 1, 1, 0.3}, {0.5, 1, 3, 0.875}, {0, 2, 2, 0}, {1, 2, 2, 1}} {
		if got := betaBelow(c.x, c.a, c.b); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("I_%v(%v, %v) = %v, want %v", c.x, c.a, c.b, got, c.want)
		}
	}
	for _, a := range []float64{1, 3.5, 20, 300} {
		for _, b := range []float64{49, 120, 5000} {
			la, _ := math.Lgamma(a)
			lb, _ := math.Lgamma(b)
			lab, _ := math.Lgamma(a + b)
			density := func(x float64) float64 {
				if x == 0 {
					if a == 1 {
						return math.Exp(lab - la - lb)
					}
					return 0
				}
				return math.Exp(lab - la - lb + (a-1)*math.Log(x) + (b-1)*math.Log1p(-x))
			}
			for _, x := range []float64{0.01, 0.05, 0.06, 0.2, 0.5} {
				const n = 20000
				sum := density(0) + density(x)
				for i := 1; i < n; i++ {
					sum += density(x*float64(i)/n) * float64(2+2*(i%2))
				}
				if got, want := betaBelow(x, a, b), sum*x/n/3; math.Abs(got-want) > 1e-5 {
					t.Errorf("I_%v(%v, %v) = %v, want %v", x, a, b, got, want)
				}
			}
		}
	}
}
