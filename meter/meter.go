// Package meter says what an exchange consumed, what it costs and what is charged for it. It is pure: counts and prices in,
// exact integer money out.
package meter

import (
	"math/bits"

	"fairlead"
)

// Reading is what is known of an exchange's consumption when it ends.
type Reading struct {
	Reported  fairlead.Usage // what the provider said
	HasUsage  bool
	Final     bool  // what was reported is of the whole answer: it came to its end, as far as the provider goes
	Silent    bool  // nothing of an answer was delivered, but for its end
	Prompt    int64 // the prompt as estimated, in tokens
	Images    int64 // in the prompt
	Delivered int64 // bytes of text, reasoning and tool input that reached the caller

	BytesPerToken fairlead.TokenBytes // of the model that answered
}

// Usage gives the provider's numbers where they are final. Else it estimates, and marks it: the prompt as reported, or else as it
// was estimated, and the output from the bytes delivered, rounded up; or, where that is more, as much as was reported so far.
// An exchange that delivered nothing has none.
func Usage(r Reading) fairlead.Usage {
	if r.Silent {
		return fairlead.Usage{}
	}
	u := r.Reported
	if !r.HasUsage {
		u = fairlead.Usage{}
	}
	u.Images = r.Images
	if r.HasUsage && r.Final {
		return u
	}
	if u.Prompt() == 0 {
		u.Input = r.Prompt
	}
	u.Output, u.Estimated = max(u.Output, r.BytesPerToken.Tokens(r.Delivered)), true
	return u
}

// Normal is the estimate by bytes of what Usage gives, whatever the provider reported.
func Normal(r Reading) fairlead.Normal {
	if r.Silent {
		return fairlead.Normal{}
	}
	return fairlead.Normal{Prompt: r.Prompt, Output: r.BytesPerToken.Tokens(r.Delivered)}
}

// Cost prices a usage at an endpoint: nil where the endpoint has no price (unknown, never 0) or the
// sum does not fit; 0 where the answer was silent. It is small enough to be inlined: whoever only looks at the cost allocates nothing.
func Cost(e *fairlead.Endpoint, silent bool, u fairlead.Usage) *fairlead.USD {
	c, ok := price(e, silent, u)
	if !ok {
		return nil
	}
	return &c
}

// price gives 0 where nothing was delivered: then not even the request is paid for.
func price(e *fairlead.Endpoint, silent bool, u fairlead.Usage) (fairlead.USD, bool) {
	if e.Price == nil || silent {
		return 0, e.Price != nil
	}
	c, err := e.Price.Cost(u)
	return c, err == nil
}

// whole is what margins are in parts of.
const whole = 1_000_000

// Charge is what an account pays for what costs so much: the cost and its margin, exact, rounded once, half up, to whole
// nano-dollars. The cost is 0 or more. Errors are those of Margin.Validate, and fairlead.ErrMoneyRange.
func Charge(cost fairlead.USD, margin fairlead.Margin) (fairlead.USD, error) {
	if err := margin.Validate(); err != nil {
		return 0, err
	}
	if cost < 0 {
		return 0, fairlead.ErrMoneyRange
	}
	return withMargin(cost, margin, whole/2)
}

// withMargin gives cost and margin, exact, with what is added before the rest of the division by whole falls away.
func withMargin(cost fairlead.USD, margin fairlead.Margin, round uint64) (fairlead.USD, error) {
	hi, lo := bits.Mul64(uint64(cost), whole+uint64(margin))
	lo, carry := bits.Add64(lo, round, 0)
	hi += carry
	if hi >= whole {
		return 0, fairlead.ErrMoneyRange
	}
	charge, _ := bits.Div64(hi, lo, whole)
	if charge > 1<<63-1 {
		return 0, fairlead.ErrMoneyRange
	}
	return fairlead.USD(charge), nil
}
