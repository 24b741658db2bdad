package anthropic

import (
	"fairlead/dialect"
)

// Bounds of the lists of a request: an element in memory is many times as large as the smallest one on the
// wire.
const (
	maxParts = 100_000 // blocks of system, messages and tool results together
	maxStops = 1024
	maxTools = 10_000
)

// tooMany refuses the element of a list that is past its bound.
func tooMany(n, most int) error {
	if n > most {
		return invalid("", "is one more than are taken")
	}
	return nil
}

// count counts parts and those of the tool results among them.
func count(parts []dialect.Part) int {
	n := len(parts)
	for i := range parts {
		n += len(parts[i].Parts)
	}
	return n
}
