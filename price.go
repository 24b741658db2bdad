package fairlead

// Price is what an endpoint asks, per token unless it says otherwise; all of it is stated (package compile fills in what a
// configuration leaves out). An endpoint without any price has a nil *Price: unknown, never 0.
type Price struct {
	Input       UnitPrice
	Output      UnitPrice
	CacheRead   UnitPrice
	CacheWrite  UnitPrice
	Reasoning   UnitPrice // in place of Output's, of the tokens that were reasoning
	AudioInput  UnitPrice // in place of Input's, of the tokens that were sound
	AudioOutput UnitPrice // in place of Output's, likewise
	Image       UnitPrice // for each image in the prompt, beside its tokens
	Request     UnitPrice // for each exchange
	Tiers       []Tier    // by Above, lowest first
}

// Tier is the price of exchanges with a long prompt: of all of their tokens, the first ones too.
type Tier struct {
	Above int64 // tokens of the whole prompt, cached or not, beyond which it holds
	Price       // it has no tiers
}

// For gives the price of an exchange whose whole prompt has so many tokens: that of the highest tier that it is above.
func (p *Price) For(prompt int64) *Price {
	for i := len(p.Tiers) - 1; i >= 0; i-- {
		if prompt > p.Tiers[i].Above {
			return &p.Tiers[i].Price
		}
	}
	return p
}

// Cost prices a usage: exact integer arithmetic, rounded once (Total). Parts that are larger than what they are parts of are
// taken as all of it, so that no token is priced twice.
func (p *Price) Cost(u Usage) (USD, error) {
	p = p.For(u.Prompt())
	input, output := max(u.Input, 0), max(u.Output, 0)
	heard := min(max(u.AudioInput, 0), input)
	thought := min(max(u.Reasoning, 0), output)
	spoken := min(max(u.AudioOutput, 0), output-thought)
	return Total(
		PriceLine{input - heard, p.Input},
		PriceLine{heard, p.AudioInput},
		PriceLine{u.CacheRead, p.CacheRead},
		PriceLine{u.CacheWrite, p.CacheWrite},
		PriceLine{output - thought - spoken, p.Output},
		PriceLine{thought, p.Reasoning},
		PriceLine{spoken, p.AudioOutput},
		PriceLine{u.Images, p.Image},
		PriceLine{1, p.Request},
	)
}
