package demo

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// recent is how many of an endpoint's latest answers its latency is shown from.
const recent = 64

// counts is what the callers saw, by the headers of the answers.
type counts struct {
	mu       sync.Mutex
	requests int
	failed   int
	rescued  int // answered at a second or third endpoint
	served   map[string]int
	latency  map[string][]time.Duration // the latest, at most `recent`
	lastFail string
}

func (c *counts) failure(why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests++
	c.failed++
	c.lastFail = why
}

func (c *counts) answer(endpoint, attempts string, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests++
	if attempts != "1" {
		c.rescued++
	}
	c.served[endpoint]++
	c.latency[endpoint] = append(c.latency[endpoint], took)
	if n := len(c.latency[endpoint]); n > recent {
		c.latency[endpoint] = slices.Clone(c.latency[endpoint][n-recent:])
	}
}

// median gives the median of an endpoint's latest answers.
func (c *counts) median(endpoint string) time.Duration {
	l := slices.Clone(c.latency[endpoint])
	if len(l) == 0 {
		return 0
	}
	slices.Sort(l)
	return l[len(l)/2]
}

// call keeps asking until ctx ends. A request that ctx cuts off is not counted.
func call(ctx context.Context, connections http.RoundTripper, url, key string, c *counts) {
	const body = `{"model":"chat","messages":[{"role":"user","content":"Say something short."}]}`
	for ctx.Err() == nil {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/chat/completions", strings.NewReader(body))
		if err != nil {
			c.failure(err.Error())
			return
		}
		r.Header.Set("Authorization", "Bearer "+key)
		r.Header.Set("Content-Type", "application/json")
		begin := time.Now()
		answer, err := connections.RoundTrip(r)
		if err != nil {
			if ctx.Err() == nil {
				c.failure(err.Error())
			}
			continue
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		switch {
		case ctx.Err() != nil:
		case err != nil:
			c.failure(err.Error())
		case answer.StatusCode != http.StatusOK:
			c.failure(answer.Status + " " + string(text))
		default:
			c.answer(answer.Header.Get("X-Fairlead-Endpoint"), answer.Header.Get("X-Fairlead-Attempts"), time.Since(begin))
		}
	}
}
