package ship

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"

	"fairlead"
)

// Keeper keeps what comes up: the store.
type Keeper interface {
	// TakeFrames commits frames of a node in their order, each once, until one cannot be: kept has an entry for each that is
	// there then, true where it is new. err is of the one after these: CodeConflict where another one has its key, which
	// stands in the audit then; a *fairlead.FrameGap where some before it are missing.
	TakeFrames(ctx context.Context, frames []fairlead.Frame) (kept []bool, err error)
	// PutRecords commits records, each once, and counts those that are none.
	PutRecords(ctx context.Context, b fairlead.RecordBatch) (bad int, err error)
}

// Desk takes what nodes send, at control. No node speaks for another.
type Desk struct {
	Keeper Keeper
	Log    *slog.Logger

	stats deskStats
}

type deskStats struct{ frames, again, lines, lost, conflicts, refused, batches, bad atomic.Int64 }

// DeskStats counts what a desk has done.
type DeskStats struct {
	Frames    int64 // committed
	Again     int64 // that had been before
	Lines     int64 // charge lines of the committed ones
	Lost      int64 // lines that their nodes could not read any more
	Conflicts int64 // frames under the key of another one
	Refused   int64 // frames and batches that cannot be what their node sends
	Batches   int64 // of records, committed
	Bad       int64 // rows that are no records
}

// Stats counts what was done so far.
func (d *Desk) Stats() DeskStats {
	s := &d.stats
	return DeskStats{
		Frames: s.frames.Load(), Again: s.again.Load(), Lines: s.lines.Load(), Lost: s.lost.Load(), Conflicts: s.conflicts.Load(),
		Refused: s.refused.Load(), Batches: s.batches.Load(), Bad: s.bad.Load(),
	}
}

// Frames takes frames from a node. Those that the answer says are taken are committed.
func (d *Desk) Frames(ctx context.Context, node string, body []byte) ([]byte, error) {
	frames, err := unmarshalFrames(body)
	if err != nil {
		return nil, d.refuse(node, "frames", fairlead.Errorf(fairlead.CodeInvalidRequest, "these are no frames"))
	}
	return answerFrames(d.TakeFrames(ctx, node, frames))
}

// TakeFrames takes frames from a node, which may be the one that the desk sits in: each as a unit of its own, in their order,
// until one is not taken.
func (d *Desk) TakeFrames(ctx context.Context, node string, frames []fairlead.Frame) (taken int, err error) {
	own := 0
	for own < len(frames) && frames[own].Node == node {
		own++
	}
	if own > 0 {
		kept, err := d.Keeper.TakeFrames(ctx, frames[:own])
		for i, fresh := range kept {
			d.took(&frames[i], fresh)
		}
		if err != nil {
			return len(kept), d.untaken(&frames[min(len(kept), own-1)], err)
		}
	}
	if own < len(frames) {
		return own, d.refuse(node, "a frame", fairlead.Errorf(fairlead.CodeInvalidRequest, "a frame's key names another node than the one that sent it"))
	}
	return own, nil
}

// took counts a frame that is kept.
func (d *Desk) took(f *fairlead.Frame, fresh bool) {
	if !fresh {
		d.stats.again.Add(1)
		return
	}
	d.stats.frames.Add(1)
	d.stats.lines.Add(int64(f.Count - f.Lost))
	d.stats.lost.Add(int64(f.Lost))
	if f.Lost > 0 || f.Gap {
		d.Log.Error("charge lines are missing for ever", "node", f.Node, "incarnation", f.Incarnation, "sequence", f.Sequence, "lines_lost", f.Lost, "frames_before_too", f.Gap)
	}
}

// untaken notes why a frame is not kept, where that is not a matter of time.
func (d *Desk) untaken(f *fairlead.Frame, err error) error {
	var e *fairlead.Error
	switch {
	case !errors.As(err, &e):
	case e.Code == fairlead.CodeConflict:
		d.stats.conflicts.Add(1)
		d.Log.Error("a node sent another frame under the key of one that is kept: its disk was copied, or runs twice",
			"node", f.Node, "incarnation", f.Incarnation, "sequence", f.Sequence, "hash", f.Hash.String(), "error", err)
	case e.Code == fairlead.CodeInvalidRequest:
		return d.refuse(f.Node, "a frame", err)
	}
	return err
}

// Records takes a batch of records from a node.
func (d *Desk) Records(ctx context.Context, node string, body []byte) ([]byte, error) {
	var b fairlead.RecordBatch
	if b.UnmarshalBinary(body) != nil {
		return nil, d.refuse(node, "records", fairlead.Errorf(fairlead.CodeInvalidRequest, "this is no batch of records"))
	}
	if b.Node != node {
		return nil, d.refuse(node, "records", fairlead.Errorf(fairlead.CodeInvalidRequest, "a batch of records names another node than the one that sent it"))
	}
	bad, err := d.Keeper.PutRecords(ctx, b)
	var e *fairlead.Error
	switch {
	case err == nil:
		d.stats.batches.Add(1)
		d.stats.bad.Add(int64(bad))
	case errors.As(err, &e) && e.Code == fairlead.CodeInvalidRequest:
		return nil, d.refuse(node, "records", err)
	}
	return nil, err
}

// refuse notes what no node of ours sends.
func (d *Desk) refuse(node, what string, err error) error {
	d.stats.refused.Add(1)
	d.Log.Error("a node sent what is refused", "node", node, "what", what, "error", err)
	return err
}
