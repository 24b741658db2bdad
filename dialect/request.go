package dialect

import "encoding/json"

// Request is a chat request in the neutral form. Zero values mean "not given".
type Request struct {
	Model    string
	System   []Part // text parts, in order
	Messages []Message

	MaxTokens   int64
	Temperature json.Number
	TopP        json.Number
	TopK        int64
	Stop        []string
	Stream      bool
	StreamUsage bool // the caller wants the usage frame

	Tools      []Tool
	ToolChoice ToolChoice
	Parallel   *bool // whether several tools may be called at once
	Thinking   *Thinking
	Format     *Format

	// What only some dialects have. A writer that cannot express one refuses it or drops it, by
	// the rules in its package documentation.
	N                int64
	Logprobs         bool
	TopLogprobs      int64
	Seed             json.Number
	LogitBias        json.RawMessage
	FrequencyPenalty json.Number
	PresencePenalty  json.Number
	User             string
	ServiceTier      string
	Verbosity        string
	Metadata         json.RawMessage
}

// Role is who speaks in a message.
type Role string

// The roles. Tool results are parts of user messages.
const (
	User      Role = "user"
	Assistant Role = "assistant"
)

// Message is one turn. Neighbours never have the same role: readers merge them.
type Message struct {
	Role  Role
	Parts []Part
}

// PartKind says what a part is.
type PartKind uint8

// The kinds of parts, with the fields of Part that each uses.
const (
	PartText       PartKind = iota + 1 // Text
	PartImage                          // MediaType and Data (base64), or URL; Detail
	PartFile                           // MediaType and Data (base64), or URL; Name
	PartAudio                          // MediaType (audio/wav, audio/mp3) and Data (base64)
	PartThinking                       // Text, Signature
	PartRedacted                       // Data: thinking that only its provider can read
	PartRefusal                        // Text
	PartToolUse                        // ID, Name, Input
	PartToolResult                     // ID, Parts, IsError
)

// Part is one piece of content.
type Part struct {
	Kind      PartKind
	Text      string
	MediaType string
	Data      string
	URL       string
	Detail    string
	Signature string
	ID        string // of a tool call, in the caller's spelling
	Name      string
	Input     json.RawMessage // a JSON object
	Parts     []Part          // of a tool result: text and images
	IsError   bool
	Cache     json.RawMessage // Anthropic's cache_control, carried to dialects that have it
}

// Tool is a function that the model may call.
type Tool struct {
	Name        string
	Description string
	Schema      json.RawMessage // JSON Schema of the input; nil = none given
	Strict      *bool
	Cache       json.RawMessage
}

// ToolMode says whether tools are called.
type ToolMode string

// The tool modes; ToolDefault leaves it to the provider.
const (
	ToolDefault ToolMode = ""
	ToolAuto    ToolMode = "auto"
	ToolAny     ToolMode = "any" // at least one must be called
	ToolNone    ToolMode = "none"
	ToolNamed   ToolMode = "tool" // ToolChoice.Name must be called
)

// ToolChoice says which tool is called.
type ToolChoice struct {
	Mode ToolMode
	Name string
}

// Thinking is how much a model is asked to reason.
type Thinking struct {
	Off      bool
	Adaptive bool   // the model decides
	Effort   string // none, minimal, low, medium, high, xhigh, max; "" = not given
	Budget   int64  // tokens; 0 = not given
	Display  string // Anthropic's "summarized" or "omitted"; "" = not given
}

// Format is a demanded shape of the answer.
type Format struct {
	Schema      json.RawMessage // nil: any JSON object
	Name        string
	Description string
	Strict      *bool
}
