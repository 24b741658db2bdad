package bus_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"fairlead/bus"
	"fairlead/internal/pki"
)

// TestFlood holds that a node that asks without end keeps nobody else waiting, and that what it asks is bounded.
func TestFlood(t *testing.T) {
	f := newFleet(t)
	logs := newLines()
	b := f.control("one", bus.Options{Log: logs.logger()})
	paris := f.join("paris", b.Address())
	rome := f.edge(f.join("rome", b.Address()))
	eventually(t, "the connection", rome.Connected)
	var mu sync.Mutex
	worked, at, most := 0, 0, 0
	held := make(chan struct{})
	running(t, "receive", func(ctx context.Context) error {
		return b.Receive(ctx, "frame", func(ctx context.Context, node string, body []byte) ([]byte, error) {
			if node == "rome" {
				return []byte("rome"), nil
			}
			mu.Lock()
			worked++
			at++
			most = max(most, at)
			mu.Unlock()
			select {
			case <-held:
			case <-ctx.Done():
			}
			mu.Lock()
			at--
			mu.Unlock()
			return nil, nil
		})
	})
	asks := func(what string) {
		t.Helper()
		eventually(t, what, func() bool {
			body, err := rome.Send(t.Context(), "frame", nil)
			return err == nil && string(body) == "rome"
		})
	}
	asks("a first answer")
	r := newRogue(t, b.Address(), "fl.inbox.paris", nats.Secure(pki.Client(paris.Pair, time.Now)))
	for n := range 2000 {
		check(t, r.PublishRequest("fl.up.paris.frame", fmt.Sprint("fl.inbox.paris.", n), nil))
	}
	check(t, r.Flush())
	eventually(t, "something is dropped", func() bool { return logs.count("faster than it is answered") > 0 })
	if body, err := rome.Send(t.Context(), "frame", nil); err != nil || string(body) != "rome" {
		t.Errorf("another node is answered %q, %v", body, err)
	}
	close(held)
	asks("an answer afterwards")
	eventually(t, "the end of the work", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return at == 0
	})
	mu.Lock()
	defer mu.Unlock()
	if most > 8 || worked > 24 {
		t.Errorf("%d requests of one node were under way at once, %d of 2000 were worked on", most, worked)
	}
	if n := logs.count("faster than it is answered"); n != 1 {
		t.Errorf("it was said %d times", n)
	}
}

// TestFewConnections holds that a node has two connections to a control node at most, and few subscriptions.
func TestFewConnections(t *testing.T) {
	f := newFleet(t)
	b := f.control("one", bus.Options{})
	paris := f.join("paris", b.Address())
	other := f.edge(f.join("rome", b.Address()))
	eventually(t, "the connection", other.Connected)
	var all []*rogue
	for range 5 {
		all = append(all, newRogue(t, b.Address(), "fl.inbox.paris", nats.Secure(pki.Client(paris.Pair, time.Now))))
	}
	eventually(t, "the end of the first three", func() bool {
		return all[0].IsClosed() && all[1].IsClosed() && all[2].IsClosed()
	})
	if all[3].IsClosed() || all[4].IsClosed() || !other.Connected() {
		t.Error("others end, too")
	}
	for n := range 1000 {
		_, err := all[4].SubscribeSync(fmt.Sprint("fl.inbox.paris.", n))
		check(t, err)
	}
	check(t, all[4].Flush())
	all[4].mu.Lock()
	defer all[4].mu.Unlock()
	if len(all[4].said) == 0 {
		t.Error("a node may have a thousand subscriptions")
	}
}
