package failover_test

import (
	"fmt"
	"slices"
	"strings"

	"fairlead"
)

// mode is one of the ways in which a play is given.
type mode struct {
	stream     bool
	caller     fairlead.Dialect
	translated bool // the providers speak the other dialect
}

// axes are the words for a mode; it has one of each.
var axes = [][2]string{{"streamed", "whole"}, {"openai", "anthropic"}, {"same", "translated"}}

// modes lists all of them.
func modes() (list []mode) {
	for _, stream := range []bool{true, false} {
		for _, d := range []fairlead.Dialect{fairlead.OpenAI, fairlead.Anthropic} {
			for _, translated := range []bool{false, true} {
				list = append(list, mode{stream, d, translated})
			}
		}
	}
	return list
}

// words are those of the mode, one of each axis.
func (m mode) words() []string {
	pick := func(axis int, second bool) string {
		if second {
			return axes[axis][1]
		}
		return axes[axis][0]
	}
	return []string{pick(0, !m.stream), pick(1, m.caller == fairlead.Anthropic), pick(2, m.translated)}
}

func (m mode) String() string { return strings.Join(m.words(), " ") }

// provider is the dialect of the providers.
func (m mode) provider() fairlead.Dialect {
	if (m.caller == fairlead.OpenAI) != m.translated {
		return fairlead.OpenAI
	}
	return fairlead.Anthropic
}

// is reports whether a mode is one of those that conditions name: of each axis that they name a word of,
// it has such a word.
func (m mode) is(conditions []string) bool {
	own := m.words()
	for i, axis := range axes {
		named := slices.Contains(conditions, axis[0]) || slices.Contains(conditions, axis[1])
		if named && !slices.Contains(conditions, own[i]) {
			return false
		}
	}
	return true
}

// checkConditions refuses words that no mode has.
func checkConditions(words []string) error {
	for _, w := range words {
		if !slices.ContainsFunc(axes, func(axis [2]string) bool { return w == axis[0] || w == axis[1] }) {
			return fmt.Errorf("no mode is called %q", w)
		}
	}
	return nil
}
