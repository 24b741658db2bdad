//go:build linux

package fleet_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fairlead"
	"fairlead/client"
	"fairlead/test/harness"
)

// TestEvidence holds that what edges answer has its charge lines at control, once, whatever happens on the way; and that
// looking at records holds up nobody.
func TestEvidence(t *testing.T) {
	f := begin(t)
	f.scene("an edge is killed under load", func(t *testing.T) {
		n := f.node("e1")
		e := f.evidenceOf(n)
		for range 3 {
			l := f.load(n, 4)
			n.leave()
			n.signal(unix.SIGKILL)
			<-n.ended
			ids := l.end()
			n.start()
			// Who was being answered at that moment has the intent for sure, and the charge unless its process died first.
			e.want(ids, 4)
		}
	})
	f.scene("control is away for a while", func(t *testing.T) {
		n := f.node("e2")
		for _, c := range f.controls {
			c.kill()
		}
		l := f.load(n, 4)
		harness.Until(t, "much waits", func() bool { return l.count() > 100 })
		ids := l.end()
		for _, c := range f.controls {
			c.launch()
		}
		for _, c := range f.controls {
			c.ready()
		}
		f.evidenceOf(n).want(ids, 0)
	})
	f.scene("an edge's disk is full", func(t *testing.T) { f.fillSpool(t, f.node("e3")) })
	f.scene("fifty look on", func(t *testing.T) { f.fiftyTails(t) })
}

// load asks an edge as fast as it answers.
type load struct {
	stop  context.CancelFunc
	group sync.WaitGroup
	http  *http.Client

	mu  sync.Mutex
	ids []string // of exchanges that were answered
}

func (f *fleet) load(n *node, callers int) *load {
	f.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	l := &load{stop: stop, http: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: callers}}}
	for i := range callers {
		l.group.Go(func() {
			for ctx.Err() == nil {
				a, err := f.ask(ctx, l.http, n, f.key.Secret, i%2 == 0)
				if err != nil {
					pause(ctx, 5*time.Millisecond)
					continue
				}
				l.mu.Lock()
				l.ids = append(l.ids, a.id)
				l.mu.Unlock()
			}
		})
	}
	harness.Until(f.t, n.name+" answers the load", func() bool { return l.count() > 20 })
	return l
}

func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.ids)
}

func (l *load) end() []string {
	l.stop()
	l.group.Wait()
	l.http.CloseIdleConnections()
	return l.ids
}

// evidence is what control has of a node, read as it comes.
type evidence struct {
	f      *fleet
	n      *node
	last   map[string]int64  // incarnation -> sequence
	lines  map[string][2]int // exchange -> intents, charges
	seen   map[string]bool
	frames int
}

func (f *fleet) evidenceOf(n *node) *evidence {
	return &evidence{f: f, n: n, last: map[string]int64{}, lines: map[string][2]int{}, seen: map[string]bool{}}
}

// read reads the frames that came since. No line may stand in two of them, and none may be missing between two.
func (e *evidence) read() {
	e.f.t.Helper()
	folders, err := filepath.Glob(filepath.Join(e.n.data, "spool", "inc_*"))
	check(e.f.t, err)
	for _, folder := range folders {
		key := fairlead.FrameKey{Node: e.n.name, Incarnation: filepath.Base(folder)}
		for more := true; more; {
			key.Sequence = e.last[key.Incarnation]
			list, err := e.f.store.Frames(e.f.root.Context(), key, 50)
			check(e.f.t, err)
			for i := range list {
				e.take(&list[i])
			}
			more = len(list) > 0
		}
	}
}

func (e *evidence) take(f *fairlead.Frame) {
	e.f.t.Helper()
	e.frames++
	if f.Sequence != e.last[f.Incarnation]+1 {
		e.f.t.Errorf("frame %d of %s follows %d", f.Sequence, e.n.name, e.last[f.Incarnation])
	}
	e.last[f.Incarnation] = f.Sequence
	for text := range strings.Lines(string(f.Lines)) {
		if e.seen[text] {
			e.f.t.Errorf("%s: a line stands twice: %s", e.n.name, text)
		}
		e.seen[text] = true
		var l fairlead.ChargeLine
		check(e.f.t, json.Unmarshal([]byte(text), &l))
		of := e.lines[l.ID]
		switch l.Kind {
		case fairlead.LineIntent:
			of[0]++
		case fairlead.LineCharge:
			of[1]++
		}
		e.lines[l.ID] = of
	}
}

// want waits until all that a node wrote before now is at control, and holds that each exchange has one intent and, but for some, one
// charge.
func (e *evidence) want(ids []string, but int) {
	e.f.t.Helper()
	// Lines come in order: with those of a last exchange all are there.
	last := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	a, err := e.f.ask(e.f.root.Context(), last, e.n, e.f.key.Secret, false)
	check(e.f.t, err)
	harness.UntilWithin(e.f.t, time.Minute, "the lines of "+e.n.name+" are at control", func() bool {
		e.read()
		return e.lines[a.id][1] > 0
	})
	open := 0
	for _, id := range ids {
		switch e.lines[id] {
		case [2]int{1, 1}:
		case [2]int{1, 0}:
			open++
		default:
			e.f.t.Errorf("%s has %d intents and charges", id, e.lines[id])
		}
	}
	if open > but {
		e.f.t.Errorf("%d of %d answered exchanges have no charge", open, len(ids))
	}
	e.f.t.Logf("%s: %d exchanges, %d without a charge; %d frames with %d lines", e.n.name, len(ids), open, e.frames, len(e.seen))
}

// fillSpool lets no file of an edge grow: its callers are answered all the same, it says so, and when there is room again what
// could not be written is counted in the spool itself.
func (f *fleet) fillSpool(t *testing.T, n *node) {
	lines, err := filepath.Glob(filepath.Join(n.data, "spool", "inc_*", "*.lines"))
	check(t, err)
	if len(lines) != 1 {
		t.Fatalf("segments %v", lines)
	}
	info, err := os.Stat(lines[0])
	check(t, err)
	full(t, n, uint64(info.Size()))
	many := f.load(n, 8) // the file has room for a while, which was taken before
	harness.UntilWithin(t, time.Minute, "lines are refused, and control knows", func() bool { s := f.spool(n); return s != nil && s.Failing != "" && s.Refused > 20 })
	many.end()
	f.answers(n)
	full(t, n, unix.RLIM_INFINITY)
	harness.Until(t, "lines are taken again, and the gap is told", func() bool {
		text, err := os.ReadFile(lines[0])
		check(t, err)
		s := f.spool(n)
		return s != nil && s.Failing == "" && s.Refused > 20 && strings.Contains(string(text), `"kind":"gap"`)
	})
	f.evidenceOf(n).want(f.load(n, 2).end(), 0)
}

// spool is what an edge says of its spool at control.
func (f *fleet) spool(n *node) *fairlead.SpoolStatus {
	f.t.Helper()
	list, err := f.controls[0].api().Nodes(f.root.Context())
	check(f.t, err)
	for i := range list {
		if list[i].Name == n.name {
			return list[i].Spool
		}
	}
	return nil
}

// fiftyTails has fifty look on while load runs; all see records, and callers go on being answered.
func (f *fleet) fiftyTails(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	var mu sync.Mutex
	rows, notices := make([]int, 50), 0
	for i := range rows {
		group.Go(func() {
			err := f.controls[i%3].api().Tail(ctx, client.RecordFilter{Model: "fake/echo"}, func(r *client.Record, n *client.Notice) error {
				mu.Lock()
				defer mu.Unlock()
				if rows[i]++; n != nil {
					rows[i]--
					notices++
				}
				return nil
			})
			if ctx.Err() == nil {
				t.Errorf("tail %d: %v", i, err)
			}
		})
	}
	l := f.load(f.node("e4"), 4)
	harness.Until(t, "all fifty see records, and what they do not see is counted", func() bool {
		mu.Lock()
		defer mu.Unlock()
		for _, n := range rows {
			if n < 20 {
				return false
			}
		}
		return notices > 50
	})
	page, err := f.controls[0].api().Records(t.Context(), client.RecordFilter{Region: "us"}, 100)
	if err != nil || len(page.Data) != 100 || page.Counts == nil || page.Counts.LeftOut == 0 {
		t.Errorf("%d records, counts %v, %v", len(page.Data), page.Counts, err)
	}
	stop()
	group.Wait()
	f.evidenceOf(f.node("e4")).want(l.end(), 0)
}
