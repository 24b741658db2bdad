package spool

import (
	"runtime/debug"
	"time"
)

const (
	// windowSize is how much of a file is mapped at once. It is also what a segment may take of the disk beyond its lines
	// while it is written to.
	windowSize = 1 << 20
	// windowAfter is how long lines are written one by one where the system gave no window.
	windowAfter = 10 * time.Second
)

// window is a part of a file of lines that is mapped into memory, shared, and whose room on the disk is taken. A line
// that was stored in it is the system's at once, as one that was written, and costs no system call.
type window struct {
	from int64 // where it begins in the file
	mem  []byte
	gone bool // a fault was met
}

// put stores a line that stands at a place of the file. It reports whether it did: false where the line does not fit, or
// where the system could not give the memory (the file was cut short by somebody, the disk failed), and then nothing is
// stored there any more.
func (w *window) put(line []byte, at int64) (stored bool) {
	if w.room(at) < int64(len(line)) {
		return false
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() != nil { // the line is written instead, and the disk says what it has against that
			w.gone = true
		}
	}()
	b, last := w.mem[at-w.from:], len(line)-1
	copy(b, line[:last])
	b[last] = line[last] // the newline comes last: a line that a killed process left undone has none
	return true
}

// room is how many bytes can be stored from a place on; 0 of no window.
func (w *window) room(at int64) int64 {
	if w == nil || w.gone || at < w.from {
		return 0
	}
	return max(0, w.from+int64(len(w.mem))-at)
}

func (w *window) close() error {
	if w == nil {
		return nil
	}
	return unmap(w.mem)
}

// widen has a window reach over what will be written next, before the one that there is ends. The caller holds working.
func (s *Spool) widen(now time.Time) {
	s.mu.Lock()
	g := s.segments[len(s.segments)-1]
	size, old, idle := g.size, g.window, !s.dirty && s.waiting == 0
	s.mu.Unlock()
	if idle || old.room(size) >= windowSize/2 || now.Before(s.windowAt) {
		return
	}
	next, err := openWindow(g.lines, size)
	if err != nil {
		s.windowAt = now.Add(windowAfter)
		s.Log.Debug("no window on the spool's file: lines are written one by one", "error", err)
		return
	}
	s.mu.Lock()
	g.window, g.long = next, true
	s.mu.Unlock()
	_ = old.close() // memory that nobody uses
}
