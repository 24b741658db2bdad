package bus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"fairlead"
)

// keeping is a log that keeps what is reported.
type keeping struct {
	Log
	kept []fairlead.Change
	fail error
}

func (k *keeping) ReportLost(_ context.Context, _ string, changes []fairlead.Change) (fairlead.Change, error) {
	if k.fail == nil {
		k.kept = append(k.kept, changes...)
	}
	return fairlead.Change{}, k.fail
}

// chained makes changes with these contents, each behind the one before.
func chained(contents ...string) (list []lostChange) {
	before := fairlead.Hash{}
	for i, text := range contents {
		c := fairlead.Change{Number: int64(i + 1), Kind: fairlead.ChangeKey, At: time.Unix(1, 0).UTC(), By: "admin", Content: []byte(text)}
		c.Hash = c.Chain(before)
		list = append(list, lostChange{heard{Change: c}, before})
		before = c.Hash
	}
	return list
}

// TestUnsoundLost holds that nothing is kept as evidence that is not what its hash says.
func TestUnsoundLost(t *testing.T) {
	forgotten := func(l *lostChange) { l.before = fairlead.Hash{} }
	for _, c := range []struct {
		name string
		bend func(l *lostChange)
		kept int
	}{
		{"sound", func(*lostChange) {}, 2},
		{"the one before is forgotten", forgotten, 2},
		{"without content", func(l *lostChange) { l.Content = nil }, 0},
		{"without content, and the one before is forgotten", func(l *lostChange) { l.Content = nil; forgotten(l) }, 0},
		{"another content", func(l *lostChange) { l.Content = []byte("{}") }, 0},
		{"another author", func(l *lostChange) { l.By = "mallory" }, 0},
	} {
		log := &keeping{}
		s := &source{log: log}
		list := chained(`{"a":1}`, `{"b":2}`)
		c.bend(&list[1])
		_, err := s.lost(t.Context(), "paris", encodeLost(list))
		if (err == nil) != (c.kept > 0) || len(log.kept) != c.kept {
			t.Errorf("%s: kept %d, %v", c.name, len(log.kept), err)
		}
	}
}

// TestLargeLost holds that a large content is kept once it is whole, whoever brings its pieces, in whatever order and however often.
func TestLargeLost(t *testing.T) {
	log := &keeping{}
	s := &source{log: log, uploads: uploads{values: newValues()}}
	text := string(bytes.Repeat([]byte("0123456789"), 10))
	l := chained(text)[0]
	send := func(from, to int, content string) (have int64, kept bool) {
		t.Helper()
		answer, err := s.lostPiece(t.Context(), "paris", encodeLargeLost(&l, &piece{Size: 100, Offset: int64(from), Part: []byte(content[from:to])}))
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
		if _, err := s.lostPiece(t.Context(), "paris", encodeLargeLost(&l, &p)); fairlead.AsError(err).Code != fairlead.CodeInvalidRequest {
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
		if n := len(encodeLost(page)); len(page) == 0 || n > 1<<20 || (len(page) < len(list) && n < pageBytes/2) {
			t.Errorf("%d changes of %d bytes come to %d", len(page), size, n)
		}
	}
	list := chained("a", "b", string(bytes.Repeat([]byte("x"), wholeLimit+1)), "c")
	if n := len(lostWithin(list)); n != 2 {
		t.Errorf("%d changes before a large one", n)
	}
	for _, l := range list {
		back, err := decodeLost(encodeLost([]lostChange{l}))
		if err != nil || fmt.Sprint(back) != fmt.Sprint([]lostChange{l}) {
			t.Errorf("change %d is another: %v", l.Number, err)
		}
	}
}
