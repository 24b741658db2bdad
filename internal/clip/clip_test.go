package clip_test

import (
	"testing"

	"fairlead/internal/clip"
)

func TestText(t *testing.T) {
	for _, c := range []struct {
		text string
		most int
		want string
	}{
		{"", 3, ""},
		{"abc", 3, "abc"},
		{"abcd", 3, "abc"},
		{"abé", 3, "ab"},
		{"aé", 3, "aé"},
		{"漢字", 5, "漢"},
		{"漢", 2, ""},
		{"a\xff", 4, "a\uFFFD"},
		{"a\xffb", 4, "a\uFFFD"},
		{"a\xffb", 3, "a"},
	} {
		if got := clip.Text(c.text, c.most); got != c.want {
			t.Errorf("%q to %d: %q, want %q", c.text, c.most, got, c.want)
		}
	}
}
