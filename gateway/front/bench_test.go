//go:build unix

package front

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
)

// BenchmarkServe is an exchange of 1 KiB in and 1.7 KB out on kept connections, by this server and by
// net/http's; cpu-ns/op has the callers' part in it, which is the same for both.
func BenchmarkServe(b *testing.B) {
	answer := strings.Repeat("a", 1700)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, r.ContentLength+1)
		if n, err := io.ReadFull(r.Body, body); n != 1024 {
			b.Error(n, err)
		}
		h := w.Header()
		h["Content-Type"], h["Content-Length"] = []string{"application/json"}, []string{"1700"}
		_, _ = io.WriteString(w, answer)
	})
	b.Run("front", func(b *testing.B) {
		_, addr := serve(b, options(handler), "", "")
		measure(b, addr)
	})
	b.Run("net/http", func(b *testing.B) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		check(b, err)
		s := &http.Server{Handler: handler}
		ended := make(chan error, 1)
		go func() { ended <- s.Serve(l) }()
		measure(b, l.Addr().String())
		check(b, s.Close())
		<-ended
	})
}

// measure has 16 callers share b.N exchanges.
func measure(b *testing.B, addr string) {
	const callers = 16
	ask := post("/v1/chat/completions", strings.Repeat("z", 1024), "Content-Type: application/json", "Authorization: Bearer sk-fl-0123456789abcdef", "Accept: */*", "User-Agent: bench")
	b.ReportAllocs()
	start := cpuTime(b)
	b.ResetTimer()
	done := make(chan error)
	for i := range callers {
		go func() { done <- call(addr, ask, b.N/callers+btoi(i < b.N%callers)) }()
	}
	for range callers {
		check(b, <-done)
	}
	b.StopTimer()
	b.ReportMetric(float64(cpuTime(b)-start)/float64(b.N), "cpu-ns/op")
}

func call(addr, ask string, n int) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	buf := make([]byte, 8<<10)
	for range n {
		if _, err := io.WriteString(c, ask); err != nil {
			return err
		}
		got := 0
		for got < 1700 || !strings.HasSuffix(string(buf[:got]), "aaaa") {
			k, err := c.Read(buf[got:])
			if err != nil {
				return fmt.Errorf("after %d bytes: %w", got, err)
			}
			got += k
		}
	}
	return nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// cpuTime is what this process has used, in ns.
func cpuTime(tb testing.TB) int64 {
	var u syscall.Rusage
	check(tb, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return u.Utime.Nano() + u.Stime.Nano()
}
