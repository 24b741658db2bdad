package app

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	"fairlead/steer"
	"fairlead/steer/count"
)

const (
	watchFor   = 30 * time.Second // without a word, nobody wants to know any more
	reportSize = 512 << 10        // of a report; a larger one goes in parts, for evidence adds up
)

// counted is what this edge counts for whoever leads.
type counted struct {
	count.Counter
	mu    sync.Mutex
	heard time.Time
}

// watch takes what is to be counted.
func (c *counted) watch(body []byte) {
	var w steer.Watch
	if json.Unmarshal(body, &w) != nil {
		return // of a version that knows more
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard = time.Now()
	c.Watch(w)
}

// take gives what was counted since the last time; none where nobody watches.
func (c *counted) take() (r steer.Report, ok bool) {
	c.mu.Lock()
	if time.Since(c.heard) > watchFor {
		c.Watch(steer.Watch{})
	}
	c.mu.Unlock()
	return c.Take()
}

// tellCounted counts what the node that leads watches, and says each second what was counted, until ctx ends. A
// report in which nothing was counted is sent, too: it tells that this edge is heard.
func (a *App) tellCounted(ctx context.Context) {
	var hearing sync.WaitGroup
	defer hearing.Wait()
	hearing.Go(func() {
		a.told(ctx, "hear what is watched", a.bus.Told(ctx, watchWord, a.counted.watch))
	})
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		r, ok := a.counted.take()
		if !ok {
			continue
		}
		r.Node, r.At = a.Name, a.now()
		for _, text := range encodeReport(r, reportSize) {
			a.bus.Say(evidenceWord, text)
		}
	}
}

// encodeReport writes a report in as many parts as keep to a size, if its endpoints can be parted.
func encodeReport(r steer.Report, size int) [][]byte {
	text, err := json.Marshal(r)
	if err != nil {
		return nil // numbers and words alone; cannot fail
	}
	if len(text) <= size || len(r.Endpoints) < 2 {
		return [][]byte{text}
	}
	first, rest := r, r
	first.Endpoints, rest.Endpoints = map[string]steer.Evidence{}, map[string]steer.Evidence{}
	rest.Tried, rest.Rest = steer.Evidence{}, steer.Evidence{} // once is enough
	for i, id := range slices.Sorted(maps.Keys(r.Endpoints)) {
		part := first
		if i >= len(r.Endpoints)/2 {
			part = rest
		}
		part.Endpoints[id] = r.Endpoints[id]
	}
	return append(encodeReport(first, size), encodeReport(rest, size)...)
}
