package spool

import (
	"errors"
	"fmt"
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
	closed, other, born := s.closed, incarnation != s.incarnation, s.born
	s.mu.Unlock()
	switch {
	case closed:
		return ErrClosed
	case other:
		return nil // somebody was first
	}
	return s.renew(born)
}

// renew takes over what stands behind a place; one of segment -1 takes nothing. Whoever calls it holds working, or is
// alone. Lines are taken meanwhile: only for the last of them, and the change of folders, they wait.
func (s *Spool) renew(born place) error {
	next, err := s.prepare()
	if err != nil {
		return fmt.Errorf("begin new incarnation: %w", err)
	}
	t, err := s.takeOver(next, born)
	if err == nil {
		defer s.mu.Unlock() // takeOver leaves it locked
		err = s.replace(t)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("begin new incarnation: %w", err), t.discard(), os.RemoveAll(next))
	}
	return nil
}

// replace goes on with the folder of what was taken over. The caller holds mu.
func (s *Spool) replace(t *takeover) error {
	if s.closed {
		return ErrClosed
	}
	fresh, err := t.spool()
	if err != nil {
		return err
	}
	old, now := s.dir, time.Now()
	if err := os.Rename(old, old+asideSuffix); err != nil {
		_ = fresh.ack.Close() // of a folder that goes
		return fmt.Errorf("put spool aside: %w", err)
	}
	// From here on the old incarnation is over: a process that is killed now finds the new one when it starts.
	_ = os.Chtimes(old+asideSuffix, now, now) // from when on it is kept; else it goes sooner
	if err := os.Rename(t.dir, strings.TrimSuffix(t.dir, nextSuffix)); err == nil {
		fresh.dir = strings.TrimSuffix(t.dir, nextSuffix)
	}
	if err := syncFolder(s.root); err != nil {
		s.Log.Warn("begin new incarnation", "error", err)
	}
	s.adopt(fresh)
	s.stats.Aside += t.aside
	s.Log.Error("the spool has a new incarnation", "node", s.Node, "incarnation", s.incarnation, "folder_aside", filepath.Base(old)+asideSuffix,
		"lines_aside", t.aside, "lines_kept", t.kept)
	return nil
}

// adopt goes on with the files of another spool, all of whose lines are this process's.
func (s *Spool) adopt(fresh *Spool) {
	for _, g := range s.segments {
		_ = g.full() // of an incarnation that is over
	}
	_ = s.ack.Close() // likewise
	s.dir, s.incarnation, s.segments, s.ack = fresh.dir, fresh.incarnation, fresh.segments, fresh.ack
	s.fresh = fresh.fresh
	s.acked, s.after, s.last, s.held = fresh.acked, fresh.after, fresh.last, fresh.held
	s.waiting, s.dirty = fresh.waiting, fresh.dirty
	s.born, s.missed = place{1, 0}, 0
	s.poke()
}
