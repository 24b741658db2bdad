package ledger_test

import (
	"bytes"
	"encoding/json"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/ledger"
)

var began = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// tally reads lines in which "ID" stands for the id of an exchange of edge-1, and "OTHER" for one of edge-2.
func tally(lines ...string) *ledger.Tally {
	text := strings.Join(lines, "\n") + "\n"
	text = strings.ReplaceAll(text, `"ID"`, `"`+fairlead.NewExchangeID(fairlead.TagOf("edge-1"), began)+`"`)
	text = strings.ReplaceAll(text, `"OTHER"`, `"`+fairlead.NewExchangeID(fairlead.TagOf("edge-2"), began)+`"`)
	return ledger.Read(&fairlead.Frame{Node: "edge-1", Lines: []byte(text)}, nil)
}

// TestLines has one line each: what it is to the ledger.
func TestLines(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{`{"kind":"charge","id":"ID"}`, "charge"},
		{`{"kind":"charge","id":"ID","account":"acc_1","charge":5,"new":{"a":[1]},"team":""}`, "charge"},
		{` {"id":"ID" , "kind":"ch\u0061rge","input":1.0e2} `, "charge"},
		{`{"kind":"charge","id":"ID","charge":10000000000000}`, "charge"},
		{`{"kind":"charge","id":"ID","charge":10000000000001}`, "unread"},
		{`{"kind":"charge","id":"ID","charge":-1}`, "unread"},
		{`{"kind":"charge","id":"ID","charge":"5"}`, "unread"},
		{`{"kind":"charge","id":"ID","charge":0.5}`, "unread"},
		{`{"kind":"charge","id":"ID","cost":9223372036854775808}`, "unread"},
		{`{"kind":"charge","id":"ID","output":1099511627777}`, "unread"},
		{`{"kind":"charge","id":"ID","estimated":1}`, "unread"},
		{`{"kind":"charge","id":"ID","account":"operator:cash"}`, "unread"},
		{`{"kind":"charge","id":"ID","account":null}`, "unread"},
		{`{"kind":"charge","id":"ID","model":"a\u0000"}`, "unread"},
		{`{"kind":"charge","id":"ID","charge":1,"charge":2}`, "unread"},
		{`{"kind":"charge","id":"req_"}`, "unread"},
		{`{"kind":"charge"}`, "unread"},
		{`{"kind":5}`, "unread"},
		{`{}`, "unread"},
		{`{"kind":"charge","id":"ID"`, "unread"},
		{``, "unread"},
		{"{\"kind\":\"charge\",\"id\":\"ID\",\"model\":\"\xff\"}", "unread"},
		{`{"kind":"charge","id":"OTHER","charge":5,"account":"acc_1"}`, "foreign"},
		{`{"kind":"intent","id":"OTHER"}`, "passed"},
		{`{"kind":"gap","lines":3}`, "passed"},
		{`{"kind":"of later"}`, "passed"},
	} {
		a := tally(c.line)
		got := "passed"
		switch {
		case a.Lines == 1:
			got = "charge"
		case a.Unread == 1:
			got = "unread"
		case a.Foreign == 1:
			got = "foreign"
		}
		if got != c.want {
			t.Errorf("%s is %s, want %s", c.line, got, c.want)
		}
	}
}

func TestTally(t *testing.T) {
	a := tally(
		`{"kind":"charge","id":"ID","account":"b","team":"t","key":"k","model":"m","endpoint":"m@p","input":1,"cache_read":2,"cache_write":3,"output":4,"reasoning":5,"cost":6,"charge":7}`,
		`{"kind":"charge","id":"ID","account":"a","charge":1}`,
		`{"kind":"charge","id":"ID","account":"b","team":"t","key":"k","model":"m","endpoint":"m@p","input":10,"charge":100,"code":"timeout","estimated":true}`,
		`{"kind":"charge","id":"ID","account":"c","charge":0}`,
		`{"kind":"charge","id":"ID","charge":50}`)
	if want := []ledger.Charge{{Account: "a", Amount: 1}, {Account: "b", Amount: 107}}; !reflect.DeepEqual(a.Charges, want) {
		t.Errorf("charges %+v, want %+v", a.Charges, want)
	}
	want := fairlead.UsageRow{
		Minute: began.Unix() / 60, Account: "b", Team: "t", Key: "k", Model: "m", Endpoint: "m@p",
		UsageSum: fairlead.UsageSum{Exchanges: 2, Failures: 1, Estimated: 1, Input: 11, CacheRead: 2, CacheWrite: 3, Output: 4, Reasoning: 5, Cost: 6, Charge: 107},
	}
	if len(a.Usage) != 4 || a.Usage[2] != want || a.Usage[0].Account != "" {
		t.Errorf("usage %+v, want the third %+v", a.Usage, want)
	}
}

// FuzzLine holds that a line which is taken says to encoding/json what it says here.
func FuzzLine(f *testing.F) {
	for _, s := range []string{
		`{"kind":"charge","id":"ID","account":"b","charge":7,"cost":1e3}`, `{"kind":"charge","id":"ID","charge":-0}`, `{"KIND":"x"}`, "\x00", `{"kind":"charge","id":"OTHER"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if bytes.ContainsRune(line, '\n') {
			return
		}
		a := tally(string(line))
		if a.Lines+a.Unread+a.Foreign > 1 || len(a.Usage) != int(a.Lines) {
			t.Fatalf("one line gives %+v", a)
		}
		var l map[string]json.RawMessage
		if a.Lines == 0 {
			return
		}
		text := strings.ReplaceAll(string(line), `"ID"`, `"an id"`)
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("%s is taken: %v", line, err)
		}
		var account string
		if json.Unmarshal(l["account"], &account); account != a.Usage[0].Account {
			t.Errorf("account %q, want %q", a.Usage[0].Account, account)
		}
		charge := new(big.Rat)
		charge.SetString(string(l["charge"]))
		if charge.Cmp(big.NewRat(int64(a.Usage[0].Charge), 1)) != 0 {
			t.Errorf("charge %d, want %s", a.Usage[0].Charge, charge)
		}
	})
}

// BenchmarkRead tallies a frame of 512 lines.
func BenchmarkRead(b *testing.B) {
	var text []byte
	for range 512 {
		text = append(text, `{"kind":"charge","id":"`+fairlead.NewExchangeID(fairlead.TagOf("edge-1"), began)+
			`","at":1,"key":"key_xufprchpbmi8f7h4","account":"acc_xufprchpbmi8f7h4","model":"openai/gpt-4o-mini","revision":7,"endpoint":"openai/gpt-4o-mini@openai","input":30,"output":200,"cost":250,"charge":250,"status":200,"attempts":1}`+"\n"...)
	}
	f := &fairlead.Frame{Node: "edge-1", Lines: text}
	b.ReportAllocs()
	for b.Loop() {
		if ledger.Read(f, nil).Lines != 512 {
			b.Fatal("lines are missing")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*512), "ns/line")
}
