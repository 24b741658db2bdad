//go:build !386 && !s390x

package sock

import "testing"

func TestWhatIsRaw(t *testing.T) {
	for _, c := range []struct {
		size  int
		taken bool // there is a raw call already
		want  bool
	}{
		{0, false, false},
		{1, false, true},
		{64 << 10, false, true},
		{64<<10 + 1, false, false},
		{1, true, false},
	} {
		var w way
		if c.taken && !w.take(make([]byte, 1)) {
			t.Fatal("the first one is not taken")
		}
		if got := w.take(make([]byte, c.size)); got != c.want {
			t.Errorf("%d bytes, another call under way %v: raw %v, want %v", c.size, c.taken, got, c.want)
		}
	}
}
