package spool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"fairlead"
)

// mostFrames bounds what is given at once: those of an idle edge are small, and each is a transaction where they go.
const mostFrames = 64

// Next waits until there is a frame that was not acknowledged, or is to go once more, and gives the oldest ones in order: the first, and
// as many more as have so many bytes together as they are sent; again the same ones until they are acknowledged.
func (s *Spool) Next(ctx context.Context, bytes int) ([]fairlead.Frame, error) {
	for {
		s.mu.Lock()
		sequence, last, ready, closed := max(s.after+1, s.oldest()), s.last, s.ready, s.closed
		s.mu.Unlock()
		switch {
		case closed:
			return nil, ErrClosed
		case sequence <= last:
			return s.few(sequence, last, bytes)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-ready:
		}
	}
}

// few gives frames from one sequence to another, as Next does.
func (s *Spool) few(from, last int64, bytes int) (frames []fairlead.Frame, err error) {
	for sequence := from; sequence <= min(last, from+mostFrames-1); sequence++ {
		f, err := s.Frame(sequence)
		if err != nil && len(frames) == 0 {
			return nil, err
		}
		// What is wrong with a later one is told once that one is the first.
		if len(frames) > 0 && (err != nil || f.Incarnation != frames[0].Incarnation || f.Size() > bytes) {
			return frames, nil
		}
		frames, bytes = append(frames, f), bytes-f.Size()
		if bytes < f.Size()/2 { // the next one would hardly fit, and reading it costs as much as sending it
			return frames, nil
		}
	}
	return frames, nil
}

// Ack notes that control has all frames up to one of an incarnation. Acknowledging again does nothing; nor does a frame
// of an incarnation that is over.
func (s *Spool) Ack(incarnation string, sequence int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return ErrClosed
	case incarnation != s.incarnation, sequence <= s.after:
		return nil
	case sequence > s.last:
		return fmt.Errorf("acknowledge frame %d: the last one is %d", sequence, s.last)
	}
	if s.after = sequence; sequence <= s.acked {
		return nil
	}
	s.acked = sequence
	s.fresh.drop(sequence)
	s.count()
	if s.trouble.now != "" {
		s.relief = true
		s.poke()
	}
	return s.writeAck()
}

// Rewind takes back that the frames after one are acknowledged, and has Next give them again, as far as they are kept; first is the
// first of them. A ledger that was restored from a backup lacks them.
func (s *Spool) Rewind(after int64) (first int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, ErrClosed
	}
	s.back(after)
	s.acked = min(s.acked, s.after)
	s.count()
	return s.after + 1, s.writeAck()
}

// Again has the newest acknowledged frame given by Next once more, where it is kept: one that control has is nothing new to it, and
// one that it lacks tells it, and then the edge, what else it lacks. Until control says so the frame stays acknowledged.
func (s *Spool) Again() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.back(s.acked - 1)
	return nil
}

// back has Next go on behind a frame, unless it is before that, as far as frames are kept. The caller holds mu.
func (s *Spool) back(after int64) {
	if s.after = max(min(s.after, after), s.oldest()-1); s.after < s.last {
		close(s.ready)
		s.ready = make(chan struct{})
	}
}

// Since gives the frames after one, as far as they are kept, up to the last one that there is.
func (s *Spool) Since(after int64) iter.Seq2[fairlead.Frame, error] {
	return func(yield func(fairlead.Frame, error) bool) {
		s.mu.Lock()
		from, last := max(after+1, s.oldest()), s.last
		s.mu.Unlock()
		for sequence := from; sequence <= last; sequence++ {
			if f, err := s.Frame(sequence); !yield(f, err) || err != nil {
				return
			}
		}
	}
}

// oldest is the sequence of the first frame that is kept, or would be the next.
func (s *Spool) oldest() int64 {
	for _, g := range s.segments {
		if g.first > 0 {
			return g.first
		}
	}
	return s.last + 1
}

// Oldest is when the oldest frame that was not acknowledged was cut; the zero time where there is none, or its entry cannot be
// read.
func (s *Spool) Oldest() time.Time {
	s.mu.Lock()
	sequence, dir := s.acked+1, s.dir
	var g *segment
	for _, one := range s.segments {
		if one.first > 0 && one.first <= sequence && sequence <= one.last() {
			g = new(*one)
		}
	}
	s.mu.Unlock()
	if g == nil {
		return time.Time{}
	}
	f, err := os.Open(segmentPath(dir, g.number, framesSuffix))
	if err != nil {
		return time.Time{}
	}
	defer f.Close()
	e, _, err := g.entry(f, sequence)
	if err != nil || e.at == 0 {
		return time.Time{}
	}
	return timeOf(e.at)
}

// Frame reads a frame. What of it is damaged is left out and counted in Lost; a sequence that is not kept gives
// CodeNotFound.
func (s *Spool) Frame(sequence int64) (fairlead.Frame, error) {
	s.mu.Lock()
	if f, ok := s.fresh.find(sequence); ok {
		s.mu.Unlock()
		return f, nil
	}
	var g segment
	for _, one := range s.segments {
		if one.first > 0 && one.first <= sequence && sequence <= one.last() {
			g = *one
		}
	}
	oldest, last, dir := s.oldest(), s.last, s.dir
	f := fairlead.Frame{Node: s.Node, Incarnation: s.incarnation, Sequence: sequence}
	s.mu.Unlock()
	if sequence < oldest || sequence > last {
		return fairlead.Frame{}, fairlead.Errorf(fairlead.CodeNotFound, "the spool does not keep this frame")
	}
	if err := g.read(dir, &f); err != nil {
		return fairlead.Frame{}, fmt.Errorf("read frame %d: %w", sequence, err)
	}
	return f, s.checked(&f)
}

// checked tells of a frame's damage, once.
func (s *Spool) checked(f *fairlead.Frame) error {
	s.mu.Lock()
	gone, told := f.Sequence < s.oldest(), f.Sequence <= s.missed
	if !gone && !told && (f.Lost > 0 || f.Count == 0) {
		s.missed = f.Sequence
		s.stats.Damaged += int64(f.Lost)
	}
	s.mu.Unlock()
	switch {
	case gone: // while it was read
		return fairlead.Errorf(fairlead.CodeNotFound, "the spool does not keep this frame")
	case !told && f.Lost > 0:
		s.Log.Error("a frame of charge lines is damaged on the disk", "sequence", f.Sequence, "lines_lost", f.Lost)
	case !told && f.Count == 0:
		s.Log.Error("a frame of charge lines has none on the disk", "sequence", f.Sequence)
	}
	return nil
}

// read reads what a segment has of a frame. A segment that somebody removed has nothing of it.
func (g *segment) read(dir string, f *fairlead.Frame) error {
	lines, err := os.Open(segmentPath(dir, g.number, linesSuffix))
	if errors.Is(err, os.ErrNotExist) {
		f.Hash = f.Sum()
		return nil
	}
	if err != nil {
		return err
	}
	defer lines.Close()
	frames, err := os.Open(segmentPath(dir, g.number, framesSuffix))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if frames != nil {
		defer frames.Close()
	}
	e, known, err := g.entry(frames, f.Sequence)
	if err != nil {
		return err
	}
	piece := make([]byte, max(0, min(e.to, g.size)-e.from))
	if n, err := lines.ReadAt(piece, e.from); errors.Is(err, io.EOF) {
		piece = piece[:n]
	} else if err != nil {
		return err
	}
	found := scanInto(piece[:0], piece) // texts are shorter than their lines, so that none is written over before it is read
	f.At, f.Lines, f.Count = timeOf(e.at), found.texts, found.lines+found.damaged
	f.Hash = f.Sum()
	f.Lost = found.damaged
	// Of a frame that lost lines the entry knows the hash that it was sent with, if it was. Where all its lines are
	// there they are believed: control refuses what does not agree with its hash.
	if lost := int(e.count) - found.lines; known && lost > 0 {
		f.Count, f.Hash, f.Lost = int(e.count), e.hash, lost
	}
	return nil
}

// entry reads the entry of a frame. Where it is damaged it follows from those around it: the first of several takes
// all that lies between them.
func (g *segment) entry(frames *os.File, sequence int64) (e entry, known bool, err error) {
	there := int64(0)
	if frames != nil {
		info, err := frames.Stat()
		if err != nil {
			return e, false, err
		}
		there = info.Size() / int64(entrySize)
	}
	at := func(i int64) (entry, bool, error) {
		if i >= there {
			return entry{}, false, nil
		}
		e, ok, err := readEntryAt(frames, i)
		return e, ok && e.sequence == g.first+i, err
	}
	i := sequence - g.first
	if e, known, err = at(i); known || err != nil {
		return e, known, err
	}
	e = entry{sequence: sequence, to: g.cut}
	j := min(i, there) - 1 // the nearest one before that can be read
	for ; j >= 0; j-- {
		before, ok, err := at(j)
		if err != nil {
			return e, false, err
		}
		if ok {
			e.from, e.at = before.to, before.at
			break
		}
	}
	if j < i-1 {
		e.to = e.from // an earlier one takes what lies between
	}
	for k := i + 1; k < there && e.to > e.from; k++ {
		after, ok, err := at(k)
		if err != nil {
			return e, false, err
		}
		if ok {
			e.to = after.from
			break
		}
	}
	return e, false, nil
}
