package spool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fairlead"
)

// never is for what a test brings about by another way than time.
const never = 24 * time.Hour

func open(t testing.TB, dir string, o Options) *Spool {
	t.Helper()
	if o.Node == "" {
		o.Node = "edge-1"
	}
	s, err := Open(dir, o)
	check(t, err)
	t.Cleanup(func() { check(t, s.Close()) })
	return s
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func add(t testing.TB, s *Spool, lines ...string) {
	t.Helper()
	for _, l := range lines {
		check(t, s.Append([]byte(l)))
	}
}

// next gives the next frame, checked.
func next(t testing.TB, s *Spool) fairlead.Frame {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	list, err := s.Next(ctx, 0)
	check(t, err)
	if len(list) != 1 {
		t.Fatalf("%d frames where one was asked for", len(list))
	}
	check(t, list[0].Check())
	return list[0]
}

// drain acknowledges frames until so many lines have come, and gives them.
func drain(t testing.TB, s *Spool, lines int) []string {
	t.Helper()
	var list []string
	for len(list) < lines {
		f := next(t, s)
		list = append(list, texts(&f)...)
		check(t, s.Ack(f.Incarnation, f.Sequence))
	}
	return list
}

func texts(f *fairlead.Frame) []string {
	if len(f.Lines) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(f.Lines), "\n"), "\n")
}

func numbered(from, to int) []string {
	var list []string
	for i := from; i <= to; i++ {
		list = append(list, fmt.Sprintf(`{"n":%d}`, i))
	}
	return list
}

func same(t testing.TB, what string, got, want []string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s: %d lines %.200q, want %d %.200q", what, len(got), got, len(want), want)
	}
}

// TestFrames holds that lines come in frames by number and by time, the same until they are acknowledged.
func TestFrames(t *testing.T) {
	s := open(t, t.TempDir(), Options{Lines: 4, Every: never})
	add(t, s, numbered(1, 4)...)
	first := next(t, s)
	same(t, "first frame", texts(&first), numbered(1, 4))
	if again := next(t, s); again.Hash != first.Hash || again.Sequence != 1 || !again.At.Equal(first.At) {
		t.Errorf("the frame was %+v and is %+v", first.Key(), again.Key())
	}
	check(t, s.Ack(first.Incarnation, 1))
	check(t, s.Ack(first.Incarnation, 1))
	check(t, s.Ack("inc_of_old", 7))
	if s.Ack(first.Incarnation, 2) == nil {
		t.Error("a frame that there is not was acknowledged")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Next(ctx, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("there is a second frame: %v", err)
	}
	add(t, s, numbered(5, 8)...)
	if f := next(t, s); f.Sequence != 2 || f.Count != 4 || f.Node != "edge-1" || f.Incarnation != first.Incarnation {
		t.Errorf("second frame %+v", f)
	}

	timed := open(t, t.TempDir(), Options{Every: time.Millisecond})
	add(t, timed, "one")
	f := next(t, timed)
	same(t, "timed frame", texts(&f), []string{"one"})
}

func TestAppendRefuses(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	for _, text := range []string{"", "a\nb", strings.Repeat("x", maxLine+1)} {
		if err := s.Append([]byte(text)); !errors.Is(err, errLine) {
			t.Errorf("%.10q: %v", text, err)
		}
	}
	add(t, s, strings.Repeat("x", maxLine))
	check(t, s.Close())
	if err := s.Append([]byte("x")); !errors.Is(err, ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
	if _, err := s.Next(t.Context(), 0); !errors.Is(err, ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}

// TestReopened holds that what was not acknowledged comes again, in the frames that it had, and what was does not.
func TestReopened(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{Lines: 2, Every: never})
	var frames []fairlead.Frame
	for i := 1; i < 10; i += 2 {
		add(t, s, numbered(i, i+1)...)
		f := next(t, s)
		frames = append(frames, f)
		check(t, s.Ack(f.Incarnation, f.Sequence))
	}
	_, err := s.Rewind(2)
	check(t, err)
	add(t, s, "left")
	if _, err := Open(dir, Options{Node: "edge-1"}); err == nil || !strings.Contains(err.Error(), "held") {
		t.Errorf("a second process: %v", err)
	}
	check(t, s.Close())
	s = open(t, dir, Options{Lines: 2, Every: never})
	for _, want := range frames[2:] {
		f := next(t, s)
		if f.Hash != want.Hash || f.Key() != want.Key() {
			t.Errorf("frame %+v, want %+v", f.Key(), want.Key())
		}
		check(t, s.Ack(f.Incarnation, f.Sequence))
	}
	f := next(t, s)
	same(t, "last frame", texts(&f), []string{"left"})
	if st := s.Stats(); st.Acked != 5 || st.Last != 6 || st.Waiting != 0 {
		t.Errorf("stats %+v", st)
	}
}

// TestSegments holds that frames are found in all of many segments, and that Since and Rewind give them again.
func TestSegments(t *testing.T) {
	dir := t.TempDir()
	o := Options{Lines: 3, Every: time.Millisecond, Sync: time.Microsecond, Segment: 200}
	s := open(t, dir, o)
	want := numbered(0, 299)
	var sent []string
	for i := 0; i < 300; i += 3 {
		add(t, s, want[i:i+3]...)
		sent = append(sent, drain(t, s, 3)...)
	}
	same(t, "lines", sent, want)
	check(t, s.Close())
	if files, err := filepath.Glob(filepath.Join(dir, "inc_*", "*"+linesSuffix)); err != nil || len(files) < 5 {
		t.Errorf("%d segments, %v", len(files), err)
	}
	s = open(t, dir, o)
	var got []string
	for f, err := range s.Since(0) {
		check(t, err)
		check(t, f.Check())
		got = append(got, texts(&f)...)
	}
	same(t, "since the first", got, want)
	if first, err := s.Rewind(3); err != nil || first != 4 {
		t.Errorf("rewound to %d, %v", first, err)
	}
	if f := next(t, s); f.Sequence != 4 {
		t.Errorf("next is %d", f.Sequence)
	}
	if first, err := s.Rewind(1 << 40); err != nil || first != 4 {
		t.Errorf("rewound on to %d, %v", first, err)
	}
	var e *fairlead.Error
	if _, err := s.Frame(1 << 40); !errors.As(err, &e) || e.Code != fairlead.CodeNotFound {
		t.Errorf("a frame that there is not: %v", err)
	}
}

// TestConcurrent holds that lines of many writers come out whole, once each, while they are read and acknowledged.
func TestConcurrent(t *testing.T) {
	const writers, each = 8, 400
	s := open(t, t.TempDir(), Options{Lines: 50, Every: 2 * time.Millisecond, Segment: 4 << 10})
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				if err := s.Append(fmt.Appendf(nil, "w%d-%d", w, i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	last := map[string]int{}
	for _, l := range drain(t, s, writers*each) {
		var n int
		w, number, _ := strings.Cut(l, "-")
		if _, err := fmt.Sscan(number, &n); err != nil || n != last[w] {
			t.Fatalf("after %d of %s comes %q", last[w], w, l)
		}
		last[w]++
	}
	wg.Wait()
	if len(last) != writers {
		t.Errorf("lines of %d writers", len(last))
	}
}

// TestPrivate holds that nobody else on the machine can read the files.
func TestPrivate(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	add(t, s, "x")
	check(t, filepath.WalkDir(filepath.Join(dir, s.Stats().Incarnation), func(path string, d os.DirEntry, err error) error {
		check(t, err)
		if info, err := d.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v, %v", path, info.Mode(), err)
		}
		return nil
	}))
}
