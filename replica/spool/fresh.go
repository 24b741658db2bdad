package spool

import (
	"slices"

	"fairlead"
)

// mostFresh bounds the bytes of frames that are in memory, too.
const mostFresh = 2 << 20

// fresh are frames that were cut and not acknowledged, so that what goes up at once is not read back from the disk: that
// costs as much as cutting it. Of a backlog the rest is read.
type fresh struct {
	frames []fairlead.Frame
	bytes  int
}

// keep takes a frame, whole, unless there are enough.
func (r *fresh) keep(f fairlead.Frame) {
	if r.bytes+memory(&f) > mostFresh {
		return
	}
	r.frames = append(r.frames, f)
	r.bytes += memory(&f)
}

// memory is what a frame takes: its lines lie in room that was made for more.
func memory(f *fairlead.Frame) int { return f.Size() - len(f.Lines) + cap(f.Lines) }

// find gives a frame; its lines must not be changed.
func (r *fresh) find(sequence int64) (fairlead.Frame, bool) {
	i, ok := slices.BinarySearchFunc(r.frames, sequence, func(f fairlead.Frame, n int64) int { return int(f.Sequence - n) })
	if !ok {
		return fairlead.Frame{}, false
	}
	return r.frames[i], true
}

// drop gives up frames up to one.
func (r *fresh) drop(acked int64) {
	n := 0
	for n < len(r.frames) && r.frames[n].Sequence <= acked {
		r.bytes -= memory(&r.frames[n])
		n++
	}
	r.frames = slices.Delete(r.frames, 0, n)
}
