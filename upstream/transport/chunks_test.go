package transport

import (
	"bufio"
	"bytes"
	"io"
	"net/http/httputil"
	"strings"
	"testing"
)

// The follower sees as much data, and the end where it is, in whatever pieces the bytes come.
func TestChunks(t *testing.T) {
	cases := []struct {
		in   string
		data int64
		over bool
	}{
		{"", 0, false},
		{"5\r\nhel", 3, false},
		{"5\r\nhello", 5, false},
		{"5\r\nhello\r\n", 5, false},
		{"5\r\nhello\r\n0\r\n", 5, false},
		{"5\r\nhello\r\n0\r\n\r\n", 5, true},
		{"05;a=b\r\nhello\r\n0\r\n\r\n", 5, true},
		{"A\r\nhello\r\n 12\r\n000\r\nX: y\r\n", 10, false},
		{"a \r\nhello\r\n 12\r\n000\r\nX: y\r\n\r\n", 10, true},
		{"5\r\nhello\r\n1\r\n!\r\n0;x\r\n\r\n", 6, true},
		{"5\r\nhello\r\n0\r\nX: y\r\n\r\n", 5, true},
		{"5\r\nhello\r\n0\r\nX: y\n\n", 5, false},
		{"5\r\nhello\r\n0\r\nX: y\r\n\rZ\r\r\n\r\n", 5, true},
		{"\r\n", 0, true},
		{"x\r\n", 0, true},
		{"fffffffffffffffff\r\n", 0, true},
	}
	for _, c := range cases {
		for size := 1; size <= len(c.in)+1; size++ {
			var f chunks
			for in := []byte(c.in); len(in) > 0; {
				n := min(size, len(in))
				f.feed(in[:n])
				in = in[n:]
			}
			if f.data != c.data || f.over != c.over {
				t.Errorf("%q in pieces of %d: %d bytes, over %v; want %d, %v", c.in, size, f.data, f.over, c.data, c.over)
			}
		}
	}
}

// FuzzChunks: whatever the decoder gives, the follower had announced.
func FuzzChunks(f *testing.F) {
	for _, s := range []string{"5\r\nhello\r\n0\r\n\r\n", "5;a=\"b\"\r\nhello\r\n0\r\nX: y\r\n\r\n", "5\nhello\n0\n\n", "\t5\r\nhello\r\n", "5\r\nhelloXX"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var c chunks
		c.feed(in)
		br := bufio.NewReaderSize(bytes.NewReader(in), readSize)
		got, err := io.ReadAll(httputil.NewChunkedReader(br))
		if int64(len(got)) > c.data && c.data >= 0 && !c.over {
			t.Fatalf("decoder gives %d bytes of %q, follower announced %d", len(got), in, c.data)
		}
		rest, _ := io.ReadAll(br)
		ended := err == nil && (bytes.HasPrefix(rest, []byte("\r\n")) || bytes.Contains(rest, []byte("\r\n\r\n")))
		if ended && !c.over {
			t.Fatalf("%q ended unseen", in)
		}
	})
}

// FuzzHeadEnd: a header found in pieces is the one found at once.
func FuzzHeadEnd(f *testing.F) {
	f.Add("HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody\n\n", 3)
	f.Add("HTTP/1.1 200 OK\nA: b\n\nbody\n\n", 7)
	f.Fuzz(func(t *testing.T, in string, cut int) {
		want := headEnd([]byte(in), 0)
		if want > 0 && !strings.HasSuffix(in[:want], "\n") {
			t.Fatalf("%q ends within a line", in[:want])
		}
		if cut <= 0 || cut > len(in) || headEnd([]byte(in[:cut]), 0) > 0 {
			return
		}
		if got := headEnd([]byte(in), max(0, cut-2)); got != want {
			t.Fatalf("%q: %d after a cut at %d, want %d", in, got, cut, want)
		}
	})
}
