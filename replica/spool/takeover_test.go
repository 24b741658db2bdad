package spool

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestRenewBeside holds that lines are taken, and frames acknowledged, while a new incarnation takes a backlog over: each line goes up
// in one of both, and the backlog is in segments as any.
func TestRenewBeside(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{Segment: 16 << 10, Lines: 20, Every: time.Millisecond})
	padding := strings.Repeat("x", 200)
	line := func(i int) string { return strconv.Itoa(i) + padding }
	const backlog = 2000
	for i := range backlog {
		add(t, s, line(i))
		for i%20 == 19 && s.Stats().Waiting > 0 { // each twenty are cut
			runtime.Gosched()
		}
	}
	old, calls, from, more := s.Stats().Incarnation, 0, 0, backlog
	s.taking = func() {
		switch calls++; calls {
		case 3:
			for sequence := range int64(5) { // an answer that was on its way
				f, err := s.Frame(sequence + 1)
				check(t, err)
				from += f.Count
			}
			check(t, s.Ack(old, 5))
			fallthrough
		case 5, 30:
			add(t, s, line(more))
			more++
		}
	}
	check(t, s.Renew(old))
	if calls < 30 || more != backlog+3 {
		t.Fatalf("%d pieces were taken, %d lines came meanwhile", calls, more-backlog)
	}
	if n := len(s.segments); n < 10 {
		t.Errorf("the backlog is in %d segments", n)
	}
	for _, g := range s.segments {
		if g.size > s.large()+maxLine {
			t.Errorf("segment %d has %d bytes", g.number, g.size)
		}
	}
	for reopened := range 2 {
		got := drain(t, s, more-from)
		for i, l := range got {
			if l != line(from+i) {
				t.Fatalf("line %d is %.20s", from+i, l)
			}
		}
		if len(got) != more-from || s.Stats().Incarnation == old {
			t.Errorf("%d lines have come, want %d", len(got), more-from)
		}
		if reopened == 0 {
			check(t, s.Close())
			s = open(t, dir, Options{Segment: 16 << 10, Lines: 20, Every: time.Millisecond})
			_, err := s.Rewind(0)
			check(t, err)
		}
	}
}

// TestOpenIsSmall holds that a spool is opened without its backlog in memory.
func TestOpenIsSmall(t *testing.T) {
	dir, left := t.TempDir(), t.TempDir()
	o := Options{Node: "edge-1", Lines: 1 << 20, Every: never, Segment: 1 << 30}
	s := open(t, dir, o)
	text := []byte(strings.Repeat("x", 16_000))
	const lines = 2000
	for range lines {
		check(t, s.Append(text))
	}
	check(t, os.CopyFS(left, os.DirFS(dir))) // as a kill leaves it: in no frame
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	again, err := Open(left, o)
	check(t, err)
	runtime.ReadMemStats(&after)
	if n := again.Stats().Waiting; n != lines {
		t.Errorf("%d lines were found", n)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 8<<20 {
		t.Errorf("it took %d bytes for a backlog of %d", took, lines*len(text))
	}
	check(t, again.Close())
}
