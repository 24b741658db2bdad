package sse_test

import (
	"bufio"
	"bytes"
	"strings"
	"testing"

	"fairlead/internal/sse"
)

const (
	openaiChunk    = `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1730000000,"model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":" fairlead"},"finish_reason":null}]}` + "\n\n"
	anthropicChunk = "event: content_block_delta\n" + `data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" fairlead"}}` + "\n\n"
)

var benchStreams = []struct{ name, stream string }{
	{"openai", strings.Repeat(openaiChunk, 64)},
	{"openai-crlf", strings.Repeat(strings.ReplaceAll(openaiChunk, "\n", "\r\n"), 64)},
	{"anthropic", strings.Repeat(anthropicChunk, 64)},
	{"cr-alone", strings.Repeat("\r", 64<<10) + "\n"},
}

// BenchmarkFrames is beside bufio.Scanner, which finds lines and no frames.
func BenchmarkFrames(b *testing.B) {
	for _, c := range benchStreams {
		stream := []byte(c.stream)
		frames := 0
		b.Run(c.name+"/Next", func(b *testing.B) {
			b.SetBytes(int64(len(stream)))
			b.ReportAllocs()
			for b.Loop() {
				frames = split(b, stream, sse.Next)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*frames), "ns/frame")
		})
		b.Run(c.name+"/Splitter", func(b *testing.B) {
			b.SetBytes(int64(len(stream)))
			b.ReportAllocs()
			var s sse.Splitter
			for b.Loop() {
				frames = split(b, stream, s.Next)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*frames), "ns/frame")
		})
		b.Run(c.name+"/bufio", func(b *testing.B) {
			b.SetBytes(int64(len(stream)))
			buf := make([]byte, 64<<10)
			for b.Loop() {
				s := bufio.NewScanner(bytes.NewReader(stream))
				s.Buffer(buf, len(buf))
				for s.Scan() {
					_ = s.Bytes()
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*frames), "ns/frame")
		})
	}
}

func split(b *testing.B, rest []byte, next func([]byte) (sse.Frame, int, bool)) (frames int) {
	for {
		_, n, ok := next(rest)
		if !ok {
			break
		}
		rest = rest[n:]
		frames++
	}
	if len(rest) > 0 {
		b.Fatalf("%d bytes left", len(rest))
	}
	return frames
}

// BenchmarkLargeFrame is a frame of 4 MiB that arrives 4 KiB at a time.
func BenchmarkLargeFrame(b *testing.B) {
	for name, line := range map[string]string{"one-line": strings.Repeat("x", 4<<20), "many-lines": strings.Repeat("x\ndata: ", 1<<19)} {
		frame := []byte("data: " + line + "\n\n")
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(frame)))
			for b.Loop() {
				var s sse.Splitter
				end := 0
				for ok := false; !ok; {
					if end == len(frame) {
						b.Fatal("no frame")
					}
					end = min(end+4<<10, len(frame))
					_, _, ok = s.Next(frame[:end])
				}
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	data := []byte(strings.TrimSpace(strings.TrimPrefix(openaiChunk, "data: ")))
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = sse.Append(dst[:0], "", data)
	}
}
