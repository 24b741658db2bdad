package bus_test

import (
	"fmt"
	"slices"
	"testing"

	"fairlead"
	"fairlead/bus"
)

// TestRestoredTwice holds that an edge which has followed a restored log tells what a restore of an older backup undoes, too: what it
// remembers of what all logs have goes over into the copy. Changes that never were here are a gap.
func TestRestoredTwice(t *testing.T) {
	h, d := newHistory("log"), newDisk()
	b := startBus(t, bus.Options{})
	for i := range 8 {
		h.key(fmt.Sprint("k", i))
	}
	stop := serve(t, b, h, "one")
	follow(t, b, d, bus.FollowOptions{})
	d.reach(t, 8)
	first := h.restored(6)
	for i := range 3 {
		first.key(fmt.Sprint("n", i))
	}
	second := h.restored(2)
	for i, step := range []struct {
		log  *history
		grow bool
		lost []int64
	}{
		{first, true, []int64{7, 8}},
		{second, false, []int64{3, 4, 5, 6, 10}}, // 7 to 9 came with the copy, and nobody here has seen them
	} {
		stop()
		stop = serve(t, b, step.log, "one")
		head, err := step.log.Head(t.Context())
		check(t, err)
		d.until(t, "the other log", func() bool { return d.at == head })
		if step.grow {
			b.Publish(step.log.key("after the copy"))
			d.reach(t, head.Number+1)
		}
		var lost []int64
		step.log.set(func() {
			for _, c := range step.log.lost["one"] {
				lost = append(lost, c.Number)
			}
		})
		if !slices.Equal(lost, step.lost) {
			t.Errorf("restore %d: reported as lost: %v, want %v", i+1, lost, step.lost)
		}
	}
}

// TestRevokedIsTold holds that keys which are revoked here and good on another log are told to it before it is followed, whether or not
// the change is remembered that revoked them, and stay revoked here.
func TestRevokedIsTold(t *testing.T) {
	h, d := newHistory("log"), newDisk()
	b := startBus(t, bus.Options{})
	h.key("a")
	h.key("b")
	r := h.restored(2)
	h.revoke("a")
	h.key("c")
	stop := serve(t, b, h, "one")
	follow(t, b, d, bus.FollowOptions{})
	d.reach(t, 4)
	d.mu.Lock()
	delete(d.changes, 3) // forgotten
	d.mu.Unlock()
	stop()
	r.key("d")
	serve(t, b, r, "one")
	head, err := r.Head(t.Context())
	check(t, err)
	d.until(t, "the other log", func() bool { return d.at == head })
	d.mu.Lock()
	defer d.mu.Unlock()
	if k := d.keys[fairlead.HashKey("a")]; k.Active() {
		t.Error("a revoked key is good again")
	}
	if k := d.keys[fairlead.HashKey("b")]; !k.Active() {
		t.Error("a good key is revoked")
	}
	r.set(func() {
		if told := r.revoked["one"]; len(told) != 1 || told[0].ID != "key_a" || told[0].Active() {
			t.Errorf("told are %+v", told)
		}
	})
}

// TestAllIsPublished holds that edges are told of every change that a report makes, not of the last one alone.
func TestAllIsPublished(t *testing.T) {
	h, d := newHistory("log"), newDisk()
	b := startBus(t, bus.Options{})
	h.key("a")
	h.key("b")
	stop := serve(t, b, h, "one")
	end := follow(t, b, d, bus.FollowOptions{})
	d.reach(t, 2)
	end()
	stop()
	r := h.restored(1)
	r.again = []fairlead.Change{{Number: 41, Kind: fairlead.ChangeNode}, {Number: 42, Kind: fairlead.ChangeNode}, {Number: 43, Kind: fairlead.ChangeKey}}
	heard := make(chan int64, 10)
	check(t, b.Overhear(t, func(c fairlead.Change) { heard <- c.Number }))
	serve(t, b, r, "one")
	follow(t, b, d, bus.FollowOptions{})
	for _, want := range []int64{41, 42, 43} {
		if got := receive(t, heard); got != want {
			t.Errorf("change %d is published, want %d", got, want)
		}
	}
}
