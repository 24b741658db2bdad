package gateway_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"fairlead/test/harness"
)

// TestSwapUnderLoad swaps configurations under traffic: every exchange is whole, and is planned,
// answered and recorded by one revision.
func TestSwapUnderLoad(t *testing.T) {
	r := newRig(t, "attempts: 2")
	config := fmt.Sprintf(standard, strings.TrimPrefix(r.fakeURL, "http://"), "attempts: 2") + "# %d\n"
	check(t, r.fake.Set("bad/x", "fail=overloaded"))
	var asked atomic.Int64
	var group sync.WaitGroup
	swapped := make(chan struct{})
	for i := range 6 {
		group.Go(func() {
			for !t.Failed() {
				select {
				case <-swapped:
					return
				default:
				}
				n := asked.Add(1)
				model := []string{"openai/m:echo", "claude/m:echo", "two/x", "fast"}[n%4]
				if err := r.echoAt(t.Context(), model, fmt.Sprintf("word%dx%dx", i, n), n%3 == 0); err != nil {
					t.Error(err)
				}
			}
		})
	}
	const revisions = 200
	for revision := int64(2); revision <= revisions; revision++ {
		text := fmt.Sprintf(config, revision)
		if revision%2 == 0 { // the next one swaps the providers
			text = strings.NewReplacer("provider: first", "provider: second", "provider: second", "provider: first").Replace(text)
		}
		r.swap(revision, text)
		at := asked.Load()
		harness.Until(t, "traffic goes on", func() bool { return asked.Load() > at+5 || t.Failed() })
	}
	close(swapped)
	group.Wait()
	seen := map[int64]bool{}
	for _, rec := range r.records.all() {
		seen[rec.Revision] = true
		first := (rec.Revision%2 != 0) != strings.HasPrefix(rec.Model, "claude/")
		if wanted := map[bool]string{true: "@first", false: "@second"}[first]; !strings.Contains(rec.Endpoint, wanted) {
			t.Fatalf("revision %d: %s was served by %s", rec.Revision, rec.Model, rec.Endpoint)
		}
	}
	if len(seen) < revisions/4 {
		t.Errorf("only %d revisions served exchanges", len(seen))
	}
}

// TestRevisionInFlight holds that an exchange keeps the revision that it entered under.
func TestRevisionInFlight(t *testing.T) {
	r := newRig(t, "attempts: 1")
	resp := r.post(t.Context(), "/v1/chat/completions", asking("openai/s:tokens=5,pace=30ms", true))
	r.swap(2, strings.ReplaceAll(fmt.Sprintf(standard, strings.TrimPrefix(r.fakeURL, "http://"), "attempts: 1"), "openai/*", "other/*"))
	gone := r.post(t.Context(), "/v1/chat/completions", asking("openai/s", true))
	if body := text(t, gone); gone.StatusCode != http.StatusNotFound || gone.Header.Get("X-Fairlead-Revision") != "2" {
		t.Errorf("the new revision: status %d, %v: %s", gone.StatusCode, gone.Header, body)
	}
	if body := text(t, resp); !strings.HasSuffix(body, "[DONE]\n\n") || resp.Header.Get("X-Fairlead-Revision") != "1" {
		t.Errorf("the one in flight: %v: %s", resp.Header, body)
	}
}

// TestNoConfiguration holds what a node without a snapshot says: it is alive, not ready, and refuses.
func TestNoConfiguration(t *testing.T) {
	r := newRig(t, "attempts: 1")
	r.gateway.Swap(nil)
	for path, want := range map[string]int{"/livez": 200, "/readyz": 503, "/v1/models": 503} {
		resp, err := http.Get("http://" + r.addr + path)
		check(t, err)
		if body := text(t, resp); resp.StatusCode != want {
			t.Errorf("%s: status %d, want %d: %s", path, resp.StatusCode, want, body)
		}
	}
	resp := r.post(t.Context(), "/v1/messages", asking("openai/echo", false))
	if body := text(t, resp); resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" {
		t.Errorf("status %d: %s", resp.StatusCode, body)
	}
	r.noneSent(t)
}

// TestNothingCrosses sends large and small answers over few connections while some callers leave:
// every answer is its caller's own to the last byte.
func TestNothingCrosses(t *testing.T) {
	r := newRig(t, "attempts: 1")
	clients := []*http.Client{clientOf(t, "HTTP/1.1"), clientOf(t, "HTTP/2")}
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			for n := range 25 {
				word := strings.Repeat(fmt.Sprintf("w%dx%dy", i, n), 1+(i*n)%300)
				if err := r.crossing(clients[i%2], word, n); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
}

func (r *rig) crossing(client *http.Client, word string, n int) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	body := fmt.Sprintf(`{"model":"%s/m:echo,split=%d","stream":%v,"messages":[{"role":"user","content":%q}]}`,
		[]string{"openai", "claude"}[n%2], 16+n*100, n%3 == 0, word)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+r.addr+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("X-Api-Key", r.key)
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if n%5 == 4 {
		_, _ = io.ReadFull(resp.Body, make([]byte, 60))
		return nil // leaves in the middle
	}
	got, err := io.ReadAll(resp.Body)
	if err != nil || said(got) != word {
		return fmt.Errorf("%.40s: %v, answered with %.200s", word, err, got)
	}
	return nil
}
