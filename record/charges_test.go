package record_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/record"
	"fairlead/replica/spool"
)

// lines is a spool that takes no line while it is full.
type lines struct {
	list []string
	full bool
}

func (l *lines) Append(line []byte) error {
	if l.full {
		return errors.New("full")
	}
	l.list = append(l.list, string(line))
	return nil
}

func (l *lines) read(t *testing.T) (list []fairlead.ChargeLine) {
	t.Helper()
	for _, s := range l.list {
		var c fairlead.ChargeLine
		if err := json.Unmarshal([]byte(s), &c); err != nil || strings.Contains(s, "\n") {
			t.Fatalf("%q: %v", s, err)
		}
		list = append(list, c)
	}
	return list
}

// TestCharges holds what the lines of an exchange say.
func TestCharges(t *testing.T) {
	r := exchange(func(r *fairlead.Record) {
		r.ID, r.KeyID, r.Served, r.Intended = "req_1", "key_1", `a"\m`, true
		r.Prompt, r.MaxOutput = 70, 512
		r.Usage.AudioInput, r.Usage.AudioOutput, r.Usage.ImageInput, r.Usage.Images = 6, 3, 2, 1
		r.Normal = fairlead.Normal{Prompt: 17, Output: 12}
	})
	to := &lines{}
	c := record.NewCharges(to)
	c.Entered(r)
	before := time.Now().UnixMicro()
	c.Intend(r)
	c.Left(r)
	got := to.read(t)
	if len(got) != 2 {
		t.Fatalf("lines %q", to.list)
	}
	if got[0].At < before || got[0].At > time.Now().UnixMicro() {
		t.Errorf("intended at %d", got[0].At)
	}
	got[0].At = 0
	want := []fairlead.ChargeLine{
		{Kind: fairlead.LineIntent, ID: "req_1", Key: "key_1", Account: "acc_1", Team: "team_1", Model: `a"\m`, Revision: r.Revision, Prompt: 70, MaxOutput: 512},
		{
			Kind: fairlead.LineCharge, ID: "req_1", At: r.Start.Add(r.Duration).UnixMicro(), Key: "key_1", Account: "acc_1", Team: "team_1", Model: `a"\m`, Revision: r.Revision,
			Endpoint: r.Endpoint, Input: r.Usage.Input, CacheRead: r.Usage.CacheRead, CacheWrite: r.Usage.CacheWrite, Output: r.Usage.Output,
			Reasoning: r.Usage.Reasoning, AudioInput: 6, AudioOutput: 3, ImageInput: 2, Images: 1, NormalPrompt: 17, NormalOutput: 12,
			Estimated: r.Usage.Estimated, Cost: r.Cost, Status: r.Status, Code: r.Code, Attempts: fairlead.Made(r.Attempts),
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("lines %q", to.list)
	}
	free := fairlead.USD(0)
	for _, c := range []struct {
		cost *fairlead.USD
		want bool
	}{{nil, false}, {&free, true}} {
		to.list = nil
		r.Cost = c.cost
		record.NewCharges(to).Left(r)
		if strings.Contains(to.list[0], `"cost":0`) != c.want {
			t.Errorf("cost %v: %s", c.cost, to.list[0])
		}
	}
	to.list = nil
	r.Intended = false
	c.Left(r)
	if len(to.list) != 0 {
		t.Errorf("an exchange that was sent nowhere has %q", to.list)
	}
}

// TestGap holds that lines that could not be written are made known.
func TestGap(t *testing.T) {
	to := &lines{full: true}
	c := record.NewCharges(to)
	r := exchange(func(r *fairlead.Record) { r.Intended = true })
	c.Intend(r)
	c.Left(r)
	c.Intend(r)
	to.full = false
	c.Left(r)
	c.Intend(r)
	got := to.read(t)
	if len(got) != 3 || got[0].Kind != fairlead.LineCharge || got[1].Kind != fairlead.LineGap || got[1].Lines != 3 || got[2].Kind != fairlead.LineIntent {
		t.Errorf("lines %q", to.list)
	}
}

// BenchmarkCharges writes both lines of an exchange to a spool.
func BenchmarkCharges(b *testing.B) {
	s, err := spool.Open(b.TempDir(), spool.Options{Node: "edge-1"})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	c, r := record.NewCharges(s), ordinary()
	r.Intended = true
	b.ReportAllocs()
	for b.Loop() {
		c.Intend(r)
		c.Left(r)
	}
}

// BenchmarkRows keeps the record of an ordinary exchange, or counts it.
func BenchmarkRows(b *testing.B) {
	w, r := record.NewRows("edge-1", func() int { return 200 }), ordinary()
	r.Start = time.Now()
	b.ReportAllocs()
	for b.Loop() {
		w.Left(r)
	}
}
