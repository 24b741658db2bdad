package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"fairlead/app"
	"fairlead/bench"
	"fairlead/client"
	"fairlead/record"
)

const benchConfig = `version: 1
providers:
  plain: {dialect: openai, base_url: "http://%[1]s/v1", credentials: [{name: main, value: "${env:BENCH_KEY}"}]}
  messages: {dialect: anthropic, base_url: "http://%[1]s", credentials: [{name: main, value: "${env:BENCH_KEY}"}]}
models:
  bench/plain:
    max_output: 4096
    endpoints: [{provider: plain, model: bench-model, price: {input: "0.15", output: "0.60"}}]
  bench/translated:
    max_output: 4096
    endpoints: [{provider: messages, model: bench-model, price: {input: "0.15", output: "0.60"}}]
`

// BenchmarkExchange carries exchanges through a whole program with everything on (key, metrics, cost,
// a log line to a file) to an upstream on loopback that costs little. cpu-ns/op is the processor time
// of caller, program and upstream together: unlike elapsed time it can be compared on a busy machine.
func BenchmarkExchange(b *testing.B) {
	addr, key := serveBench(b)
	text := strings.Repeat("seven wizards quietly mix a potion. ", 23)
	for _, c := range []struct{ name, model, extra, script string }{
		{"plain", "bench/plain", "", ""},
		{"streamed", "bench/plain", `"stream":true,`, "bench-script 20 1; "},
		{"translated", "bench/translated", "", ""},
	} {
		request := chat(key, c.model, c.extra, c.script+text)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(8) // connections for each core, so that nobody waits idle
			before := cpuNanos(b)
			b.RunParallel(func(pb *testing.PB) {
				one, err := dial(addr)
				for err == nil && pb.Next() {
					err = one.carry(request)
				}
				if err != nil {
					b.Error(err)
					return
				}
				one.conn.Close()
			})
			b.ReportMetric(float64(cpuNanos(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

// chat is a caller's request.
func chat(key, model, extra, text string) []byte {
	body := `{"model":"` + model + `",` + extra + `"temperature":0.2,"max_tokens":512,"messages":[{"role":"user","content":"` + text + `"}]}`
	return fmt.Appendf(nil, "POST /v1/chat/completions HTTP/1.1\r\nHost: bench\r\nUser-Agent: bench\r\nContent-Type: application/json\r\nAccept: application/json\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", key, len(body), body)
}

// caller is one connection of a caller.
type caller struct {
	conn net.Conn
	r    *bufio.Reader
}

func dial(addr string) (*caller, error) {
	conn, err := net.Dial("tcp", addr)
	return &caller{conn, bufio.NewReader(conn)}, err
}

// carry makes one exchange.
func (c *caller) carry(request []byte) error {
	if _, err := c.conn.Write(request); err != nil {
		return err
	}
	chunked, length := false, 0
	for n := 0; ; n++ {
		line, err := c.r.ReadSlice('\n')
		switch {
		case err != nil:
			return err
		case n == 0 && !bytes.HasPrefix(line, []byte("HTTP/1.1 200")):
			return fmt.Errorf("answered %s", line)
		case bytes.HasPrefix(line, []byte("Transfer-Encoding:")):
			chunked = true
		case bytes.HasPrefix(line, []byte("Content-Length: ")):
			for _, d := range line[len("Content-Length: ") : len(line)-2] {
				length = 10*length + int(d-'0')
			}
		}
		if len(line) == len("\r\n") {
			break
		}
	}
	if !chunked {
		n, err := c.r.Discard(length)
		if err == nil && n == 0 {
			err = errors.New("an empty answer")
		}
		return err
	}
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if string(line) == "0\r\n" {
			_, err := c.r.Discard(2)
			return err
		}
	}
}

// serveBench starts a program in front of an upstream, and makes a key.
func serveBench(tb testing.TB) (addr, key string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	var up bench.Upstream
	go up.Serve(l)
	tb.Cleanup(func() { l.Close() })
	dir := tb.TempDir()
	config := filepath.Join(dir, "fairlead.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, benchConfig, l.Addr()), 0o600); err != nil {
		tb.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		tb.Fatal(err)
	}
	lines := record.NewLines(log)
	tb.Cleanup(func() {
		lines.Flush()
		log.Close()
	})
	ctx, cancel := context.WithCancel(context.Background())
	a, err := app.New(ctx, app.Options{
		Listen: "127.0.0.1:0", Control: "127.0.0.1:0", Data: filepath.Join(dir, "data"), Config: config,
		LookupEnv: func(string) (string, bool) { return "sk-upstream", true },
		Log:       slog.New(lines.Handler(slog.NewJSONHandler(lines, nil))), // as serve has it
	})
	if err != nil {
		tb.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			tb.Error(err)
		}
	})
	api, err := client.New(a.ControlURL(), a.Token())
	if err != nil {
		tb.Fatal(err)
	}
	k, err := api.CreateKey(ctx, "bench")
	if err != nil {
		tb.Fatal(err)
	}
	at, err := url.Parse(a.DataURL())
	if err != nil {
		tb.Fatal(err)
	}
	return at.Host, k.Secret
}

// maxAllocations is what an exchange may allocate, with a little room for what the runtime does beside it.
const maxAllocations = 74

// TestExchangeAllocations holds the allocations of a pass-through exchange under everything on.
func TestExchangeAllocations(t *testing.T) {
	addr, key := serveBench(t)
	one, err := dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer one.conn.Close()
	request := chat(key, "bench/plain", "", "hello")
	carry := func() {
		if err := one.carry(request); err != nil {
			t.Fatal(err)
		}
	}
	carry() // opens the connection to the upstream
	if n := testing.AllocsPerRun(500, carry); n > maxAllocations+poolLosses {
		t.Errorf("an exchange allocates %.0f times; the bound is %d", n, maxAllocations+poolLosses)
	}
}

func cpuNanos(tb testing.TB) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
