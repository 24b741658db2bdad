package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Renew begins a new incarnation: control has another frame under the key of one of this spool's, so what this disk
// says of frames before is not what was sent. Lines that this process wrote and that were not acknowledged are taken
// over. Those that it found when it was opened may have been sent already: they go aside with the old incarnation, are
// counted and told.
func (s *Spool) Renew(incarnation string) error {
	s.working.Lock()
	defer s.working.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	if incarnation != s.incarnation {
		return nil // somebody was first
	}
	return s.renew(s.born)
}

// renew takes over what stands behind a place; one of segment -1 takes nothing. Whoever calls it holds working
// and mu, or is alone.
func (s *Spool) renew(born place) error {
	next, err := s.prepare()
	if err != nil {
		return fmt.Errorf("begin new incarnation: %w", err)
	}
	kept, aside, err := s.takeOver(next, born)
	if err != nil {
		return errors.Join(fmt.Errorf("begin new incarnation: %w", err), os.RemoveAll(next))
	}
	fresh := &Spool{Options: s.Options, root: s.root}
	if err := fresh.load(next); err != nil {
		return errors.Join(fmt.Errorf("begin new incarnation: %w", err), os.RemoveAll(next))
	}
	old, now := s.dir, time.Now()
	if err := os.Rename(old, old+asideSuffix); err != nil {
		_ = fresh.closeFiles() // of a folder that goes
		return errors.Join(fmt.Errorf("put spool aside: %w", err), os.RemoveAll(next))
	}
	// From here on the old incarnation is over: a process that is killed now finds the new one when it starts.
	_ = os.Chtimes(old+asideSuffix, now, now) // from when on it is kept; else it goes sooner
	if err := os.Rename(next, strings.TrimSuffix(next, nextSuffix)); err == nil {
		fresh.dir = strings.TrimSuffix(next, nextSuffix)
	}
	if err := syncFolder(s.root); err != nil {
		s.Log.Warn("begin new incarnation", "error", err)
	}
	s.adopt(fresh)
	s.stats.Aside += aside
	s.Log.Error("the spool has a new incarnation", "node", s.Node, "incarnation", s.incarnation, "folder_aside", filepath.Base(old)+asideSuffix,
		"lines_aside", aside, "lines_kept", kept)
	return nil
}

// adopt goes on with the files of another spool, all of whose lines are this process's.
func (s *Spool) adopt(fresh *Spool) {
	for _, g := range s.segments {
		_ = g.full() // of an incarnation that is over
	}
	_ = s.ack.Close() // likewise
	s.dir, s.incarnation, s.segments, s.ack = fresh.dir, fresh.incarnation, fresh.segments, fresh.ack
	s.acked, s.last, s.held, s.waiting, s.dirty = fresh.acked, fresh.last, fresh.held, fresh.waiting, fresh.dirty
	s.born, s.missed = place{1, 0}, 0
	s.poke()
}

// takeOver copies the lines behind a place that are in no acknowledged frame to the first segment of a folder, and
// counts those before it.
func (s *Spool) takeOver(next string, born place) (kept, aside int64, err error) {
	to, err := newSegment(next, 1)
	if err != nil {
		return 0, 0, err
	}
	for _, g := range s.segments {
		from := int64(0)
		if g.done(s.acked) {
			continue
		}
		if g.first > 0 && g.first <= s.acked {
			f, err := s.endOf(g, s.acked)
			if err != nil {
				return 0, 0, errors.Join(err, to.close())
			}
			from = f
		}
		fresh := g.size // where this process's own begin
		switch {
		case born.segment < 0:
		case g.number > born.segment:
			fresh = 0
		case g.number == born.segment:
			fresh = born.at
		}
		a, _, err := s.copyLines(nil, g, from, max(from, fresh))
		aside += a
		if err == nil {
			a, to.size, err = s.copyLines(to, g, max(from, fresh), g.size)
			kept += a
		}
		if err != nil {
			return 0, 0, errors.Join(err, to.close())
		}
	}
	return kept, aside, errors.Join(to.lines.Sync(), to.close())
}

// endOf is where a frame's lines end.
func (s *Spool) endOf(g *segment, sequence int64) (int64, error) {
	frames, err := os.Open(segmentPath(s.dir, g.number, framesSuffix))
	if err != nil {
		return 0, err
	}
	defer frames.Close()
	e, _, err := g.entry(frames, sequence)
	return e.to, err
}

// copyLines copies whole lines, or counts them only, and gives where the copy ends.
func (s *Spool) copyLines(to, g *segment, from, until int64) (lines, size int64, err error) {
	if to != nil {
		size = to.size
	}
	if from >= until {
		return 0, size, nil
	}
	f, err := os.Open(segmentPath(s.dir, g.number, linesSuffix))
	if err != nil {
		return 0, size, err
	}
	defer f.Close()
	piece := make([]byte, 1<<20)
	for from < until {
		n, err := f.ReadAt(piece[:min(int64(len(piece)), until-from)], from)
		if err != nil && !errors.Is(err, io.EOF) {
			return lines, size, err
		}
		whole := part(piece[:n], len(piece))
		if whole == 0 {
			return lines, size, nil
		}
		lines += int64(scan(piece[:whole]).lines)
		if to != nil {
			if _, err := to.lines.WriteAt(piece[:whole], size); err != nil {
				return lines, size, err
			}
			size += int64(whole)
		}
		from += int64(whole)
	}
	return lines, size, nil
}
