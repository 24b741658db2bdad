package compile

import (
	"fmt"
	"slices"
	"strings"
)

// maxKnown bounds how many names a misspelt one is compared with: a hint is not worth seconds.
const maxKnown = 2000

// near gives the name of known that a misspelt one most likely stands for; "" where none is near.
// The bound is a third of the letters, so that short names need almost all of theirs.
func near(name string, known []string) string {
	if len(name) > maxNameBytes || len(known) > maxKnown {
		return ""
	}
	best, least, folded := "", 0, fold(name)
	for _, k := range known {
		d := distance(folded, fold(k))
		if d <= max(1, len(k)/3) && d < len(k) && (best == "" || d < least) {
			best, least = k, d
		}
	}
	return best
}

var separators = strings.NewReplacer("-", "", "_", "", ".", "", " ", "")

// fold takes away what people vary without thinking of it.
func fold(s string) string { return separators.Replace(strings.ToLower(s)) }

// distance counts the insertions, deletions, replacements and swaps of neighbours that make b of a
// (optimal string alignment), over bytes.
func distance(a, b string) int {
	before, prev, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev, row = prev, row, before
	}
	return prev[len(b)]
}

// meant is the hint for a name that is not known: the near one, else all there are.
func meant(name string, known []string) string {
	if n := near(name, known); n != "" {
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
	if n := near(value, allowed); n != "" {
		hint = fmt.Sprintf("did you mean %q? %s", n, hint)
	}
	return show(value) + " is not known here", hint
}
