// Package health keeps what experience says of endpoints: breakers, cooldowns, bad credentials, retry
// budgets and learned deadlines. It is pure: every method takes the time, nothing here has a
// goroutine, a clock or a global, and reading a state takes no lock and no memory.
//
// A Board holds all of it by id, so that it survives a change of the configuration. A walk asks the
// Board for a Lane, its View, and a Ticket for each attempt; how the attempt went is its Evidence.
// DESIGN.md says which bounds hold by construction.
package health

import (
	"math/bits"
	"time"

	"fairlead"
)

// Kind is what an attempt says of its endpoint.
type Kind uint8

// The kinds of evidence. The last four leave the breaker alone.
const (
	Nothing Kind = iota // the caller left, the caller's fault, not sent
	Success             // a meaningful byte came
	Hard                // refused, reset, 5xx, broken: opens, the last endpoint too
	Light               // overloaded (529): half a hard failure
	Soft                // timeout, slow, outlier: never opens more than half of a model

	Limited       // 429: cools a dimension
	BadCredential // 401, 402, 403: disables the credential
	Misconfigured // 404: disables the endpoint
	Blocked       // the provider refuses this egress
)

// Evidence is how an attempt went, as far as health is concerned.
type Evidence struct {
	Kind     Kind
	Limit    Limit // of Limited
	Again    bool  // its exchange has accused the endpoint of the same: it may be the request's doing
	Revision int64 // of Misconfigured: the revision that the exchange entered under
}

// State is whether a lane may be used.
type State uint8

// The states, from the best to the worst.
const (
	Closed   State = iota // in use, with a share of its weight
	HalfOpen              // one exchange at a time may try it
	Cooling               // a limit was reached; well otherwise
	Open                  // failing
	Disabled              // credential, configuration or egress
)

// String is the state as plans and records spell it.
func (s State) String() string {
	return [...]string{"closed", "half_open", "cooling", "open", "disabled"}[s]
}

// Why a lane is in its state. The list is closed; Reasons holds it.
const (
	ReasonFailing      fairlead.Reason = "failing"       // hard failures opened the breaker
	ReasonOutlier      fairlead.Reason = "outlier"       // silent, slow or failing far more than its peers
	ReasonTrial        fairlead.Reason = "trial"         // half open
	ReasonRecovering   fairlead.Reason = "recovering"    // back with a part of its weight
	ReasonSuspect      fairlead.Reason = "suspect"       // half its weight for a second after a failure
	ReasonRateLimited  fairlead.Reason = "rate_limited"  // of this credential for this model
	ReasonAccountLimit fairlead.Reason = "account_limit" // of the whole credential
	ReasonCredential   fairlead.Reason = "credential"    // refused by the provider
	ReasonModelUnknown fairlead.Reason = "model_unknown" // the provider does not know the model
	ReasonEgress       fairlead.Reason = "egress"        // the provider refuses calls from here
	ReasonProviderDown fairlead.Reason = "provider_down" // its endpoints in use are all open
	ReasonSaturated    fairlead.Reason = "saturated"     // it has as many attempts as its limits allow at once
)

// Reasons lists every reason that a View can have.
var Reasons = []fairlead.Reason{
	ReasonFailing, ReasonOutlier, ReasonTrial, ReasonRecovering, ReasonSuspect, ReasonRateLimited,
	ReasonAccountLimit, ReasonCredential, ReasonModelUnknown, ReasonEgress, ReasonProviderDown,
	ReasonSaturated,
}

// View is the state of a lane at one moment.
type View struct {
	State  State
	Share  int             // per cent of the configured weight: 100, 50, 25, 5, or 0 where not closed
	Until  time.Time       // when the state may change by itself; zero = not known, or nothing to wait for
	Reason fairlead.Reason // "" where nothing is wrong
	Busy   bool            // half open, and its trial is under way
	// Stay is how long a caller who can ask nobody else waits before it is the trial: the ones before it left
	// before they proved anything, and whoever leaves at once never is it.
	Stay time.Duration
	Soft bool // open on soft evidence or by inference: the last resort where all else is gone
	// Sure tells that two trials or probes running have found it failing still. A first opening is a suspicion: with
	// 100 exchanges a second an endpoint that fails one of 100 has one each minute or two.
	Sure bool
}

// Proven reports that it is more than a suspicion that keeps the lane out of use: what the provider has said of a
// limit, a credential, a model or a place, or trials that went on failing.
func (v View) Proven() bool {
	return v.Sure || v.State == Cooling || v.State == Disabled || v.Reason == ReasonProviderDown
}

// Usable reports whether Acquire would give a ticket that is no last resort.
func (v View) Usable() bool { return v.State == Closed || (v.State == HalfOpen && !v.Busy) }

// Ticket is the permission for one attempt. It is released once.
type Ticket struct {
	began int64
	trial uint64 // which trial; 0 = none
}

// Trial reports whether the attempt is the one that decides over a half-open endpoint: it is paid for
// by the budget and wants another endpoint sent after TrialPatience of silence.
func (t Ticket) Trial() bool { return t.trial != 0 }

// TrialPatience is the silence of a trial after which the next endpoint is asked beside it.
const TrialPatience = 2 * time.Second

// since turns times into nanoseconds after an epoch, by the monotonic clock where there is one: a wall
// clock that is set back must not keep a breaker open. The epoch itself is headroom, so that what is
// reckoned back from it is a time, too; 0 is none.
type since struct{ epoch time.Time }

const headroom = int64(time.Hour)

func (s since) at(now time.Time) int64 { return max(int64(now.Sub(s.epoch))+headroom, 1) }

func (s since) time(at int64) time.Time {
	if at == 0 {
		return time.Time{}
	}
	return s.epoch.Add(time.Duration(at - headroom))
}

// jitter is a small generator (splitmix64) that needs no lock but its owner's.
type jitter uint64

// float gives a number in [0, 1).
func (j *jitter) float() float64 {
	*j += 0x9e3779b97f4a7c15
	z := uint64(*j)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return float64((z^z>>31)>>11) / (1 << 53)
}

// mix derives a seed from another and a name (FNV-1a).
func mix(seed uint64, names ...string) uint64 {
	h := uint64(14695981039346656037) ^ bits.RotateLeft64(seed, 32)
	for _, name := range names {
		for i := range len(name) {
			h = (h ^ uint64(name[i])) * 1099511628211
		}
		h = (h ^ 0xff) * 1099511628211
	}
	return h
}
