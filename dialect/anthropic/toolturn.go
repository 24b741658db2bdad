package anthropic

import (
	"fairlead/dialect"
)

// shape is what a turn shows of itself to the rule below: so much of the neutral form, and so much of a body
// that passes. Unsigned thinking is no part of it.
type shape struct {
	role         dialect.Role
	beginsSigned bool // its first part is thinking, signed or redacted
	calls        bool // it has calls of tools
	results      bool // it has results of tools
	others       bool // it has what is no result of a tool
}

// appendShape adds a part to the last turn where its role is the same, else as a turn of its own.
func appendShape(list []shape, role dialect.Role, kind dialect.PartKind) []shape {
	if n := len(list); n == 0 || list[n-1].role != role {
		signed := kind == dialect.PartThinking || kind == dialect.PartRedacted
		list = append(list, shape{role: role, beginsSigned: signed})
	}
	last := &list[len(list)-1]
	switch kind {
	case dialect.PartToolResult:
		last.results = true
		return list
	case dialect.PartToolUse:
		last.calls = true
	}
	last.others = true
	return list
}

// shapes reduces turns from which unsigned thinking is gone already.
func shapes(turns []dialect.Message) []shape {
	list := make([]shape, 0, len(turns))
	for i := range turns {
		for j := range turns[i].Parts {
			list = appendShape(list, turns[i].Role, turns[i].Parts[j].Kind)
		}
	}
	return list
}

// unsignedToolTurn reports whether the turns end with results of tools that the assistant called in a
// turn without signed thinking, which the API refuses while thinking is on. Several rounds of calls and
// results are one turn of the assistant, of which the first round has the thinking unless thinking is
// interleaved.
func unsignedToolTurn(turns []shape) bool {
	last := len(turns) - 2
	if last < 0 || !turns[last+1].results || !turns[last].calls {
		return false
	}
	first := last
	for first >= 2 && !turns[first-1].others && turns[first-2].calls {
		first -= 2
	}
	return !turns[last].beginsSigned && !turns[first].beginsSigned
}
