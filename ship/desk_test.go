package ship_test

import (
	"context"
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
	out := &harness.Output{}
	log := slog.New(slog.NewTextHandler(out, nil))
	b, err := bus.Start(t.Context(), bus.Options{Name: node, Log: log})
	check(t, err)
	d := &desk{store: s, bus: b, up: ship.Bus{Sender: b}, log: out, Desk: &ship.Desk{Keeper: s, Log: log}}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- b.Receive(ctx, ship.KindFrame, d.Frame) }()
	go func() { ended <- b.Receive(ctx, ship.KindRecords, d.Records) }()
	t.Cleanup(func() {
		cancel()
		check(t, errors.Join(<-ended, <-ended))
		b.Close()
		check(t, s.Close())
	})
	harness.Until(t, "both are received", func() bool {
		_, err := b.Send(t.Context(), ship.KindFrame, []byte("x"))
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
		err := d.up.SendFrame(t.Context(), c.f)
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
	if log := d.log.String(); strings.Count(log, "runs twice") != 1 {
		t.Errorf("the log says %s", log)
	}
	local := ship.Local{Desk: d.Desk, Node: "edge-1", Bus: d.up}
	if err := local.SendFrame(t.Context(), frame("edge-1", 1, "a")); err != nil || d.Stats().Again != 3 {
		t.Errorf("without the bus: %v, %+v", err, d.Stats())
	}
	if err := local.SendFrame(t.Context(), frame("edge-2", 1, "a")); code(err) != fairlead.CodeInvalidRequest {
		t.Errorf("another's without the bus: %v", err)
	}
	entries, err := d.store.Audit(t.Context(), 0, 10)
	if err != nil || len(entries) != 1 || entries[0].Action != "frame.conflict" {
		t.Errorf("audit %+v, %v", entries, err)
	}
	lost := frame("edge-1", 3, "c", "cc")
	lost.Lines, lost.Lost = []byte("c\n"), 1
	if err := d.up.SendFrame(t.Context(), lost); err != nil || d.Stats().Lost != 1 || !strings.Contains(d.log.String(), "lines_lost=1") {
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
	f.Add([]byte("{}\n"))
	f.Add([]byte(`{"node":"edge-2","incarnation":"inc_1","sequence":1,"count":-1}` + "\n\n"))
	f.Add([]byte(`{"node":"edge-1","seconds":[{"second":1}]}` + "\n{}\n"))
	k := &keeper{}
	d := &ship.Desk{Keeper: k, Log: slog.New(slog.DiscardHandler)}
	f.Fuzz(func(t *testing.T, body []byte) {
		*k = keeper{}
		_, err := d.Frame(t.Context(), "edge-1", body)
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

func (k *keeper) TakeFrame(_ context.Context, f fairlead.Frame) (bool, error) {
	if err := f.Check(); err != nil {
		return false, err
	}
	k.frame = &f
	return true, nil
}

func (k *keeper) PutRecords(_ context.Context, b fairlead.RecordBatch) (int, error) {
	k.batch = &b
	return 0, nil
}
