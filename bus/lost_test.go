package bus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"fairlead"
)

// keeping is a log that keeps what is reported.
type keeping struct {
	Log
	kept []fairlead.Change
	acts []fairlead.Act
	fail error
}

func (k *keeping) HasChange(_ context.Context, number int64, hash fairlead.Hash) (bool, error) {
	return (number == 0) == (hash == fairlead.Hash{}) && number < 100, nil
}

func (k *keeping) Note(_ context.Context, act fairlead.Act) error {
	k.acts = append(k.acts, act)
	return nil
}

func (k *keeping) ReportLost(_ context.Context, _ string, changes []fairlead.Change) ([]fairlead.Change, error) {
	if k.fail == nil {
		k.kept = append(k.kept, changes...)
	}
	return nil, k.fail
}

// lostNow is when reports of these tests come.
var lostNow = time.Unix(1000, 0).UTC()

func (k *keeping) source() *source {
	b := &Bus{o: Options{Log: slog.New(slog.DiscardHandler), Clock: func() time.Time { return lostNow }}}
	return &source{b: b, log: k, uploads: newUploads()}
}

// chained makes changes with these contents, each behind the one before.
func chained(contents ...string) (list []lostChange) {
	return chainedAfter(fairlead.Position{}, lostNow, contents...)
}

// chainedAfter makes changes with these contents behind a position.
func chainedAfter(at fairlead.Position, when time.Time, contents ...string) (list []lostChange) {
	for i, text := range contents {
		c := fairlead.Change{Number: at.Number + int64(i+1), Kind: fairlead.ChangeKey, At: when, By: "admin", Content: []byte(text)}
		before := at.Hash
		if i > 0 {
			before = list[i-1].Hash
		}
		c.Hash = c.Chain(before)
		list = append(list, lostChange{heard{Change: c}, before})
	}
	return list
}

// whole is a report of changes behind a position.
func whole(common fairlead.Position, list ...lostChange) lostReport {
	return lostReport{common: common, at: list[len(list)-1].Number, changes: list}
}

// TestUnsoundLost holds that nothing is kept as evidence that is not what its hash says, or not where the report puts it, and that the
// audit has who brought it.
func TestUnsoundLost(t *testing.T) {
	ten := fairlead.Position{Number: 10, Hash: fairlead.Hash{10}}
	for _, c := range []struct {
		name string
		bend func(r *lostReport)
		kept int
	}{
		{"sound", func(*lostReport) {}, 3},
		{"with a gap", func(r *lostReport) { r.changes = append(r.changes[:1], r.changes[2]) }, 2},
		{"behind a gap", func(r *lostReport) { r.changes = r.changes[1:] }, 2},
		{"the one before is forgotten", func(r *lostReport) { r.changes[1].before = fairlead.Hash{} }, 0},
		{"without content", func(r *lostReport) { r.changes[1].Content = nil }, 0},
		{"another content", func(r *lostReport) { r.changes[1].Content = []byte("{}") }, 0},
		{"another author", func(r *lostReport) { r.changes[1].By = "mallory" }, 0},
		{"far beyond where the edge is", func(r *lostReport) {
			r.changes = chainedAfter(fairlead.Position{Number: 1_000_002, Hash: fairlead.Hash{5}}, lostNow, "{}")
		}, 0},
		{"beyond, with the one before forgotten", func(r *lostReport) {
			c := chainedAfter(fairlead.Position{Number: 1_000_002}, lostNow, "{}")
			r.changes, r.at = c, 1_000_003
		}, 0},
		{"not after what both have", func(r *lostReport) {
			r.changes = chainedAfter(fairlead.Position{Number: 9, Hash: fairlead.Hash{5}}, lostNow, "{}")
		}, 0},
		{"not in order", func(r *lostReport) { r.changes[0], r.changes[2] = r.changes[2], r.changes[0] }, 0},
		{"twice", func(r *lostReport) { r.changes[1] = r.changes[0] }, 0},
		{"not behind what both have", func(r *lostReport) { r.common.Hash = fairlead.Hash{9} }, 0},
		{"not behind the one before", func(r *lostReport) {
			r.changes = append(r.changes[:1], chainedAfter(fairlead.Position{Number: 11, Hash: fairlead.Hash{5}}, lostNow, "{}")...)
		}, 0},
		{"behind what the log has not", func(r *lostReport) {
			*r = whole(fairlead.Position{Number: 200, Hash: fairlead.Hash{10}}, chainedAfter(fairlead.Position{Number: 200, Hash: fairlead.Hash{10}}, lostNow, "{}")...)
		}, 0},
		{"of a clock a little ahead", func(r *lostReport) { r.changes = chainedAfter(ten, lostNow.Add(10*time.Minute), "{}") }, 1},
	} {
		log := &keeping{}
		s := log.source()
		r := whole(ten, chainedAfter(ten, lostNow, `{"a":1}`, `{"b":2}`, `{"c":3}`)...)
		c.bend(&r)
		for range 2 {
			_, err := s.lost(t.Context(), "paris", encodeLost(r))
			if (err == nil) != (c.kept > 0) {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		if len(log.kept) != 2*c.kept {
			t.Errorf("%s: kept %d", c.name, len(log.kept))
		}
		if refused := len(log.acts) == 1 && log.acts[0].By == "paris" && log.acts[0].Action == "log.refused"; refused != (c.kept == 0) {
			t.Errorf("%s: audit %+v", c.name, log.acts)
		}
	}
}

// TestLateLost holds that a change which is dated after now is left out of what is kept, and does not keep the rest.
func TestLateLost(t *testing.T) {
	log := &keeping{}
	first := chained("{}")[0]
	late := chainedAfter(fairlead.Position{Number: 1, Hash: first.Hash}, lostNow.Add(time.Hour), "{}")[0]
	if _, err := log.source().lost(t.Context(), "paris", encodeLost(whole(fairlead.Position{}, first, late))); err != nil {
		t.Error(err)
	}
	if len(log.kept) != 1 || log.kept[0].Number != 1 || len(log.acts) != 1 || log.acts[0].Why != "dated after now" {
		t.Errorf("kept %d, audit %+v", len(log.kept), log.acts)
	}
}

// TestLargeLost holds that a large content is kept once it is whole, whoever brings its pieces, in whatever order and however often.
func TestLargeLost(t *testing.T) {
	log := &keeping{}
	s := log.source()
	text := string(bytes.Repeat([]byte("0123456789"), 10))
	l := chained(text)[0]
	send := func(from, to int, content string) (have int64, kept bool) {
		t.Helper()
		answer, err := s.lostPiece(t.Context(), "paris", encodeLargeLost(whole(fairlead.Position{}, l), &piece{Size: 100, Offset: int64(from), Part: []byte(content[from:to])}))
		if err != nil {
			return -1, false
		}
		var told tellTaken
		if err := json.Unmarshal(answer, &told); err != nil {
			t.Fatal(err)
		}
		return told.Have, told.Kept
	}
	for i, c := range []struct {
		from, to int
		content  string
		have     int64
		kept     bool
	}{
		{30, 60, text, 0, false}, // it has nothing yet
		{0, 30, text, 30, false},
		{0, 30, text, 30, false}, // again
		{20, 50, text, 50, false},
		{80, 100, text, 50, false},
		{50, 100, "x" + text[1:50] + "y" + text[51:], -1, false}, // wrong: all is dropped
		{100, 100, text, 0, false},
		{0, 100, text, 100, true},
		{100, 100, text, 100, true}, // of another edge
		{0, 30, text, 100, true},
	} {
		if have, kept := send(c.from, c.to, c.content); have != c.have || kept != c.kept {
			t.Errorf("%d: %d bytes are there, kept %v", i, have, kept)
		}
	}
	if len(log.kept) != 3 || string(log.kept[0].Content) != text {
		t.Errorf("kept %d changes", len(log.kept))
	}
	for _, p := range []piece{{Size: 0}, {Size: lostLargest + 1}, {Size: 5, Offset: -1}, {Size: 5, Offset: 6}, {Size: 5, Offset: 3, Part: []byte("abc")}} {
		if _, err := s.lostPiece(t.Context(), "paris", encodeLargeLost(whole(fairlead.Position{}, l), &p)); fairlead.AsError(err).Code != fairlead.CodeInvalidRequest {
			t.Errorf("%+v: %v", p, err)
		}
	}
	log.fail = errors.New("away") // what is there stays for the next try
	if have, _ := send(100, 100, text); have != -1 {
		t.Errorf("%d bytes are there", have)
	}
	log.fail = nil
	if have, kept := send(100, 100, text); have != 100 || !kept {
		t.Errorf("%d bytes are there", have)
	}
}

// TestLostWithin holds that a report fits into a message.
func TestLostWithin(t *testing.T) {
	for _, size := range []int{1, 100, 5000, wholeLimit} {
		contents := slices.Repeat([]string{string(bytes.Repeat([]byte("x"), size))}, lostPage)
		list := chained(contents...)
		page := lostWithin(list)
		if n := len(encodeLost(whole(fairlead.Position{}, page...))); len(page) == 0 || n > 1<<20 || (len(page) < len(list) && n < pageBytes/2) {
			t.Errorf("%d changes of %d bytes come to %d", len(page), size, n)
		}
	}
	list := chained("a", "b", string(bytes.Repeat([]byte("x"), wholeLimit+1)), "c")
	if n := len(lostWithin(list)); n != 2 {
		t.Errorf("%d changes before a large one", n)
	}
	for _, l := range list {
		r := whole(fairlead.Position{Number: 3, Hash: fairlead.Hash{4}}, l)
		back, err := decodeLost(encodeLost(r))
		if err != nil || fmt.Sprint(back) != fmt.Sprint(r) {
			t.Errorf("change %d is another: %v", l.Number, err)
		}
	}
}
