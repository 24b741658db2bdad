package demo

import (
	"bytes"
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
	rescued  int                        // answered at a second or third endpoint
	resumed  int                        // streams that another endpoint went on with
	served   map[string]int             // by place
	latency  map[string][]time.Duration // by place, of short answers: the latest, at most `recent`
	begun    map[string]time.Time       // when the latest stream of a place began
	lastFail string
}

func (c *counts) failure(why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests++
	c.failed++
	c.lastFail = why
}

// answer counts a whole answer by its headers and trailers, and gives where it began.
func (c *counts) answer(r *http.Response) (place string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests++
	if r.Header.Get("X-Fairlead-Attempts") != "1" {
		c.rescued++
	}
	if r.Trailer.Get("X-Fairlead-Continued") != "" {
		c.resumed++
	}
	place = placeOf(r)
	c.served[place]++
	return place
}

// took notes how long a place took for a short answer.
func (c *counts) took(place string, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := append(c.latency[place], d)
	if n := len(l); n > recent {
		l = slices.Clone(l[n-recent:])
	}
	c.latency[place] = l
}

// begins notes that a stream has begun.
func (c *counts) begins(place string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begun[place] = time.Now()
}

// tells reports whether a stream of a place has begun just now, so that it is still under way.
func (c *counts) tells(place string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Since(c.begun[place]) < 200*time.Millisecond
}

func placeOf(r *http.Response) string {
	_, place, _ := strings.Cut(r.Header.Get("X-Fairlead-Endpoint"), "@")
	return place
}

// median gives the median of a place's latest short answers.
func (c *counts) median(place string) time.Duration {
	l := slices.Clone(c.latency[place])
	if len(l) == 0 {
		return 0
	}
	slices.Sort(l)
	return l[len(l)/2]
}

// What the callers ask for.
const (
	short = `{"model":"chat","messages":[{"role":"user","content":"Say something short."}]}`
	long  = `{"model":"story","stream":true,"messages":[{"role":"user","content":"Tell a story."}]}`
)

// call keeps asking until ctx ends. A request that ctx cuts off is not counted.
func call(ctx context.Context, connections http.RoundTripper, url, key, body string, c *counts) {
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
		if body == long {
			c.begins(placeOf(answer))
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		switch {
		case ctx.Err() != nil:
		case err != nil:
			c.failure(err.Error())
		case answer.StatusCode != http.StatusOK:
			c.failure(answer.Status + " " + string(text))
		case body == long && !bytes.HasSuffix(text, []byte("data: [DONE]\n\n")):
			c.failure("a stream broke off: " + string(text[max(0, len(text)-200):]))
		case body == long:
			c.answer(answer)
		default:
			c.took(c.answer(answer), time.Since(begin))
		}
	}
}
