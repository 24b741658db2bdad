package ship

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"fairlead"
)

// Keeper keeps what comes up: the store.
type Keeper interface {
	// TakeFrame commits a frame once. Another one under the same key is CodeConflict, which stands in the audit then; missing
	// ones before it are a *fairlead.FrameGap.
	TakeFrame(ctx context.Context, f fairlead.Frame) (stored bool, err error)
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

// Frame takes a frame from a node. What it gives without an error is committed.
func (d *Desk) Frame(ctx context.Context, node string, body []byte) ([]byte, error) {
	var f fairlead.Frame
	if f.UnmarshalBinary(body) != nil {
		return nil, d.refuse(fairlead.Errorf(fairlead.CodeInvalidRequest, "this is no frame"))
	}
	return answerFrame(d.TakeFrame(ctx, node, f))
}

// TakeFrame takes a frame from a node, which may be the one that the desk sits in.
func (d *Desk) TakeFrame(ctx context.Context, node string, f fairlead.Frame) error {
	if f.Node != node {
		return d.refuse(fairlead.Errorf(fairlead.CodeInvalidRequest, "a frame's key names another node than the one that sent it"))
	}
	stored, err := d.Keeper.TakeFrame(ctx, f)
	var e *fairlead.Error
	switch {
	case err == nil && stored:
		d.stats.frames.Add(1)
		d.stats.lines.Add(int64(f.Count - f.Lost))
		d.stats.lost.Add(int64(f.Lost))
		if f.Lost > 0 || f.Gap {
			d.Log.Error("charge lines are missing for ever", "node", node, "incarnation", f.Incarnation, "sequence", f.Sequence, "lines_lost", f.Lost, "frames_before_too", f.Gap)
		}
	case err == nil:
		d.stats.again.Add(1)
	case errors.As(err, &e) && e.Code == fairlead.CodeConflict:
		d.stats.conflicts.Add(1)
		return fmt.Errorf("frame %d of %s, hash %s, under the key of another one, as where a disk was copied or runs twice: %w", f.Sequence, f.Incarnation, f.Hash, err)
	case errors.As(err, &e) && e.Code == fairlead.CodeInvalidRequest:
		return d.refuse(err)
	}
	return err
}

// Records takes a batch of records from a node.
func (d *Desk) Records(ctx context.Context, node string, body []byte) ([]byte, error) {
	var b fairlead.RecordBatch
	if b.UnmarshalBinary(body) != nil {
		return nil, d.refuse(fairlead.Errorf(fairlead.CodeInvalidRequest, "this is no batch of records"))
	}
	if b.Node != node {
		return nil, d.refuse(fairlead.Errorf(fairlead.CodeInvalidRequest, "a batch of records names another node than the one that sent it"))
	}
	bad, err := d.Keeper.PutRecords(ctx, b)
	var e *fairlead.Error
	switch {
	case err == nil:
		d.stats.batches.Add(1)
		d.stats.bad.Add(int64(bad))
	case errors.As(err, &e) && e.Code == fairlead.CodeInvalidRequest:
		return nil, d.refuse(err)
	}
	return nil, err
}

// refuse counts what no node of ours sends. Who carried it here tells of it, at a pace: a node may send it without end.
func (d *Desk) refuse(err error) error {
	d.stats.refused.Add(1)
	return err
}
