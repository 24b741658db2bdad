package spool

import (
	"fmt"
	"slices"
	"time"

	"fairlead"
)

// frameBytes bounds the lines of a frame as they stand on the disk: their texts then fit into fairlead.MaxFrame.
const frameBytes = fairlead.MaxFrame / 2

// cutAll cuts all lines that are in no frame, segment by segment. Lines and frame are on the disk before anyone is
// given the frame: no frame that was sent can be another one after the machine was lost.
func (s *Spool) cutAll() error {
	s.mu.Lock()
	list := append([]*segment(nil), s.segments...)
	s.mu.Unlock()
	for i, g := range list {
		if g.lines == nil {
			continue
		}
		if err := s.sync(g); err != nil {
			return err
		}
		for g.cut < g.synced {
			if err := s.cutOne(g); err != nil {
				return err
			}
		}
		if i < len(list)-1 {
			s.mu.Lock()
			err := g.full()
			s.mu.Unlock()
			if err != nil {
				return fmt.Errorf("close segment %d: %w", g.number, err)
			}
		}
	}
	return nil
}

// cutOne cuts one frame. Only whoever holds working changes what a segment's entries say.
func (s *Spool) cutOne(g *segment) error {
	piece := slices.Grow(s.piece[:0], frameBytes+maxLine+overhead)[:min(g.synced-g.cut, frameBytes+maxLine+int64(overhead))]
	s.piece = piece
	if _, err := g.lines.ReadAt(piece, g.cut); err != nil {
		return fmt.Errorf("read segment %d: %w", g.number, err)
	}
	n := part(piece, frameBytes)
	if n == 0 { // no newline: nothing that this program wrote
		n = len(piece)
	}
	found := scanInto(nil, piece[:n])
	e := entry{sequence: s.last + 1, from: g.cut, to: g.cut + int64(n), count: int64(found.lines + found.damaged), at: s.Clock().UnixMicro()}
	f := s.frame(&e, found.texts)
	e.hash = f.Sum()
	if _, err := g.frames.WriteAt(e.append(nil), g.count*int64(entrySize)); err != nil {
		return fmt.Errorf("cut frame: %w", err)
	}
	if err := s.disk.Sync(g.frames); err != nil {
		return fmt.Errorf("cut frame: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if g.first == 0 {
		g.first = e.sequence
	}
	g.count++
	g.cut = e.to
	s.held += int64(entrySize)
	s.last = e.sequence
	s.waiting -= min(s.waiting, found.lines)
	if found.damaged == 0 {
		f.Hash = e.hash
		s.fresh.keep(f)
	}
	if !s.closed {
		close(s.ready)
		s.ready = make(chan struct{})
	}
	return nil
}

// frame makes an entry's frame, its hash left out.
func (s *Spool) frame(e *entry, texts []byte) fairlead.Frame {
	return fairlead.Frame{
		Node: s.Node, Incarnation: s.incarnation, Sequence: e.sequence, At: timeOf(e.at), Count: int(e.count), Lines: texts,
	}
}

func timeOf(micros int64) time.Time { return time.UnixMicro(micros).UTC() }
