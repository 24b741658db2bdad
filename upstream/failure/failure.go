// Package failure says what a failed attempt means: what to try next, what it tells of the endpoint, and
// how long to wait. Classify is pure: evidence in, verdict out.
//
// It decides in this order, and the first that matches wins:
//
//	a broken connection                    by how it broke (Break)
//	a page of HTML                         by its status: a proxy or a firewall spoke, not the API
//	rows of the place                      the same status means different things at different providers
//	rows of codes and types                wherever they come from
//	rows of texts                          within their statuses only, from the text's first letter on
//	the status
//
// A provider's text may quote the caller's prompt. So a text never proves anything by what stands somewhere
// in it: it has to begin as the provider's own template does, under a status that the template comes with,
// and beside no code that says something else.
package failure

import (
	"net/http"
	"strings"
	"time"

	"fairlead"
)

// Evidence is what was seen of a failed attempt.
type Evidence struct {
	Place   string // the provider table's row ("openai", "groq", "together", ...), "" for a place that is not in it
	Dialect fairlead.Dialect
	Status  int         // of the answer; 0 = none was read
	Header  http.Header // of the answer; an exception frame of AWS has its ":exception-type" here too
	Body    []byte      // of an error answer, or the one frame or body inside a 200 that says error
	InBand  bool        // it stood inside a success
	Break   Break       // how the attempt broke where no words say it
	Err     error       // what broke the connection, where that is all there is: read for its kind, never for its text
	Now     time.Time
}

// Break is how an attempt ended without words of the provider.
type Break uint8

// The breaks. BreakUnknown is told by Err.
const (
	BreakUnknown   Break = iota
	BreakConnect         // no connection, or none any more before an answer: DNS, refused, TLS, reset
	BreakStale           // a kept connection was closed under us: nothing of the request was taken
	BreakTimeout         // nothing meaningful in time
	BreakMalformed       // not what HTTP or the dialect allows
	BreakTruncated       // the answer ended before its end
	BreakEmpty           // a whole answer that says nothing
	BreakUnasked         // a whole answer where a stream was asked for
	BreakLeft            // the caller left
)

// Verdict is what the evidence means.
type Verdict struct {
	Outcome fairlead.Outcome
	Retry   Retry
	Health  Health
	Mend    Mend
	// Wait is how long the provider asks to wait, 0 to 24 hours; 0 = it says nothing.
	Wait time.Duration
	// Long asks for a long cooldown: a quota is used up, or Wait is longer than a rate limit lasts.
	Long bool
	// AccountWide tells that a limit or refusal holds for the whole credential, not for one model.
	AccountWide bool
	// Unsure tells that one such answer is no proof: the status alone says it, or a request may bring it about.
	Unsure bool
	// Dimension is the limit that was reached, one of Dimensions; "" where nothing tells.
	Dimension string
	// Row names the rule that decided, for records; no text of the provider or the caller.
	Row   string
	Fault Fault
}

// Fault is an error as a provider stated it, in whatever shape. None of it may be logged.
type Fault struct {
	Status  int    // that the words themselves state; 0 = none
	Type    string // such as rate_limit_error; for AWS the exception, for Google the canonical code
	Code    string // a string even where the provider sent a number
	Message string // the provider's own words: may quote the caller's prompt
	Param   string
}

// Retry says where the exchange may be tried again: a set of bits, 0 = nowhere.
type Retry uint8

// Where to try again.
const (
	Same          Retry = 1 << iota // this endpoint, after Wait
	Elsewhere                       // another endpoint of the model
	LargerContext                   // an endpoint or a fallback model, only where the context is larger
	Fallback                        // a fallback model
)

// Has reports whether all bits of x are set.
func (r Retry) Has(x Retry) bool { return r&x == x && x != 0 }

// String names the bits, for records: "same+elsewhere", "nowhere".
func (r Retry) String() string {
	var names []string
	for i, name := range []string{"same", "elsewhere", "larger_context", "fallback"} {
		if r&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "nowhere"
	}
	return strings.Join(names, "+")
}

// Health is what a failure says of the endpoint.
type Health uint8

// What a failure says.
const (
	Nothing       Health = iota
	Failure              // it failed: a sample for its breaker
	Light                // half a failure: it is overloaded
	Capacity             // no fault: it cools until its limit resets
	Credential           // the credential is bad or out of money; the endpoint is not
	Egress               // it cannot be called from here
	Configuration        // its mapping is broken until the configuration changes
)

// String names the health, for records.
func (h Health) String() string {
	return [...]string{"nothing", "failure", "light", "capacity", "credential", "egress", "configuration"}[h]
}

// Mend is a change to the request, or to what goes with it, that lets this endpoint take it.
type Mend uint8

// The mends. None is done here: a caller's fault that could be mended still has no Retry of its own.
const (
	MendNone       Mend = iota
	MendParam           // leave out the optional field that Fault.Param names
	MendReasoning       // leave out reasoning that another provider encrypted
	MendSignature       // replace thought signatures by the provider's sentinel
	MendMaxTokens       // ask for fewer output tokens: the limit counts what is asked for
	MendCredential      // refresh the credential's token or the clock
)

// String names the mend, for records.
func (m Mend) String() string {
	return [...]string{"none", "param", "reasoning", "signature", "max_tokens", "credential"}[m]
}

// Dimensions are the limits that Verdict.Dimension may name.
var Dimensions = []string{
	"requests", "tokens", "input_tokens", "output_tokens", "images", "concurrency",
	"requests_day", "tokens_day",
}
