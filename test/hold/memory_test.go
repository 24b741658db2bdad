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
	"testing"
	"time"

	"fairlead/internal/fakellm"
	"fairlead/test/harness"
)

const (
	manyCallers = 500
	largeBody   = 32 * mib
	pressTime   = 20 * time.Second
)

// TestBodiesAreBounded has 500 callers send 32 MiB each, slowly and again and again, with 256 MiB for
// all bodies: the process stays under that and 200 MiB, small requests are served meanwhile, all of
// them, and what does not fit gets 503 with Retry-After.
func TestBodiesAreBounded(t *testing.T) {
	sink := serveSink(t)
	n := harness.Start(t, harness.Options{
		Config: strings.Replace(harness.Config(sink, sink), "max_body: 1MiB", "max_body: 32MiB\n  max_bodies: 256MiB", 1),
	})
	press(t, n, 256*mib)
}

// press does it.
func press(t *testing.T, n *harness.Node, maxBodies int64) {
	t.Helper()
	_, key := n.Key("large")
	_, smallKey := n.Key("small")
	ctx, stop := context.WithTimeout(t.Context(), pressTime)
	defer stop()
	p := pressure{addr: address(n), key: key}
	var group sync.WaitGroup
	for i := range manyCallers {
		group.Go(func() { p.caller(ctx, i) })
	}
	small, most := 0, time.Duration(0)
	for ctx.Err() == nil {
		begin := time.Now()
		model := []string{"openai/x", "claude/x"}[small%2]
		status, _, body, err := exchange(p.addr, "/v1/chat/completions", smallKey, asking(model, "hello"))
		if err != nil || status != 200 {
			t.Fatalf("small request %d: status %d, %v: %.300s", small, status, err, body)
		}
		small++
		most = max(most, time.Since(begin))
	}
	group.Wait()
	hwm := memory(t, n.PID, "VmHWM")
	t.Logf("bodies: %d sent whole (%v), %d refused, %d ended otherwise; %d small requests, the slowest in %v; at most %d MiB of memory",
		p.whole.Load(), p.statuses(), p.refused.Load(), p.lost.Load(), small, most, hwm/mib)
	if p.refused.Load() == 0 || p.bad.Load() != 0 || p.whole.Load() == 0 {
		t.Errorf("%d bodies were refused, %d got another answer: %v", p.refused.Load(), p.bad.Load(), p.first.Load())
	}
	if hwm > maxBodies+200*mib {
		t.Errorf("the process had %d MiB, more than max_bodies and 200 MiB", hwm/mib)
	}
	n.Stop()
}

// pressure is what many callers with large bodies meet.
type pressure struct {
	addr, key                 string
	whole, refused, lost, bad atomic.Int64
	first                     atomic.Value // the first answer that is neither
	byStatus                  [600]atomic.Int64
}

func (p *pressure) statuses() string {
	var b strings.Builder
	for status := range p.byStatus {
		if n := p.byStatus[status].Load(); n > 0 {
			fmt.Fprintf(&b, " %d: %d", status, n)
		}
	}
	return strings.TrimSpace(b.String())
}

// caller sends one body after another until the time is over, in one of the ways that a body can go:
// passed on, translated, or refused at its end; one in four does not say how long it is. Who is refused
// comes back soon.
func (p *pressure) caller(ctx context.Context, i int) {
	tick := time.NewTicker(time.Duration(20+i%10) * time.Millisecond)
	defer tick.Stop()
	model := []string{"openai/x", "claude/x", "nobody/x"}[i%3]
	start := strings.TrimSuffix(asking(model, ""), `"}]}`)
	filler := strings.Repeat("lorem ipsum ", 128<<10/12)
	for ctx.Err() == nil {
		p.send(ctx, tick, start, filler, i%4 == 3)
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
}

func (p *pressure) send(ctx context.Context, tick *time.Ticker, start, filler string, chunked bool) {
	c, err := net.Dial("tcp", p.addr)
	if err != nil {
		p.lost.Add(1)
		return
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Now().Add(-1)) })()
	answered := make(chan struct{})
	defer func() { <-answered }()
	go func() {
		defer close(answered)
		p.answer(ctx, c)
	}()
	const tail = `"}]}`
	write := func(text string) error {
		if chunked {
			text = fmt.Sprintf("%x\r\n%s\r\n", len(text), text)
		}
		_, err := io.WriteString(c, text)
		return err
	}
	head := request("/v1/chat/completions", p.key, largeBody)
	if chunked {
		head = strings.Replace(head, fmt.Sprintf("Content-Length: %d", largeBody), "Transfer-Encoding: chunked", 1)
	}
	if _, err = io.WriteString(c, head); err == nil {
		err = write(start)
	}
	for left := largeBody - len(start) - len(tail); left > 0; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		case <-answered:
			return
		}
		piece := filler[:min(len(filler), left)]
		left -= len(piece)
		if err == nil {
			err = write(piece)
		}
	}
	_ = write(tail)
	if chunked {
		_, _ = io.WriteString(c, "0\r\n\r\n") // an error shows in the answer
	}
}

func (p *pressure) answer(ctx context.Context, c net.Conn) {
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		p.lost.Add(1)
		return
	}
	body, err := io.ReadAll(resp.Body)
	p.byStatus[resp.StatusCode].Add(1)
	switch {
	case err != nil || ctx.Err() != nil:
		p.lost.Add(1)
	case resp.StatusCode == 503 && resp.Header.Get("Retry-After") != "" && strings.Contains(string(body), `"overloaded"`):
		p.refused.Add(1)
	case resp.StatusCode == 200, resp.StatusCode == 404:
		p.whole.Add(1)
	default:
		p.bad.Add(1)
		p.first.CompareAndSwap(nil, fmt.Sprintf("%d %.300s", resp.StatusCode, body))
	}
}

func asking(model, text string) string {
	return fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":%q}]}`, model, text)
}

// serveSink starts a provider of both dialects that reads what it is sent and keeps nothing of it.
func serveSink(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		answer := `{"id":"1","object":"chat.completion","created":1,"model":"x","choices":[{"index":0,"message":{"role":"assistant","content":"ok"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`
		if strings.HasSuffix(r.URL.Path, "/messages") {
			answer = `{"id":"1","type":"message","role":"assistant","model":"x","content":[{"type":"text","text":"ok"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}`
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answer)
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l) // ends with Close
	}()
	t.Cleanup(func() {
		_ = s.Close()
		<-done
	})
	return "http://" + l.Addr().String()
}

// TestEndlessUpstreamsAreBounded has callers take answers that do not end, in every form: what the
// process holds of them is bounded.
func TestEndlessUpstreamsAreBounded(t *testing.T) {
	_, url := harness.Fake(t, fakellm.Options{Keys: []string{harness.Credential}})
	n := harness.Start(t, harness.Options{Config: harness.Config(url, url)})
	_, key := n.Key("reader")
	var group sync.WaitGroup
	for i, behaviour := range []string{"fail=huge", "fail=endless_line", "fail=huge_headers"} {
		for j, stream := range []bool{true, false} {
			for k, provider := range []string{"openai", "claude"} {
				group.Go(func() {
					body := strings.Replace(asking(provider+"/x:bytes=10GB,"+behaviour, "hello"), "{", fmt.Sprintf(`{"stream":%v,`, stream), 1)
					c, err := net.Dial("tcp", address(n))
					if err != nil {
						t.Error(err)
						return
					}
					defer c.Close()
					_ = c.SetDeadline(time.Now().Add(30 * time.Second))
					_, _ = io.WriteString(c, request("/v1/chat/completions", key, int64(len(body)))+body)
					if n, _ := io.CopyN(io.Discard, c, 40*mib); n == 0 {
						t.Errorf("no answer in case %d %d %d", i, j, k)
					}
				})
			}
		}
	}
	group.Wait()
	hwm := memory(t, n.PID, "VmHWM")
	t.Logf("at most %d MiB of memory", hwm/mib)
	if hwm > 300*mib {
		t.Errorf("the process had %d MiB", hwm/mib)
	}
	n.Stop()
}
