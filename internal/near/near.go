// Package near finds names that somebody may have meant. Its distances are over bytes.
package near

import (
	"cmp"
	"slices"
	"strings"
)

// longest bounds the names that are compared, for the work grows with the product of their lengths.
const longest = 100

// Names gives at most n of the candidates that are near to name, nearest first: those within an edit
// distance of a third of its length (at least 2), without regard to case, or that contain it.
func Names(name string, candidates []string, n int) []string {
	type scored struct {
		name     string
		distance int
	}
	if name == "" || len(name) > longest {
		return nil
	}
	var found []scored
	low := strings.ToLower(name)
	bound := max(2, len(name)/3)
	for _, c := range candidates {
		if len(c) > longest {
			continue
		}
		other := strings.ToLower(c)
		d := Distance(low, other)
		if d > bound && len(low) >= 3 && strings.Contains(other, low) {
			d = bound
		}
		if d <= bound {
			found = append(found, scored{c, d})
		}
	}
	slices.SortFunc(found, func(a, b scored) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), strings.Compare(a.name, b.name))
	})
	names := make([]string, 0, n)
	for _, f := range found[:min(n, len(found))] {
		names = append(names, f.name)
	}
	return names
}

// Distance is the number of single-byte insertions, deletions, substitutions and swaps of neighbours
// that make a of b (optimal string alignment).
func Distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
