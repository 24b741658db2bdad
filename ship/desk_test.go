package ship_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/bus"
	"fairlead/ship"
	"fairlead/store"
	"fairlead/store/sqlite"
	"fairlead/test/harness"
)

// desk is a desk at a real bus over a real store.
type desk struct {
	*ship.Desk
	store *store.Store
	up    ship.Bus
	bus   *bus.Bus
	log   *harness.Output
}

// newDesk sits in a node whose own frames come over the bus.
func newDesk(t *testing.T, node string) *desk {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "fairlead.db"))
	check(t, err)
	b, err := bus.Start(t.Context(), bus.Options{Name: node})
	check(t, err)
	d := &desk{store: s, bus: b, up: ship.Bus{Sender: b}, log: &harness.Output{}}
	d.Desk = &ship.Desk{Keeper: s, Log: slog.New(slog.NewTextHandler(d.log, nil))}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- b.Receive(ctx, ship.KindFrames, d.Frames) }()
	go func() { ended <- b.Receive(ctx, ship.KindRecords, d.Records) }()
	t.Cleanup(func() {
		cancel()
		check(t, errors.Join(<-ended, <-ended))
		b.Close()
		check(t, s.Close())
	})
	harness.Until(t, "both are received", func() bool {
		_, err := b.Send(t.Context(), ship.KindFrames, []byte("x"))
		_, err2 := b.Send(t.Context(), ship.KindRecords, []byte("x"))
		return code(err) == fairlead.CodeInvalidRequest && code(err2) == fairlead.CodeInvalidRequest
	})
	return d
}

func code(err error) fairlead.Code { return fairlead.AsError(err).Code }

func frame(node string, sequence int64, lines ...string) fairlead.Frame {
	f := fairlead.Frame{Node: node, Incarnation: "inc_1", Sequence: sequence, At: time.UnixMicro(1_800_000_000_000_000).UTC(), Count: len(lines)}
	for _, l := range lines {
		f.Lines = append(append(f.Lines, l...), '\n')
	}
	f.Hash = f.Sum()
	return f
}

// one sends a frame alone.
func one(t *testing.T, up ship.Up, f fairlead.Frame) error {
	t.Helper()
	taken, err := up.SendFrames(t.Context(), []fairlead.Frame{f})
	if (taken == 1) != (err == nil) {
		t.Errorf("%d taken, %v", taken, err)
	}
	return err
}

// TestDeskFrames holds that of several frames each is a unit: those before one that is not taken are kept, none after it is,
// and what is wrong is said once that one is the first.
func TestDeskFrames(t *testing.T) {
	d := newDesk(t, "edge-1")
	a, b, c := frame("edge-1", 1, "a"), frame("edge-1", 2, "b"), frame("edge-1", 3, "c")
	otherB, otherC := frame("edge-1", 2, "x"), frame("edge-1", 3, "y")
	for _, up := range []ship.Up{d.up, ship.Local{Desk: d.Desk, Node: "edge-1", Bus: d.up}} {
		before := d.Stats()
		if taken, err := up.SendFrames(t.Context(), []fairlead.Frame{a, b, c}); taken != 3 || err != nil {
			t.Errorf("all: %d, %v", taken, err)
		}
		if taken, err := up.SendFrames(t.Context(), []fairlead.Frame{a, otherB, otherC}); taken != 1 || (err != nil && code(err) != fairlead.CodeConflict) {
			t.Errorf("a conflict in the middle: %d, %v", taken, err)
		}
		if taken, err := up.SendFrames(t.Context(), []fairlead.Frame{otherB, c}); taken != 0 || code(err) != fairlead.CodeConflict {
			t.Errorf("a conflict: %d, %v", taken, err)
		}
		if taken, err := up.SendFrames(t.Context(), []fairlead.Frame{c, frame("edge-1", 5, "e")}); taken != 1 || err != nil && !errors.As(err, new(*fairlead.FrameGap)) {
			t.Errorf("a gap in the middle: %d, %v", taken, err)
		}
		if st := d.Stats(); st.Conflicts-before.Conflicts != 2 || st.Frames != 3 {
			t.Errorf("stats %+v", st)
		}
	}
	list, err := d.store.Frames(t.Context(), fairlead.FrameKey{Node: "edge-1", Incarnation: "inc_1"}, 10)
	check(t, err)
	if len(list) != 3 || string(list[2].Lines) != "c\n" {
		t.Errorf("kept %+v", list)
	}
}

// TestLargestAsk holds that a message has room for as many lines as a shipper sends at once.
func TestLargestAsk(t *testing.T) {
	d := newDesk(t, "edge-1")
	line := strings.Repeat("x", 999)
	var lines []string
	for range 480 << 10 / 1000 {
		lines = append(lines, line)
	}
	frames := []fairlead.Frame{frame("edge-1", 1, lines...), frame("edge-1", 2, lines...)}
	for _, f := range frames {
		if body, err := f.MarshalBinary(); err != nil || len(body) > f.Size() {
			t.Errorf("%d bytes, said to be %d at most, %v", len(body), f.Size(), err)
		}
	}
	if taken, err := d.up.SendFrames(t.Context(), frames); taken != 2 || err != nil {
		t.Errorf("%d, %v", taken, err)
	}
}

// TestDesk holds what becomes of each frame, and that its sender is told it as such: kept once, refused, or wanted later.
func TestDesk(t *testing.T) {
	d := newDesk(t, "edge-1")
	before := d.Stats()
	altered := frame("edge-1", 3, "c")
	altered.Hash[0]++
	for _, c := range []struct {
		name string
		f    fairlead.Frame
		want string
	}{
		{"the first", frame("edge-1", 1, "a"), ""},
		{"the first again", frame("edge-1", 1, "a"), ""},
		{"a later one", frame("edge-1", 4, "d"), "gap 1"},
		{"the second", frame("edge-1", 2, "b", "bb"), ""},
		{"out of order", frame("edge-1", 1, "a"), ""},
		{"another under its key", frame("edge-1", 2, "x"), "conflict"},
		{"another's", frame("edge-2", 1, "a"), "invalid_request"},
		{"one that was altered", altered, "invalid_request"},
	} {
		err := one(t, d.up, c.f)
		got := ""
		var gap *fairlead.FrameGap
		switch {
		case errors.As(err, &gap):
			got = "gap " + strconv.FormatInt(gap.Last, 10)
		case err != nil:
			got = string(code(err))
		}
		if got != c.want {
			t.Errorf("%s: %q (%v), want %q", c.name, got, err, c.want)
		}
	}
	list, err := d.store.Frames(t.Context(), fairlead.FrameKey{Node: "edge-1", Incarnation: "inc_1"}, 10)
	check(t, err)
	if len(list) != 2 || string(list[0].Lines) != "a\n" || string(list[1].Lines) != "b\nbb\n" {
		t.Errorf("kept %+v", list)
	}
	st := d.Stats()
	if st.Frames != 2 || st.Again != 2 || st.Lines != 3 || st.Conflicts != 1 || st.Refused-before.Refused != 2 {
		t.Errorf("stats %+v", st)
	}
	if log := d.log.String(); !strings.Contains(log, "level=ERROR") || !strings.Contains(log, "runs twice") {
		t.Errorf("the log says %s", log)
	}
	local := ship.Local{Desk: d.Desk, Node: "edge-1", Bus: d.up}
	if err := one(t, local, frame("edge-1", 1, "a")); err != nil || d.Stats().Again != 3 {
		t.Errorf("without the bus: %v, %+v", err, d.Stats())
	}
	if err := one(t, local, frame("edge-2", 1, "a")); code(err) != fairlead.CodeInvalidRequest {
		t.Errorf("another's without the bus: %v", err)
	}
	entries, err := d.store.Audit(t.Context(), 0, 10)
	if err != nil || len(entries) != 1 || entries[0].Action != "frame.conflict" {
		t.Errorf("audit %+v, %v", entries, err)
	}
	lost := frame("edge-1", 3, "c", "cc")
	lost.Lines, lost.Lost = []byte("c\n"), 1
	if err := one(t, d.up, lost); err != nil || d.Stats().Lost != 1 || !strings.Contains(d.log.String(), "lines_lost=1") {
		t.Errorf("a damaged frame: %v, %+v", err, d.Stats())
	}
}

// TestDeskRecords holds that records of a node are kept and that no node speaks for another, and that who listens hears them.
func TestDeskRecords(t *testing.T) {
	d := newDesk(t, "edge-1")
	heard := &harness.Output{}
	stop, err := d.bus.Listen(ship.KindRecords, func(node string, body []byte) { fmt.Fprintf(heard, "%s %s", node, body) })
	check(t, err)
	now := time.Now()
	id := fairlead.NewExchangeID(fairlead.TagOf("edge-1"), now)
	row := `{"id":"` + id + `","at":` + strconv.FormatInt(now.UnixMicro(), 10) + `,"kept":"sample","status":200}` + "\n"
	check(t, d.up.SendRecords(t.Context(), fairlead.RecordBatch{Node: "edge-1", Rows: []byte(row + "{}\n"), Seconds: []fairlead.RecordSecond{{Second: now.Unix(), Seen: 9, LeftOut: 8}}}))
	harness.Until(t, "the batch is heard", func() bool { return strings.Contains(heard.String(), id) })
	stop()
	if r, err := d.store.Record(t.Context(), id); err != nil || r.Status != 200 || r.Node != "edge-1" {
		t.Errorf("record %+v, %v", r, err)
	}
	if st := d.Stats(); st.Batches != 1 || st.Bad != 1 {
		t.Errorf("stats %+v", st)
	}
	if !strings.HasPrefix(heard.String(), "edge-1 {") {
		t.Errorf("heard %q", heard.String())
	}
	if err := d.up.SendRecords(t.Context(), fairlead.RecordBatch{Node: "edge-2", Rows: []byte(row)}); code(err) != fairlead.CodeInvalidRequest {
		t.Errorf("another's: %v", err)
	}
}

// FuzzDesk holds that no bytes of a node are taken for a frame of another, or harm the desk.
func FuzzDesk(f *testing.F) {
	good := frame("edge-1", 1, "a")
	body, err := good.MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add(append(binary.AppendUvarint(nil, uint64(len(body))), body...))
	f.Add([]byte("{}\n"))
	f.Add([]byte(`{"node":"edge-2","incarnation":"inc_1","sequence":1,"count":-1}` + "\n\n"))
	f.Add([]byte(`{"node":"edge-1","seconds":[{"second":1}]}` + "\n{}\n"))
	k := &keeper{}
	d := &ship.Desk{Keeper: k, Log: slog.New(slog.DiscardHandler)}
	f.Fuzz(func(t *testing.T, body []byte) {
		*k = keeper{}
		_, err := d.Frames(t.Context(), "edge-1", body)
		if k.frame != nil && (k.frame.Node != "edge-1" || err != nil) {
			t.Errorf("taken %+v, %v", k.frame, err)
		}
		_, err = d.Records(t.Context(), "edge-1", body)
		if k.batch != nil && (k.batch.Node != "edge-1" || err != nil) {
			t.Errorf("taken %+v, %v", k.batch, err)
		}
	})
}

// keeper takes what a store would be asked to.
type keeper struct {
	frame *fairlead.Frame
	batch *fairlead.RecordBatch
}

func (k *keeper) TakeFrames(_ context.Context, frames []fairlead.Frame) (kept []bool, err error) {
	for i := range frames {
		if err := frames[i].Check(); err != nil {
			return kept, err
		}
		k.frame, kept = &frames[i], append(kept, true)
	}
	return kept, nil
}

func (k *keeper) PutRecords(_ context.Context, b fairlead.RecordBatch) (int, error) {
	k.batch = &b
	return 0, nil
}
