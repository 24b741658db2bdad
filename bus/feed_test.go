package bus_test

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"fairlead"
	"fairlead/bus"
)

func TestFeed(t *testing.T) {
	h, d := newHistory("log"), newDisk()
	b := startBus(t, bus.Options{})
	serve(t, b, h, "one")
	h.key("before")
	follow(t, b, d, bus.FollowOptions{})
	d.reach(t, 1)
	b.Publish(h.key("after"))
	d.reach(t, 2)
	large := h.document(`{"x":"` + string(bytes.Repeat([]byte("<é>"), 300_000)) + `"}`)
	b.Publish(large)
	d.reach(t, 3)
	if got := d.changes[3]; !bytes.Equal(got.Content, large.Content) {
		t.Errorf("a large change came with %d bytes, want %d", len(got.Content), len(large.Content))
	}
	h.key("not published")
	d.reach(t, 4)
	if _, ok := d.keys[fairlead.HashKey("not published")]; !ok {
		t.Error("a change that was not published is missing")
	}
}

// TestManyMissed holds that ten thousand changes come with few fetches.
// TestServedFromBegin holds that a node which asks itself once it is ready is answered.
func TestServedFromBegin(t *testing.T) {
	h, d := newHistory("log"), newDisk()
	h.key("before")
	b := startBus(t, bus.Options{Beat: time.Hour}) // no beat brings what was not fetched
	ready := make(chan struct{})
	running(t, "serve", func(ctx context.Context) error {
		return bus.Serve(ctx, b, h, "one", func() { close(ready) })
	})
	<-ready
	follow(t, b, d, bus.FollowOptions{})
	d.reach(t, 1)
}

func TestManyMissed(t *testing.T) {
	h, d := newHistory("log"), newDisk()
	b := startBus(t, bus.Options{})
	for i := range 10_000 {
		h.key(fmt.Sprint(i))
	}
	serve(t, b, h, "one")
	var fetches atomic.Int64
	follow(t, b, d, bus.FollowOptions{Fetched: func(_, n int) { fetches.Store(int64(n)) }})
	d.reach(t, 10_000)
	if n := fetches.Load(); n > 12 {
		t.Errorf("it took %d fetches", n)
	}
	if d.applies > 12 || d.commits > 0 {
		t.Errorf("it took %d applies and %d copies", d.applies, d.commits)
	}
}
