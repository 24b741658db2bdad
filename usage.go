package fairlead

// Usage is what one exchange consumed, in tokens, normalised over dialects: Input, CacheRead, CacheWrite and Output do not
// overlap, and are all of it. What else there is are parts of these, which a provider tells apart or does not.
type Usage struct {
	Input       int64 // prompt tokens neither read from a cache nor written to one
	CacheRead   int64 // prompt tokens read from the provider's cache
	CacheWrite  int64 // prompt tokens written to the provider's cache
	Output      int64 // completion tokens, reasoning and sound included
	Reasoning   int64 // the part of Output that was reasoning
	AudioInput  int64 // the part of Input that was sound
	AudioOutput int64 // the part of Output that was sound; none of it is reasoning
	ImageInput  int64 // the part of the prompt that was images; it has no price of its own
	Images      int64 // images in the prompt: a count, not tokens
	Estimated   bool  // counted from bytes here, for the provider reported none, or not all
}

// Prompt is the whole prompt in tokens, cached or not.
func (u Usage) Prompt() int64 { return u.Input + u.CacheRead + u.CacheWrite }

// Total is the prompt and the completion in tokens.
func (u Usage) Total() int64 { return u.Prompt() + u.Output }

// Normal is what an exchange consumed by the same measure at every provider: the tokens estimated from the bytes of the prompt
// and from those that were delivered, whatever the provider reported.
type Normal struct {
	Prompt int64
	Output int64
}
