// Package sse splits a text/event-stream into frames (WHATWG HTML, section 9.2, server-sent events)
// without copying them.
//
// A frame is any number of lines and the blank line that ends them; a blank line alone is a frame too,
// one of which Comment is true. So every byte of a stream belongs to exactly one frame, and the frames'
// Raw, put together, are the stream. Lines end with LF, CR or CRLF, mixed as the server likes.
package sse

import "bytes"

// Frame is one event as it stood on the wire. Its slices point into the scanned buffer, but for Data
// of several lines.
type Frame struct {
	Raw   []byte // everything, the blank line that ends it included
	Event []byte // the value of the last "event" field; nil = none
	Data  []byte // the values of the "data" fields, joined by a newline; nil = none
	Error []byte // the value of the last "error" field, as llama.cpp sends it; nil = none
	Bare  []byte // the first line that is no field but starts with '{', as Ollama and Gemini send errors; nil = none
}

// Comment reports whether the frame carries nothing but comments, blank lines or fields that no one reads.
func (f *Frame) Comment() bool {
	return f.Data == nil && f.Event == nil && f.Error == nil && f.Bare == nil
}

// Next splits the first whole frame off buf. n is how many bytes it took; ok is false where buf holds no
// whole frame yet (n = 0).
//
// A CR that is buf's last byte may be half of a CRLF, so a frame that ends with it is not whole until the
// next byte is there or Last says that none comes: however the stream is cut, its frames are the same.
//
// Next looks at buf from its start each time. Where frames may be larger than a read, a Splitter does not.
func Next(buf []byte) (f Frame, n int, ok bool) {
	line := 0
	for {
		end := lineEnd(buf, line)
		next := afterLine(buf, end)
		switch {
		case next < 0:
			return Frame{}, 0, false
		case end == line:
			f.Raw = buf[:next]
			return f, next, true
		}
		f.add(buf[line:end])
		line = next
	}
}

// Last gives what is left at the end of a stream, once Next finds no more, as a frame: ok where it holds
// a field although the blank line, or even the line's end, is missing. Some servers end with
// `data: [DONE]` and one newline or none. The last line may have been cut anywhere: whoever reads Data
// decides whether it is whole.
func Last(buf []byte) (f Frame, ok bool) {
	f = parse(buf)
	if f.Comment() {
		return Frame{}, false
	}
	return f, true
}

// TrimBOM takes off the byte order mark that a stream (never a frame later on) may begin with. A
// Splitter does so by itself.
func TrimBOM(buf []byte) []byte { return bytes.TrimPrefix(buf, bom) }

var bom = []byte("\xef\xbb\xbf")

// window bounds how far one search for LF runs ahead of a CR that ends the line sooner. Without it a
// stream of CR alone would be searched to the buffer's end for every line.
const window = 2048

// lineEnd finds the first CR or LF at or after from; -1 where there is none.
func lineEnd(buf []byte, from int) int {
	for from < len(buf) {
		w := buf[from:min(from+window, len(buf))]
		lf := bytes.IndexByte(w, '\n')
		if lf >= 0 {
			w = w[:lf]
		}
		if cr := bytes.IndexByte(w, '\r'); cr >= 0 {
			return from + cr
		}
		if lf >= 0 {
			return from + lf
		}
		from += len(w)
	}
	return -1
}

// afterLine gives where the line after the one that ends at end begins; -1 where end is -1 or a CR that
// the next byte may turn into a CRLF.
func afterLine(buf []byte, end int) int {
	switch {
	case end < 0:
		return -1
	case buf[end] == '\n':
		return end + 1
	case end+1 == len(buf):
		return -1
	case buf[end+1] == '\n':
		return end + 2
	}
	return end + 1
}

// parse reads raw as the lines of one frame; the last need not be ended.
func parse(raw []byte) Frame {
	f := Frame{Raw: raw}
	for line := 0; line < len(raw); {
		end := lineEnd(raw, line)
		if end < 0 {
			f.add(raw[line:])
			return f
		}
		f.add(raw[line:end])
		if line = afterLine(raw, end); line < 0 {
			return f
		}
	}
	return f
}

// add reads one line into the frame.
func (f *Frame) add(line []byte) {
	if len(line) >= 5 && string(line[:5]) == "data:" {
		f.addData(line[5:])
		return
	}
	if len(line) == 0 || line[0] == ':' {
		return
	}
	if line[0] == '{' {
		if f.Bare == nil {
			f.Bare = line
		}
		return
	}
	name, value, found := bytes.Cut(line, []byte{':'})
	if !found {
		value = line[len(line):]
	}
	switch string(name) {
	case "data":
		f.addData(value)
	case "event":
		f.Event = trimSpace(value)
	case "error":
		f.Error = trimSpace(value)
	}
}

// addData adds one data line. The first is a part of the buffer, its capacity clipped: to append the
// second copies it.
func (f *Frame) addData(value []byte) {
	value = trimSpace(value)
	if f.Data == nil {
		f.Data = value[:len(value):len(value)]
		return
	}
	f.Data = append(f.Data, '\n')
	f.Data = append(f.Data, value...)
}

// trimSpace takes off the one space that may stand after a field's colon.
func trimSpace(value []byte) []byte {
	if len(value) > 0 && value[0] == ' ' {
		return value[1:]
	}
	return value
}
