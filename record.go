package fairlead

import "time"

// Record is what one exchange did.
type Record struct {
	Request
	CallerID   string // the caller's own x-request-id
	KeyID      string
	Account    string // of the key, when the exchange entered
	Team       string // likewise
	Revision   int64
	Trial      string // the trial that was on, by its id; "" = none
	Tried      bool   // it went by the revision on trial, not by the one beside it
	Served     string // the configured name of the model asked for; "" where there is none
	Start      time.Time
	Attempts   []Attempt
	Shut       []string // endpoints whose turn it was, and which health kept from being asked
	Withheld   []string // likewise, but by no more than a suspicion, or by the part of the weight that one which comes back has not yet
	Endpoint   string   // the one that was committed; "" where none was
	Status     int      // the status that the caller was answered with
	Code       Code     // "" where all went well
	Err        error    // the cause, for the log
	Usage      Usage
	Normal     Normal
	Cost       *USD          // nil = the price is unknown; 0 where nothing was delivered
	TTFT       time.Duration // entry to commit; 0 where nothing was committed
	Duration   time.Duration
	Overhead   time.Duration // Duration less the time spent waiting for caller and upstreams
	BytesIn    int64
	BytesOut   int64
	Translated bool // caller and endpoint speak different dialects
	Intended   bool // it was to be sent to a provider, and whoever keeps intents was told before
}

// Attempt is one try of an exchange at one endpoint.
type Attempt struct {
	Endpoint string
	Start    time.Duration // since the exchange began
	Duration time.Duration // to its commit or its failure; of an interrupted one, to its break
	Status   int           // HTTP status; 0 where none was read
	Outcome  Outcome
	Detail   string // a short reason without any text of the provider or the caller
	Why      string // why it was made here: first, elsewhere, same, fallback, last_resort, hedge, beside_trial, or how it went on with the answer: continue_...
	After    bool   // it failed, or was made, after the commit
	// Blameless tells that the outcome says nothing of the endpoint although its kind could: a kept connection
	// was closed under us, a stop sequence of the caller's may have cut an empty answer.
	Blameless bool
}

// Blames reports whether the attempt failed in a way that counts against its endpoint.
func (a *Attempt) Blames() bool {
	f := a.Outcome.Fault()
	return (f == FaultProvider || f == FaultOperator) && !a.Blameless
}

// Made counts the attempts that were made: a request that an endpoint cannot be asked in its dialect is
// none.
func Made(list []Attempt) int {
	n := 0
	for i := range list {
		if list[i].Outcome != OutcomeRequestBuild {
			n++
		}
	}
	return n
}

// Outcome is how an attempt ended.
type Outcome string

// How an attempt ends.
const (
	OutcomeOK           Outcome = "ok"           // committed, and complete
	OutcomeConnect      Outcome = "connect"      // no connection: refused, reset, TLS, no route
	OutcomeTimeout      Outcome = "timeout"      // nothing meaningful in time
	OutcomeServerError  Outcome = "server_error" // 5xx, or an error inside a 200
	OutcomeRateLimited  Outcome = "rate_limited" // 429
	OutcomeCredential   Outcome = "credential"   // 401, 402, 403
	OutcomeModel        Outcome = "model"        // 404: the provider does not know the model
	OutcomeCallerFault  Outcome = "caller_fault" // 4xx that any endpoint would give
	OutcomeMalformed    Outcome = "malformed"    // not what the dialect allows
	OutcomeInterrupted  Outcome = "interrupted"  // broke off after the commit
	OutcomeCallerGone   Outcome = "caller_gone"  // the caller left
	OutcomeSuperseded   Outcome = "superseded"   // another attempt beside it was faster, and it was cancelled
	OutcomeRequestBuild Outcome = "not_sent"     // the request cannot be expressed at this endpoint

	OutcomeQuota      Outcome = "quota"          // the account's money, or its allowance for a day or longer, is used up
	OutcomeOverloaded Outcome = "overloaded"     // the provider has no room for anyone now
	OutcomeOverTier   Outcome = "over_tier"      // this one request is larger than all that the account may send in a minute
	OutcomeContext    Outcome = "context_length" // the prompt does not fit into the endpoint's context
	OutcomeFilter     Outcome = "content_filter" // the provider's policy refused the prompt or its answer
	OutcomeRegion     Outcome = "region"         // the provider refuses the place that it is called from
	OutcomeTooLarge   Outcome = "too_large"      // the body is larger than the provider takes
	OutcomeNoSeam     Outcome = "no_seam"        // what it said did not go on where the answer had broken off
	OutcomeGeneration Outcome = "generation"     // the model made what its provider could not use, such as a broken tool call
)

// Fault says whose fault an attempt's end is: the provider's or the operator's where it counts against the endpoint,
// 0 where nothing went wrong. What has no row, such as an attempt that lost against one beside it, is nobody's.
func (o Outcome) Fault() Fault {
	switch o {
	case OutcomeOK:
		return 0
	case OutcomeConnect, OutcomeTimeout, OutcomeServerError, OutcomeRateLimited, OutcomeOverloaded, OutcomeMalformed, OutcomeInterrupted:
		return FaultProvider
	case OutcomeCredential, OutcomeQuota, OutcomeModel, OutcomeRegion:
		return FaultOperator
	case OutcomeCallerFault, OutcomeContext, OutcomeFilter, OutcomeTooLarge, OutcomeOverTier:
		return FaultCaller
	}
	return FaultNobody
}
