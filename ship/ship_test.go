package ship_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"fairlead"
	"fairlead/record"
	"fairlead/replica/spool"
	"fairlead/ship"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// control stands for the other side: it keeps frames by key, as a store does, and fails as it is told.
type control struct {
	mu      sync.Mutex
	frames  map[fairlead.FrameKey]fairlead.Frame
	last    map[string]int64
	order   []fairlead.Frame
	batches []fairlead.RecordBatch
	fail    func(f *fairlead.Frame) error
	refuse  error // batches
	tries   int
	most    int           // frames that came at once
	delay   time.Duration // of an ask and its answer
}

func newControl() *control {
	return &control{frames: map[fairlead.FrameKey]fairlead.Frame{}, last: map[string]int64{}}
}

func (c *control) SendFrames(_ context.Context, frames []fairlead.Frame) (taken int, err error) {
	time.Sleep(c.delay)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tries++
	c.most = max(c.most, len(frames))
	for _, f := range frames {
		if err := c.take(f); err != nil {
			return taken, err
		}
		taken++
	}
	return taken, nil
}

func (c *control) take(f fairlead.Frame) error {
	if err := f.Check(); err != nil {
		return err
	}
	if c.fail != nil {
		if err := c.fail(&f); err != nil {
			return err
		}
	}
	if have, ok := c.frames[f.Key()]; ok {
		if have.Hash != f.Hash {
			return fairlead.Errorf(fairlead.CodeConflict, "another frame")
		}
		return nil
	}
	if f.Sequence > c.last[f.Incarnation]+1 && !f.Gap {
		return &fairlead.FrameGap{Last: c.last[f.Incarnation]}
	}
	c.frames[f.Key()], c.last[f.Incarnation] = f, f.Sequence
	c.order = append(c.order, f)
	return nil
}

func (c *control) SendRecords(_ context.Context, b fairlead.RecordBatch) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.refuse; err != nil {
		c.refuse = nil
		return err
	}
	c.batches = append(c.batches, b)
	return nil
}

func (c *control) lines() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []string
	for _, f := range c.order {
		list = append(list, strings.Fields(string(f.Lines))...)
	}
	return list
}

// world is a spool whose frames are sent to a control.
type world struct {
	spool   *spool.Spool
	control *control
	rows    *record.Rows
	wrote   int
}

// begin starts a shipper; it is stopped before what comes after it is closed.
func begin(t *testing.T, s *spool.Spool, c *control) *world {
	w := &world{spool: s, control: c, rows: record.NewRows("edge-1", func() int { return 100 })}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		(&ship.Shipper{Frames: s, Records: w.rows, Up: c, Log: slog.New(slog.DiscardHandler)}).Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		check(t, s.Close())
	})
	return w
}

func open(t *testing.T, dir string) *spool.Spool {
	t.Helper()
	s, err := spool.Open(dir, spool.Options{Node: "edge-1", Lines: 2})
	check(t, err)
	return s
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// write appends lines and lets time pass until they are in frames.
func (w *world) write(t *testing.T, n int) {
	t.Helper()
	for range n {
		w.wrote++
		check(t, w.spool.Append(fmt.Appendf(nil, "line-%d", w.wrote)))
		if w.wrote%2 == 0 {
			time.Sleep(time.Second) // of the bubble
		}
	}
	time.Sleep(time.Minute)
	synctest.Wait()
}

func numbered(from, to int) string {
	var list []string
	for i := from; i <= to; i++ {
		list = append(list, fmt.Sprintf("line-%d", i))
	}
	return strings.Join(list, " ")
}

func (w *world) want(t *testing.T, what, lines string) {
	t.Helper()
	if got := strings.Join(w.control.lines(), " "); got != lines {
		t.Errorf("%s: control has %q, want %q", what, got, lines)
	}
}

// TestOnceInOrder holds that frames arrive once and in order, whatever fails on the way: the request, or its answer.
func TestOnceInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newControl()
		w := begin(t, open(t, t.TempDir()), c)
		w.write(t, 4)
		w.want(t, "all goes well", numbered(1, 4))
		left := 5
		c.fail = func(*fairlead.Frame) error {
			if left--; left > 0 {
				return errors.New("nobody answers")
			}
			return nil
		}
		w.write(t, 4)
		w.want(t, "requests are lost", numbered(1, 8))
		lost := map[int64]bool{}
		c.fail = func(f *fairlead.Frame) error { // taken, but the answer does not come
			if lost[f.Sequence] {
				return nil
			}
			lost[f.Sequence], c.frames[f.Key()], c.last[f.Incarnation] = true, *f, f.Sequence
			c.order = append(c.order, *f)
			return context.DeadlineExceeded
		}
		w.write(t, 4)
		w.want(t, "answers are lost", numbered(1, 12))
		if st := w.spool.Stats(); st.Acked != st.Last || st.Last < 6 {
			t.Errorf("stats %+v", st)
		}
	})
}

// TestFarControl holds that frames go up as fast as they are made where an answer takes long: those that waited meanwhile go
// together, as far as a message has room.
func TestFarControl(t *testing.T) {
	for _, c := range []struct {
		name  string
		bytes int // of a line; a frame has two
		every time.Duration
		most  int // that fit into an ask
	}{
		{"small", 10, 10 * time.Millisecond, 64},
		{"large", 10_000, 20 * time.Millisecond, 960 << 10 / 20_000},
		{"one fills more than half", 15_000, 50 * time.Millisecond, 960 << 10 / 30_000},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				up := newControl()
				up.delay = 250 * time.Millisecond
				w := begin(t, open(t, t.TempDir()), up)
				const frames = 400
				line := strings.Repeat("x", c.bytes)
				for range frames {
					check(t, w.spool.Append([]byte(line)))
					check(t, w.spool.Append([]byte(line)))
					time.Sleep(c.every)
				}
				time.Sleep(2 * up.delay) // one ask may just have left without the last frame
				synctest.Wait()
				if st := w.spool.Stats(); st.Acked != st.Last || st.Last < frames/3 || len(up.lines()) != 2*frames {
					t.Errorf("%d lines of %d arrived, stats %+v", len(up.lines()), 2*frames, st)
				}
				if up.most < 2 || up.most > c.most {
					t.Errorf("%d frames at once", up.most)
				}
			})
		})
	}
}

// TestPatience holds that a control that is away is asked ever less often, and that what waited comes at once when it
// is back.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newControl()
		c.fail = func(*fairlead.Frame) error { return errors.New("away") }
		w := begin(t, open(t, t.TempDir()), c)
		w.write(t, 20)
		time.Sleep(time.Hour)
		c.mu.Lock()
		tries := c.tries
		c.fail = nil
		c.mu.Unlock()
		if tries < 200 || tries > 700 {
			t.Errorf("asked %d times in an hour", tries)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		w.want(t, "back", numbered(1, 20))
	})
}

// TestRestoredControl holds that a control that lacks frames gets them again, as far as they are kept.
func TestRestoredControl(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newControl()
		w := begin(t, open(t, t.TempDir()), c)
		w.write(t, 6)
		c.restore()
		w.write(t, 2)
		w.want(t, "restored", numbered(1, 8))
		for _, f := range c.order {
			if f.Gap {
				t.Errorf("frame %d has a gap before it", f.Sequence)
			}
		}
	})
}

// TestRestoredControlOfIdleEdge holds that an edge which has nothing new to send finds out, too, where it looks.
func TestRestoredControlOfIdleEdge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newControl()
		w := begin(t, open(t, t.TempDir()), c)
		check(t, w.spool.Again()) // there is nothing yet
		w.write(t, 6)
		c.restore()
		check(t, w.spool.Again())
		w.write(t, 0)
		w.want(t, "restored", numbered(1, 6))
		tries := c.tries
		check(t, w.spool.Again())
		w.write(t, 0)
		if w.want(t, "as it was", numbered(1, 6)); c.tries != tries+1 {
			t.Errorf("%d frames were sent to find out that control has them", c.tries-tries)
		}
		if st := w.spool.Stats(); st.Acked != st.Last {
			t.Errorf("stats %+v", st)
		}
	})
}

// restore is a restore from a backup after the first frame.
func (c *control) restore() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key := range c.frames {
		if key.Sequence > 1 {
			delete(c.frames, key)
		}
		c.last[key.Incarnation] = 1
	}
	c.order = c.order[:1]
}

// TestConflict holds that an edge whose frames control knows otherwise begins a new incarnation, and that no line of
// its own is lost over it.
func TestConflict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newControl()
		s := open(t, t.TempDir())
		old := s.Stats().Incarnation
		other := fairlead.Frame{Node: "edge-1", Incarnation: old, Sequence: 1, Count: 1, Lines: []byte("of-the-copy\n")}
		other.Hash = other.Sum()
		check(t, c.take(other))
		w := begin(t, s, c)
		w.write(t, 4)
		w.want(t, "conflict", "of-the-copy "+numbered(1, 4))
		if st := s.Stats(); st.Incarnation == old || st.Aside != 0 {
			t.Errorf("stats %+v", st)
		}
	})
}

// kept is a source of frames that keeps few of them.
type kept struct {
	*spool.Spool
	oldest int64
}

func (k *kept) Rewind(after int64) (int64, error) { return k.Spool.Rewind(max(after, k.oldest-1)) }

// TestGap holds that a control that lacks frames which nobody has any more is told, and goes on.
func TestGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newControl()
		s := open(t, t.TempDir())
		w := &world{spool: s, control: c, rows: record.NewRows("edge-1", func() int { return 1 })}
		w.write(t, 6)
		f, err := s.Frame(4)
		_ = f
		if err == nil {
			t.Fatal("there are more frames than lines make")
		}
		check(t, s.Ack(s.Stats().Incarnation, 2))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			(&ship.Shipper{Frames: &kept{s, 3}, Records: w.rows, Up: c, Log: slog.New(slog.DiscardHandler)}).Run(ctx)
		}()
		time.Sleep(time.Minute)
		synctest.Wait()
		w.want(t, "gap", numbered(5, 6))
		if len(c.order) != 1 || !c.order[0].Gap {
			t.Errorf("frames %+v", c.order)
		}
		cancel()
		<-done
		check(t, s.Close())
	})
}

// TestRecords holds that a batch is sent again where that can help, and dropped where control refuses it.
func TestRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			err  error
			want int // batches
		}{{nil, 1}, {errors.New("away"), 1}, {fairlead.Errorf(fairlead.CodeInvalidRequest, "no"), 0}} {
			up := newControl()
			up.refuse = c.err
			w := begin(t, open(t, t.TempDir()), up)
			cost := fairlead.USD(5)
			w.rows.Left(&fairlead.Record{Request: fairlead.Request{ID: "req_1", Operation: fairlead.OpChat}, Start: time.Now(), Cost: &cost})
			time.Sleep(time.Minute)
			synctest.Wait()
			up.mu.Lock()
			if len(up.batches) != c.want {
				t.Errorf("%v: %d batches, want %d", c.err, len(up.batches), c.want)
			}
			up.mu.Unlock()
		}
	})
}
