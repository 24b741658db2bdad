package fairlead

// Plan is the ordered endpoints for one exchange, and why the others were left out.
type Plan struct {
	Steps   []Step
	LeftOut []LeftOut
}

// Step is one endpoint of a plan. Asked is the model name under which this step is asked: the
// caller's own, or a fallback model's.
type Step struct {
	Endpoint *Endpoint
	Asked    string
	Fallback bool
}

// LeftOut is an endpoint that this request may not use, with the reason.
type LeftOut struct {
	Endpoint *Endpoint
	Reason   Reason
	Detail   string // what exactly, such as the ability that is lacking
}

// Reason says why an endpoint was left out of a plan. The list is closed.
type Reason string

// Why an endpoint is left out.
const (
	ReasonKey          Reason = "key"           // the caller's key may not use it, or its model
	ReasonDrained      Reason = "drained"       // weight 0
	ReasonAbility      Reason = "ability"       // its closed `supports` list lacks what the request needs
	ReasonDialect      Reason = "dialect"       // its provider's dialect has no such operation
	ReasonNoCredential Reason = "no_credential" // no credential of its provider could be resolved here
	ReasonNoPrice      Reason = "no_price"      // its price is not known, and the exchange is one that is paid for
)
