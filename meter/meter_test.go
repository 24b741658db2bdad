package meter_test

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"fairlead"
	"fairlead/meter"
)

func TestUsage(t *testing.T) {
	reported := fairlead.Usage{Input: 7, Output: 3, AudioInput: 2}
	for _, c := range []struct {
		name string
		r    meter.Reading
		want fairlead.Usage
	}{
		{"what is final stands", meter.Reading{Reported: reported, HasUsage: true, Final: true, Prompt: 99, Delivered: 99}, reported},
		{
			"so does a final output below what was delivered",
			meter.Reading{Reported: reported, HasUsage: true, Final: true, Delivered: 4000},
			reported,
		},
		{
			"what is not, is estimated, but for the prompt",
			meter.Reading{Reported: reported, HasUsage: true, Prompt: 99, Delivered: 41},
			fairlead.Usage{Input: 7, Output: 11, AudioInput: 2, Estimated: true},
		},
		{
			"no less than was reported so far, and marked",
			meter.Reading{Reported: reported, HasUsage: true, Delivered: 1},
			fairlead.Usage{Input: 7, Output: 3, AudioInput: 2, Estimated: true},
		},
		{
			"a prompt that was not told so far",
			meter.Reading{Reported: fairlead.Usage{Output: 5}, HasUsage: true, Prompt: 9, Delivered: 4},
			fairlead.Usage{Input: 9, Output: 5, Estimated: true},
		},
		{"nothing was reported", meter.Reading{Prompt: 10, Delivered: 9, Final: true}, fairlead.Usage{Input: 10, Output: 3, Estimated: true}},
		{
			"by the model's own measure, rounded up",
			meter.Reading{Prompt: 10, Delivered: 9, BytesPerToken: 2500},
			fairlead.Usage{Input: 10, Output: 4, Estimated: true},
		},
		{
			"images of a reported usage",
			meter.Reading{Reported: reported, HasUsage: true, Final: true, Images: 2},
			fairlead.Usage{Input: 7, Output: 3, AudioInput: 2, Images: 2},
		},
		{"images of an estimated one", meter.Reading{Prompt: 1, Images: 2}, fairlead.Usage{Input: 1, Images: 2, Estimated: true}},
		{"a silent answer", meter.Reading{Reported: reported, HasUsage: true, Final: true, Silent: true, Prompt: 10, Images: 1}, fairlead.Usage{}},
		{"what broke off in silence", meter.Reading{Silent: true, Prompt: 10}, fairlead.Usage{}},
	} {
		if got := meter.Usage(c.r); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestNormal(t *testing.T) {
	r := meter.Reading{Reported: fairlead.Usage{Input: 700, Output: 300}, HasUsage: true, Final: true, Prompt: 12, Delivered: 10, BytesPerToken: 3000}
	if got, want := meter.Normal(r), (fairlead.Normal{Prompt: 12, Output: 4}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	r.Silent = true
	if got := meter.Normal(r); got != (fairlead.Normal{}) {
		t.Errorf("of a silent answer %+v", got)
	}
}

func TestCost(t *testing.T) {
	price := &fairlead.Price{
		Input: 150_000, Output: 600_000, CacheRead: 75_000, CacheWrite: 187_500,
		Reasoning: 600_000, AudioInput: 150_000, AudioOutput: 600_000,
	}
	for _, c := range []struct {
		name   string
		price  *fairlead.Price
		silent bool
		u      fairlead.Usage
		want   string
	}{
		{"unknown price is nil", nil, false, fairlead.Usage{Input: 1}, "nil"},
		{"all classes", price, false, fairlead.Usage{Input: 1000, CacheRead: 1000, CacheWrite: 1000, Output: 1000, Reasoning: 500}, "0.0010125"},
		{"a fraction of a nano-dollar is rounded half up", &fairlead.Price{Input: 500}, false, fairlead.Usage{Input: 1}, "0.000000001"},
		{"below half goes down", &fairlead.Price{Input: 499}, false, fairlead.Usage{Input: 1}, "0"},
		{"an answer for nothing", price, false, fairlead.Usage{}, "0"},
		{"free is a price", &fairlead.Price{}, false, fairlead.Usage{Input: 1000, Output: 1000}, "0"},
		{"a request is paid for", &fairlead.Price{Request: 2_000_000}, false, fairlead.Usage{}, "0.000002"},
		{"but not where the answer was silent", &fairlead.Price{Request: 2_000_000}, true, fairlead.Usage{}, "0"},
		{"of an unknown price not even that is known", nil, true, fairlead.Usage{}, "nil"},
		{"a sum that does not fit is unknown", &fairlead.Price{Input: 1_000_000_000_000_000}, false, fairlead.Usage{Input: 1 << 62}, "nil"},
	} {
		got := "nil"
		if cost := meter.Cost(&fairlead.Endpoint{Price: c.price}, c.silent, c.u); cost != nil {
			got = cost.String()
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestCharge(t *testing.T) {
	for _, c := range []struct {
		cost   fairlead.USD
		margin fairlead.Margin
		want   fairlead.USD
		fails  bool
	}{
		{1000, 0, 1000, false},
		{1000, 100_000, 1100, false},
		{5, 100_000, 6, false}, // 5.5
		{4, 100_000, 4, false}, // 4.4
		{1, 499_999, 1, false}, // 1.499999
		{1, 500_000, 2, false}, // 1.5
		{0, 100_000_000, 0, false},
		{math.MaxInt64, 0, math.MaxInt64, false},
		{math.MaxInt64, 1, 0, true},
		{math.MaxInt64, 100_000_000, 0, true},
		{-1, 0, 0, true},
		{1, -1, 0, true},
		{1, 100_000_001, 0, true},
	} {
		got, err := meter.Charge(c.cost, c.margin)
		if got != c.want || (err != nil) != c.fails {
			t.Errorf("Charge(%d, %d) = %d, %v; want %d, fails %v", c.cost, c.margin, got, err, c.want, c.fails)
		}
	}
}

// TestChargeAgainstModel compares with integers that have no bound.
func TestChargeAgainstModel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		cost, margin := fairlead.USD(r.Int64()>>r.IntN(63)), fairlead.Margin(r.Int64N(100_000_001))
		x := new(big.Int).Mul(big.NewInt(int64(cost)), big.NewInt(1_000_000+int64(margin)))
		want := x.Add(x, big.NewInt(500_000)).Div(x, big.NewInt(1_000_000))
		got, err := meter.Charge(cost, margin)
		if err != nil && want.IsInt64() || err == nil && (!want.IsInt64() || want.Int64() != int64(got)) {
			t.Fatalf("Charge(%d, %d) = %d, %v; the model says %s", cost, margin, got, err, want)
		}
	}
}
