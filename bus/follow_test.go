package bus_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fairlead"
	"fairlead/bus"
)

// restored is the log as a backup after change n had it, written on since under the same name.
func (h *history) restored(n int) *history {
	r := newHistory(h.log)
	h.mu.Lock()
	defer h.mu.Unlock()
	r.changes = slices.Clone(h.changes[:n])
	for _, c := range r.changes {
		for _, k := range h.keys {
			if strings.Contains(string(c.Content), k.ID+`"`) {
				r.keys[k.Hash] = k
			}
		}
	}
	return r
}

// TestRestored holds that an edge notices a restored log, tells what it has lost, and then follows it.
func TestRestored(t *testing.T) {
	for _, c := range []struct {
		name    string
		since   int  // changes after the backup
		renamed bool // the log has another name
		lost    []int64
	}{
		{"shorter", 0, false, []int64{5, 6, 7, 8}},
		{"as long", 4, false, []int64{5, 6, 7, 8}},
		{"longer", 9, false, []int64{5, 6, 7, 8}},
		{"renamed", 2, true, []int64{5, 6, 7, 8}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, d := newHistory("log"), newDisk()
			b := startBus(t, bus.Options{})
			for i := range 8 {
				h.key(fmt.Sprint("k", i))
			}
			stop := serve(t, b, h, "one")
			var foreign atomic.Int32
			follow(t, b, d, bus.FollowOptions{Copied: func(yes bool) {
				if yes {
					foreign.Add(1)
				}
			}})
			d.reach(t, 8)
			stop()
			r := h.restored(4)
			if c.renamed {
				r.log = "restored"
			}
			for i := range c.since {
				r.key(fmt.Sprint("n", i))
			}
			serve(t, b, r, "one")
			head, err := r.Head(t.Context())
			check(t, err)
			d.until(t, "the other log", func() bool { return d.at == head })
			eventually(t, "the copy's end", func() bool { return foreign.Load() == 1 })
			if _, ok := d.keys[fairlead.HashKey("k7")]; ok || len(d.keys) != 4+c.since {
				t.Errorf("%d keys are left, the lost one among them: %v", len(d.keys), ok)
			}
			var lost []int64
			for _, l := range r.lost["one"] {
				lost = append(lost, l.Number)
				if l.Hash != h.changes[l.Number-1].Hash || string(l.Content) != string(h.changes[l.Number-1].Content) {
					t.Errorf("change %d is reported as another", l.Number)
				}
			}
			if !slices.Equal(lost, c.lost) {
				t.Errorf("reported as lost: %v", lost)
			}
		})
	}
}

// TestLostIsTold holds that a log that was followed is not given up before control has taken what is lost by it.
func TestLostIsTold(t *testing.T) {
	h, d := newHistory("log"), newDisk()
	b := startBus(t, bus.Options{})
	h.key("a")
	h.key("b")
	stop := serve(t, b, h, "one")
	follow(t, b, d, bus.FollowOptions{})
	d.reach(t, 2)
	stop()
	r := &deaf{history: h.restored(1)}
	r.deaf.Store(true)
	r.key("c")
	serve(t, b, r, "one")
	eventually(t, "a report that is not taken", func() bool { return r.asked.Load() > 1 })
	if at, _ := d.Position(t.Context()); at.Hash != h.changes[1].Hash {
		t.Error("the old log was given up")
	}
	r.deaf.Store(false)
	d.until(t, "the other log", func() bool { return d.at.Hash == r.changes[1].Hash })
	if len(r.lost["one"]) != 1 {
		t.Errorf("%d changes were reported", len(r.lost["one"]))
	}
}

// TestLostContents holds that control is brought every lost change whole, however large, yet none that somebody has brought.
func TestLostContents(t *testing.T) {
	for _, known := range []bool{false, true} {
		t.Run(fmt.Sprint("known ", known), func(t *testing.T) {
			h, d := newHistory("log"), newDisk()
			b := startBus(t, bus.Options{})
			h.key("a")
			stop := serve(t, b, h, "one")
			follow(t, b, d, bus.FollowOptions{})
			h.key("b")
			large := h.document(`{"note":"` + strings.Repeat("x", 1_500_000) + `"}`)
			for i := range 700 {
				h.key(fmt.Sprint("k", i))
			}
			d.reach(t, int64(len(h.changes)))
			stop()
			r := h.restored(1)
			if known {
				r.lost["two"] = slices.Clone(h.changes[1:])
			}
			serve(t, b, r, "one")
			head, err := r.Head(t.Context())
			check(t, err)
			d.until(t, "the other log", func() bool { return d.at == head })
			r.mu.Lock()
			defer r.mu.Unlock()
			if known {
				if len(r.lost["one"]) != 0 || len(r.noted["one"]) != 702 {
					t.Errorf("%d changes are brought, %d noted", len(r.lost["one"]), len(r.noted["one"]))
				}
				return
			}
			for i, c := range r.lost["one"] {
				if want := h.changes[1+i]; c.Number != want.Number || string(c.Content) != string(want.Content) {
					t.Errorf("change %d is brought with %d bytes, want change %d with %d", c.Number, len(c.Content), want.Number, len(want.Content))
				}
			}
			if n := len(r.lost["one"]); n != 702 || r.lost["one"][1].Hash != large.Hash {
				t.Errorf("%d changes are brought", n)
			}
		})
	}
}

type deaf struct {
	*history
	deaf  atomic.Bool
	asked atomic.Int64
}

func (d *deaf) ReportLost(ctx context.Context, node string, changes []fairlead.Change) ([]fairlead.Change, error) {
	d.asked.Add(1)
	if d.deaf.Load() {
		return nil, fairlead.Errorf(fairlead.CodeControlUnavailable, "no database")
	}
	return d.history.ReportLost(ctx, node, changes)
}

// TestAltered holds that a change whose content was altered on the way is refused, said, and taken when it comes sound.
func TestAltered(t *testing.T) {
	h, d := newHistory("log"), newDisk()
	b := startBus(t, bus.Options{})
	serve(t, b, h, "one")
	refused := make(chan int64, 100)
	follow(t, b, d, bus.FollowOptions{Refused: func(n int64) { refused <- n }})
	h.key("a")
	d.reach(t, 1)
	h.set(func() { h.bend = func(c *fairlead.Change) { c.By = "mallory" } })
	c := h.key("b")
	c.By = "mallory"
	b.Publish(c)
	receive(t, refused) // of the feed, or of the first fetch
	receive(t, refused) // and the fetch brings the same
	if at, _ := d.Position(t.Context()); at.Number != 1 {
		t.Errorf("the replica stands at %d", at.Number)
	}
	h.set(func() { h.bend = nil })
	d.reach(t, 2)
}

// TestGarbageOnTheFeed holds that what is no frame harms nothing.
func TestGarbageOnTheFeed(t *testing.T) {
	h, d := newHistory("log"), newDisk()
	b := startBus(t, bus.Options{})
	follow(t, b, d, bus.FollowOptions{})
	for _, g := range []fairlead.Change{{}, {Number: -1}, {Number: 1 << 62}, {Number: 2, Kind: "key"}} {
		b.Publish(g)
	}
	serve(t, b, h, "one")
	h.key("a")
	d.reach(t, 1)
}

// TestCopy holds that a whole copy has everything, what was written meanwhile included, and is made again after a node
// was restarted in the middle of it.
func TestCopy(t *testing.T) {
	h, d := newHistory("log"), newDisk()
	b := startBus(t, bus.Options{})
	for i := range 20_100 {
		h.key(fmt.Sprint(i))
	}
	h.document(`{"x":"` + strings.Repeat("y", 600_000) + `"}`)
	h.secrets = []fairlead.SealedSecret{{Name: "s", Version: 3, Sealed: []byte("sealed")}}
	serve(t, b, h, "one")
	for _, point := range []string{"begin", "3000 keys", "state"} {
		ctx, cancel := context.WithCancel(t.Context())
		check(t, bus.Follow(ctx, b, d, bus.FollowOptions{Loading: func(what string) {
			if what == point {
				cancel()
			}
		}}))
		cancel()
		if at, _ := d.Position(t.Context()); at.Number != 0 || d.commits > 0 || len(d.keys) > 0 {
			t.Fatalf("after an end at %q the replica stands at %d with %d keys", point, at.Number, len(d.keys))
		}
	}
	var mu sync.Mutex
	var told []string
	meanwhile := sync.OnceFunc(func() { h.key("meanwhile") })
	follow(t, b, d, bus.FollowOptions{Loading: func(what string) {
		mu.Lock()
		defer mu.Unlock()
		if told = append(told, what); what == "9000 keys" {
			meanwhile()
		}
	}})
	d.reach(t, 20_102)
	if d.commits != 1 || d.copies < 3 {
		t.Errorf("%d copies were begun and %d put in place", d.copies, d.commits)
	}
	if len(d.keys) != 20_101 || len(d.state.Document) < 600_000 || d.state.Revision != 1 || len(d.secrets) != 1 || d.secrets[0].Version != 3 {
		t.Errorf("the copy has %d keys, a document of %d bytes, revision %d, secrets %v", len(d.keys), len(d.state.Document), d.state.Revision, d.secrets)
	}
	eventually(t, "the end of loading", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return told[len(told)-1] == ""
	})
	mu.Lock()
	defer mu.Unlock()
	for _, want := range []string{"begin", "3000 keys", "20101 keys", "state", "change 20102 of 20102"} {
		if !slices.Contains(told, want) {
			t.Errorf("loading did not tell %q of %q", want, told)
		}
	}
}

// TestFullDisk holds that an edge whose disk takes nothing goes on when it does.
func TestFullDisk(t *testing.T) {
	h, d := newHistory("log"), newDisk()
	d.fail = errors.New("disk full")
	b := startBus(t, bus.Options{})
	serve(t, b, h, "one")
	follow(t, b, d, bus.FollowOptions{})
	b.Publish(h.key("a"))
	eventually(t, "the third try", func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.refusals > 2
	})
	d.mu.Lock()
	d.fail = nil
	d.mu.Unlock()
	d.reach(t, 1)
}

// TestStale holds that an edge says when it hears nothing, and when it hears again.
func TestStale(t *testing.T) {
	h := newHistory("log")
	b := startBus(t, bus.Options{})
	stale := make(chan bool, 100)
	follow(t, b, newDisk(), bus.FollowOptions{Stale: func(s bool) { stale <- s }})
	if !receive(t, stale) {
		t.Error("it hears what nobody says")
	}
	stop := serve(t, b, h, "one")
	if receive(t, stale) {
		t.Error("it is stale twice")
	}
	stop()
	if !receive(t, stale) {
		t.Error("it is well twice")
	}
	// A log that cannot be read gives no beat either.
	h.set(func() { h.fail = fairlead.Errorf(fairlead.CodeControlUnavailable, "no database") })
	stop = serve(t, b, h, "one")
	h.set(func() { h.fail = nil })
	if receive(t, stale) {
		t.Error("it is stale twice")
	}
	h.set(func() { h.fail = fairlead.Errorf(fairlead.CodeControlUnavailable, "no database") })
	if !receive(t, stale) {
		t.Error("it is well without a log")
	}
	stop()
}

// TestPartition holds that an edge that was cut off has all ten thousand changes that it missed after it is healed, with
// few fetches and in order, while others are not disturbed.
func TestPartition(t *testing.T) {
	f := newFleet(t)
	one := f.control("one", bus.Options{ClusterListen: "127.0.0.1:0"})
	two := f.control("two", bus.Options{ClusterListen: "127.0.0.1:0", ClusterJoin: []string{one.ClusterAddress()}})
	p1, p2 := newProxy(t, one.Address()), newProxy(t, two.Address())
	id := f.join("paris", p1.address(), p2.address())
	d, near := newDisk(), newDisk()
	edge := f.edge(id)
	stale := make(chan bool, 100)
	var fetches atomic.Int64
	follow(t, edge, d, bus.FollowOptions{
		Stale:   func(s bool) { stale <- s },
		Fetched: func(changes, _ int) { fetches.Add(int64(min(changes, 1))) },
	})
	follow(t, one, near, bus.FollowOptions{})
	f.h.key("before")
	d.reach(t, 2)
	p1.cut() // the other way is still there
	one.Publish(f.h.key("by the other way"))
	d.reach(t, 3)
	p2.cut()
	for !receive(t, stale) {
	}
	fetches.Store(0)
	for i := range 10_000 {
		c := f.h.key(fmt.Sprint("k", i))
		if i%2 == 0 {
			one.Publish(c)
		} else {
			two.Publish(c)
		}
	}
	near.reach(t, 10_003)
	p2.heal()
	d.reach(t, 10_003)
	for receive(t, stale) {
	}
	if n := fetches.Load(); n > 12 {
		t.Errorf("it took %d fetches", n)
	}
	if d.commits+near.commits > 0 {
		t.Error("it took a whole copy")
	}
}

// TestReport holds that statuses come, the latest wins, and there are not more of them than there may be.
func TestReport(t *testing.T) {
	b := startBus(t, bus.Options{})
	got := make(chan fairlead.NodeStatus, 10_000)
	running(t, "statuses", func(ctx context.Context) error {
		return b.Statuses(ctx, func(s fairlead.NodeStatus) { got <- s })
	})
	eventually(t, "the first", func() bool {
		b.Report(fairlead.NodeStatus{Name: "one"})
		return len(got) > 0
	})
	began, before := time.Now(), len(got)
	for n := range int64(10_000) {
		b.Report(fairlead.NodeStatus{Name: "one", Revision: n + 1, Unresolved: slices.Repeat([]string{strings.Repeat("x", 100)}, 1000)})
	}
	eventually(t, "the latest", func() bool {
		for {
			select {
			case s := <-got:
				if before--; s.Revision == 10_000 {
					if most := int(time.Since(began)/(50*time.Millisecond)) + 2; -before > most {
						t.Errorf("%d statuses came where %d may", -before, most)
					}
					if n := len(s.Unresolved); n != 100 {
						t.Errorf("a large status came with %d references", n)
					}
					return true
				}
			default:
				return false
			}
		}
	})
}

// TestSend holds that a message up is taken by one control node, told its sender's name, and answered.
func TestSend(t *testing.T) {
	f := newFleet(t)
	b := f.control("one", bus.Options{})
	edge := f.edge(f.join("paris", b.Address()))
	eventually(t, "the connection", edge.Connected)
	if _, err := edge.Send(t.Context(), "frame", []byte("x")); fairlead.AsError(err).Code != fairlead.CodeControlUnavailable {
		t.Errorf("without anybody who takes it: %v", err)
	}
	running(t, "receive", func(ctx context.Context) error {
		return b.Receive(ctx, "frame", func(_ context.Context, node string, body []byte) ([]byte, error) {
			if string(body) == "bad" {
				return nil, &fairlead.Error{Code: fairlead.CodeConflict, Message: "another hash", Err: errors.New("inner")}
			}
			return append([]byte(node+" says "), body...), nil
		})
	})
	eventually(t, "an answer", func() bool {
		got, err := edge.Send(t.Context(), "frame", []byte("x"))
		return err == nil && string(got) == "paris says x"
	})
	_, err := edge.Send(t.Context(), "frame", []byte("bad"))
	if e := fairlead.AsError(err); e.Code != fairlead.CodeConflict || e.Message != "another hash" || e.Err != nil {
		t.Errorf("a refusal came as %v", err)
	}
}

// TestAskEndsWithItsConnection holds that nobody waits for an answer that cannot come any more: after a heal that would be
// time lost.
func TestAskEndsWithItsConnection(t *testing.T) {
	f := newFleet(t)
	b := f.control("one", bus.Options{})
	p := newProxy(t, b.Address())
	edge := f.edge(f.join("paris", p.address()))
	eventually(t, "the connection", edge.Connected)
	asked := make(chan struct{}, 10)
	running(t, "receive", func(ctx context.Context) error {
		return b.Receive(ctx, "slow", func(ctx context.Context, _ string, _ []byte) ([]byte, error) {
			asked <- struct{}{}
			<-ctx.Done()
			return nil, nil
		})
	})
	got := make(chan error, 1)
	eventually(t, "the question", func() bool {
		go func() {
			_, err := edge.Send(t.Context(), "slow", nil)
			got <- err
		}()
		select {
		case <-asked:
			return true
		case err := <-got: // nobody takes it yet
			return err == nil
		}
	})
	p.cut()
	if err := receive(t, got); !errors.Is(err, context.Canceled) {
		t.Errorf("the end of the connection ended it with: %v", err)
	}
}
