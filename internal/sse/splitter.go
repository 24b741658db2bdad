package sse

import "bytes"

// Splitter splits one stream into frames. Unlike Next it remembers how far it has looked, so that a frame
// of many reads is searched once and not once a read, and it drops the byte order mark at the stream's
// start, which then belongs to no frame's Raw. The zero value is ready for use.
type Splitter struct {
	start  int  // where the frame begins: 0, or past a byte order mark
	line   int  // where its first line without an end begins
	looked int  // no line ends between line and here
	begun  bool // the stream's first bytes have been seen
}

// Next is as the function Next. buf has to begin with the first byte that no call has taken: after a call
// without a frame it holds what that call was given, and more.
func (s *Splitter) Next(buf []byte) (f Frame, n int, ok bool) {
	if !s.begun && !s.begin(buf) {
		return Frame{}, 0, false
	}
	line, whole := s.line, s.line == s.start
	for {
		end := lineEnd(buf, max(line, s.looked))
		next := afterLine(buf, end)
		if next < 0 {
			s.line, s.looked = line, len(buf)
			if end >= 0 {
				s.looked = end
			}
			return Frame{}, 0, false
		}
		if end == line {
			raw := buf[s.start:next]
			if !whole {
				f = parse(raw)
			}
			f.Raw = raw
			s.start, s.line, s.looked = 0, 0, 0
			return f, next, true
		}
		if whole {
			f.add(buf[line:end])
		}
		line = next
	}
}

// begin passes a byte order mark by. It is false while buf may be the beginning of one.
func (s *Splitter) begin(buf []byte) bool {
	if len(buf) < len(bom) && bytes.HasPrefix(bom, buf) {
		return false
	}
	s.begun = true
	s.start = len(buf) - len(TrimBOM(buf))
	s.line = s.start
	return true
}

// Last is as the function Last.
func (s *Splitter) Last(buf []byte) (Frame, bool) {
	if !s.begun {
		buf = TrimBOM(buf)
	}
	return Last(buf[min(s.start, len(buf)):])
}

// Reset makes the Splitter ready for another stream.
func (s *Splitter) Reset() { *s = Splitter{} }
