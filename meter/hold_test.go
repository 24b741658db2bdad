package meter_test

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"fairlead"
	"fairlead/meter"
)

func endpoints(prices ...*fairlead.Price) (list []*fairlead.Endpoint) {
	for _, p := range prices {
		list = append(list, &fairlead.Endpoint{Price: p})
	}
	return list
}

func TestHold(t *testing.T) {
	cheap := &fairlead.Price{Input: 1_000, Output: 2_000, CacheRead: 1_000, CacheWrite: 1_000} // 1 and 2 nano-dollars a token
	dear := &fairlead.Price{Input: 1_000, Output: 10_000, CacheRead: 100, CacheWrite: 4_000, Request: 7_000}
	const stream, whole = true, false
	for _, c := range []struct {
		name   string
		bid    meter.Bid
		want   fairlead.USD
		tokens int64
	}{
		{"a stream without a bound", meter.Bid{endpoints(cheap), 100, 0, 1, stream, 0}, 125 + 2*1024, 1024},
		{"a stream with a small bound", meter.Bid{endpoints(cheap), 100, 10, 1, stream, 0}, 125 + 2*10, 10},
		{"a stream with a large bound", meter.Bid{endpoints(cheap), 100, 5_000, 1, stream, 0}, 125 + 2*1024, 1024},
		{"three choices", meter.Bid{endpoints(cheap), 100, 10, 3, stream, 0}, 125 + 2*30, 10},
		{"no number of choices", meter.Bid{endpoints(cheap), 100, 10, 0, stream, 0}, 125 + 2*10, 10},
		{"unstreamed: all of it", meter.Bid{endpoints(cheap), 100, 5_000, 1, whole, 0}, 125 + 2*5_000, 5_000},
		{"unstreamed without a bound", meter.Bid{endpoints(cheap), 100, 0, 1, whole, 0}, 125, 0},
		{"a quarter more is rounded up", meter.Bid{endpoints(cheap), 1, 0, 1, whole, 0}, 2, 0},
		{"the dearest endpoint, and prompt class", meter.Bid{endpoints(cheap, dear), 100, 10, 1, whole, 0}, 125*4 + 100 + 7, 10},
		{"a margin is rounded up", meter.Bid{endpoints(cheap), 100, 0, 1, whole, 100_000}, 138, 0}, // 137.5
		{"free", meter.Bid{endpoints(&fairlead.Price{}), 100, 10, 1, whole, 100_000}, 0, 10},
		{"no endpoint", meter.Bid{nil, 100, 10, 1, whole, 0}, 0, 10},
	} {
		got, tokens, err := meter.Hold(c.bid)
		if err != nil || got != c.want || tokens != c.tokens {
			t.Errorf("%s: %d for %d tokens, %v; want %d for %d", c.name, got, tokens, err, c.want, c.tokens)
		}
	}
}

func TestHoldRefuses(t *testing.T) {
	price := &fairlead.Price{Input: 1_000_000, Output: 1_000_000}
	const huge = math.MaxInt64
	for _, c := range []struct {
		name string
		bid  meter.Bid
		want error
	}{
		{"an endpoint without a price", meter.Bid{endpoints(price, nil), 1, 1, 1, false, 0}, meter.ErrUnpriced},
		{"a prompt out of range", meter.Bid{endpoints(price), huge, 1, 1, false, 0}, fairlead.ErrMoneyRange},
		{"an output out of range", meter.Bid{endpoints(price), 1, huge, 1, false, 0}, fairlead.ErrMoneyRange},
		{"choices out of range", meter.Bid{endpoints(price), 1, huge, huge, false, 0}, fairlead.ErrMoneyRange},
		{"choices just out of range", meter.Bid{endpoints(price), 1, huge/2 + 1, 2, false, 0}, fairlead.ErrMoneyRange},
		{"a margin out of range", meter.Bid{endpoints(price), 1 << 52, 0, 1, false, 100_000_000}, fairlead.ErrMoneyRange},
	} {
		if amount, _, err := meter.Hold(c.bid); !errors.Is(err, c.want) {
			t.Errorf("%s: %d, %v; want %v", c.name, amount, err, c.want)
		}
	}
	if _, err := meter.TopUp(meter.Bid{Endpoints: endpoints(price)}, huge, 1); !errors.Is(err, fairlead.ErrMoneyRange) {
		t.Errorf("a top-up out of range: %v", err)
	}
}

// TestTopUp holds that a hold and its top-ups are together what a hold of the whole is.
func TestTopUp(t *testing.T) {
	b := meter.Bid{Endpoints: endpoints(&fairlead.Price{Input: 1_499, Output: 733, CacheRead: 10, CacheWrite: 2_001}), Prompt: 77, Choices: 3, Stream: true, Margin: 33_333}
	sum, tokens, err := meter.Hold(b)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		more, err := meter.TopUp(b, tokens, meter.StreamStep)
		if err != nil || more <= 0 {
			t.Fatalf("top-up at %d tokens: %d, %v", tokens, more, err)
		}
		sum, tokens = sum+more, tokens+meter.StreamStep
	}
	b.Stream, b.Output = false, tokens
	if whole, _, err := meter.Hold(b); err != nil || whole != sum {
		t.Errorf("holds of %d in all, %v; at once %d", sum, err, whole)
	}
}

func TestAfford(t *testing.T) {
	bid := meter.Bid{Endpoints: endpoints(&fairlead.Price{Input: 1_000, Output: 2_000, CacheRead: 1_000, CacheWrite: 1_000}, &fairlead.Price{Output: 3_000}), Prompt: 100}
	for _, c := range []struct {
		name    string
		amount  fairlead.USD
		choices int64
		want    int64
		ok      bool
	}{
		{"not the prompt", 124, 1, 0, false},
		{"the prompt alone", 125, 1, 0, true},
		{"not a token more", 126, 1, 0, true},
		{"one token", 127, 1, 1, true},
		{"the other endpoint is dearer", 600, 1, 200, true}, // 125 + 2 x 237, but 3 x 200
		{"choices share it", 600, 2, 100, true},
		{"up to most", 1 << 40, 1, 50_000, true},
	} {
		bid.Choices = c.choices
		if got, ok, err := meter.Afford(bid, c.amount, 50_000); err != nil || got != c.want || ok != c.ok {
			t.Errorf("%s: %d, %v, %v; want %d, %v", c.name, got, ok, err, c.want, c.ok)
		}
	}
	if got, ok, err := meter.Afford(bid, 1<<62, math.MaxInt64); err != nil || !ok || got <= 1<<58 {
		t.Errorf("with no bound: %d, %v, %v", got, ok, err)
	}
	if _, _, err := meter.Afford(meter.Bid{Endpoints: endpoints(nil)}, 1, 1); !errors.Is(err, meter.ErrUnpriced) {
		t.Errorf("without a price: %v", err)
	}
}

// FuzzHold holds a hold against exact arithmetic, and Afford against Hold: what it affords is covered, and one token more is not.
func FuzzHold(f *testing.F) {
	f.Add(int64(100), int64(50), int64(2), int64(150_000), int64(600_000), int64(100_000), int64(1_000_000))
	f.Add(int64(math.MaxInt64), int64(math.MaxInt64), int64(math.MaxInt64), int64(1e15), int64(1e15), int64(1e8), int64(math.MaxInt64))
	f.Add(int64(-1), int64(-1), int64(-1), int64(0), int64(1), int64(0), int64(0))
	f.Fuzz(func(t *testing.T, prompt, output, choices, input, out, margin, amount int64) {
		input, out, margin = max(input, 0)%(1e15+1), max(out, 0)%(1e15+1), max(margin, 0)%(1e8+1)
		b := meter.Bid{endpoints(&fairlead.Price{Input: fairlead.UnitPrice(input), Output: fairlead.UnitPrice(out)}), prompt, output, choices, false, fairlead.Margin(margin)}
		got, _, err := meter.Hold(b)
		want, fits := exactly(max(prompt, 0), max(output, 0), max(choices, 1), input, out, margin)
		if fits != (err == nil) || (fits && want != int64(got)) {
			t.Fatalf("Hold = %d, %v; want %d, %v", got, err, want, fits)
		}
		tokens, ok, err := meter.Afford(b, fairlead.USD(amount), 1<<40)
		if err != nil || !ok {
			return
		}
		b.Output = tokens
		if cost, _, err := meter.Hold(b); err != nil || cost > fairlead.USD(amount) {
			t.Fatalf("%d tokens cost %d, %v; %d was to afford them", tokens, cost, err, amount)
		}
		b.Output = tokens + 1
		if cost, _, err := meter.Hold(b); tokens < 1<<40 && err == nil && cost <= fairlead.USD(amount) {
			t.Fatalf("%d affords %d tokens, and not only %d", amount, tokens+1, tokens)
		}
	})
}

// exactly is a hold by numbers of any size; it does not fit where one of the numbers on the way does not.
func exactly(prompt, output, choices, input, out, margin int64) (int64, bool) {
	n := func(v int64) *big.Int { return big.NewInt(v) }
	up := func(v *big.Int, by int64) *big.Int { // rounded up
		return v.Div(v.Add(v, n(by-1)), n(by))
	}
	tokens := up(new(big.Int).Mul(n(prompt), n(5)), 4)
	all := new(big.Int).Mul(n(output), n(choices))
	pico := new(big.Int).Add(new(big.Int).Mul(tokens, n(input)), new(big.Int).Mul(all, n(out)))
	cost := new(big.Int).Div(new(big.Int).Add(pico, n(500)), n(1000))
	charge := up(new(big.Int).Mul(cost, n(1_000_000+margin)), 1_000_000)
	return charge.Int64(), tokens.IsInt64() && all.IsInt64() && cost.IsInt64() && charge.IsInt64()
}
