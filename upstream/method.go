package upstream

import (
	"fairlead"
	"fairlead/dialect"
	"fairlead/internal/jsonscan"
	"fairlead/provider"
)

// method is a way to have another attempt go on with an answer that broke off.
type method uint8

// The methods, in order of fidelity.
const (
	methodNone       method = iota
	methodFinal             // the assistant's turn is the last, and the server is told to go on with it (vLLM, SGLang)
	methodPrefill           // the assistant's turn is the last
	methodRegenerate        // the same request again; what was said is taken off the front of the new answer
	methodAnchor            // the assistant's turn, and the user asks to begin by repeating its end
	methods
)

// name tells the caller of the method.
func (m method) name() string {
	return [...]string{"", "final", "prefill", "regenerate", "anchor"}[m]
}

// why names the method in records.
func (m method) why() string { return "continue_" + m.name() }

// across reports whether the method can go on with another model's text.
func (m method) across() bool { return m != methodAnchor }

// methodsAt lists the ways in which an endpoint can go on. Prefill is asked of those alone that declare it:
// others refuse it, or begin anew without a word.
func (l *legs) methodsAt(e *fairlead.Endpoint) []method {
	anthropic := e.Provider.Dialect == fairlead.Anthropic
	var list []method
	said := trimmed(l.said())
	fits := len(l.said())-len(said) <= spaceMost
	if said != "" && fits && e.Supports.Closed {
		final := e.Supports.Set.Has(fairlead.ContinueFinalMessage)
		switch {
		case anthropic && l.thinks: // refused where thinking is enabled
		case final && !anthropic:
			list = append(list, methodFinal)
		case final, e.Supports.Set.Has(fairlead.Prefill): // to go on with the last turn is that wire's rule
			list = append(list, methodPrefill)
		}
	}
	if l.repeatable() {
		list = append(list, methodRegenerate)
	}
	if fits && len(l.anchor()) >= anchorLeast {
		list = append(list, methodAnchor)
	}
	return list
}

// repeatable reports whether the same request is likely to give the same text: where it asks for that, or
// where so little was said that it hardly matters.
func (l *legs) repeatable() bool {
	return l.deterministic || len(trimmed(l.said())) < anchorLeast
}

// askTo writes what is asked of the next attempt.
func (l *legs) askTo(m method, ask *provider.Ask) (*provider.Ask, error) {
	var body jsonscan.Object
	if err := body.Scan(ask.Body); err != nil {
		return nil, err
	}
	c := dialect.Continuation{Said: trimmed(l.said()), MaxOutput: ask.Facts.MaxOutput}
	if c.MaxOutput > 0 {
		c.MaxOutput = max(c.MaxOutput-l.per.Tokens(l.delivered), 1)
	}
	switch m {
	case methodRegenerate:
		c = dialect.Continuation{}
	case methodAnchor:
		c.Ask = instruction + l.anchor()
		if c.MaxOutput > 0 {
			c.MaxOutput += l.per.Tokens(int64(len(l.anchor())))
		}
	}
	text, err := ask.Caller.Continue(&body, c)
	if err != nil {
		return nil, err
	}
	next := &provider.Ask{
		Op: ask.Op, Caller: ask.Caller, Body: text, Top: new(jsonscan.Object), Facts: ask.Facts, Forward: ask.Forward,
		Final: m == methodFinal,
	}
	return next, next.Top.Scan(text)
}

// instruction asks to go on. Merely told to continue, models lose the space at the seam or begin a new
// paragraph; those that have to repeat the end first hit it.
const instruction = "Your last message was cut off in transmission. Go on with it exactly where it stopped, in the same " +
	"language, tone and format. Begin by repeating its last characters, letter for letter, so that the two parts can be " +
	"joined, and say nothing else before or about it. Its last characters are:\n"
