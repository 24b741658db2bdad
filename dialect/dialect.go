// Package dialect holds the neutral form of requests, answers and stream events, and the contract of
// a wire language. Each language is a folder below: it reads its own wire into the neutral form and
// writes the neutral form to its own wire, so that N languages need N readers and N writers.
package dialect

import (
	"strconv"

	"fairlead"
	"fairlead/internal/jsonscan"
	"fairlead/internal/sse"
)

// Dialect is a wire language in both directions.
type Dialect interface {
	Name() fairlead.Dialect

	// Facts reads what routing and admission need from the scanned top level of a caller's body.
	// Errors are *fairlead.Error with a 400 code and the field in Param.
	Facts(op fairlead.Operation, body *jsonscan.Object) (Facts, error)

	// Acts reports whether the provider is asked to do more than write text: to run tools of its own, such as
	// a search, or to make sound or images. Such a request is not sent to two of them at once. What it does
	// not know it takes for such a demand.
	Acts(body *jsonscan.Object) bool

	Requests
	Answers
	Continuations
	Errors
}

// Requests reads and writes requests of the chat operation.
type Requests interface {
	// ReadRequest reads a caller's body. What the neutral form cannot hold is a *fairlead.Error
	// with CodeInvalidRequest or CodeUnsupportedParameter and the field in Param, or is dropped by a
	// rule that the dialect's package documentation states.
	ReadRequest(body []byte) (*Request, error)
	// WriteRequest writes a body for an endpoint of this dialect. What the dialect cannot express
	// is a *fairlead.Error with CodeUnsupportedParameter and Param, or is dropped by a documented rule.
	WriteRequest(r *Request, t Target) ([]byte, error)
}

// Mender is a Dialect whose providers refuse some requests that are right by its own rules, because an
// earlier turn of theirs was answered by a provider of another dialect.
type Mender interface {
	// Mend rewrites a caller's body for an endpoint of the same dialect; ok is false where the body
	// is to pass as it came.
	Mend(body []byte, t Target, thinks bool) (mended []byte, ok bool)
}

// Answers reads and writes answers of the chat operation, whole and streamed, and watches those that
// pass through unchanged.
type Answers interface {
	// ReadAnswer reads a whole 200 body. A *Fault is an error that the provider put into it; any
	// other error means the body is not an answer of this dialect, or one without a reason why it ended,
	// which may be half of one.
	ReadAnswer(body []byte) (*Answer, error)
	WriteAnswer(a *Answer) []byte
	// Inspect looks at a whole 200 body of any operation that passes through unchanged: usage, and
	// whether it is an answer at all. It uses scratch's memory, so that it need not allocate any.
	// Errors are as ReadAnswer's; a reason to end is wanted of each choice of chat, and of no other
	// operation.
	Inspect(op fairlead.Operation, body []byte, scratch *jsonscan.Object) (Inspection, error)

	// ReadUsage reads the value of an answer's usage member, of any operation; ok is false where it says
	// nothing. The value need not have been scanned: it may be cut out of an answer that is too large to be
	// read whole.
	ReadUsage(v jsonscan.Value) (u fairlead.Usage, ok bool)
	NewDecoder() Decoder
	NewEncoder(o EncodeOptions) Encoder
	NewWatcher(op fairlead.Operation) Watcher
}

// Errors writes errors for callers. Those that come from providers with a status of 400 or more are not a
// dialect's to read, for their shapes do not keep to it (upstream/failure); those inside a success are read by
// Answers.
type Errors interface {
	// WriteError writes the body of an error answer.
	WriteError(e *fairlead.Error, requestID string) []byte
	// WriteStreamError writes the in-band frame that ends a committed stream.
	WriteStreamError(e *fairlead.Error, requestID string) []byte
}

// Facts is what routing and admission need to know of a body.
type Facts struct {
	Model       string
	Stream      bool
	StreamUsage bool  // the caller asked for the usage frame (openai: stream_options.include_usage)
	MaxOutput   int64 // tokens; 0 = no bound given
	Needs       fairlead.Abilities
	Thinks      bool // reasoning was asked for
	Stateless   bool // nothing is stored at the provider: may be sent again
	Choices     int  // answers asked for at once, all of them together; 0 or 1 = one

	// What of the body is no text, for an estimate of its tokens.
	Media      int64 // bytes of base64 in media parts: images, audio, files
	MediaParts int   // media parts, those that are URLs or ids among them
	Images     int   // of them
}

// Target is what a request is written for.
type Target struct {
	Model     string // the provider's own model name
	MaxOutput int    // the model's bound in tokens, for dialects that demand one; 0 = unknown
	Usage     bool   // ask the provider to report usage on streams (false where it refuses to be asked)
}

// Decoder turns the frames of a provider's stream into neutral events.
type Decoder interface {
	// Decode appends the events of one frame to dst. A *Fault is an error that the provider sent
	// in-band; any other error means that the frame is malformed.
	Decode(dst []Event, f sse.Frame) ([]Event, error)
	// Complete reports whether the stream has been brought to its proper end, so that an end of
	// file now is no truncation.
	Complete() bool
}

// Encoder turns neutral events into the frames of a caller's stream.
type Encoder interface {
	// Encode appends the frames for one event to dst.
	Encode(dst []byte, e Event) []byte
}

// Holder is an Encoder that holds back what it cannot write yet.
type Holder interface {
	// Held is about how many bytes of memory that takes now; 0 where nothing waits. It costs nothing to ask.
	Held() int
}

// EncodeOptions is what a caller's stream carries that no event says.
type EncodeOptions struct {
	RequestID string
	Model     string // used until an event brings the provider's own name
	Usage     bool   // send the usage frame (openai: only callers that asked)
	Created   int64  // Unix seconds, where the provider's dialect has no such time
}

// Watcher looks at frames that pass unchanged.
type Watcher interface {
	// Watch looks at one frame, in order. Errors are as Decoder's.
	Watch(f sse.Frame) (Sight, error)
	// Complete is as Decoder's.
	Complete() bool
	// Usage is the last usage that was reported; ok is false where there was none.
	Usage() (u fairlead.Usage, ok bool)
}

// Counter is a Watcher of streams that may hold several answers side by side.
type Counter interface {
	// Expect tells how many were asked for. A stream with fewer is complete only where its last frame came, for
	// there are servers that always give one.
	Expect(choices int)
	// Missing reports whether nothing but that keeps the stream from being complete.
	Missing() bool
}

// Ender is a Watcher that can write the last frame, where a provider has left it out.
type Ender interface {
	// End appends it to dst. It is called where the stream is complete and has ended without it.
	End(dst []byte) []byte
}

// Sight is what a Watcher saw in one frame.
type Sight struct {
	Meaningful bool  // text, reasoning, refusal, tool or media delta, or a terminal frame: it commits
	Bounded    bool  // it is the end of an answer that reached the bound on its output
	UsageOnly  bool  // carries usage and nothing else: withheld from callers who did not ask for it
	Terminal   bool  // nothing follows ([DONE], message_stop)
	Phase      Phase // that it leaves the stream in
	Bytes      int   // of text, reasoning and tool arguments in it
}

// Says reports whether the frame brings something of an answer: what is meaningful and more than an end. Whose answer ends at a
// bound before it says anything has what it asked for: a warm cache, or reasoning that is not shown.
func (s Sight) Says() bool { return s.Meaningful && (s.Phase != PhaseSame || s.Bounded) }

// Phase is what a stream is in the middle of. Silences differ between them.
type Phase uint8

// The phases of a stream. One is entered with its first delta, or with the start of its block where that
// is told, for a model may think without a word.
const (
	PhaseSame      Phase = iota // the frame changes nothing
	PhaseText                   // a refusal and sound, too
	PhaseReasoning              // redacted and encrypted, too
	PhaseTools                  // arguments of a call; what a tool of the provider's own brings; images
)

// Inspection is what a whole answer says about itself.
type Inspection struct {
	Usage    fairlead.Usage
	HasUsage bool
	Bytes    int // of text, reasoning and tool arguments in it; for an estimate where usage is missing
	Empty    bool
	Silent   bool // it says nothing, and no bound on its output kept it from that; what is Empty is silent, too
}

// Fault is an error as a provider stated it, in whatever shape.
type Fault struct {
	Status  int // HTTP status, or the one that an in-band type stands for; 0 = unknown
	Type    string
	Code    string // a string even where the provider sent a number
	Message string // the provider's own words: may quote the caller's prompt
	Param   string
}

// Error names the fault so that it can be logged: by the type and the code that are known, else by the
// status. All other words are the provider's own, which may quote a prompt, were it of one word.
func (f *Fault) Error() string {
	s := "provider error"
	typed, coded := known(f.Type), known(f.Code) && f.Code != f.Type
	if typed {
		s += " " + f.Type
	}
	if coded {
		s += " (" + f.Code + ")"
	}
	if !typed && !coded && f.Status != 0 {
		s += " " + strconv.Itoa(f.Status)
	}
	return s
}
