package sse

import "strings"

// Append appends one frame to dst: an event line unless event is empty, a data line for each line of data
// (none where data is nil) and the blank line. CR, LF and CRLF all end a line of data, so that no data can
// break out of its frame; of an event name what follows a line end is dropped.
func Append(dst []byte, event string, data []byte) []byte {
	if end := strings.IndexAny(event, "\r\n"); end >= 0 {
		event = event[:end]
	}
	if event != "" {
		dst = append(dst, "event: "...)
		dst = append(dst, event...)
		dst = append(dst, '\n')
	}
	for rest := data; data != nil; {
		end := lineEnd(rest, 0)
		if end < 0 {
			dst = appendData(dst, rest)
			break
		}
		dst = appendData(dst, rest[:end])
		if rest[end] == '\r' && end+1 < len(rest) && rest[end+1] == '\n' {
			end++
		}
		rest = rest[end+1:]
	}
	return append(dst, '\n')
}

func appendData(dst, line []byte) []byte {
	dst = append(dst, "data: "...)
	dst = append(dst, line...)
	return append(dst, '\n')
}
