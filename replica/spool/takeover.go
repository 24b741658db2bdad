package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// takeover copies the lines behind a place that are in no acknowledged frame to the segments of a new folder, and counts
// those before it.
type takeover struct {
	s        *Spool
	dir      string
	born     place
	acked    int64 // of the old incarnation, when it began
	large    int64
	segments []*segment // of the new one
	last     place      // as far as the old one's lines were looked at
	kept     int64
	aside    int64
}

// takeOver takes over all lines that there are, most of them while others come. Where it succeeds it leaves mu locked: the
// takeover is complete until that is unlocked.
func (s *Spool) takeOver(dir string, born place) (*takeover, error) {
	t := &takeover{s: s, dir: dir, born: born}
	for again, rounds := true, 0; again; rounds++ {
		s.mu.Lock()
		if t.acked != s.acked || t.segments == nil { // what was acknowledged meanwhile must not go up once more
			acked, large := s.acked, s.large()
			s.mu.Unlock()
			if err := t.begin(acked, large); err != nil {
				return t, err
			}
			s.mu.Lock()
		}
		list := s.copies()
		s.mu.Unlock()
		if err := t.take(list); err != nil {
			return t, err
		}
		s.mu.Lock()
		again = t.acked != s.acked || (rounds < 8 && s.segments[len(s.segments)-1].size-t.last.at > pieceSize)
		if !again {
			break
		}
		s.mu.Unlock()
	}
	if err := t.take(s.copies()); err != nil {
		s.mu.Unlock()
		return t, err
	}
	return t, nil
}

// copies gives the segments as they are now. The caller holds mu; nobody but who holds working makes others.
func (s *Spool) copies() []segment {
	list := make([]segment, len(s.segments))
	for i, g := range s.segments {
		list[i] = *g
	}
	return list
}

// begin begins with an empty segment.
func (t *takeover) begin(acked, large int64) error {
	if err := t.discard(); err != nil {
		return err
	}
	for _, g := range t.segments {
		for _, suffix := range []string{linesSuffix, framesSuffix} {
			if err := os.Remove(segmentPath(t.dir, g.number, suffix)); err != nil {
				return err
			}
		}
	}
	t.acked, t.large, t.segments, t.last, t.kept, t.aside = acked, large, nil, place{}, 0, 0
	return t.rotate()
}

func (t *takeover) rotate() error {
	g, err := newSegment(t.dir, int64(len(t.segments)+1))
	if err == nil {
		t.segments = append(t.segments, g)
	}
	return err
}

// discard closes the files; they stay.
func (t *takeover) discard() error {
	var errs []error
	for _, g := range t.segments {
		errs = append(errs, g.full())
	}
	return errors.Join(errs...)
}

// take takes what it has not taken yet of segments, and has the disk keep it.
func (t *takeover) take(list []segment) error {
	for i := range list {
		g := &list[i]
		if g.number < t.last.segment {
			continue
		}
		from, err := t.start(g)
		if err != nil {
			return err
		}
		fresh := g.size // where this process's own begin
		switch {
		case t.born.segment < 0:
		case g.number > t.born.segment:
			fresh = 0
		case g.number == t.born.segment:
			fresh = t.born.at
		}
		if a, err := t.copyLines(g, from, min(g.size, max(from, fresh)), false); err != nil {
			return err
		} else if t.aside += a; from < fresh {
			from = fresh
		}
		k, err := t.copyLines(g, from, g.size, true)
		if err != nil {
			return err
		}
		t.kept += k
		t.last = place{g.number, g.size}
	}
	return t.segments[len(t.segments)-1].lines.Sync()
}

// start is where the lines of a segment begin that were not taken yet.
func (t *takeover) start(g *segment) (int64, error) {
	from := int64(0)
	if g.number == t.last.segment {
		from = t.last.at
	}
	switch {
	case g.done(t.acked):
		return g.size, nil
	case g.first > 0 && g.first <= t.acked:
		end, err := t.s.endOf(g, t.acked)
		return max(from, end), err
	}
	return from, nil
}

// copyLines copies whole lines, or counts them only.
func (t *takeover) copyLines(g *segment, from, until int64, keep bool) (lines int64, err error) {
	if from >= until {
		return 0, nil
	}
	f, err := os.Open(segmentPath(t.s.dir, g.number, linesSuffix))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	piece, texts := make([]byte, min(pieceSize, until-from)), []byte(nil)
	for from < until {
		n, err := f.ReadAt(piece[:min(int64(len(piece)), until-from)], from)
		if err != nil && !errors.Is(err, io.EOF) {
			return lines, err
		}
		whole := part(piece[:n], len(piece))
		if whole == 0 {
			return lines, nil
		}
		found := scanInto(texts, piece[:whole])
		texts, lines = found.texts, lines+int64(found.lines)
		if keep {
			if err := t.put(piece[:whole]); err != nil {
				return lines, err
			}
		}
		from += int64(whole)
		if t.s.taking != nil {
			t.s.taking()
		}
	}
	return lines, nil
}

// put writes whole lines behind those that are there.
func (t *takeover) put(piece []byte) error {
	for len(piece) > 0 {
		to := t.segments[len(t.segments)-1]
		if to.size >= t.large {
			if err := errors.Join(to.lines.Sync(), t.rotate()); err != nil {
				return err
			}
			continue
		}
		n := part(piece, int(min(max(t.large-to.size, maxLine+int64(overhead)), pieceSize)))
		if _, err := to.lines.WriteAt(piece[:n], to.size); err != nil {
			return err
		}
		to.size += int64(n)
		piece = piece[n:]
	}
	return nil
}

// spool is what stands in the folder, as if it was loaded from there.
func (t *takeover) spool() (*Spool, error) {
	fresh := &Spool{
		Options: t.s.Options, dir: t.dir, incarnation: strings.TrimSuffix(filepath.Base(t.dir), nextSuffix),
		segments: t.segments, waiting: int(t.kept), dirty: t.kept > 0,
	}
	if err := fresh.loadAck(); err != nil {
		return nil, fmt.Errorf("begin to acknowledge: %w", err)
	}
	return fresh, nil
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
