//go:build linux

package fleet_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// pace is the time between two requests of a caller: each edge has two, so that it gets some tens of requests a second.
const pace = 40 * time.Millisecond

// traffic asks every edge, all the time.
type traffic struct {
	f      *fleet
	client *http.Client

	mu     sync.Mutex
	asked  int
	failed []string
	by     map[string]int // answers by edge
}

// drive begins the traffic, which ends with the test.
func drive(f *fleet) *traffic {
	d := &traffic{f: f, by: map[string]int{}, client: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 8}}}
	ctx, stop := context.WithCancel(context.Background())
	var group sync.WaitGroup
	for _, n := range f.edges {
		for _, streamed := range []bool{false, true} {
			group.Go(func() { d.call(ctx, n, streamed) })
		}
	}
	f.root.Cleanup(func() {
		stop()
		group.Wait()
		d.client.CloseIdleConnections()
	})
	return d
}

// begin forgets what was counted before.
func (d *traffic) begin() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked, d.failed, d.by = 0, nil, map[string]int{}
}

// judge holds that no request failed, and that there were some at every edge.
func (d *traffic) judge(t *testing.T) {
	t.Helper()
	for _, n := range d.f.edges {
		if n.up() {
			before := d.answers(n)
			for end := time.Now().Add(10 * time.Second); d.answers(n) < before+3; pause(t.Context(), 10*time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("%s answers no more: %v", n.name, d.failed)
				}
			}
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.failed) > 0 {
		t.Errorf("%d of %d requests failed at edges that were up:\n%s", len(d.failed), d.asked, strings.Join(d.failed[:min(len(d.failed), 10)], "\n"))
	}
	t.Logf("%d requests, answers %v", d.asked, d.by)
}

func (d *traffic) answers(n *node) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.by[n.name]
}

func (d *traffic) call(ctx context.Context, n *node, streamed bool) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !n.up() {
			continue
		}
		before := n.down.Load()
		d.mu.Lock()
		key := d.f.key.Secret
		d.mu.Unlock()
		_, err := d.f.ask(ctx, d.client, n, key, streamed)
		stayed := before == n.down.Load()
		d.mu.Lock()
		d.asked++
		switch {
		case ctx.Err() != nil:
		case err == nil:
			d.by[n.name]++
		case stayed:
			d.failed = append(d.failed, fmt.Sprintf("%s: %v", n.name, err))
		}
		d.mu.Unlock()
	}
}

// answer is what an edge said of itself with an answer.
type answer struct {
	status             int
	revision, endpoint string
	id                 string
}

// ask asks an edge for an answer and reads all of it. A stream has to end as one does that is whole.
func (f *fleet) ask(ctx context.Context, by *http.Client, n *node, key string, streamed bool) (a answer, err error) {
	return f.askFor(ctx, by, n, key, "fake/echo", streamed)
}

// askFor is ask for any model.
func (f *fleet) askFor(ctx context.Context, by *http.Client, n *node, key, model string, streamed bool) (a answer, err error) {
	body := fmt.Sprintf(`{"model":%q,"stream":%t,"messages":[{"role":"user","content":"hold fast"}]}`, model, streamed)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, n.url+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		return a, err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := by.Do(req)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	a = answer{resp.StatusCode, resp.Header.Get("X-Fairlead-Revision"), resp.Header.Get("X-Fairlead-Endpoint"), resp.Header.Get("X-Request-Id")}
	switch {
	case err != nil:
		return a, err
	case resp.StatusCode != http.StatusOK:
		return a, fmt.Errorf("status %d: %.300s", resp.StatusCode, text)
	case streamed && !strings.HasSuffix(strings.TrimSpace(string(text)), "data: [DONE]"):
		return a, fmt.Errorf("the stream does not end whole: %.300s", text)
	case !streamed && !strings.Contains(string(text), `"finish_reason"`):
		return a, fmt.Errorf("the answer is not whole: %.300s", text)
	}
	return a, nil
}
