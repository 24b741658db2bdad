package fairlead

import "strings"

// Abilities is a set of things that an endpoint can do or that a request needs.
type Abilities uint32

// The abilities that a `supports` list may name. Those of the first group are what a request's
// content needs; those of the second are operations; the last are for continuation.
const (
	Tools Abilities = 1 << iota
	JSONSchema
	JSONObject
	Vision
	Files
	Audio
	Reasoning
	Logprobs

	Chat
	CountTokens
	Completions
	Responses
	Embeddings
	Moderations

	Prefill
	ContinueFinalMessage
)

// AbilityNames lists every ability as configurations spell it, in the order of the constants.
var AbilityNames = []string{
	"tools", "json_schema", "json_object", "vision", "files", "audio", "reasoning", "logprobs",
	"chat", "count_tokens", "completions", "responses", "embeddings", "moderations",
	"prefill", "continue_final_message",
}

// ParseAbility reads one name of AbilityNames.
func ParseAbility(s string) (Abilities, bool) {
	for i, name := range AbilityNames {
		if s == name {
			return 1 << i, true
		}
	}
	return 0, false
}

// Has reports whether every ability of need is in a.
func (a Abilities) Has(need Abilities) bool { return a&need == need }

// String lists the names, comma-separated.
func (a Abilities) String() string {
	var names []string
	for i, name := range AbilityNames {
		if a&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

// Supports is an endpoint's `supports` list. Without a list anything is tried; a list is closed.
type Supports struct {
	Closed bool
	Set    Abilities
}

// NewSupports closes a list. Chat is implied unless the list names nothing but embeddings and
// moderations: such an endpoint is no chat endpoint.
func NewSupports(set Abilities) Supports {
	if set == 0 || set&^(Embeddings|Moderations) != 0 {
		set |= Chat
	}
	return Supports{Closed: true, Set: set}
}

// Lacks gives what of need the list does not have; 0 where all is there.
func (s Supports) Lacks(need Abilities) Abilities {
	if !s.Closed {
		return 0
	}
	return need &^ s.Set
}
