package hold_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"fairlead/internal/fakellm"
	"fairlead/test/harness"
)

// spareFiles is what each process needs beside the connections of streams.
const spareFiles = 400

// streams says how many streams there are to be: 10,000, of which as many over HTTP/2 as the bound on
// open files asks for. A process has one connection for each HTTP/1.1 caller and one for each provider
// stream; where the system allows fewer files than that takes, there are fewer streams.
func streams(t *testing.T) (plain, h2 int) {
	t.Helper()
	var limit syscall.Rlimit
	check(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	files := int(min(limit.Max, 1<<20)) - spareFiles
	total := min(10_000, files*9/10)
	plain = min(total*9/10, files-total)
	if total < 10_000 {
		t.Logf("only %d streams: this system allows a process %d open files", total, limit.Max)
	}
	return plain, total - plain
}

// crowd is many open streams.
type crowd struct {
	addr, key string
	body      string
	alive     atomic.Int64 // have had their first token
	whole     atomic.Int64 // ended properly
	broken    atomic.Int64
	first     atomic.Value // what the first broken one saw
}

// TestTenThousandStreams holds 10,000 open streams on one process, all of them alive, and then tells it
// to end: it refuses new connections, every stream is delivered to its proper end, and the process is
// gone with success.
func TestTenThousandStreams(t *testing.T) {
	_, url := harness.Fake(t, fakellm.Options{Keys: []string{harness.Credential}, MaxLog: -1})
	n := harness.Start(t, harness.Options{Config: harness.Config(url, url), Args: []string{"--log-level", "warn"}})
	_, key := n.Key("crowd")
	plain, h2 := streams(t)
	all := int64(plain + h2)
	c := &crowd{
		addr: address(n), key: key,
		body: `{"model":"openai/s:tokens=4,pace=9s","stream":true,"messages":[{"role":"user","content":"hi"}]}`,
	}
	files, before := descriptors(t, n.PID), memory(t, n.PID, "VmRSS")
	begin := time.Now()
	group := c.open(plain, h2)
	harness.UntilWithin(t, time.Minute, "all streams are open", func() bool { return c.alive.Load()+c.broken.Load() == all })
	opened, rss := time.Since(begin), memory(t, n.PID, "VmRSS")
	t.Logf("%d streams (%d over HTTP/2) opened in %s; %.1f KiB of memory a stream", all, h2, opened.Round(time.Millisecond), float64(rss-before)/float64(all)/1024)
	if got := inFlight(t, n); got != all || c.broken.Load() != 0 || c.whole.Load() != 0 {
		t.Errorf("%d in flight, %d broken, %d ended early: %v", got, c.broken.Load(), c.whole.Load(), c.first.Load())
	}
	if got := descriptors(t, n.PID) - files; got > plain+int(all)+100 {
		t.Errorf("%d streams have %d open files", all, got)
	}
	n.Signal(syscall.SIGTERM)
	harness.Until(t, "new connections are refused", func() bool {
		conn, err := net.Dial("tcp", c.addr)
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
	group.Wait()
	if c.whole.Load() != all {
		t.Errorf("%d of %d streams ended properly, %d broke: %v", c.whole.Load(), all, c.broken.Load(), c.first.Load())
	}
	select {
	case <-n.Ended():
	case <-time.After(20 * time.Second):
		t.Error("the process goes on although no stream is left")
	}
	n.Stop() // holds that it ended with success
}

// inFlight reads the metric.
func inFlight(t *testing.T, n *harness.Node) (v int64) {
	t.Helper()
	for line := range strings.Lines(n.Metrics()) {
		if rest, ok := strings.CutPrefix(line, "fairlead_in_flight "); ok {
			var f float64
			_, err := fmt.Sscan(rest, &f)
			check(t, err)
			return int64(f)
		}
	}
	t.Fatal("there is no metric fairlead_in_flight")
	return 0
}

// open starts the streams, some tens at a time, as a system's queue of new connections wants.
func (c *crowd) open(plain, h2 int) *sync.WaitGroup {
	var group sync.WaitGroup
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	opening := make(chan struct{}, 64)
	for i := range plain + h2 {
		opening <- struct{}{}
		started := sync.OnceFunc(func() { <-opening })
		group.Go(func() {
			defer started()
			var err error
			if i < plain {
				err = c.plain(started)
			} else {
				err = c.over(transport, started)
			}
			if err != nil {
				c.broken.Add(1)
				c.first.CompareAndSwap(nil, err.Error())
				return
			}
			c.whole.Add(1)
		})
	}
	go func() {
		group.Wait()
		transport.CloseIdleConnections()
	}()
	return &group
}

// plain is a stream over a connection of its own.
func (c *crowd) plain(started func()) error {
	conn, err := net.Dial("tcp", c.addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request("/v1/chat/completions", c.key, int64(len(c.body)))+c.body); err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReaderSize(conn, 1<<10), nil)
	if err != nil {
		return err
	}
	return c.read(resp, started)
}

// over is a stream that shares connections with others.
func (c *crowd) over(transport *http.Transport, started func()) error {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://"+c.addr+"/v1/chat/completions", strings.NewReader(c.body))
	if err != nil {
		return err
	}
	req.Header.Set("X-Api-Key", c.key)
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	return c.read(resp, started)
}

// read reads a stream to its end; it counts as alive once there is a token.
func (c *crowd) read(resp *http.Response, started func()) error {
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	in := bufio.NewReaderSize(resp.Body, 1<<10)
	tokens, done := 0, false
	for {
		line, err := in.ReadString('\n')
		done = done || strings.HasPrefix(line, "data: [DONE]")
		if strings.Contains(line, `"delta":{"content":`) {
			if tokens++; tokens == 1 {
				c.alive.Add(1)
				started()
			}
		}
		switch {
		case err == io.EOF && done && tokens == 4:
			return nil
		case err != nil:
			return fmt.Errorf("after %d tokens, [DONE] %v: %w", tokens, done, err)
		}
	}
}
