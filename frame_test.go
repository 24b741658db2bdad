package fairlead_test

import (
	"reflect"
	"testing"
	"time"

	"fairlead"
)

func frame() fairlead.Frame {
	f := fairlead.Frame{
		Node: "edge-1", Incarnation: "inc_1", Sequence: 3, At: time.UnixMicro(1_800_000_000_000_001).UTC(), Count: 2,
		Lines: []byte("{\"a\":1}\n{}\n"),
	}
	f.Hash = f.Sum()
	return f
}

// TestFrame holds that a frame comes out as it went in, and that whatever is altered on the way is found.
func TestFrame(t *testing.T) {
	f := frame()
	if err := f.Check(); err != nil {
		t.Fatal(err)
	}
	b, err := f.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var got fairlead.Frame
	if err := got.UnmarshalBinary(b); err != nil || !reflect.DeepEqual(got, f) {
		t.Errorf("read %+v, %v; want %+v", got, err, f)
	}
	for _, c := range []struct {
		name   string
		change func(*fairlead.Frame)
	}{
		{"a line altered", func(f *fairlead.Frame) { f.Lines = []byte("{\"a\":2}\n{}\n") }},
		{"a line left out", func(f *fairlead.Frame) { f.Lines = f.Lines[8:] }},
		{"a line and its count left out", func(f *fairlead.Frame) { f.Lines, f.Count = f.Lines[8:], 1 }},
		{"without a last newline", func(f *fairlead.Frame) { f.Lines = f.Lines[:len(f.Lines)-1] }},
		{"another node", func(f *fairlead.Frame) { f.Node = "edge-2" }},
		{"another incarnation", func(f *fairlead.Frame) { f.Incarnation = "inc_2" }},
		{"another sequence", func(f *fairlead.Frame) { f.Sequence = 4 }},
		{"sequence 0", func(f *fairlead.Frame) { f.Sequence = 0; f.Hash = f.Sum() }},
		{"no node", func(f *fairlead.Frame) { f.Node = ""; f.Hash = f.Sum() }},
		{"no incarnation", func(f *fairlead.Frame) { f.Incarnation = ""; f.Hash = f.Sum() }},
		{"a strange incarnation", func(f *fairlead.Frame) { f.Incarnation = "a\x00b"; f.Hash = f.Sum() }},
		{"more lost than cut", func(f *fairlead.Frame) { f.Lost = 3 }},
		{"lost, but all there", func(f *fairlead.Frame) { f.Lost = 1 }},
		{"too large", func(f *fairlead.Frame) { f.Lines = make([]byte, fairlead.MaxFrame+1); f.Hash = f.Sum() }},
	} {
		f := frame()
		c.change(&f)
		if f.Check() == nil {
			t.Errorf("%s: not found", c.name)
		}
	}
	lost := frame()
	lost.Lines, lost.Lost = lost.Lines[8:], 1
	if err := lost.Check(); err != nil {
		t.Errorf("a frame that says what it lost: %v", err)
	}
}

func FuzzFrame(f *testing.F) {
	one := frame()
	b, err := one.MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte("{}\n"))
	f.Add([]byte("null\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var x fairlead.Frame
		if x.UnmarshalBinary(b) != nil || x.Check() != nil {
			return
		}
		again, err := x.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var y fairlead.Frame
		if err := y.UnmarshalBinary(again); err != nil || y.Check() != nil || y.Hash != x.Hash || y.Key() != x.Key() {
			t.Errorf("%+v became %+v, %v", x, y, err)
		}
	})
}

// TestRecordBatch holds that rows are of the batch's node, and that what is no record is counted.
func TestRecordBatch(t *testing.T) {
	at := time.UnixMilli(1_800_000_000_123)
	id, other := fairlead.NewExchangeID(fairlead.TagOf("edge-1"), at), fairlead.NewExchangeID(fairlead.TagOf("edge-2"), at)
	b := fairlead.RecordBatch{Node: "edge-1", Seconds: []fairlead.RecordSecond{{Second: 1_800_000_000, Seen: 9, Kept: 1, LeftOut: 8}}}
	b.Rows = []byte(`{"id":"` + id + `","node":"edge-2","at":1800000000123456,"kept":"sample","operation":"chat","dialect":"openai","duration":5}` + "\n" +
		"nonsense\n" + `{"id":"req_1","at":1}` + "\n" + `{"id":"` + id + `","at":1}` + "\n" +
		`{"id":"` + other + `","at":1800000000123456}` + "\n")
	p, err := b.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var got fairlead.RecordBatch
	if err := got.UnmarshalBinary(p); err != nil || !reflect.DeepEqual(got, b) {
		t.Fatalf("read %+v, %v", got, err)
	}
	list, bad := got.Records()
	if len(list) != 1 || bad != 4 || list[0].ID != id || list[0].Node != "edge-1" || list[0].Duration != 5 {
		t.Errorf("records %+v, %d bad", list, bad)
	}
	for _, p := range []string{"", "{}", "nonsense\n{}\n"} {
		if err := got.UnmarshalBinary([]byte(p)); err == nil {
			t.Errorf("%q was read as a batch", p)
		}
	}
}
