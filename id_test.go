package fairlead_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"fairlead"
)

// TestExchangeID holds that an id tells its time and node, and that ids sort by time.
func TestExchangeID(t *testing.T) {
	tag := fairlead.TagOf("edge-1")
	if tag == fairlead.TagOf("edge-2") || tag>>20 != 0 {
		t.Errorf("tag %x is not 20 bits of the name's hash", tag)
	}
	var ids []string
	for _, at := range []time.Time{
		time.UnixMilli(0), time.UnixMilli(1), time.UnixMilli(31), time.UnixMilli(32), time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC),
		time.Date(2026, 11, 20, 12, 0, 0, 1e6, time.UTC), time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		id := fairlead.NewExchangeID(tag, at.Add(999*time.Microsecond))
		got, node, ok := fairlead.ParseID(id)
		if !ok || !got.Equal(at) || node != tag {
			t.Errorf("%s of %s reads as %s, %x, %v", id, at, got, node, ok)
		}
		if len(id) > 30 || !strings.HasPrefix(id, "req_") {
			t.Errorf("id %q", id)
		}
		ids = append(ids, id)
	}
	if !slices.IsSorted(ids) {
		t.Errorf("not in the order of their times: %v", ids)
	}
	if id := fairlead.NewExchangeID(tag, time.Unix(-5, 0)); !strings.HasPrefix(id, ids[0][:13]) {
		t.Errorf("a clock before 1970 gives %s", id)
	}
}

func TestParseIDRefuses(t *testing.T) {
	good := fairlead.NewExchangeID(1, time.Now())
	for _, id := range []string{"", "req_", "req_1", good + "a", good[:len(good)-1], "key_" + good[4:], strings.ToUpper(good), good[:10] + "0" + good[11:], good[:20] + "é" + good[22:]} {
		if _, _, ok := fairlead.ParseID(id); ok {
			t.Errorf("%q was read", id)
		}
	}
}

// TestExchangeIDsDiffer holds that ids of one moment are told apart by their random bits, each of which is used.
func TestExchangeIDsDiffer(t *testing.T) {
	now, seen := time.Now(), map[string]bool{}
	var letters [29]map[byte]bool
	for range 10_000 {
		id := fairlead.NewExchangeID(7, now)
		if seen[id] {
			t.Fatalf("%s came twice", id)
		}
		seen[id] = true
		for i := range len(id) {
			if letters[i] == nil {
				letters[i] = map[byte]bool{}
			}
			letters[i][id[i]] = true
		}
	}
	for i := 17; i < 29; i++ {
		if len(letters[i]) != 32 {
			t.Errorf("letter %d has %d values, want 32", i, len(letters[i]))
		}
	}
	if n := testing.AllocsPerRun(100, func() { sink = fairlead.NewExchangeID(7, now) }); n > 1 {
		t.Errorf("an id takes %.0f allocations", n)
	}
}

var sink string
