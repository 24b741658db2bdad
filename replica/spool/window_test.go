package spool

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// windowed opens a spool whose lines go through a window. It skips the test where the system has none, which the system must say.
func windowed(t testing.TB, dir string, o Options) *Spool {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	check(t, err)
	defer f.Close()
	w, err := openWindow(f, 0)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("no windows on files here:", err)
	}
	check(t, err)
	check(t, w.close())
	s := open(t, dir, o)
	add(t, s, "first")
	until(t, "a window", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.segments[len(s.segments)-1].window != nil
	})
	return s
}

// TestWindow holds that lines that were stored, not written, are in the file as any: a copy of the folder, which is what a killed
// process leaves, has all of them and nothing else, and so has the folder itself after it was closed.
func TestWindow(t *testing.T) {
	dir := t.TempDir()
	s := windowed(t, dir, Options{})
	same(t, "lines", drain(t, s, 1), []string{"first"})
	lines := numbered(1, 9000) // more than a window
	for i, l := range lines {
		lines[i] = l + strings.Repeat(".", 150)
	}
	add(t, s, lines...)
	path := segmentPath(s.dir, 1, linesSuffix)
	info, err := os.Stat(path)
	check(t, err)
	s.mu.Lock()
	size := s.segments[0].size
	s.mu.Unlock()
	if info.Size() < size {
		t.Errorf("the file has %d bytes, its lines %d", info.Size(), size)
	}

	killed := filepath.Join(t.TempDir(), "spool")
	check(t, os.CopyFS(killed, os.DirFS(dir)))
	other := open(t, killed, Options{})
	same(t, "lines of a killed process", drain(t, other, len(lines)), lines)
	if st := other.Stats(); st.Damaged != 0 || st.Bytes > 2*size {
		t.Errorf("after a kill: %+v", st)
	}

	same(t, "lines", drain(t, s, len(lines)), lines)
	check(t, s.Close())
	b, err := os.ReadFile(path)
	check(t, err)
	if int64(len(b)) != size || bytes.IndexByte(b, 0) >= 0 {
		t.Errorf("the closed file has %d bytes, its lines %d", len(b), size)
	}
}

// TestWindowGone cuts the file off under its window: the fault costs the lines that were cut off, neither the process nor a line that
// Append takes from then on.
func TestWindowGone(t *testing.T) {
	s := windowed(t, t.TempDir(), Options{})
	drain(t, s, 1)
	check(t, os.Truncate(segmentPath(s.dir, 1, linesSuffix), 0))
	lines := numbered(1, 100)
	add(t, s, lines...)
	var got []string
	for len(got) < len(lines) {
		f := next(t, s)
		for _, l := range texts(&f) {
			got = append(got, strings.TrimLeft(l, "\x00"))
		}
		check(t, s.Ack(f.Incarnation, f.Sequence))
	}
	same(t, "lines", got, lines)
}

func TestWithoutZeros(t *testing.T) {
	for _, c := range []struct {
		text string
		want int64
	}{
		{"", 0},
		{"a\n", 2},
		{"\x00", 0},
		{"a\n\x00\x00", 2},
		{"a\n\x00b\n\x00", 5},
		{"a\n" + strings.Repeat("\x00", 200<<10), 2},
		{strings.Repeat("\x00", 200<<10), 0},
		{strings.Repeat("a", 64<<10) + strings.Repeat("\x00", 64<<10), 64 << 10},
	} {
		got, err := withoutZeros(strings.NewReader(c.text), int64(len(c.text)))
		if err != nil || got != c.want {
			t.Errorf("%.10q of %d bytes: %d, %v; want %d", c.text, len(c.text), got, err, c.want)
		}
	}
}
