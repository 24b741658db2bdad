package jitter_test

import (
	"testing"
	"time"

	"fairlead/internal/jitter"
)

func TestAt(t *testing.T) {
	for _, c := range []struct {
		luck float64
		want time.Duration
	}{{0, 750 * time.Millisecond}, {0.5, time.Second}, {1, 1250 * time.Millisecond}} {
		if got := jitter.At(time.Second, c.luck); got != c.want {
			t.Errorf("with luck %v: %s, want %s", c.luck, got, c.want)
		}
	}
	if got := jitter.At(0, 1); got != 0 {
		t.Errorf("of no time %s", got)
	}
}

func TestAbout(t *testing.T) {
	seen := map[time.Duration]bool{}
	for range 100 {
		d := jitter.About(time.Second)
		if d < 750*time.Millisecond || d > 1250*time.Millisecond {
			t.Errorf("about a second: %s", d)
		}
		seen[d] = true
	}
	if len(seen) < 50 {
		t.Errorf("%d times of 100", len(seen))
	}
}
