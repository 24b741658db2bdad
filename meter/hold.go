package meter

import (
	"errors"
	"math"
	"math/bits"

	"fairlead"
)

// StreamStep is how many tokens of output a stream's hold covers at a time, for each choice: each so many tokens it is topped up.
const StreamStep = 1024

// ErrUnpriced reports an endpoint without a price: it cannot be paid for.
var ErrUnpriced = errors.New("an endpoint has no price")

// Bid is what an exchange may consume, before it is known what it does consume.
type Bid struct {
	Endpoints []*fairlead.Endpoint // of its plan
	Prompt    int64                // in tokens, as estimated
	Output    int64                // the caller's own bound in tokens for each choice; 0 = none
	Choices   int64                // "n"; below 1 counts as 1
	Stream    bool
	Margin    fairlead.Margin // of the account
}

// Hold is what to set aside before an exchange is sent: a quarter more than its prompt, and the output that a stream comes to before
// it is topped up or that an unstreamed answer has at most, at the dearest endpoint, with the margin. Tokens is the output it covers
// for each choice. Of an unstreamed answer without a bound it holds the prompt alone, and Tokens is 0: Afford says what its cap is.
// Errors are ErrUnpriced and fairlead.ErrMoneyRange.
func Hold(b Bid) (amount fairlead.USD, tokens int64, err error) {
	tokens = max(b.Output, 0)
	if b.Stream && (tokens == 0 || tokens > StreamStep) {
		tokens = StreamStep
	}
	amount, err = b.amount(tokens)
	return amount, tokens, err
}

// TopUp is what a running stream sets aside for so many more tokens of output for each choice. The prompt is part of the whole, for
// prices can depend on it: it is what the amount for both is above the amount for those that are covered.
func TopUp(b Bid, covered, more int64) (fairlead.USD, error) {
	before, err := b.amount(covered)
	if err != nil {
		return 0, err
	}
	if more > math.MaxInt64-max(covered, 0) {
		return 0, fairlead.ErrMoneyRange
	}
	after, err := b.amount(max(covered, 0) + max(more, 0))
	return after - before, err
}

// Afford is the largest output, in tokens for each choice and up to most, that an amount covers at every endpoint: the cap of an
// unstreamed answer whose caller gave none, and what a refusal names. Not even the prompt being covered is not ok.
func Afford(b Bid, amount fairlead.USD, most int64) (tokens int64, ok bool, err error) {
	if prompt, err := b.amount(0); err != nil || prompt > amount {
		return 0, false, err
	}
	low, high := int64(0), max(most, 0) // low is covered
	for low < high {
		middle := high - (high-low)/2
		if cost, err := b.amount(middle); err == nil && cost <= amount {
			low = middle
		} else {
			high = middle - 1
		}
	}
	return low, true, nil
}

// amount is the dearest that the prompt, a quarter larger, and an output for each choice can be.
func (b Bid) amount(output int64) (dearest fairlead.USD, err error) {
	prompt, err := quarterMore(max(b.Prompt, 0))
	if err != nil {
		return 0, err
	}
	hi, out := bits.Mul64(uint64(max(output, 0)), uint64(max(b.Choices, 1)))
	if hi != 0 || out > math.MaxInt64 {
		return 0, fairlead.ErrMoneyRange
	}
	for _, e := range b.Endpoints {
		if e.Price == nil {
			return 0, ErrUnpriced
		}
		cost, err := dearestCost(e.Price, prompt, int64(out))
		if err != nil {
			return 0, err
		}
		dearest = max(dearest, cost)
	}
	// Rounded up: a charge, however it is rounded, is not above its hold for that.
	return withMargin(dearest, max(b.Margin, 0), whole-1)
}

// dearestCost prices a prompt as the class that costs most, and an output with or without reasoning, whichever costs more.
func dearestCost(p *fairlead.Price, prompt, output int64) (dearest fairlead.USD, err error) {
	for _, u := range [...]fairlead.Usage{{Input: prompt}, {CacheRead: prompt}, {CacheWrite: prompt}} {
		for _, reasoning := range [...]int64{0, output} {
			u.Output, u.Reasoning = output, reasoning
			cost, err := p.Cost(u)
			if err != nil {
				return 0, err
			}
			dearest = max(dearest, cost)
		}
	}
	return dearest, nil
}

// quarterMore is 1.25 times as many tokens, rounded up.
func quarterMore(n int64) (int64, error) {
	more := n/4 + (n%4+3)/4
	if n > math.MaxInt64-more {
		return 0, fairlead.ErrMoneyRange
	}
	return n + more, nil
}
