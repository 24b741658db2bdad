// Package meter says what an exchange consumed and what it costs. It is pure: counts and prices in,
// exact integer money out.
package meter

import "fairlead"

// Reading is what is known of an exchange's consumption when it ends.
type Reading struct {
	Reported  fairlead.Usage // what the provider said
	HasUsage  bool
	Broken    bool  // the answer broke off: what was reported may be short of what was delivered
	Prompt    int64 // the prompt as estimated at the door, in tokens
	Delivered int64 // bytes of text, reasoning and tool input that reached the caller
}

// Usage gives the provider's numbers where there are any. Where there are none it estimates: the
// prompt as it was estimated at the door, the output from the bytes delivered, rounded up, and marks
// it. Of a broken answer the output is estimated where that gives more than was reported so far.
func Usage(r Reading) fairlead.Usage {
	if r.HasUsage {
		u := r.Reported
		if delivered := fairlead.EstimateTokens(r.Delivered); r.Broken && delivered > u.Output {
			u.Output, u.Estimated = delivered, true
		}
		return u
	}
	return fairlead.Usage{
		Input:     r.Prompt,
		Output:    fairlead.EstimateTokens(r.Delivered),
		Estimated: true,
	}
}

// Cost prices a usage at an endpoint: nil where the endpoint has no price (unknown, never 0) or the
// sum does not fit. It is small enough to be inlined: whoever only looks at the cost allocates nothing.
func Cost(e *fairlead.Endpoint, u fairlead.Usage) *fairlead.USD {
	c, ok := price(e, u)
	if !ok {
		return nil
	}
	return &c
}

func price(e *fairlead.Endpoint, u fairlead.Usage) (fairlead.USD, bool) {
	if e.Price == nil {
		return 0, false
	}
	c, err := e.Price.Cost(u)
	return c, err == nil
}
