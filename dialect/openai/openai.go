package openai

import (
	"fairlead"
	"fairlead/dialect"
)

// Dialect is the OpenAI wire. It has no state; its zero value is ready.
type Dialect struct{}

// New gives the dialect.
func New() dialect.Dialect { return Dialect{} }

// Name is fairlead.OpenAI.
func (Dialect) Name() fairlead.Dialect { return fairlead.OpenAI }
