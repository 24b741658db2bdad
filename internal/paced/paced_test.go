package paced_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"fairlead/internal/paced"
)

func TestDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := paced.Lines{Every: time.Second}
		want := func(about string, again int, due bool) {
			t.Helper()
			if n, is := l.Due(about); n != again || is != due {
				t.Errorf("%s: %d, %v, want %d, %v", about, n, is, again, due)
			}
		}
		want("a", 0, true)
		want("a", 0, false)
		want("b", 0, true)
		time.Sleep(999 * time.Millisecond)
		want("a", 0, false)
		time.Sleep(time.Millisecond)
		want("a", 2, true)
		want("a", 0, false)
		time.Sleep(time.Hour)
		want("b", 0, true)
		want("a", 1, true)
		for i := range 20_000 { // and what is remembered is bounded
			want(fmt.Sprint(i), 0, true)
		}
	})
}
