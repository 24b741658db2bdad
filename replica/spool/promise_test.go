package spool

import (
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// stands tells how far the segment that is written to is: bytes, those of them that the disk was made to keep, and frames.
func stands(s *Spool) (size, synced, frames int64) {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.segments[len(s.segments)-1]
	return g.size, g.synced, s.last
}

// TestPromises holds what a spool promises where nobody says anything else: the disk keeps a line after 5 ms, 512 lines are a
// frame, at once or 25 ms after the one before, and fewer are one after 250 ms.
func TestPromises(t *testing.T) {
	t.Run("5 ms", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := open(t, t.TempDir(), Options{})
			for range 3 {
				_, before, _ := stands(s)
				add(t, s, "a line")
				time.Sleep(5*time.Millisecond - 1)
				if _, synced, _ := stands(s); synced != before {
					t.Error("each line is synced by itself")
				}
				time.Sleep(time.Nanosecond)
				if size, synced, _ := stands(s); synced != size || size == before {
					t.Errorf("after 5 ms the disk was made to keep %d of %d bytes", synced, size)
				}
				time.Sleep(time.Millisecond)
			}
		})
	})
	t.Run("512 lines", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := open(t, t.TempDir(), Options{})
			for frame := range int64(3) {
				add(t, s, numbered(1, 511)...)
				if _, _, frames := stands(s); frames != frame {
					t.Errorf("after %d times 512 and 511 lines there are %d frames", frame, frames)
				}
				add(t, s, "the last one")
				if frame > 0 {
					time.Sleep(25*time.Millisecond - 1)
					if _, _, frames := stands(s); frames != frame {
						t.Errorf("sooner than 25 ms after the frame before there are %d", frames)
					}
					time.Sleep(time.Nanosecond)
				}
				if _, _, frames := stands(s); frames != frame+1 {
					t.Errorf("after %d times 512 lines there are %d frames", frame+1, frames)
				}
			}
		})
	})
	t.Run("250 ms", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := open(t, t.TempDir(), Options{})
			for frame := range int64(3) {
				add(t, s, "a line")
				time.Sleep(250*time.Millisecond - 1)
				if _, _, frames := stands(s); frames != frame {
					t.Errorf("before 250 ms there are %d frames", frames)
				}
				time.Sleep(time.Nanosecond)
				if _, _, frames := stands(s); frames != frame+1 {
					t.Errorf("after 250 ms there are %d frames", frames)
				}
			}
		})
	})
}

// TestSyncs holds that the disk is really asked to keep lines, and frames before anybody is given one: a file that takes writes and
// cannot be synced is told of, and nothing counts as kept.
func TestSyncs(t *testing.T) {
	for what, file := range map[string]func(*segment) **os.File{
		"sync segment": func(g *segment) **os.File { return &g.lines },
		"cut frame":    func(g *segment) **os.File { return &g.frames },
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, err := Open(t.TempDir(), Options{Node: "edge-1"})
				check(t, err)
				defer func() { _ = s.Close() }() // its last sync is refused, too
				synctest.Wait()
				s.mu.Lock()
				f := file(s.segments[0])
				check(t, (*f).Close())
				*f, err = os.OpenFile(os.DevNull, os.O_RDWR, 0)
				check(t, err)
				s.mu.Unlock()
				if (*f).Sync() == nil {
					t.Skip("this system syncs what is no file")
				}
				add(t, s, "a line")
				time.Sleep(260 * time.Millisecond)
				_, _, frames := stands(s)
				s.working.Lock()
				broken := s.broken
				s.working.Unlock()
				if frames != 0 || !strings.Contains(broken, what) {
					t.Errorf("there are %d frames, the disk refuses %q", frames, broken)
				}
			})
		})
	}
}
