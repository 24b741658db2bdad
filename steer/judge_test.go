package steer_test

import (
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"fairlead/steer"
)

// exactTail is the chance of k or more of n at a rate of num/den, without a rounding.
func exactTail(k, n, num, den int64) float64 {
	sum, all := new(big.Int), new(big.Int).Exp(big.NewInt(den), big.NewInt(n), nil)
	for i := k; i <= n; i++ {
		term := new(big.Int).Binomial(n, i)
		term.Mul(term, new(big.Int).Exp(big.NewInt(num), big.NewInt(i), nil))
		sum.Add(sum, term.Mul(term, new(big.Int).Exp(big.NewInt(den-num), big.NewInt(n-i), nil)))
	}
	v, _ := new(big.Rat).SetFrac(sum, all).Float64()
	return v
}

func TestTail(t *testing.T) {
	for _, c := range []struct{ k, n, num, den int64 }{
		{1, 50, 1, 1000},
		{3, 50, 1, 1000},
		{4, 50, 1, 100},
		{50, 50, 1, 2},
		{21, 1000, 1, 50},
		{40, 1000, 1, 50},
		{200, 2000, 1, 50},
		{198, 200, 95, 100},
		{51, 100, 1, 2},
		{300, 300, 99, 100},
	} {
		got, want := steer.Tail(c.k, c.n, float64(c.num)/float64(c.den)), exactTail(c.k, c.n, c.num, c.den)
		if diff := got/want - 1; diff > 1e-6 || diff < -1e-6 {
			t.Errorf("%d or more of %d at %d/%d: %g, exact is %g", c.k, c.n, c.num, c.den, got, want)
		}
	}
}

// TestSurely holds the figures of docs/steering.md: from how many failures on a rate is surely above a limit.
func TestSurely(t *testing.T) {
	for _, c := range []struct {
		n     int64
		limit float64
		first int64
	}{
		{50, 0.02, 6}, {200, 0.02, 13}, {1000, 0.02, 37}, {2000, 0.02, 63}, {50, 0.001, 3}, {1000, 0.001, 7}, {50, 0.05, 10},
	} {
		if !steer.SurelyAbove(c.first, c.n, c.limit) || steer.SurelyAbove(c.first-1, c.n, c.limit) {
			at := int64(0)
			for ; at < 100 && !steer.SurelyAbove(at, c.n, c.limit); at++ {
			}
			t.Errorf("of %d at %v it is sure from %d on, not from %d", c.n, c.limit, at, c.first)
		}
	}
	for _, c := range []struct{ k, n int64 }{{0, 50}, {1, 50}, {10, 1000}, {999, 1000}, {5 << 30, 1 << 40}} {
		u := steer.UpperRate(c.k, c.n)
		k, n := c.k, c.n
		if n > 1_000_000 {
			k, n = k*1_000_000/n, 1_000_000
		}
		if p := 1 - steer.Tail(k+1, n, u); u <= float64(c.k)/float64(c.n) || (k+1 > int64(float64(n)*u) && (p < 0.00049 || p > 0.00051)) {
			t.Errorf("%d of %d: bound %v, as rare as %v", c.k, c.n, u, p)
		}
	}
	if steer.SurelyAbove(1<<40/50+1<<20, 1<<40, 0.02) || !steer.SurelyAbove(1<<40/45, 1<<40, 0.02) {
		t.Error("more exchanges than are reckoned with")
	}
	if steer.UpperRate(7, 7) != 1 || steer.SurelyAbove(0, 50, 0) || !steer.SurelyAbove(1, 50, 0) {
		t.Error("a bound at the ends")
	}
}

// TestUpperQuantile holds that a bound lies above the true quantile all but always, and that too few give none.
func TestUpperQuantile(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	draw := func(n int) steer.Histogram {
		list := make([]time.Duration, n)
		for i := range list {
			list[i] = time.Duration(rng.Int64N(int64(time.Second)))
		}
		return counted(list...)
	}
	wrong := 0
	for range 4000 {
		bound, ok := steer.UpperQuantile(draw(300), 0.95)
		if !ok || bound < 950*time.Millisecond {
			wrong++
		}
	}
	if wrong > 8 { // 2 are due
		t.Errorf("%d of 4000 bounds are below the quantile", wrong)
	}
	for n, want := range map[int]bool{100: false, 140: false, 149: true, 1000: true} {
		if _, ok := steer.UpperQuantile(draw(n), 0.95); ok != want {
			t.Errorf("with %d there is a bound: %v", n, ok)
		}
	}
}

// rates is evidence of exchanges without times.
func rates(ended, failed int64) steer.Evidence { return steer.Evidence{Ended: ended, Failed: failed} }

// timed is evidence of n streams, of which some were slow.
func timed(n, slow int, each, slower time.Duration) steer.Evidence {
	list := make([]time.Duration, n)
	for i := range list {
		if list[i] = each; i < slow {
			list[i] = slower
		}
	}
	return steer.Evidence{Ended: int64(n), TTFT: counted(list...), TPOT: counted(list...)}
}

func TestJudge(t *testing.T) {
	const ms = time.Millisecond
	none, many := rates(0, 0), rates(10_000, 100)
	for _, c := range []struct {
		guard       string
		mine, peers steer.Evidence
		want        string
	}{
		{"error_rate<2%", none, many, "hold 0 exchanges on this side and 10000 on the other, of 50 that it takes on each"},
		{"error_rate<2%", rates(49, 49), many, "hold 49 exchanges on this side"},
		{"error_rate<2%", rates(10_000, 9_999), rates(49, 0), "hold 10000 exchanges on this side and 49 on the other"},
		{"", rates(49, 0), many, "hold"},
		{"", rates(50, 50), many, "good"},
		{"error_rate<2%", rates(50, 0), many, "good error_rate 0.00 % of 50 exchanges, limit 2 %"},
		{"error_rate<2%", rates(214, 4), many, "good error_rate 1.9 % of 214 exchanges, limit 2 %"},
		{"error_rate<2%", rates(200, 4), many, "hold error_rate 2.0 % of 200 exchanges, limit 2 %; that may be chance"},
		{"error_rate<2%", rates(200, 12), many, "hold error_rate 6.0 % of 200 exchanges, limit 2 %; that may be chance"},
		{"error_rate<2%", rates(200, 13), many, "breach error_rate 6.5 % of 200 exchanges, limit 2 %"},
		{"error_rate<2%", steer.Evidence{Shut: 49}, many, "hold 49 exchanges on this side"},
		{"error_rate<2%", steer.Evidence{Shut: 50}, many, "breach error_rate 100.0 % of 50 exchanges, 50 of which its health kept away, limit 2 %"},
		{"error_rate<2%", steer.Evidence{Ended: 187, Failed: 6, Shut: 13}, many, "breach error_rate 9.5 % of 200 exchanges, 13 of which"},
		{"error_rate<2%", steer.Evidence{Ended: 198, Failed: 1, Shut: 2}, many, "good error_rate 1.5 % of 200 exchanges, 2 of which"},
		{"error_rate<1.5x", rates(1000, 45), steer.Evidence{Ended: 1000, Shut: 1000}, "good error_rate 4.5 % of 1000 exchanges, limit 1.5x of the peers' 50.0 %"},
		{"ttft_p95<1s", steer.Evidence{Shut: 500}, many, "hold ttft_p95 of 0 exchanges"}, // what was not sent took no time
		{"refusal_rate<2%", steer.Evidence{Shut: 60}, many, "good refusal_rate 0.00 % of 60"},
		{"error_rate<0.1%", rates(50, 1), many, "hold"},
		{"error_rate<1.5x", rates(1000, 14), many, "good error_rate 1.4 % of 1000 exchanges, limit 1.5x of the peers' 1.0 %"},
		{"error_rate<1.5x", rates(1000, 36), many, "hold"},
		{"error_rate<1.5x", rates(1000, 45), many, "breach error_rate 4.5 % of 1000 exchanges, limit 1.5x of the peers' 1.0 %"},
		{"error_rate<1.5x", rates(1000, 45), rates(100, 1), "hold"}, // the peers' rate is not known well enough
		{"error_rate<2x", rates(50, 0), rates(50, 0), "good"},       // both show nothing
		{"error_rate<2x", rates(50, 1), rates(100_000, 0), "hold"},  // once is none
		{"error_rate<2x", rates(200, 8), rates(100_000, 0), "breach"},
		{"error_rate<3x", rates(1000, 1000), rates(1000, 600), "hold"}, // no rate is above three times 60 %
		{"refusal_rate<2%", steer.Evidence{Refused: 60}, many, "breach refusal_rate 100.0 % of 60 exchanges, limit 2 %"},
		{"error_rate<2%", steer.Evidence{Refused: 60}, many, "hold error_rate of 0 exchanges, of 50 that it takes"},
		{"error_rate<2x", rates(60, 0), steer.Evidence{Refused: 60}, "hold error_rate of 0 exchanges on the other side"},
		{"ttft_p95<1s", rates(100, 0), many, "hold ttft_p95 of 0 exchanges, of 50 that it takes"},
		{"ttft_p95<1s", timed(49, 0, 500*ms, 0), many, "hold 49 exchanges"},
		{"ttft_p95<1s", timed(50, 2, 500*ms, 3000*ms), many, "good ttft_p95 495ms of 50 exchanges, limit 1s"},
		{"ttft_p95<1s", timed(100, 8, 500*ms, 3000*ms), many, "hold ttft_p95 3.02s of 100 exchanges, limit 1s; that may be chance"},
		{"ttft_p95<1s", timed(100, 20, 500*ms, 3000*ms), many, "breach ttft_p95 3.02s of 100 exchanges, limit 1s"},
		{"ttft_p50<1s", timed(100, 20, 500*ms, 3000*ms), many, "good"},
		{"ttft_p99<1s", timed(100, 8, 500*ms, 3000*ms), many, "breach"},
		{"tpot_p95<20ms", timed(100, 20, 10*ms, 30*ms), many, "breach tpot_p95 29.9ms of 100 exchanges, limit 20ms"},
		{"ttft_p95<1.5x", timed(100, 20, 500*ms, 3000*ms), timed(100, 0, 500*ms, 0), "hold"}, // 100 peers give no bound
		{"ttft_p95<1.5x", timed(100, 20, 500*ms, 3000*ms), timed(500, 0, 500*ms, 0), "breach ttft_p95 3.02s of 100 exchanges, limit 1.5x of the peers' 495ms"},
		{"ttft_p95<1.5x", timed(500, 0, 700*ms, 0), timed(500, 0, 500*ms, 0), "good"},
		{"ttft_p95<1.5x", timed(500, 0, 760*ms, 0), timed(500, 0, 500*ms, 0), "hold"}, // within what the buckets blur
		{"ttft_p95<1.5x", timed(500, 0, 900*ms, 0), timed(500, 0, 500*ms, 0), "breach"},
		{"ttft_p95<1.5x", timed(500, 0, 900*ms, 0), many, "hold ttft_p95 of 0 exchanges on the other side, of 50 that it takes"},
		{"error_rate<2% and ttft_p95<1s", timed(100, 20, 500*ms, 3000*ms), many, "breach ttft_p95"},
		{"error_rate<2% and ttft_p95<1s", rates(200, 100), many, "breach error_rate 50.0 %"}, // whatever else is not known
		{"error_rate<2% and ttft_p95<1s", rates(200, 0), many, "hold ttft_p95 of 0"},
		{"error_rate<2% and ttft_p95<1s", timed(200, 0, 500*ms, 0), many, "good error_rate 0.00 % of 200 exchanges, limit 2 %; ttft_p95 495ms"},
	} {
		g, err := steer.Parse(c.guard)
		if err != nil {
			t.Fatal(err)
		}
		r := steer.Judge(g, c.mine, c.peers)
		if got := r.Verdict.String() + " " + r.Reason; !strings.HasPrefix(got, c.want) {
			t.Errorf("%s of %d/%d: %s, want %s", c.guard, c.mine.Failed, c.mine.Ended, got, c.want)
		}
	}
}
