package fairlead

// Usage is what one exchange consumed, in tokens, normalised over dialects: the four price classes
// do not overlap, so a cost is their sum.
type Usage struct {
	Input      int64 // prompt tokens neither read from a cache nor written to one
	CacheRead  int64 // prompt tokens read from the provider's cache
	CacheWrite int64 // prompt tokens written to the provider's cache
	Output     int64 // completion tokens, reasoning included
	Reasoning  int64 // the part of Output that was reasoning; not a price class of its own
	Estimated  bool  // counted from bytes here, for the provider reported none
}

// Prompt is the whole prompt in tokens, cached or not.
func (u Usage) Prompt() int64 { return u.Input + u.CacheRead + u.CacheWrite }

// Total is the prompt and the completion in tokens.
func (u Usage) Total() int64 { return u.Prompt() + u.Output }

// Price is what an endpoint asks, per token. A price class that a configuration leaves out costs
// what Input costs (cache classes); an endpoint without any price has a nil *Price: unknown, never 0.
type Price struct {
	Input      UnitPrice
	Output     UnitPrice
	CacheRead  UnitPrice
	CacheWrite UnitPrice
	Request    UnitPrice // for each exchange, in pico-dollars
}

// Cost prices a usage: exact integer arithmetic, rounded once (Total).
func (p *Price) Cost(u Usage) (USD, error) {
	return Total(
		PriceLine{u.Input, p.Input},
		PriceLine{u.CacheRead, p.CacheRead},
		PriceLine{u.CacheWrite, p.CacheWrite},
		PriceLine{u.Output, p.Output},
		PriceLine{1, p.Request},
	)
}
