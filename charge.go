package fairlead

// LineKind says what a line of a spool tells.
type LineKind string

// The kinds of lines. Who reads lines passes by kinds and fields that it does not know: a newer edge can have more.
const (
	LineIntent LineKind = "intent" // an exchange was let in and planned; nothing was sent for it yet
	LineCharge LineKind = "charge" // an exchange with an intent has ended
	LineGap    LineKind = "gap"    // so many lines before this one could not be written
)

// ChargeLine is a line of a spool: one JSON object. Each exchange that a provider may have been asked for has an
// intent, written before anything is sent, and a charge with the same ID, written at its end; an intent without a
// charge is an exchange that its process did not outlive.
type ChargeLine struct {
	Kind     LineKind `json:"kind"`
	ID       string   `json:"id,omitempty"` // the exchange's
	At       int64    `json:"at"`           // when the line was written: microseconds since 1970, by the node's clock
	Key      string   `json:"key,omitempty"`
	Account  string   `json:"account,omitempty"` // of the key, when the exchange entered
	Team     string   `json:"team,omitempty"`    // likewise
	Model    string   `json:"model,omitempty"`   // the configured name of the one asked for
	Revision int64    `json:"revision,omitempty"`
	Pools    Pools    `json:"pools,omitempty"` // that it pays from

	// Of an intent: what the exchange may consume, in tokens.
	Prompt    int64 `json:"prompt,omitempty"`     // estimated
	MaxOutput int64 `json:"max_output,omitempty"` // the caller's own bound

	// Of a charge: what it did consume, and how it ended.
	Endpoint     string `json:"endpoint,omitempty"` // that was committed to
	Input        int64  `json:"input,omitempty"`
	CacheRead    int64  `json:"cache_read,omitempty"`
	CacheWrite   int64  `json:"cache_write,omitempty"`
	Output       int64  `json:"output,omitempty"`
	Reasoning    int64  `json:"reasoning,omitempty"`
	AudioInput   int64  `json:"audio_input,omitempty"`
	AudioOutput  int64  `json:"audio_output,omitempty"`
	ImageInput   int64  `json:"image_input,omitempty"`
	Images       int64  `json:"images,omitempty"`
	Estimated    bool   `json:"estimated,omitempty"`
	NormalPrompt int64  `json:"normal_prompt,omitempty"` // estimated from bytes, whatever the provider reported
	NormalOutput int64  `json:"normal_output,omitempty"` // likewise
	Cost         *USD   `json:"cost,omitempty"`          // in nano-dollars; absent = the price is unknown, or no endpoint answered
	Charge       *USD   `json:"charge,omitempty"`        // what the account pays, its margin included, in nano-dollars; absent = it pays nothing
	Status       int    `json:"status,omitempty"`
	Code         Code   `json:"code,omitempty"`
	Attempts     int    `json:"attempts,omitempty"`

	// Of a gap.
	Lines int64 `json:"lines,omitempty"` // that are missing
}

// FoundLine is a line of an exchange, with the frame that is its evidence.
type FoundLine struct {
	ChargeLine
	Frame FrameKey `json:"frame"`
}
