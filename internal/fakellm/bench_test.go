package fakellm

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// sink is a ResponseWriter that costs nothing.
type sink struct{ header http.Header }

func (w *sink) Header() http.Header         { return w.header }
func (w *sink) WriteHeader(int)             {}
func (w *sink) Flush()                      {}
func (w *sink) Write(b []byte) (int, error) { return len(b), nil }

// BenchmarkAnswer is what an answer costs beyond net/http: one that was asked for before, a new one
// each time, and a stream.
func BenchmarkAnswer(b *testing.B) {
	pad := strings.Repeat("fair winds and following seas ", 30)
	for _, c := range []struct {
		name   string
		stream bool
		fresh  bool
		log    int
	}{{"known", false, false, -1}, {"known-logged", false, false, 0}, {"new", false, true, -1}, {"stream", true, false, -1}} {
		b.Run(c.name, func(b *testing.B) {
			s := New(Options{MaxLog: c.log})
			body := fmt.Sprintf(`{"model":"x:tokens=300,size=4","stream":%v,"messages":[{"role":"user","content":"%s%%d"}]}`, c.stream, pad)
			w := &sink{header: http.Header{}}
			n := 0
			for b.Loop() {
				if c.fresh {
					n++
				}
				sent := fmt.Sprintf(body, n)
				r, err := http.NewRequest(http.MethodPost, "/v1/chat/completions", strings.NewReader(sent))
				if err != nil {
					b.Fatal(err)
				}
				r.Header.Set("Content-Type", "application/json")
				s.ServeHTTP(w, r)
			}
		})
	}
}

// BenchmarkWire is a whole exchange over one loopback connection, client included.
func BenchmarkWire(b *testing.B) {
	_, url := Start(b, Options{MaxLog: -1})
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	in := bufio.NewReader(c)
	body := chatBody("x:tokens=300,size=4", false)
	request := fmt.Appendf(nil, "POST /v1/chat/completions HTTP/1.1\r\nHost: fake\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	for b.Loop() {
		if _, err := c.Write(request); err != nil {
			b.Fatal(err)
		}
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			b.Fatal(err)
		}
	}
}
