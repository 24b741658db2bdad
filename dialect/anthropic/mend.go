package anthropic

import (
	"bytes"

	"fairlead/dialect"
)

// Marks of a body that may need mending, as common writers of JSON space them.
var (
	unsigned       = []byte(`"signature":""`)
	unsignedSpaced = []byte(`"signature": ""`)
	toolResult     = []byte(`"tool_result"`)
)

// Mend rewrites a caller's request that the API would refuse because an earlier turn was answered by
// another provider: thinking without a signature is left out, and where the tool turn that is under
// way has no signed thinking, thinking is off for this request. ok is false where nothing needs
// mending, or where the body holds what the neutral form cannot: it then passes as it came.
func (d Dialect) Mend(body []byte, t dialect.Target, thinks bool) (mended []byte, ok bool) {
	marked := bytes.Contains(body, unsigned) || bytes.Contains(body, unsignedSpaced)
	if !marked && !(thinks && bytes.Contains(body, toolResult)) {
		return nil, false
	}
	r, err := d.ReadRequest(body)
	if err != nil || !needsMending(r) {
		return nil, false
	}
	mended, err = d.WriteRequest(r, t)
	return mended, err == nil
}

func needsMending(r *dialect.Request) bool {
	for _, m := range r.Messages {
		for i := range m.Parts {
			if p := &m.Parts[i]; p.Kind == dialect.PartThinking && p.Signature == "" {
				return true
			}
		}
	}
	on := r.Thinking != nil && !r.Thinking.Off
	return on && unsignedToolTurn(turns(r, true))
}
