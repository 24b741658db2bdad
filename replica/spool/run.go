package spool

import (
	"errors"
	"fmt"
	"os"
	"time"
)

const (
	// retryAfter is how long to wait with what the disk refused: a sync, a cut, a new segment.
	retryAfter = 250 * time.Millisecond
	// trimEvery is how often lines are looked for that have stayed long enough.
	trimEvery = time.Hour
)

// run has the disk keep lines in groups, cuts them into frames, begins new segments and removes old ones. It sleeps
// while there is nothing to do.
func (s *Spool) run() {
	defer close(s.done)
	var syncAt, cutAt, fullAt time.Time // zero = nothing is to be done
	var cut time.Time                   // when was cut last
	trimAt := time.Now().Add(trimEvery)
	timer := time.NewTimer(trimEvery)
	defer timer.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-s.wake:
		case <-timer.C:
		}
		s.tell()
		now := time.Now()
		s.mu.Lock()
		dirty, waiting, relief := s.dirty, s.waiting, s.relief
		s.relief = false
		s.mu.Unlock()
		syncAt, cutAt = due(syncAt, dirty, s.not(now, s.Sync)), due(cutAt, waiting > 0, s.not(now, s.Every))
		fullAt = due(fullAt, waiting >= s.Lines, s.not(now, s.Pace-now.Sub(cut)))
		switch {
		case passed(fullAt, now) || passed(cutAt, now):
			s.work(s.cutAll)
			syncAt, cutAt, fullAt, cut = time.Time{}, time.Time{}, time.Time{}, now
			s.poke() // to look whether there is more
		case passed(syncAt, now):
			s.work(s.syncCurrent)
			syncAt = time.Time{}
			s.poke()
		case relief || passed(trimAt, now):
			s.work(func() error { return nil })
			trimAt = now.Add(trimEvery)
		}
		timer.Reset(soonest(now, syncAt, cutAt, fullAt, trimAt))
	}
}

// due is when something is to be done: as was said before, or from now on at a time; zero where it need not be.
func due(at time.Time, needed bool, from time.Time) time.Time {
	switch {
	case !needed:
		return time.Time{}
	case at.IsZero():
		return from
	}
	return at
}

// not gives the time after a wait, but none before what the disk refused may be asked of it again.
func (s *Spool) not(now time.Time, wait time.Duration) time.Time {
	if at := now.Add(wait); at.After(s.retry) {
		return at
	}
	return s.retry
}

func passed(at, now time.Time) bool { return !at.IsZero() && !now.Before(at) }

func soonest(now time.Time, times ...time.Time) time.Duration {
	wait := trimEvery
	for _, t := range times {
		if !t.IsZero() {
			wait = min(wait, max(0, t.Sub(now)))
		}
	}
	return wait
}

// work does what the disk may refuse; then it is tried again a little later.
func (s *Spool) work(what func() error) {
	s.working.Lock()
	defer s.working.Unlock()
	err := what()
	if err == nil {
		err = s.rotate()
	}
	s.trim(time.Now())
	s.widen(time.Now())
	switch {
	case err != nil:
		s.retry = time.Now().Add(retryAfter)
		if s.broken != err.Error() {
			s.broken = err.Error()
			s.Log.Error("the spool's disk refuses; it is asked again", "error", err)
		}
	case s.broken != "":
		s.broken = ""
		s.Log.Warn("the spool's disk takes lines again")
	}
}

// syncCurrent has the disk keep what was written so far.
func (s *Spool) syncCurrent() error {
	s.mu.Lock()
	g := s.segments[len(s.segments)-1]
	s.mu.Unlock()
	return s.sync(g)
}

// sync has the disk keep a segment's lines. After a failure the system forgets what it could not write, so it is
// written once more before the disk is asked again.
func (s *Spool) sync(g *segment) error {
	s.mu.Lock()
	size, synced, failed := g.size, g.synced, g.failed
	current := g == s.segments[len(s.segments)-1]
	if current {
		s.dirty = false
	}
	s.mu.Unlock()
	if size == synced {
		return nil
	}
	err := s.resync(g.lines, synced, size, failed)
	s.mu.Lock()
	defer s.mu.Unlock()
	g.failed = err != nil
	if err != nil {
		s.dirty = s.dirty || current
		return fmt.Errorf("sync segment %d: %w", g.number, err)
	}
	g.synced, g.wrote = size, time.Now()
	return nil
}

func (s *Spool) resync(f *os.File, from, to int64, again bool) error {
	if again {
		b := make([]byte, to-from)
		if _, err := f.ReadAt(b, from); err != nil {
			return err
		}
		if _, err := f.WriteAt(b, from); err != nil {
			return err
		}
	}
	return s.disk.Sync(f)
}

// rotate begins a new segment where the last one is large enough. Lines go to the old one until the new one stands.
func (s *Spool) rotate() error {
	s.mu.Lock()
	g := s.segments[len(s.segments)-1]
	large := g.size >= s.large()
	dir := s.dir
	s.mu.Unlock()
	if !large {
		return nil
	}
	next, err := newSegment(dir, g.number+1)
	if err != nil {
		return fmt.Errorf("begin segment: %w", err)
	}
	s.mu.Lock()
	s.segments = append(s.segments, next)
	s.mu.Unlock()
	err = s.cutAll()
	s.mu.Lock()
	s.count()
	s.mu.Unlock()
	return err
}

// trim removes segments whose lines are all acknowledged, the oldest first: those that have stayed long enough, and
// any where the room is needed.
func (s *Spool) trim(now time.Time) {
	for _, g := range s.trimmable(now) {
		for _, suffix := range []string{linesSuffix, framesSuffix} {
			if err := os.Remove(segmentPath(s.dir, g.number, suffix)); err != nil && !errors.Is(err, os.ErrNotExist) {
				s.Log.Warn("remove acknowledged lines", "error", err)
			}
		}
	}
}

func (s *Spool) trimmable(now time.Time) []*segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	total := int64(0)
	for _, g := range s.segments {
		total += g.bytes()
	}
	n := 0
	for _, g := range s.segments[:len(s.segments)-1] {
		if !g.done(s.acked) || (now.Sub(g.wrote) < s.Keep && total+s.large() <= s.Max && s.trouble.now == "") {
			break
		}
		total -= g.bytes()
		n++
		if s.trouble.now != "" { // the disk has no room: one at a time makes some
			break
		}
	}
	gone := s.segments[:n:n]
	s.segments = append([]*segment(nil), s.segments[n:]...)
	return gone
}
