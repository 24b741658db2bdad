package cli

import (
	"reflect"
	"strings"
	"testing"
)

// TestFit holds that one column gives way to the others, and by how much at most.
func TestFit(t *testing.T) {
	for _, c := range []struct {
		width  int
		column int
		want   string // of the reason in the row
	}{
		{80, 1, "because the limit was broken"},
		{41, 1, "because the limit was broken"},
		{40, 1, "because the limit was brok…"},
		{20, 1, "because the…"},
		{20, -1, "because the limit was broken"},
	} {
		rows := [][]string{{"REVISION", "WHY", "X"}, {"1", "because the limit was broken", "y"}}
		fit(rows, c.column, c.width)
		if rows[1][1] != c.want || !reflect.DeepEqual(rows[0], strings.Fields("REVISION WHY X")) {
			t.Errorf("%d columns: %q, want %q", c.width, rows, c.want)
		}
	}
}
