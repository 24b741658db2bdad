package ship

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"fairlead"
)

// The kinds of messages that go up.
const (
	KindFrame   = "frame"
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

// SendFrame hands a frame over.
func (l Local) SendFrame(ctx context.Context, f fairlead.Frame) error {
	return l.Desk.TakeFrame(ctx, l.Node, f)
}

// told is control's answer to a frame.
type told struct {
	Gap *int64 `json:"gap,omitempty"` // frames after this one are missing there
}

// SendFrame sends a frame and waits until it is committed.
func (b Bus) SendFrame(ctx context.Context, f fairlead.Frame) error {
	body, err := f.MarshalBinary()
	if err != nil {
		return err
	}
	text, err := b.Send(ctx, KindFrame, body)
	if err != nil {
		return err
	}
	var t told
	if err := json.Unmarshal(text, &t); err != nil {
		return fmt.Errorf("read answer to a frame: %w", err)
	}
	if t.Gap != nil {
		return &fairlead.FrameGap{Last: *t.Gap}
	}
	return nil
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

// answerFrame is what control answers to a frame.
func answerFrame(err error) ([]byte, error) {
	var t told
	var gap *fairlead.FrameGap
	if errors.As(err, &gap) {
		t.Gap, err = &gap.Last, nil
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(t)
}
