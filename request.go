package fairlead

// Request is what routing and admission need to know of an exchange's request. The body itself stays
// with the gateway.
type Request struct {
	ID        string // ours: "req_…"
	Operation Operation
	Dialect   Dialect // the caller's
	Model     string  // as asked
	Stream    bool
	Needs     Abilities // what the content needs, the operation included
	Prompt    int64     // estimated prompt in tokens
	MaxOutput int64     // the caller's own bound in tokens; 0 = none given
	Thinks    bool      // the caller asked for reasoning: silence before the first token can be long
	Paying    bool      // an account pays for it: only endpoints with a price may serve it
	Stateless bool      // may be sent again after a byte of it was written
	Allowed   *KeyTerms // of the caller's key: which models and endpoints it may use; nil = all
}

// BytesPerToken is the default by which tokens are estimated from bytes of text.
const BytesPerToken = 4
