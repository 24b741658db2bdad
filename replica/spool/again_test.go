package spool

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestAgain holds that the newest acknowledged frame goes once more, however often that is asked for, and stays acknowledged.
func TestAgain(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{Lines: 1, Every: never})
	for i := range 5 {
		add(t, s, strconv.Itoa(i))
		drain(t, s, 1)
	}
	for range 3 {
		check(t, s.Again())
	}
	if st := s.Stats(); st.Acked != 5 {
		t.Errorf("stats %+v", st)
	}
	f := next(t, s)
	if f.Sequence != 5 {
		t.Errorf("frame %d goes once more", f.Sequence)
	}
	check(t, s.Ack(f.Incarnation, f.Sequence))
	check(t, s.Again())
	check(t, s.Close())
	s = open(t, dir, Options{Lines: 1, Every: never})
	add(t, s, "new")
	if f := next(t, s); f.Sequence != 6 {
		t.Errorf("after a start frame %d is next", f.Sequence)
	}
}

// TestAgainTrimmed holds that a frame that was to go once more, and is kept no more, keeps none back.
func TestAgainTrimmed(t *testing.T) {
	s := open(t, t.TempDir(), Options{Lines: 1, Every: never, Segment: 10, Keep: time.Nanosecond})
	add(t, s, "one")
	until(t, "the next segment", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.segments) == 2
	})
	drain(t, s, 1)
	check(t, s.Again())
	add(t, s, "two") // which has the disk looked at
	until(t, "the first frame is removed", func() bool {
		_, err := s.Frame(1)
		return err != nil
	})
	if f := next(t, s); f.Sequence != 2 {
		t.Errorf("frame %d is next", f.Sequence)
	}
}

// TestAgainThenRenew holds that lines which control has acknowledged do not go up under another key, though their frame was to go once
// more when control refused it.
func TestAgainThenRenew(t *testing.T) {
	s := open(t, t.TempDir(), Options{Lines: 2, Every: never})
	add(t, s, "one", "two")
	f := next(t, s)
	check(t, s.Ack(f.Incarnation, f.Sequence))
	check(t, s.Again())
	check(t, s.Renew(next(t, s).Incarnation))
	if st := s.Stats(); st.Incarnation == f.Incarnation || st.Waiting > 0 || st.Last > 0 {
		t.Errorf("stats of the new incarnation: %+v", st)
	}
	add(t, s, "three", "four")
	same(t, "lines of the new incarnation", drain(t, s, 2), []string{"three", "four"})
}

// TestRewindThenRenew holds that lines which control has told to lack go up under another key.
func TestRewindThenRenew(t *testing.T) {
	s := open(t, t.TempDir(), Options{Lines: 2, Every: never})
	add(t, s, "one", "two")
	drain(t, s, 2)
	add(t, s, "three", "four")
	drain(t, s, 2)
	_, err := s.Rewind(1)
	check(t, err)
	check(t, s.Renew(next(t, s).Incarnation))
	add(t, s, "five", "six")
	same(t, "lines of the new incarnation", drain(t, s, 4), []string{"three", "four", "five", "six"})
}

// TestAgainBesideRenew holds that a takeover does not begin anew where a frame is to go once more.
func TestAgainBesideRenew(t *testing.T) {
	s := open(t, t.TempDir(), Options{Lines: 20, Every: never})
	for i := range 40 { // of two frames one is acknowledged
		add(t, s, strconv.Itoa(i))
	}
	from := len(drain(t, s, 1))
	rest := strings.Repeat("x", 10_000)
	for range 500 {
		add(t, s, rest)
	}
	until(t, "all are in frames", func() bool { return s.Stats().Waiting == 0 })
	pieces := 0
	s.taking = func() {
		if pieces++; pieces == 2 {
			check(t, s.Again())
		}
	}
	size := s.Stats().Bytes
	check(t, s.Renew(s.Stats().Incarnation))
	if most := int(size/pieceSize) + 2; pieces < 3 || pieces > most {
		t.Errorf("%d pieces were taken of %d bytes, want %d at most", pieces, size, most)
	}
	if n := len(drain(t, s, 540-from)); n != 540-from {
		t.Errorf("%d lines have come", n)
	}
}
