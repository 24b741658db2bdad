package upstream

import (
	"encoding/json"
	"strconv"
	"strings"

	"fairlead/dialect"
)

// Why an answer is not gone on with, beside what it has told its caller (dialect.Bar).
const (
	barUnread   dialect.Bar = "the request cannot be read"
	barFormat   dialect.Bar = "a demanded format"
	barLogprobs dialect.Bar = "logprobs"
	barPrefill  dialect.Bar = "a prefill of the caller's own"
	barStop     dialect.Bar = "half of a stop sequence"
	barDone     dialect.Bar = "its end was told"
)

// barred says why an answer to a request cannot be gone on with elsewhere; "" = it can.
func barred(r *dialect.Request, told *dialect.Told) dialect.Bar {
	switch {
	case told.Barred != "":
		return told.Barred
	case told.Finished:
		return barDone
	case r.Format != nil: // a grammar does not begin in the middle
		return barFormat
	case r.N > 1:
		return dialect.BarChoices
	case r.Logprobs:
		return barLogprobs
	case len(r.Messages) > 0 && r.Messages[len(r.Messages)-1].Role == dialect.Assistant:
		return barPrefill
	case halfStopped(string(told.Text), r.Stop):
		return barStop
	}
	return ""
}

// halfStopped reports whether a text ends with the beginning of a stop sequence. A second attempt would not
// know that, and could say the rest.
func halfStopped(text string, stops []string) bool {
	for _, stop := range stops {
		for n := len(stop) - 1; n > 0; n-- {
			if strings.HasSuffix(text, stop[:n]) {
				return true
			}
		}
	}
	return false
}

// deterministic reports whether a request asks for the same answer each time.
func deterministic(r *dialect.Request) bool {
	return r.Seed != "" || isZero(r.Temperature)
}

func isZero(n json.Number) bool {
	f, err := strconv.ParseFloat(string(n), 64)
	return err == nil && f == 0
}
