package sse_test

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"fairlead/internal/sse"
)

// fields is a frame without its Raw; "-" stands for a field that is not there.
type fields struct{ event, data, err, bare string }

func fieldsOf(f sse.Frame) fields {
	show := func(b []byte) string {
		if b == nil {
			return "-"
		}
		return "=" + string(b)
	}
	return fields{show(f.Event), show(f.Data), show(f.Error), show(f.Bare)}
}

// reference reads a whole stream line by line, in the words of the specification. Frames that carry
// nothing are left out.
func reference(stream string) (frames []fields) {
	stream = strings.TrimPrefix(stream, "\ufeff")
	stream = strings.ReplaceAll(stream, "\r\n", "\n")
	stream = strings.ReplaceAll(stream, "\r", "\n")
	none := fields{"-", "-", "-", "-"}
	f := none
	for _, line := range append(strings.Split(stream, "\n"), "") {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "":
			if f != none {
				frames = append(frames, f)
			}
			f = none
		case line[0] == '{' && f.bare == "-":
			f.bare = "=" + line
		case name == "data" && f.data == "-":
			f.data = "=" + value
		case name == "data":
			f.data += "\n" + value
		case name == "event":
			f.event = "=" + value
		case name == "error":
			f.err = "=" + value
		}
	}
	return frames
}

var streams = []string{
	"", "\n", "\r", "\r\n", "\n\n\n", "\r\r\r", "\r\n\r\n",
	"data: a\n\n", "data:a\n\n", "data:  a\n\n", "data\n\n", "data:\n\n", "data: \n\n", "data", "data:", "data: [DONE]", "data: [DONE]\n",
	"data: {\"a\":1}\r\n\r\ndata: {\"a\":2}\r\n\r\ndata: [DONE]\r\n\r\n",
	"data: a\r\rdata: b\r\r", "data: a\r\ndata: b\ndata: c\rdata: d\n\r\n", "data: a\n\r\ndata: b\r\n\n", "data: a\n\rdata: b\r\r\n", "data: a\r\n\r",
	"event: message_start\ndata: {\"type\":\"message_start\"}\n\nevent: ping\ndata: {\"type\": \"ping\"}\n\n",
	"event: a\nevent: b\ndata: c\n\n", "event:\ndata: x\n\n", "event: only\n\n",
	": comment\n\n", ": ping\ndata: x\n\n", ":\n\n:\n\n", "id: 1\nretry: 5\n\n", "id: 1\ndata: x\nretry: 5\n\n",
	"data: a\ndata: b\ndata\ndata:\n\n", "data:a\n\ndata:b\n\ndata\n\n\ndata:c",
	"\xef\xbb\xbfdata: x\n\n", "\xef\xbb\xbf\n\n", "\xef\xbb\xbf", "\xef\xbb", "\xef", "\xef\xbbdata: x\n\n", "\xef\xbb\xbf\xef\xbb\xbfdata: x\n\n", "data: a\n\n\xef\xbb\xbfdata: x\n\n",
	"error: {\"code\":500}\n\ndata: [DONE]\n\n", "error\n\n", "error:x\nerror: y\n\n",
	"{\"error\":{\"message\":\"no\"}}\n", "{\n  \"error\": 1\n}\n", "data: x\n{\"error\":1}\n{\"error\":2}\n\n", " {\"a\":1}\n\n", "{",
	"Data: x\nDATA: y\n data: z\ndatas: x\ndat: y\n\n", "data : x\n\n", "data:x:y\n\n", "data: \x00\xff\n\n",
	"data: " + strings.Repeat("x", 5000) + "\n\ndata: y\n\n", "data: " + strings.Repeat("x", 2041) + "\r\n\r\ndata: y\n\n", "data: " + strings.Repeat("x", 2042) + "\n\n",
	"\n\ndata: late\n\n\n\n\ndata: later\n\n",
}

// read splits a stream that arrives in pieces, each cut where next says.
func read(t *testing.T, stream []byte, splitter *sse.Splitter, next func(left int) int) (frames []fields) {
	t.Helper()
	var held, raw []byte
	split := sse.Next
	if splitter != nil {
		split = splitter.Next
	}
	for at := 0; at < len(stream); {
		n := next(len(stream) - at)
		held = append(held, stream[at:at+n]...)
		at += n
		for {
			f, n, ok := split(held)
			if !ok {
				if n != 0 || f.Raw != nil {
					t.Fatalf("no frame, and yet n = %d, Raw = %q", n, f.Raw)
				}
				break
			}
			if n < len(f.Raw) || !bytes.HasSuffix(held[:n], f.Raw) {
				t.Fatalf("took %d of %q as %q", n, held, f.Raw)
			}
			raw = append(raw, f.Raw...)
			if !f.Comment() {
				frames = append(frames, fieldsOf(f))
			}
			held = bytes.Clone(held[n:]) // elsewhere, as a buffer that is compacted
		}
	}
	last, want := sse.Last, stream
	if splitter != nil {
		last = splitter.Last
		if len(raw) > 0 {
			want = sse.TrimBOM(stream)
		}
	}
	if f, ok := last(held); ok {
		frames = append(frames, fieldsOf(f))
	}
	if got := append(raw, held...); !bytes.Equal(got, want) {
		t.Fatalf("the frames of %q, put together, are %q", want, got)
	}
	return frames
}

// checkStream holds that however a stream is cut, Next and Splitter give what the reference does.
func checkStream(t *testing.T, stream []byte, next func(left int) int) {
	t.Helper()
	want := reference(string(stream))
	if got := read(t, stream, new(sse.Splitter), next); !reflect.DeepEqual(got, want) {
		t.Fatalf("Splitter, stream %q:\ngot  %q\nwant %q", stream, got, want)
	}
	if got := read(t, sse.TrimBOM(stream), nil, next); !reflect.DeepEqual(got, want) {
		t.Fatalf("Next, stream %q:\ngot  %q\nwant %q", stream, got, want)
	}
}

func TestSplitAnywhere(t *testing.T) {
	for _, stream := range streams {
		checkStream(t, []byte(stream), func(left int) int { return left })
		checkStream(t, []byte(stream), func(int) int { return 1 })
		if len(stream) > 200 {
			continue
		}
		for cut := 1; cut < len(stream); cut++ {
			checkStream(t, []byte(stream), func(left int) int {
				if left == len(stream) {
					return min(cut, left)
				}
				return left
			})
		}
	}
}

func FuzzSplit(f *testing.F) {
	for i, stream := range streams {
		f.Add([]byte(stream), uint64(i)*0x9e3779b97f4a7c15+1)
	}
	f.Fuzz(func(t *testing.T, stream []byte, cuts uint64) {
		checkStream(t, stream, func(left int) int {
			cuts = cuts*6364136223846793005 + 1442695040888963407
			return min(left, int(cuts>>60)+1)
		})
	})
}

func TestFrames(t *testing.T) {
	var got []string
	buf := []byte("\n: hi\r\rdata: a\ndata: b\n\nevent: e\rdata: c\r\n\r\ndata: [DONE]\n")
	for {
		f, n, ok := sse.Next(buf)
		if !ok {
			break
		}
		got = append(got, fmt.Sprintf("%q %v %q", f.Raw, f.Comment(), fieldsOf(f)))
		buf = buf[n:]
	}
	f, ok := sse.Last(buf)
	got = append(got, fmt.Sprintf("%q %v %q", f.Raw, ok, fieldsOf(f)))
	want := []string{
		`"\n" true {"-" "-" "-" "-"}`,
		`": hi\r\r" true {"-" "-" "-" "-"}`,
		`"data: a\ndata: b\n\n" false {"-" "=a\nb" "-" "-"}`,
		`"event: e\rdata: c\r\n\r\n" false {"=e" "=c" "-" "-"}`,
		`"data: [DONE]\n" true {"-" "=[DONE]" "-" "-"}`,
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestLastOfNothing(t *testing.T) {
	for _, rest := range []string{"", "\r", ": bye", ": bye\n", "id: 7\n", "unknown", "\xef\xbb\xbf"} {
		if f, ok := sse.Last([]byte(rest)); ok {
			t.Errorf("%q: a frame %q", rest, fieldsOf(f))
		}
	}
}

// What a Splitter has looked at it does not look at again: line ends put there later go unseen. That is
// what keeps a frame of many reads linear.
func TestSplitterLooksOnce(t *testing.T) {
	for _, held := range []string{"data: aaaa", "data: aa\ndata: a", "event: x\r\ndata: aaaa\r"} {
		var s sse.Splitter
		if _, _, ok := s.Next([]byte(held)); ok {
			t.Fatalf("%q is a frame", held)
		}
		spoilt := []byte(held)
		copy(spoilt, "\n\n\n")
		copy(spoilt[len(spoilt)-3:], "\n\n")
		if f, _, ok := s.Next(append(spoilt, "bbb"...)); ok {
			t.Errorf("%q: looked again and found %q", held, f.Raw)
		}
		if f, _, ok := s.Next(append([]byte(held), "bbb\n\n"...)); !ok || len(f.Raw) != len(held)+5 || f.Data == nil {
			t.Errorf("%q: then found %q, %v", held, f.Raw, ok)
		}
	}
}

func TestSplitterReset(t *testing.T) {
	var s sse.Splitter
	s.Next([]byte("data: of a stream that broke off"))
	s.Reset()
	f, n, ok := s.Next([]byte("\xef\xbb\xbfdata: a\n\n"))
	if !ok || n != 12 || string(f.Raw) != "data: a\n\n" || string(f.Data) != "a" {
		t.Fatalf("got %q, %d, %v", f.Raw, n, ok)
	}
}

// The data of several lines is a copy; to append to it, or to that of one line, never writes to the buffer.
func TestDataIsClipped(t *testing.T) {
	for _, stream := range []string{"data: a\n\ndata: b\n\n", "data: a\ndata: a\n\ndata: b\n\n"} {
		buf := []byte(stream)
		f, _, _ := sse.Next(buf)
		_ = append(f.Data, "xxxx"...)
		if string(buf) != stream {
			t.Errorf("buffer is now %q", buf)
		}
	}
}

func TestAppend(t *testing.T) {
	for _, c := range []struct{ event, data, want string }{
		{"", "a", "data: a\n\n"},
		{"e", "a", "event: e\ndata: a\n\n"},
		{"e", "", "event: e\ndata: \n\n"},
		{"", " a ", "data:  a \n\n"},
		{"", "a\nb\rc\r\nd\n\re", "data: a\ndata: b\ndata: c\ndata: d\ndata: \ndata: e\n\n"},
		{"", "a\n", "data: a\ndata: \n\n"},
		{"", "a\r\n", "data: a\ndata: \n\n"},
		{"e\ndata: forged\n\n", "a", "event: e\ndata: a\n\n"},
	} {
		if got := string(sse.Append([]byte("x"), c.event, []byte(c.data))); got != "x"+c.want {
			t.Errorf("%q %q: got %q", c.event, c.data, got)
		}
	}
	if got := string(sse.Append(nil, "e", nil)); got != "event: e\n\n" {
		t.Errorf("no data: got %q", got)
	}
}

// FuzzAppend holds that no data breaks out of its frame.
func FuzzAppend(f *testing.F) {
	f.Add("e", []byte("a\nb\r\n\r\ndata: c\r\r"))
	f.Add("e\rdata: x", []byte("\n"))
	f.Fuzz(func(t *testing.T, event string, data []byte) {
		if data == nil {
			data = []byte{}
		}
		out := sse.Append(nil, event, data)
		f, n, ok := sse.Next(out)
		lines := strings.ReplaceAll(strings.ReplaceAll(string(data), "\r\n", "\n"), "\r", "\n")
		name, _, _ := strings.Cut(strings.ReplaceAll(event, "\r", "\n"), "\n")
		if !ok || n != len(out) || string(f.Data) != lines || string(f.Event) != name {
			t.Fatalf("%q %q: %q is read as %q", event, data, out, fieldsOf(f))
		}
	})
}

func TestNextDoesNotAllocate(t *testing.T) {
	buf := []byte("event: content_block_delta\ndata: {\"type\":\"content_block_delta\"}\n\n")
	var s sse.Splitter
	if got := testing.AllocsPerRun(100, func() {
		if _, _, ok := sse.Next(buf); !ok {
			t.Fatal("no frame")
		}
		if _, _, ok := s.Next(buf); !ok {
			t.Fatal("no frame")
		}
	}); got != 0 {
		t.Errorf("%v allocations a frame", got)
	}
}
