// Package ship sends up what an edge wrote: frames of charge lines, which must arrive, each once and in order, and
// batches of records, which may be lost. One batch is under way at a time, and one ask with frames; DESIGN.md says what that
// carries.
package ship

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"fairlead"
	"fairlead/internal/jitter"
)

// Up takes frames and batches to control.
type Up interface {
	// SendFrames sends frames of one incarnation, in order and without one left out. So many of the first as it says are
	// committed; the error is of the one after these: CodeConflict says that control has another frame under its key, a
	// *fairlead.FrameGap, that it lacks frames before it. After any other error, or none, what is left is sent again.
	SendFrames(ctx context.Context, frames []fairlead.Frame) (taken int, err error)
	SendRecords(ctx context.Context, b fairlead.RecordBatch) error
}

// Frames is where frames come from: a spool.
type Frames interface {
	// Next waits for frames that were not acknowledged and gives the oldest ones in order: one, and as many more as have so
	// many bytes together, as they are sent.
	Next(ctx context.Context, bytes int) ([]fairlead.Frame, error)
	Ack(incarnation string, sequence int64) error
	Rewind(after int64) (first int64, err error)
	Renew(incarnation string) error
}

// Records is where batches come from.
type Records interface {
	Batch(ctx context.Context) (fairlead.RecordBatch, error)
}

// Shipper sends up.
type Shipper struct {
	Frames  Frames
	Records Records
	Up      Up
	Log     *slog.Logger

	gapAt fairlead.FrameKey // the frame before which some are kept no more
}

const (
	sendTime  = 10 * time.Second
	firstWait = 100 * time.Millisecond
	mostWait  = 10 * time.Second
	// askEvery is about the time between the beginnings of two asks with frames, unless one is half full: what comes within it shares a commit.
	askEvery = 250 * time.Millisecond
	// askBytes bounds the frames of one ask: below 1 MiB, the largest message that a NATS server takes by default. One frame is
	// at most fairlead.MaxFrame, which is less.
	askBytes = 960 << 10
)

// Run sends until ctx ends.
func (s *Shipper) Run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { s.repeat(ctx, "charge lines", s.frames) })
	wg.Go(func() { s.repeat(ctx, "records", s.records()) })
	wg.Wait()
}

// repeat does one thing again and again: at once where it went well, else after a while that doubles. It tells when
// trouble lasts, and when it is over.
func (s *Shipper) repeat(ctx context.Context, what string, step func(context.Context) error) {
	wait, told := time.Duration(0), false
	for ctx.Err() == nil {
		err := step(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			if told {
				s.Log.Info("sent up again", "what", what)
			}
			wait, told = 0, false
		case wait == 0: // a connection that was lost a moment ago may be back
			wait = firstWait
		default:
			if !told {
				s.Log.Warn("cannot be sent up; it waits here", "what", what, "error", err)
			}
			wait, told = min(2*wait, mostWait), true
		}
		if wait > 0 && !pause(ctx, wait) {
			return
		}
	}
}

// pause waits, a little longer or shorter than said, so that many edges do not come at once; false where ctx ends.
func pause(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(jitter.About(wait))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// frames sends the next frames and acknowledges those that were taken. Then it lets some come together.
func (s *Shipper) frames(ctx context.Context) error {
	list, err := s.Frames.Next(ctx, askBytes)
	if err != nil {
		return err
	}
	begun, size := time.Now(), 0
	for i := range list {
		size += list[i].Size()
	}
	if err := s.ask(ctx, list); err != nil {
		return err
	}
	if wait := askEvery - time.Since(begun); wait > 0 && size < askBytes/2 {
		pause(ctx, wait)
	}
	return nil
}

// ask sends frames and acknowledges those that were taken.
func (s *Shipper) ask(ctx context.Context, list []fairlead.Frame) (err error) {
	list[0].Gap = list[0].Key() == s.gapAt
	taken := 0
	err = send(ctx, func(ctx context.Context) (err error) { taken, err = s.Up.SendFrames(ctx, list); return err })
	if taken > 0 {
		last := &list[taken-1]
		if failed := s.Frames.Ack(last.Incarnation, last.Sequence); failed != nil {
			return errors.Join(failed, err)
		}
	}
	if err == nil || taken == len(list) {
		return err
	}
	return s.untaken(&list[taken], err)
}

// untaken does what can be done about a frame that control does not take.
func (s *Shipper) untaken(f *fairlead.Frame, err error) error {
	var gap *fairlead.FrameGap
	var refused *fairlead.Error
	switch {
	case errors.As(err, &gap) && !f.Gap && f.Sequence > gap.Last+1:
		return s.rewind(f, gap)
	case errors.As(err, &refused) && refused.Code == fairlead.CodeConflict:
		s.Log.Error("control has another frame under this key: the spool begins a new incarnation",
			"incarnation", f.Incarnation, "sequence", f.Sequence, "hash", f.Hash.String())
		return errors.Join(s.Frames.Renew(f.Incarnation), err) // the next one waits a little
	}
	return err
}

// rewind sends again what control lacks, which was restored from a backup. What is kept no more is told it.
func (s *Shipper) rewind(f *fairlead.Frame, gap *fairlead.FrameGap) error {
	first, err := s.Frames.Rewind(gap.Last)
	if err != nil {
		return err
	}
	s.Log.Warn("control lacks frames that it had: they are sent again", "incarnation", f.Incarnation, "after", gap.Last, "first", first)
	if first > gap.Last+1 {
		s.gapAt = fairlead.FrameKey{Node: f.Node, Incarnation: f.Incarnation, Sequence: first}
		s.Log.Error("frames that control lacks are not kept here any more", "incarnation", f.Incarnation, "from", gap.Last+1, "to", first-1)
	}
	return nil
}

// records gives the step that sends batches: one until it has arrived, then the next.
func (s *Shipper) records() func(context.Context) error {
	var b fairlead.RecordBatch
	held := false
	return func(ctx context.Context) (err error) {
		if !held {
			if b, err = s.Records.Batch(ctx); err != nil {
				return err
			}
			held = true
		}
		err = send(ctx, func(ctx context.Context) error { return s.Up.SendRecords(ctx, b) })
		var refused *fairlead.Error
		if errors.As(err, &refused) && refused.Code == fairlead.CodeInvalidRequest {
			s.Log.Error("control refuses a batch of records: it is dropped", "bytes", len(b.Rows), "error", err)
			err = nil
		}
		held = err != nil
		return err
	}
}

func send(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	return do(ctx)
}
