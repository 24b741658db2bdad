package compile

import (
	"fmt"
	"slices"
	"strings"

	"fairlead/internal/near"
)

// maxKnown bounds how many names a misspelt one is compared with: a hint is not worth seconds.
const maxKnown = 2000

// nearest gives the name of known that a misspelt one most likely stands for; "" where none is near.
// The bound is a third of the letters, so that short names need almost all of theirs.
func nearest(name string, known []string) string {
	if len(name) > maxNameBytes || len(known) > maxKnown {
		return ""
	}
	best, least, folded := "", 0, fold(name)
	for _, k := range known {
		d := near.Distance(folded, fold(k))
		if d <= max(1, len(k)/3) && d < len(k) && (best == "" || d < least) {
			best, least = k, d
		}
	}
	return best
}

var separators = strings.NewReplacer("-", "", "_", "", ".", "", " ", "")

// fold takes away what people vary without thinking of it.
func fold(s string) string { return separators.Replace(strings.ToLower(s)) }

// meant is the hint for a name that is not known: the near one, else all there are.
func meant(name string, known []string) string {
	if n := nearest(name, known); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	if len(known) == 0 || len(known) > 20 {
		return ""
	}
	return "known are: " + strings.Join(known, ", ")
}

// oneOf says that a value is not among those allowed; "" where it is.
func oneOf(value string, allowed []string) (message, hint string) {
	if slices.Contains(allowed, value) {
		return "", ""
	}
	hint = "allowed are: " + strings.Join(allowed, ", ")
	if n := nearest(value, allowed); n != "" {
		hint = fmt.Sprintf("did you mean %q? %s", n, hint)
	}
	return show(value) + " is not known here", hint
}
