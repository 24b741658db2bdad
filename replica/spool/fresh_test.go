package spool

import (
	"os"
	"strings"
	"testing"
)

// TestFresh holds that a frame goes up as it was cut, whatever the disk has made of it since, and comes from the disk once
// it was acknowledged.
func TestFresh(t *testing.T) {
	s := open(t, t.TempDir(), Options{Lines: 4, Every: never})
	add(t, s, numbered(1, 4)...)
	f := next(t, s)
	path := segmentPath(s.dir, 1, linesSuffix)
	b, err := os.ReadFile(path)
	check(t, err)
	check(t, os.WriteFile(path, []byte(strings.Replace(string(b), `"n":3`, `"n":8`, 1)), 0o600))
	again := next(t, s)
	same(t, "frame in memory", texts(&again), numbered(1, 4))
	check(t, s.Ack(f.Incarnation, 1))
	s.mu.Lock()
	bytes, frames := s.fresh.bytes, len(s.fresh.frames)
	s.mu.Unlock()
	if bytes != 0 || frames != 0 {
		t.Errorf("%d bytes of %d frames stay in memory", bytes, frames)
	}
	_, err = s.Rewind(0)
	check(t, err)
	if again = next(t, s); again.Lost != 1 || again.Hash != f.Hash {
		t.Errorf("the damaged frame: %d lines lost, hash %s, want 1 and %s", again.Lost, again.Hash, f.Hash)
	}
}

// TestFreshBounded holds that frames which cannot go up take no memory without bound.
func TestFreshBounded(t *testing.T) {
	s := open(t, t.TempDir(), Options{Lines: 1 << 20, Every: never})
	line := string(line300())
	for s.Stats().Last < 12 {
		for range 800 {
			add(t, s, line)
		}
		s.work(s.cutAll)
	}
	s.mu.Lock()
	bytes := s.fresh.bytes
	s.mu.Unlock()
	if bytes > mostFresh || bytes < mostFresh/2 {
		t.Errorf("%d bytes in memory, of at most %d", bytes, mostFresh)
	}
	for got := int64(1); got <= 12; got++ {
		f := next(t, s)
		if f.Sequence != got || f.Count != 800 {
			t.Fatalf("frame %d has %d lines, want %d with 800", f.Sequence, f.Count, got)
		}
		check(t, s.Ack(f.Incarnation, f.Sequence))
	}
}
