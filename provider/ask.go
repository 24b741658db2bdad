package provider

import (
	"fairlead"
	"fairlead/dialect"
	"fairlead/internal/jsonscan"
)

// Ask is one exchange's request, as every attempt of it needs it. It belongs to one goroutine.
type Ask struct {
	Op      fairlead.Operation
	Caller  dialect.Dialect // the caller's language
	Body    []byte          // whole and checked; never changed
	Top     *jsonscan.Object
	Facts   dialect.Facts
	Forward Forward
	Final   bool // the last message is the assistant's, and the server is to go on with it (vLLM, SGLang)

	neutral *dialect.Request
	unread  error
}

// Forward is what a caller's headers contribute to upstream requests; everything else of them stays here.
type Forward struct {
	AnthropicVersion string
	AnthropicBeta    string
	OpenAIBeta       string
	Traceparent      string
}

// Neutral gives the request in the neutral form; it is read at the first call, for only an attempt
// at an endpoint of another dialect needs it. The result is not to be changed.
func (a *Ask) Neutral() (*dialect.Request, error) {
	if a.neutral == nil && a.unread == nil {
		a.neutral, a.unread = a.Caller.ReadRequest(a.Body)
	}
	return a.neutral, a.unread
}

// Forget lets go of the neutral form, which holds a large body once more; the next attempt that needs it
// reads it again.
func (a *Ask) Forget() { a.neutral = nil }
