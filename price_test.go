package fairlead_test

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"fairlead"
)

func TestPriceCost(t *testing.T) {
	p := &fairlead.Price{
		Input: 1_000, Output: 10_000, CacheRead: 100_000, CacheWrite: 1_000_000, Reasoning: 10_000_000, AudioInput: 100_000_000,
		AudioOutput: 1_000_000_000, Image: 10_000_000_000, Request: 0,
		Tiers: []fairlead.Tier{{Above: 100, Price: fairlead.Price{Input: 2_000}}, {Above: 200, Price: fairlead.Price{Input: 3_000}}},
	}
	for _, c := range []struct {
		name string
		u    fairlead.Usage
		want fairlead.USD // nano-dollars: each class has its own digit
	}{
		{"each class by itself", fairlead.Usage{Input: 9, AudioInput: 8, Output: 12, Reasoning: 3, AudioOutput: 4, CacheRead: 5, CacheWrite: 6, Images: 7}, 1 + 50 + 500 + 6_000 + 30_000 + 800_000 + 4_000_000 + 70_000_000},
		{"image tokens have no price of their own", fairlead.Usage{Input: 9, ImageInput: 9}, 9},
		{"a part that is more than the whole is the whole", fairlead.Usage{Input: 2, AudioInput: 5, Output: 3, Reasoning: 2, AudioOutput: 9}, 200_000 + 20_000 + 1_000_000},
		{"counts below 0 are none", fairlead.Usage{Input: -1, AudioInput: -5, Output: -3, Reasoning: -2, AudioOutput: -9, Images: -1}, 0},
		{"at the edge of a tier", fairlead.Usage{Input: 100}, 100},
		{"a tier prices all", fairlead.Usage{Input: 101, Output: 5}, 202},
		{"the cache is a part of the prompt", fairlead.Usage{Input: 1, CacheRead: 200}, 3},
		{"the highest tier", fairlead.Usage{Input: 1_000}, 3_000},
	} {
		if got, err := p.Cost(c.u); err != nil || got != c.want {
			t.Errorf("%s: %d, %v; want %d", c.name, got, err, c.want)
		}
	}
}

// TestPriceCostAgainstModel compares with integers that have no bound.
func TestPriceCostAgainstModel(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	unit := func() fairlead.UnitPrice { return fairlead.UnitPrice(r.Int64N(1e15+1) >> r.IntN(50)) }
	count := func() int64 { return r.Int64() >> (1 + r.IntN(62)) }
	overflows := 0
	for range 20_000 {
		p := fairlead.Price{Input: unit(), Output: unit(), CacheRead: unit(), CacheWrite: unit(), Reasoning: unit(), AudioInput: unit(), AudioOutput: unit(), Image: unit(), Request: unit()}
		u := fairlead.Usage{Input: count(), Output: count(), CacheRead: count() / 4, CacheWrite: count() / 4, Images: count()}
		u.Input /= 4
		u.AudioInput = r.Int64N(u.Input + 1)
		u.Reasoning = r.Int64N(u.Output + 1)
		u.AudioOutput = r.Int64N(u.Output - u.Reasoning + 1)
		sum := big.NewInt(500)
		for _, l := range []fairlead.PriceLine{
			{Units: u.Input - u.AudioInput, Price: p.Input},
			{Units: u.AudioInput, Price: p.AudioInput},
			{Units: u.CacheRead, Price: p.CacheRead},
			{Units: u.CacheWrite, Price: p.CacheWrite},
			{Units: u.Output - u.Reasoning - u.AudioOutput, Price: p.Output},
			{Units: u.Reasoning, Price: p.Reasoning},
			{Units: u.AudioOutput, Price: p.AudioOutput},
			{Units: u.Images, Price: p.Image},
			{Units: 1, Price: p.Request},
		} {
			sum.Add(sum, new(big.Int).Mul(big.NewInt(l.Units), big.NewInt(int64(l.Price))))
		}
		sum.Div(sum, big.NewInt(1000))
		got, err := p.Cost(u)
		if err != nil {
			overflows++
		}
		if (err == nil) != sum.IsInt64() || err == nil && sum.Int64() != int64(got) {
			t.Fatalf("%+v of %+v costs %d, %v; the model says %s", u, p, got, err, sum)
		}
	}
	if overflows == 0 || overflows == 20_000 {
		t.Errorf("%d of the costs did not fit", overflows)
	}
}

func TestTokenBytes(t *testing.T) {
	for _, c := range []struct {
		text string
		want fairlead.TokenBytes
		back string
	}{
		{"4", 4000, "4"},
		{"0.5", 500, "0.5"},
		{"16", 16000, "16"},
		{"3.250", 3250, "3.25"},
		{"0.499", 0, ""},
		{"16.001", 0, ""},
		{"3.2505", 0, ""},
		{"", 0, ""},
		{".5", 0, ""},
		{"5.", 0, ""},
		{"-4", 0, ""},
		{"1e1", 0, ""},
		{"99999999999999999999", 0, ""},
	} {
		var got fairlead.TokenBytes
		err := got.UnmarshalText([]byte(c.text))
		if got != c.want || (err == nil) != (c.want != 0) {
			t.Errorf("%q is %d, %v; want %d", c.text, got, err, c.want)
		}
		if back, _ := got.MarshalText(); err == nil && string(back) != c.back {
			t.Errorf("%q is written as %q", c.text, back)
		}
	}
}

func TestTokens(t *testing.T) {
	for _, c := range []struct {
		per     fairlead.TokenBytes
		n, want int64
	}{
		{0, 0, 0},
		{0, 1, 1},
		{0, 4, 1},
		{0, 5, 2},
		{4000, 5, 2},
		{500, 3, 6},
		{16000, 16, 1},
		{16000, 17, 2},
		{3500, 7, 2},
		{3500, 8, 3},
		{3333, 10, 4}, // 3.0003
		{4000, -1, 0},
		{1000, math.MaxInt64, math.MaxInt64},
		{999, math.MaxInt64, math.MaxInt64},
		{1, math.MaxInt64, math.MaxInt64},
		{2000, math.MaxInt64, 1 << 62},
	} {
		if got := c.per.Tokens(c.n); got != c.want {
			t.Errorf("%d bytes at %d thousandths are %d tokens, want %d", c.n, c.per, got, c.want)
		}
	}
	for n := range int64(100) {
		if got, want := fairlead.TokenBytes(0).Tokens(n), (n+fairlead.BytesPerToken-1)/fairlead.BytesPerToken; got != want {
			t.Errorf("%d bytes are %d tokens by default, want %d", n, got, want)
		}
	}
}
