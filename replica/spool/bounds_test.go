package spool

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"fairlead"
)

// until polls for what another goroutine brings about.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); runtime.Gosched() {
		if is() {
			return
		}
	}
	t.Fatalf("never: %s", what)
}

// TestFull holds that lines that were not acknowledged are never removed: where they take all the room there is no
// more for new ones, which is told and counted, until they are acknowledged.
func TestFull(t *testing.T) {
	var log strings.Builder
	s := open(t, t.TempDir(), Options{Lines: 4, Every: time.Millisecond, Max: 4000, Log: slog.New(slog.NewTextHandler(&log, nil))})
	var want []string
	for {
		l := fmt.Sprintf(`{"n":%d}`, len(want))
		err := s.Append([]byte(l))
		if errors.Is(err, ErrFull) {
			break
		}
		check(t, err)
		want = append(want, l)
	}
	if st := s.Stats(); st.Refused != 1 || st.Failing == "" || st.Lines != int64(len(want)) || len(want) < 100 {
		t.Errorf("%d lines; stats %+v", len(want), st)
	}
	if err := s.Append([]byte("no room")); !errors.Is(err, ErrFull) {
		t.Errorf("one more: %v", err)
	}
	same(t, "lines", drain(t, s, len(want)), want)
	until(t, "there is room again", func() bool { return s.Append([]byte("again")) == nil })
	until(t, "what was acknowledged is gone", func() bool { return s.Stats().Bytes < 4000 })
	if st := s.Stats(); st.Failing != "" {
		t.Errorf("stats %+v", st)
	}
	check(t, s.Close())
	if text := log.String(); strings.Count(text, "cannot be written") > 1 || !strings.Contains(text, "lines_lost=") {
		t.Errorf("the log tells %s", text)
	}
}

// TestTrim holds that acknowledged lines stay as long as there is room for them and no longer than Keep, and that the
// disk never holds much more than Max.
func TestTrim(t *testing.T) {
	for _, c := range []struct {
		name string
		o    Options
		kept bool // the first frame is
	}{
		{"there is room", Options{Max: 1 << 20, Segment: 100}, true},
		{"there is none", Options{Max: 2000, Segment: 100}, false},
		{"they are old", Options{Max: 1 << 20, Segment: 100, Keep: time.Nanosecond}, false},
	} {
		c.o.Lines, c.o.Every = 5, time.Millisecond
		s := open(t, t.TempDir(), c.o)
		for i := 0; i < 500; i += 5 {
			add(t, s, numbered(i, i+4)...)
			drain(t, s, 5)
			if b := s.Stats().Bytes; b > c.o.Max+1000 {
				t.Errorf("%s: %d bytes", c.name, b)
			}
		}
		var e *fairlead.Error
		is := func() bool {
			_, err := s.Frame(1)
			return (err == nil) == c.kept && (err == nil || errors.As(err, &e) && e.Code == fairlead.CodeNotFound)
		}
		add(t, s, "one more")
		until(t, c.name, is)
		if first, err := s.Rewind(0); err != nil || (first == 1) != c.kept {
			t.Errorf("%s: rewound to %d, %v", c.name, first, err)
		}
		if f := next(t, s); (f.Sequence == 1) != c.kept {
			t.Errorf("%s: next is %d", c.name, f.Sequence)
		}
		check(t, s.Close())
	}
}

// TestRenew holds what a new incarnation takes over: the lines of this process that were not acknowledged, and none
// that an earlier one may have sent.
func TestRenew(t *testing.T) {
	dir := t.TempDir()
	o := Options{Lines: 3, Every: time.Millisecond}
	s := open(t, dir, o)
	add(t, s, numbered(1, 6)...)
	drain(t, s, 3) // of 1 to 6 some are acknowledged
	acked := int(0)
	for f, err := range s.Since(0) {
		check(t, err)
		if f.Sequence <= s.Stats().Acked {
			acked += f.Count
		}
	}
	check(t, s.Close())

	s = open(t, dir, o)
	old := s.Stats().Incarnation
	add(t, s, numbered(7, 12)...)
	check(t, s.Renew("inc_of_somebody"))
	if s.Stats().Incarnation != old {
		t.Fatal("an incarnation that is over ended another")
	}
	check(t, s.Renew(old))
	check(t, s.Renew(old))
	st := s.Stats()
	if st.Incarnation == old || st.Aside != int64(6-acked) || st.Acked != 0 {
		t.Errorf("stats %+v; %d were acknowledged", st, acked)
	}
	add(t, s, "13")
	f := next(t, s)
	if f.Sequence != 1 || f.Incarnation != st.Incarnation {
		t.Errorf("the first frame is %+v", f.Key())
	}
	check(t, s.Ack(old, 1))
	same(t, "lines", drain(t, s, 7), append(numbered(7, 12), "13"))
	check(t, s.Renew(st.Incarnation))
	add(t, s, "14")
	same(t, "lines after one more", drain(t, s, 1), []string{"14"})
	check(t, s.Close())
	if list, err := filepath.Glob(filepath.Join(dir, "inc_*"+asideSuffix)); err != nil || len(list) != 2 {
		t.Errorf("aside are %v, %v", list, err)
	}
	s = open(t, dir, Options{Keep: time.Nanosecond})
	if list, err := filepath.Glob(filepath.Join(dir, "inc_*"+asideSuffix)); err != nil || len(list) != 0 {
		t.Errorf("after a while aside are %v, %v", list, err)
	}
	if s.Stats().Last != 1 {
		t.Errorf("stats %+v", s.Stats())
	}
}

// TestRenewKilled holds that a process that is killed between any two steps of a new incarnation leaves one of both.
func TestRenewKilled(t *testing.T) {
	for _, c := range []struct {
		name   string
		rename map[string]string // what Renew's files are called at that moment
		want   string            // the first line
	}{
		{"prepared", map[string]string{"old" + asideSuffix: "old", "new": "new" + nextSuffix}, "old"},
		{"put aside", map[string]string{"new": "new" + nextSuffix}, "new"},
		{"done", nil, "new"},
	} {
		dir := t.TempDir()
		s := open(t, dir, Options{Every: time.Millisecond})
		add(t, s, "old")
		next(t, s)
		check(t, s.Close())
		s = open(t, dir, Options{Every: time.Millisecond})
		old := s.Stats().Incarnation
		add(t, s, "new")
		check(t, s.Renew(old))
		names := strings.NewReplacer("old", old, "new", s.Stats().Incarnation)
		check(t, s.Close())
		for from, to := range c.rename {
			check(t, os.Rename(filepath.Join(dir, names.Replace(from)), filepath.Join(dir, names.Replace(to))))
		}
		s = open(t, dir, Options{Every: time.Millisecond})
		f := next(t, s)
		same(t, c.name, texts(&f)[:1], []string{c.want})
		check(t, s.Close())
	}
	dir := t.TempDir()
	check(t, os.MkdirAll(filepath.Join(dir, "inc_half"+nextSuffix), 0o700))
	add(t, open(t, dir, Options{}), "x")
}

// TestOtherNode holds that lines are not sent in the name of another node.
func TestOtherNode(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	add(t, s, "of edge-1")
	check(t, s.Close())
	s = open(t, dir, Options{Node: "edge-2", Every: time.Millisecond})
	add(t, s, "of edge-2")
	f := next(t, s)
	same(t, "lines", texts(&f), []string{"of edge-2"})
	if f.Node != "edge-2" || s.Stats().Aside != 1 {
		t.Errorf("frame %+v, stats %+v", f.Key(), s.Stats())
	}
	if _, err := Open(t.TempDir(), Options{Node: "Not A Name"}); err == nil {
		t.Error("a name that is none was taken")
	}
}

// TestOpenRefuses holds that what cannot be understood is told, and nothing is lost over it.
func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	check(t, os.MkdirAll(filepath.Join(dir, "inc_a"), 0o700))
	check(t, os.MkdirAll(filepath.Join(dir, "inc_b"), 0o700))
	if _, err := Open(dir, Options{Node: "edge-1"}); err == nil || !strings.Contains(err.Error(), "two spools") {
		t.Errorf("two: %v", err)
	}
}

func line300() []byte {
	return []byte(`{"kind":"charge","id":"req_` + strings.Repeat("a", 25) + `","at":1800000000000000,"pad":"` + strings.Repeat("x", 200) + `"}`)
}

// BenchmarkAppend appends lines of 280 bytes at the pace of a busy edge, 50 each millisecond, while the disk is made to keep them and
// frames are cut and acknowledged: stored in a window, and written one by one where there is none. What a line takes of its caller's
// time is ns/line.
func BenchmarkAppend(b *testing.B) {
	b.Run("window", func(b *testing.B) { benchmarkAppend(b, time.Time{}) })
	b.Run("write", func(b *testing.B) { benchmarkAppend(b, time.Now().Add(never)) })
}

func benchmarkAppend(b *testing.B, windowAt time.Time) {
	s, err := Open(b.TempDir(), Options{Node: "edge-1", Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	check(b, err)
	s.working.Lock()
	s.windowAt = windowAt
	s.working.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			list, err := s.Next(b.Context(), 1<<20)
			if err != nil {
				return
			}
			_ = s.Ack(list[0].Incarnation, list[len(list)-1].Sequence) // fails where the spool is closed
		}
	}()
	l := line300()
	b.ReportAllocs()
	pace := time.NewTicker(time.Millisecond)
	defer pace.Stop()
	var took time.Duration
	lines := 0
	for b.Loop() {
		began := time.Now()
		if err := s.Append(l); err != nil {
			b.Fatal(err)
		}
		took += time.Since(began)
		if lines++; lines%50 == 0 {
			<-pace.C
		}
	}
	b.ReportMetric(float64(took.Nanoseconds())/float64(lines), "ns/line")
	check(b, s.Close())
	<-done
}

// BenchmarkFrame reads and acknowledges frames of 512 lines of 280 bytes.
func BenchmarkFrame(b *testing.B) {
	s, err := Open(b.TempDir(), Options{Node: "edge-1", Every: never})
	check(b, err)
	l := line300()
	for range 512 {
		check(b, s.Append(l))
	}
	f := next(b, s)
	b.ReportAllocs()
	b.SetBytes(int64(len(f.Lines)))
	for b.Loop() {
		list, err := s.Next(b.Context(), 0)
		if err != nil || len(list) != 1 || len(list[0].Lines) == 0 {
			b.Fatal(err)
		}
	}
	check(b, s.Close())
}

// BenchmarkOpen opens a spool with a full segment and lines in no frame.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	s, err := Open(dir, Options{Node: "edge-1"})
	check(b, err)
	l := line300()
	for range 64 << 20 / 280 {
		check(b, s.Append(l))
	}
	check(b, s.Close())
	for b.Loop() {
		s, err := Open(dir, Options{Node: "edge-1"})
		check(b, err)
		check(b, s.Close())
	}
}
