package ship

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"fairlead"
)

// The kinds of messages that go up.
const (
	KindFrames  = "frames"
	KindRecords = "records"
)

// Sender sends a message to control in this node's name and gives the answer: the bus. An error that control answered
// with is a *fairlead.Error.
type Sender interface {
	Send(ctx context.Context, kind string, body []byte) ([]byte, error)
}

// Bus is Up over a bus.
type Bus struct{ Sender }

// Local is Up of a node that has the desk in it: its frames need no bus. Its records take it all the same, for others listen to
// them.
type Local struct {
	Desk *Desk
	Node string
	Bus
}

// SendFrames hands frames over.
func (l Local) SendFrames(ctx context.Context, frames []fairlead.Frame) (taken int, err error) {
	return l.Desk.TakeFrames(ctx, l.Node, frames)
}

// told is control's answer to frames. It has no error beside those that were taken: the next ask, which begins with the one
// that was not, is told it.
type told struct {
	Taken int    `json:"taken"`         // so many from the first one on are committed
	Gap   *int64 `json:"gap,omitempty"` // frames after this one, before the first, are missing there
}

// SendFrames sends frames and waits until they are committed.
func (b Bus) SendFrames(ctx context.Context, frames []fairlead.Frame) (taken int, err error) {
	body, err := marshalFrames(frames)
	if err != nil {
		return 0, err
	}
	text, err := b.Send(ctx, KindFrames, body)
	if err != nil {
		return 0, err
	}
	var t told
	if err := json.Unmarshal(text, &t); err != nil {
		return 0, fmt.Errorf("read answer to frames: %w", err)
	}
	if t.Gap != nil {
		return 0, &fairlead.FrameGap{Last: *t.Gap}
	}
	if t.Taken < 1 || t.Taken > len(frames) {
		return 0, fmt.Errorf("read answer to frames: %d of %d are taken", t.Taken, len(frames))
	}
	return t.Taken, nil
}

// SendRecords sends records and waits until they are committed.
func (b Bus) SendRecords(ctx context.Context, batch fairlead.RecordBatch) error {
	body, err := batch.MarshalBinary()
	if err != nil {
		return err
	}
	_, err = b.Send(ctx, KindRecords, body)
	return err
}

// answerFrames is what control answers to frames.
func answerFrames(taken int, err error) ([]byte, error) {
	t := told{Taken: taken}
	var gap *fairlead.FrameGap
	switch {
	case taken > 0:
	case errors.As(err, &gap):
		t.Gap = &gap.Last
	case err != nil:
		return nil, err
	}
	return json.Marshal(t)
}

// marshalFrames writes frames, each behind its length as a varint.
func marshalFrames(frames []fairlead.Frame) ([]byte, error) {
	var body []byte
	for i := range frames {
		f, err := frames[i].MarshalBinary()
		if err != nil {
			return nil, err
		}
		body = slices.Grow(body, len(f)+binary.MaxVarintLen64)
		body = append(binary.AppendUvarint(body, uint64(len(f))), f...)
	}
	return body, nil
}

// unmarshalFrames reads what marshalFrames writes: one frame at least.
func unmarshalFrames(body []byte) (frames []fairlead.Frame, err error) {
	for len(body) > 0 || len(frames) == 0 {
		size, n := binary.Uvarint(body)
		if n <= 0 || size > uint64(len(body)-n) {
			return nil, errors.New("read frames: one has no end")
		}
		var f fairlead.Frame
		if err := f.UnmarshalBinary(body[n : n+int(size)]); err != nil {
			return nil, err
		}
		frames, body = append(frames, f), body[n+int(size):]
	}
	return frames, nil
}
