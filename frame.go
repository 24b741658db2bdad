package fairlead

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Frame is what an edge sends of its spool at once: lines in the order in which they were written. It is settled
// as a unit, once: Node, Incarnation and Sequence are its key, and a frame with the same key and another Hash is
// another frame, which is refused.
type Frame struct {
	Node        string    `json:"node"`
	Incarnation string    `json:"incarnation"`    // of the spool
	Sequence    int64     `json:"sequence"`       // dense, from 1
	At          time.Time `json:"at"`             // when it was cut, by the node's clock; whole microseconds
	Count       int       `json:"count"`          // lines that it was cut of
	Lost        int       `json:"lost,omitempty"` // of these, how many cannot be read any more
	// Gap says that the node keeps frames before this one no more: control must not wait for them.
	Gap   bool   `json:"gap,omitempty"`
	Hash  Hash   `json:"hash"`
	Lines []byte `json:"-"` // each with its newline
}

// FrameKey names a frame.
type FrameKey struct {
	Node        string `json:"node"`
	Incarnation string `json:"incarnation"`
	Sequence    int64  `json:"sequence"`
}

// Key is the frame's key.
func (f *Frame) Key() FrameKey { return FrameKey{f.Node, f.Incarnation, f.Sequence} }

// Sum is the hash that a frame with these lines has: SHA-256 over node, incarnation and lines, each behind its
// length in 8 bytes (big endian), with the sequence in 8 bytes before the lines.
func (f *Frame) Sum() (h Hash) {
	d := sha256.New()
	var word [8]byte
	number := func(n int64) {
		binary.BigEndian.PutUint64(word[:], uint64(n))
		d.Write(word[:])
	}
	number(int64(len(f.Node)))
	d.Write([]byte(f.Node))
	number(int64(len(f.Incarnation)))
	d.Write([]byte(f.Incarnation))
	number(f.Sequence)
	number(int64(len(f.Lines)))
	d.Write(f.Lines)
	d.Sum(h[:0])
	return h
}

// FrameGap is given to who sends a frame whose predecessors control lacks: it was restored from a backup.
type FrameGap struct {
	Last int64 // the newest frame of this incarnation that it has; 0 = none
}

// Error says what is to be done.
func (g *FrameGap) Error() string {
	return fmt.Sprintf("frames are missing here: they are wanted from %d on", g.Last+1)
}

const incarnationLetters = "abcdefghijklmnopqrstuvwxyz0123456789_"

// MaxFrame bounds the bytes of a frame's lines: a message of NATS has room for them.
const MaxFrame = 512 << 10

// Check says what is wrong with a frame that came from elsewhere. Of a frame that lost lines on its disk the
// hash cannot be proven.
func (f *Frame) Check() error {
	if err := ValidNodeName(f.Node); err != nil {
		return err
	}
	switch {
	case f.Incarnation == "" || len(f.Incarnation) > 64 || strings.Trim(f.Incarnation, incarnationLetters) != "":
		return Errorf(CodeInvalidRequest, "a frame's incarnation has 1 to 64 small letters, digits and _")
	case f.Sequence < 1 || f.Count < 0 || f.Lost < 0 || f.Lost > f.Count:
		return Errorf(CodeInvalidRequest, "a frame's numbers are out of range")
	case len(f.Lines) > MaxFrame:
		return Errorf(CodeInvalidRequest, "a frame's lines are larger than "+Bytes(MaxFrame).String())
	case len(f.Lines) > 0 && f.Lines[len(f.Lines)-1] != '\n', bytes.Count(f.Lines, []byte("\n")) != f.Count-f.Lost:
		return Errorf(CodeInvalidRequest, "a frame has another number of lines than it says")
	case f.Lost == 0 && f.Sum() != f.Hash:
		return Errorf(CodeInvalidRequest, "a frame's hash is not that of its lines")
	}
	return nil
}

// Size is how many bytes MarshalBinary writes, at most.
func (f *Frame) Size() int { return len(f.Lines) + len(f.Node) + len(f.Incarnation) + headBytes }

// headBytes is what a frame's head has beside its names: a hash, a time, numbers.
const headBytes = 320

// MarshalBinary writes the frame as one line of JSON with everything but the lines, and then these.
func (f *Frame) MarshalBinary() ([]byte, error) { return marshalLines(f, f.Lines) }

// UnmarshalBinary reads what MarshalBinary writes. It keeps no part of b.
func (f *Frame) UnmarshalBinary(b []byte) (err error) {
	*f = Frame{}
	f.Lines, err = unmarshalLines(b, f)
	return err
}

func marshalLines(head any, lines []byte) ([]byte, error) {
	text, err := json.Marshal(head)
	if err != nil {
		return nil, fmt.Errorf("write head of lines: %w", err)
	}
	b := make([]byte, 0, len(text)+1+len(lines))
	return append(append(append(b, text...), '\n'), lines...), nil
}

func unmarshalLines(b []byte, head any) (lines []byte, err error) {
	text, rest, ok := bytes.Cut(b, []byte("\n"))
	if !ok {
		return nil, errors.New("read head of lines: it has no end")
	}
	if err := json.Unmarshal(text, head); err != nil {
		return nil, fmt.Errorf("read head of lines: %w", err)
	}
	return bytes.Clone(rest), nil
}
