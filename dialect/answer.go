package dialect

import "fairlead"

// Finish is why a model stopped.
type Finish string

// The reasons to stop.
const (
	FinishStop    Finish = "stop"   // the end of the turn, or a stop sequence
	FinishLength  Finish = "length" // the bound on output, or the context
	FinishTools   Finish = "tools"  // tools are to be called
	FinishFilter  Finish = "filter" // content filter or refusal
	FinishUnknown Finish = ""
)

// Answer is a whole answer in the neutral form.
type Answer struct {
	ID           string
	Model        string // the provider's own name for it
	Created      int64  // Unix seconds; 0 = the dialect has none
	Parts        []Part // PartText, PartThinking, PartRedacted, PartRefusal, PartToolUse, in order
	Finish       Finish
	StopSequence string // the sequence that matched, where the provider says
	Usage        fairlead.Usage
	HasUsage     bool
}

// EventKind says what an event is.
type EventKind uint8

// The kinds of events, with the fields of Event that each uses. A stream is: Start, then deltas,
// then Finish, with Usage anywhere, then End.
const (
	EventStart     EventKind = iota + 1 // ID, Model, Created; HasUsage where the prompt is known
	EventText                           // Text
	EventReasoning                      // Text
	EventSignature                      // Text: the signature of the reasoning before it
	EventRedacted                       // Text: redacted reasoning, whole
	EventRefusal                        // Text
	EventToolStart                      // Tool, ID, Name
	EventToolInput                      // Tool, Text: a fragment of the input's JSON
	EventFinish                         // Finish, StopSequence, Text (a refusal's explanation)
	EventUsage                          // Usage: totals so far, the last one stands
	EventEnd                            // the proper end
)

// Event is one step of a streamed answer in the neutral form.
type Event struct {
	Kind         EventKind
	Text         string
	Tool         int // counts the answer's tool calls from 0; events of several may interleave
	ID           string
	Name         string
	Model        string
	Created      int64
	Finish       Finish
	StopSequence string
	Usage        fairlead.Usage
	HasUsage     bool
}

// Meaningful reports whether the event commits an exchange.
func (e *Event) Meaningful() bool {
	switch e.Kind {
	case EventText, EventReasoning, EventRefusal, EventToolInput:
		return e.Text != ""
	case EventToolStart, EventRedacted, EventFinish, EventEnd:
		return true
	}
	return false
}

// Bounded reports whether the event ends an answer that reached the bound on its output.
func (e *Event) Bounded() bool { return e.Kind == EventFinish && e.Finish == FinishLength }

// Phase is the phase of a stream that the event belongs to.
func (e *Event) Phase() Phase {
	switch e.Kind {
	case EventText, EventRefusal:
		return PhaseText
	case EventReasoning, EventSignature, EventRedacted:
		return PhaseReasoning
	case EventToolStart, EventToolInput:
		return PhaseTools
	}
	return PhaseSame
}

// Bytes counts the text, reasoning and tool input that the event delivers.
func (e *Event) Bytes() int {
	switch e.Kind {
	case EventText, EventReasoning, EventRefusal, EventToolInput:
		return len(e.Text)
	}
	return 0
}
