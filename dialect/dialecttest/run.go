// Package dialecttest is the contract that every dialect keeps, as one suite.
//
// A new dialect calls it from a test of its own package:
//
//	func TestContract(t *testing.T) {
//		dialecttest.Run(t, mylang.New(),
//			dialecttest.Exception{Case: "request/seed", Why: "the wire has no seed", Request: func(r *dialect.Request) { r.Seed = "" }},
//			dialecttest.Exception{Case: "request/audio", Why: "the wire has no audio", Refused: "input_audio"},
//		)
//	}
//
// The suite writes neutral requests, answers, streams and errors in the dialect's wire and reads them back:
// they have to come back equal. What the wire cannot hold is declared by an Exception, each of which is a
// rule that the dialect's package documentation states: a request is refused by name, or it comes back
// without what was dropped. An exception that nothing needs fails, so that the list stays the truth.
package dialecttest

import (
	"testing"

	"fairlead/dialect"
)

// Exception is a case that does not come back as it was written. One of Refused, Request, Answer and Events
// is set, by what the case is.
type Exception struct {
	Case string // "request/NAME", "answer/NAME" or "stream/NAME" (go test prints spaces as underscores)
	Why  string // the rule, in a few words

	Refused string                                // WriteRequest refuses with this Param
	Request func(*dialect.Request)                // makes of what was written what is read back
	Answer  func(*dialect.Answer)                 // the same, of an answer
	Events  func([]dialect.Event) []dialect.Event // the same, of a stream's events
}

// Run holds a dialect to the contract.
func Run(t *testing.T, d dialect.Dialect, exceptions ...Exception) {
	t.Helper()
	s := &suite{dialect: d, exceptions: map[string]*Exception{}, used: map[string]bool{}}
	for i := range exceptions {
		e := &exceptions[i]
		if e.Why == "" {
			t.Errorf("exception %s does not say why", e.Case)
		}
		if s.exceptions[e.Case] != nil {
			t.Errorf("two exceptions for %s", e.Case)
		}
		s.exceptions[e.Case] = e
	}
	if d.Name() == "" {
		t.Error("a dialect without a name")
	}
	t.Run("request", s.requests)
	t.Run("answer", s.answers)
	t.Run("stream", s.streams)
	t.Run("frames", s.frames)
	t.Run("continue", s.continued)
	t.Run("resume", s.resumed)
	t.Run("error", s.errors)
	for name := range s.exceptions {
		if !s.used[name] {
			t.Errorf("exception %s names no case of the suite", name)
		}
	}
}

type suite struct {
	dialect    dialect.Dialect
	exceptions map[string]*Exception
	used       map[string]bool
}

// exception finds the exception of a case; an empty one where there is none.
func (s *suite) exception(name string) *Exception {
	if e := s.exceptions[name]; e != nil {
		s.used[name] = true
		return e
	}
	return &Exception{}
}
