package ship_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fairlead/replica/spool"
)

// TestBacklog holds that asks which are large follow each other at once, while small ones let frames come together.
func TestBacklog(t *testing.T) {
	for _, c := range []struct {
		name   string
		bytes  int // of a line; a frame has two
		frames int
		taken  bool // all, before any time has passed
	}{
		{"large", 15_000, 200, true},
		{"small", 10, 200, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, err := spool.Open(t.TempDir(), spool.Options{Node: "edge-1", Lines: 2, Pace: time.Nanosecond})
				check(t, err)
				for range c.frames {
					check(t, s.Append([]byte(strings.Repeat("x", c.bytes))))
					check(t, s.Append([]byte(strings.Repeat("x", c.bytes))))
					time.Sleep(time.Second) // it is cut
				}
				up := newControl()
				begin(t, s, up)
				synctest.Wait() // everything is done but what waits for time to pass
				first := len(up.lines())
				if (first == 2*c.frames) != c.taken || first == 0 {
					t.Errorf("%d lines of %d arrived at once", first, 2*c.frames)
				}
				time.Sleep(180 * time.Millisecond) // a quarter less than what is between two asks, or a quarter more
				synctest.Wait()
				if n := len(up.lines()); n != first {
					t.Errorf("%d more lines came with the first ones", n-first)
				}
				time.Sleep(140 * time.Millisecond)
				synctest.Wait()
				if n := len(up.lines()); !c.taken && n == first {
					t.Error("nothing more came")
				}
			})
		})
	}
}
