package fairlead

// Dialect names a wire language.
type Dialect string

// The dialects that callers and providers speak.
const (
	OpenAI    Dialect = "openai"
	Anthropic Dialect = "anthropic"
)

// Operation is what a caller asks for, by the path it asked at.
type Operation uint8

// The operations. Chat is the one that is translated between dialects: OpenAI's chat completions
// and Anthropic's messages are one operation in two languages. All others are passed through to
// endpoints of the dialect that has them.
const (
	OpChat Operation = iota + 1
	OpCountTokens
	OpCompletions
	OpResponses
	OpEmbeddings
	OpModerations
)

// operation is a row of the table: its name, what an endpoint must be able to do, and the dialect
// that alone has it ("" = every dialect).
type operation struct {
	name string
	need Abilities
	only Dialect
}

var operations = [...]operation{
	OpChat:        {"chat", Chat, ""},
	OpCountTokens: {"count_tokens", CountTokens, Anthropic},
	OpCompletions: {"completions", Completions, OpenAI},
	OpResponses:   {"responses", Responses, OpenAI},
	OpEmbeddings:  {"embeddings", Embeddings, OpenAI},
	OpModerations: {"moderations", Moderations, OpenAI},
}

// String is the operation's name in logs, metrics and records.
func (o Operation) String() string { return operations[o].name }

// Need is the ability that an endpoint with a closed `supports` list must name.
func (o Operation) Need() Abilities { return operations[o].need }

// SpokenBy reports whether endpoints of dialect d can be asked for o.
func (o Operation) SpokenBy(d Dialect) bool {
	only := operations[o].only
	return only == "" || only == d
}

// Field is one line of a request's or an answer's header.
type Field struct{ Name, Value string }
